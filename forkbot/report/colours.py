"""Syntax colours: the lines of a text as runs of one kind of token each.

Only lexers named here are asked, and only for texts of a size that a page can show: what upstream
writes must not choose which of Pygments' hundreds of lexers runs on it.
"""

import itertools
from pathlib import PurePosixPath

from pygments.lexers import get_lexer_by_name
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    String,
    is_token_subtype,
)

Run = tuple[str, str]  # a CSS class, '' for none, and the text
_MOST = 64_000
_LEXERS = {
    ".rs": "rust", ".toml": "toml", ".lock": "toml", ".yml": "yaml", ".yaml": "yaml",
    ".json": "json", ".md": "markdown", ".sh": "bash", ".py": "python", ".c": "c", ".h": "c",
}  # fmt: skip
# the first that fits counts
_CLASSES = (
    (Comment.Preproc, "a"), (Comment, "c"), (String, "s"), (Number, "m"), (Keyword, "k"),
    (Name.Function, "f"), (Name.Class, "f"), (Name.Attribute, "a"), (Name.Decorator, "a"),
    (Name.Builtin, "k"), (Name.Namespace, "f"), (Name.Tag, "k"),
)  # fmt: skip


def coloured(lines: list[str], path: str) -> list[list[Run]]:
    """Return each line as runs, in the colours of the language that ``path`` names."""
    name = _LEXERS.get(PurePosixPath(path).suffix)
    if name is None or sum(map(len, lines)) > _MOST:
        return [[("", line)] for line in lines]
    lexer = get_lexer_by_name(name, stripnl=False, ensurenl=False)
    told: list[list[Run]] = [[]]
    for token, text in lexer.get_tokens("\n".join(lines)):
        kind = next((css for base, css in _CLASSES if is_token_subtype(token, base)), "")
        first, *rest = text.split("\n")
        told[-1].append((kind, first))
        told += [[(kind, more)] for more in rest]
    return told


def marked(runs: list[Run], spans: tuple[tuple[int, int], ...]) -> list[tuple[str, str, bool]]:
    """Return runs cut where ``spans`` of the line begin and end, with whether they lie inside."""
    cuts = sorted({edge for span in spans for edge in span})
    found: list[tuple[str, str, bool]] = []
    at = 0
    for kind, text in runs:
        edges = [at, *(c for c in cuts if at < c < at + len(text)), at + len(text)]
        for begin, end in itertools.pairwise(edges):
            inside = any(a <= begin < b for a, b in spans)
            found.append((kind, text[begin - at : end - at], inside))
        at += len(text)
    return [run for run in found if run[1]]
