"""Upstream's words in our Markdown: shown as they are, but they ping, link and close nothing."""

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")
_BREAK = "\u200b"  # zero-width space: breaks a mention or a reference, invisible to the reader


def inline(text: str) -> str:
    """Return foreign text for the middle of a Markdown line."""
    one_line = " ".join(text.split())
    unlinked = re.sub(r"(?<!\\)([@#])(?=[\w-])", rf"\1{_BREAK}", one_line)
    unlinked = re.sub(r"\b(GH|gh)-(?=\d)", rf"\1-{_BREAK}", unlinked)
    unlinked = re.sub(r"(https?:)//", rf"\1{_BREAK}//", unlinked)
    return _SPECIAL.sub(r"\\\1", unlinked)


def code(text: str) -> str:
    """Return foreign text as inline code, whatever backticks it holds."""
    one_line = " ".join(text.split())
    longest = max((len(run) for run in re.findall(r"`+", one_line)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if one_line.startswith("`") or one_line.endswith("`") else ""
    return f"{ticks}{pad}{one_line}{pad}{ticks}".replace("|", "\\|")


def fenced(text: str, language: str = "") -> str:
    """Return foreign text as a code block that nothing inside can end early."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
