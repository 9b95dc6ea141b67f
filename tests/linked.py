"""What GitHub makes of text, said again from its documentation: an oracle that is no code of ours.

"Autolinked references and URLs", "Linking a pull request to an issue" and "Mentioning people and
teams" say it; where they leave open what stands before a name, every edge counts.
"""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

_SLUG = r"[A-Za-z0-9][A-Za-z0-9-]*"
_ISSUE = rf"(?:{_SLUG}(?:/[\w.-]+)?#|#|GH-)[0-9]+"
_PAGE = r"https?://(?:www\.)?github\.com/\S*"
_EVERYWHERE = {
    # in any text that a person or a bot gives GitHub: a commit's message, a title, a comment
    "mention": re.compile(rf"(?<![A-Za-z0-9_])@{_SLUG}", re.ASCII),
    "issue": re.compile(rf"(?<![A-Za-z0-9_]){_ISSUE}", re.ASCII | re.IGNORECASE),
    "commit of a repository": re.compile(r"[\w./-]+@[0-9a-f]{7,40}(?![0-9a-f])", re.ASCII),
    "page": re.compile(_PAGE, re.IGNORECASE),
    "closing": re.compile(
        rf"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:{_ISSUE}|{_PAGE})",
        re.ASCII | re.IGNORECASE,
    ),
}
_IN_MARKDOWN = {
    "commit": re.compile(r"(?<![A-Za-z0-9])[0-9a-f]{7,40}(?![A-Za-z0-9])", re.IGNORECASE),
    "URL": re.compile(r"(?:https?|ftp)://|(?<![A-Za-z0-9])www\.", re.ASCII | re.IGNORECASE),
    "mail": re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9_-]+\.[A-Za-z0-9._-]+"),
    "picture": re.compile(r":[A-Za-z0-9_+-]+:"),
}
# all of GitHub's syntax that markdown-it has; footnotes, alerts and mathematics are no more than
# text here, so they are looked for in the text
_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False, "html": True}).disable(
    ["linkify", "text_join"]
)
_BEYOND = {
    "footnote": re.compile(r"\[\^[^\]\s]+\]"),
    "alert": re.compile(r"^\[![A-Z]+\]"),
    "box": re.compile(r"^\[[ xX]\]\s"),
    "mathematics": re.compile(r"\$\$|(?<![A-Za-z0-9$\\])\$(?=\S)[^$\n]*\S\$"),
}


def references(text: str) -> list[str]:
    """Return what GitHub would ping, link or close because of a plain text."""
    return [
        f"{kind}: {found[0]}" for kind, pattern in _EVERYWHERE.items()
        for found in pattern.finditer(text)
    ]  # fmt: skip


def inlines(markdown: str) -> Iterator[Token]:
    """Yield the tokens within the lines of a document as it is rendered."""
    for block in _MARKDOWN.parse(markdown):
        yield from block.children or []


def blocks(markdown: str) -> list[Token]:
    """Return the tokens of a document's blocks."""
    return _MARKDOWN.parse(markdown)


def live(markdown: str) -> list[str]:
    """Return what GitHub would make of a document's texts: code is let be, all else is not."""
    found = []
    for block in _MARKDOWN.parse(markdown):
        if block.type == "html_block":
            found += _of(re.sub(r"<[^>]*>", "\n", block.content))
        run = source = ""
        for token in [*(block.children or []), None]:
            if token is not None and token.type in {"text", "text_special", "html_inline"}:
                # GitHub looks at the rendered page, where one text follows the other; what is
                # Markdown of its own is none where it is escaped
                run += token.content
                source += token.content if token.type == "text" else "\\."
            elif token is None or token.type not in _WITHIN:
                found += [*_of(run), *_beyond(source)]
                run = source = "\n"
    return found


_WITHIN = {"strong_open", "strong_close", "em_open", "em_close", "s_open", "s_close"}


def _of(text: str) -> list[str]:
    patterns = {**_EVERYWHERE, **_IN_MARKDOWN}
    return [f"{kind}: {m[0]!r}" for kind, p in patterns.items() if (m := p.search(text))]


def _beyond(text: str) -> list[str]:
    return [f"{kind}: {m[0]!r}" for kind, p in _BEYOND.items() if (m := p.search(text))]
