"""Upstream's words in our Markdown: shown as they are, but they ping, link and close nothing.

What GitHub makes of plain text: ``@name`` pings, ``#1``, ``GH-1``, ``owner/repo#1`` and commit ids
link (with "fixes" before them they close), URLs and e-mail addresses link, ``:art:`` is a picture.
A zero-width space in their midst undoes each of them and is not seen. In code nothing of it counts.
"""

import html
import re

from forkbot.text import visible

_BREAK = "\u200b"
_BROKEN = (
    (re.compile(r"([@#])(?=\w)"), rf"\1{_BREAK}"),
    (re.compile(r"\b(GH)-(?=\d)", re.IGNORECASE), rf"\1{_BREAK}-"),
    (re.compile(r":(?=//|[\w+-]+:)"), rf":{_BREAK}"),
    (re.compile(r"\b(www)\.", re.IGNORECASE), rf"\1{_BREAK}."),
    (re.compile(r"\b(mailto|xmpp):", re.IGNORECASE), rf"\1{_BREAK}:"),
)
_COMMIT = re.compile(r"\b[0-9a-f]{7,}\b", re.IGNORECASE)
# what means something in the middle of a line; an underscore within a word does not
_SPECIAL = re.compile(r"([\\`*\[\]<>#|~&$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def inline(text: str) -> str:
    """Return foreign text for the middle of a Markdown line or of a table's cell."""
    return _SPECIAL.sub(r"\\\1", _dead(text))


def title(text: str) -> str:
    """Return foreign text for a title, where no Markdown is read but references are."""
    # a joiner does the same, and a page that is too narrow breaks no line there
    return _dead(text).replace(_BREAK, "\u2060")


def in_html(text: str) -> str:
    """Return foreign text for between HTML tags in Markdown, where backslashes escape nothing."""
    return html.escape(_dead(text), quote=True)


def begin(markdown: str) -> str:
    """Return a line of Markdown that begins no list, rule or heading where it begins a block."""
    return re.sub(r"^(?=[-+=])|^(\d{1,9})(?=[.)](?:\s|$))", r"\1\\", markdown)


def _dead(text: str) -> str:
    """Return ``text`` on one line with nothing in it that GitHub would make live."""
    plain = _one_line(text)
    for pattern, broken in _BROKEN:
        plain = pattern.sub(broken, plain)
    return _COMMIT.sub(lambda m: re.sub(r"(.{6})(?=.)", rf"\1{_BREAK}", m[0]), plain)


def code(text: str, *, cell: bool = False) -> str:
    """Return foreign text as inline code, whatever backticks it holds; ``cell``: in a table."""
    plain = _one_line(text)
    if not plain:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if plain[0] == "`" or plain[-1] == "`" else ""
    whole = f"{ticks}{pad}{plain}{pad}{ticks}"
    return whole.replace("|", "\\|") if cell else whole


def fenced(text: str, language: str = "") -> str:
    """Return foreign text as a code block that nothing inside can end early."""
    plain = visible(text).rstrip()
    longest = max((len(run) for run in re.findall(r"`{3,}", plain)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{plain}\n{fence}"


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))
