"""Edits that can move no gate of a Rust file, told without reading the file as Rust.

To know under which conditions each line of two versions of a file stands costs ten milliseconds a
version, and most patches edit nothing that conditions are made of. An edit is calm when it replaces
whole statements by whole statements, neither with a word or a mark that makes, opens or closes
anything a gate could hang on, and no attribute stands right above. Whatever is in doubt is not
calm: then the file is read.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from forkbot.rebase.edits import Edit

_STIRRING = re.compile(
    rb"cfg|\bif_|\b(?:mod|macro_rules)\b|#!?\s*\[|/\*|\*/|\br#*\"|'[\"'{}()\[\]/\\]|\\"
)
_GOES_ON = re.compile(rb"\s*(?:else\b|=>|[.?|\])}#])")
_PAIRS = ((b"{", b"}"), (b"(", b")"), (b"[", b"]"))


def is_calm(edits: Iterable[Edit], before: Sequence[bytes], after: Sequence[bytes]) -> bool:
    """Return whether every line that ``edits`` leave alone keeps the gates it stands under.

    ``before`` and ``after`` are the two texts' lines.
    """
    return all(_side_is_calm(before, edit.old) and _side_is_calm(after, edit.new) for edit in edits)


def _side_is_calm(lines: Sequence[bytes], span: range) -> bool:
    text = b"".join(lines[span.start : span.stop])
    if _STIRRING.search(text) or text.count(b'"') % 2 or _GOES_ON.match(text):
        return False
    above = next(_code(reversed(lines[: span.start])), b"{")
    last = next(_code(reversed(lines[span.start : span.stop])), above)
    below = next(_code(lines[span.stop :]), b"}")
    whole = _ends(above) and (_ends(last) or below.startswith(b"}"))
    return whole and not above.startswith(b"#") and all(_closes(text, *p) for p in _PAIRS)


def _code(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines that say something, without comments and the blanks around them."""
    return (code for line in lines if (code := line.partition(b"//")[0].strip()))


def _ends(line: bytes) -> bool:
    """Whether a line ends a statement, or begins or ends a block."""
    return line[-1:] in (b";", b",", b"{", b"}")


def _closes(text: bytes, opening: bytes, closing: bytes) -> bool:
    """Whether a text closes what it opens, and nothing else."""
    depth = 0
    for mark in re.findall(re.escape(opening) + b"|" + re.escape(closing), text):
        depth += 1 if mark == opening else -1
        if depth < 0:
            return False
    return depth == 0
