"""Foreign text made harmless before anybody sees it: escape sequences, credentials, odd bytes."""

import re


def redact(text: str) -> str:
    """Return ``text`` without credentials: user info in URLs, authorization headers, tokens."""
    text = re.sub(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@]+@", r"\1***@", text, flags=re.IGNORECASE)
    text = re.sub(r"(authorization:\s*\w+\s+)\S+", r"\1***", text, flags=re.IGNORECASE)
    return re.sub(r"\b(gh[pousr]_|github_pat_)\w+", r"\1***", text)


def visible(text: str) -> str:
    """Return ``text`` with control characters (escape sequences among them) written out."""
    return re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]",
        lambda m: f"\\x{ord(m[0]):02x}",
        text,
    )


def decode(data: bytes) -> str:
    """Return bytes of any encoding as text: UTF-8, and what is not as ``\\xNN``."""
    return visible(data.decode(errors="backslashreplace"))
