"""Foreign text made harmless before anybody sees it: escape sequences, credentials, odd bytes."""

import re


def redact(text: str) -> str:
    """Return ``text`` without credentials: user info in URLs, authorization headers, tokens."""
    text = re.sub(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@]+@", r"\1***@", text, flags=re.IGNORECASE)
    text = re.sub(r"(authorization:\s*\w+\s+)\S+", r"\1***", text, flags=re.IGNORECASE)
    return re.sub(r"\b(gh[pousr]_|github_pat_)\w+", r"\1***", text)


def visible(text: str) -> str:
    """Return ``text`` with control characters written out: escape sequences, turns of direction."""
    return re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]",
        lambda m: f"\\x{ord(m[0]):02x}",
        text,
    )


def decode(data: bytes) -> str:
    """Return bytes of any encoding as text: UTF-8, and what is not as ``\\xNN``."""
    return visible(data.decode(errors="backslashreplace"))


def clipped(text: str, most: int) -> str:
    """Return ``text`` of at most so many characters, and a mark where there were more."""
    return text if len(text) <= most else f"{text[:most]}…"


# letters beyond ASCII are none to GitHub where it looks for the edge of a name
_A = re.ASCII | re.IGNORECASE
_REFERENCES = (
    # a name that is pinged; what stands in a mail address is none, a commit of a repository is
    (re.compile(r"((?<!\w)@(?=\w)|@(?=[0-9a-f]{7}))", _A), "\\1\u200b"),
    (re.compile(r"#(?=\d)"), "#\u200b"),
    (re.compile(r"\b(GH)-(?=\d)", _A), "\\1\u200b-"),
    # GitHub's own way to link one of its pages that leaves no note there
    (re.compile(r"https?://(?:www\.)?github\.com/", _A), "https://redirect.github.com/"),
    # a forge elsewhere has no such way: what it names is no page of it any more
    (
        re.compile(
            r"(https?://(?!redirect\.github\.com/)[^\s<>]*"
            r"/(?:issues|pulls?|discussions|merge_requests|commits?)/)(?=\w)",
            _A,
        ),
        "\\1\u200b",
    ),
)


def quiet(message: str) -> str:
    """Return a commit's message that pings nobody, and neither notes nor closes an issue.

    A fork branch is pushed anew each night, and GitHub tells each new commit to whatever its
    message names: "#1" in a fork is upstream's, too. Read aloud it is the same text.
    """
    for pattern, without in _REFERENCES:
        message = pattern.sub(without, message)
    return message
