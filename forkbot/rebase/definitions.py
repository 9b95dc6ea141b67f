"""Where Rust text defines a name, and what became of such a line: by its words, no compiler asked.

A line that defines is `fn name`, `struct name` and the like, an `impl` for it, what a `pub use`
hands on, a variant, or a field. Comments and strings are to be blanked out before.
"""

import dataclasses
import enum
import re
from collections.abc import Iterable, Iterator, Sequence


class Kind(enum.Enum):
    """What a line defines; the surest sign first."""

    ITEM = "item"
    IMPL = "impl"
    HANDED_ON = "handed on"
    VARIANT = "variant"
    FIELD = "field"


_ITEM = (
    r"\b(?:fn|struct|enum|union|trait|mod|type|static(?:\s+mut)?|const|macro_rules!|macro"
    r"|extern\s+crate)\s+(?:r#)?{name}\b"
)
_VARIANT = r"\s*{name}\s*(?:[,({{=]|$)"
_FIELD = r"\s*(?:pub\b(?:\s*\([^)]*\))?\s*)?(?:r#)?{name}\s*:(?!:)"
_IMPL = re.compile(r"\s*(?:unsafe\s+)?impl\b.*\bfor\b")
_WORD = re.compile(r"\w+")
_PUBLIC_USE = re.compile(r"\s*pub\b(?:\s*\([^)]*\))?\s*use\b")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A name to be looked for; ``beside`` are names said with it, a type's or a trait's perhaps."""

    name: str
    beside: frozenset[str] = frozenset()
    fields: bool = False  # whether it may be a field's


def definitions(lines: Sequence[str], wanted: Wanted) -> Iterator[tuple[int, Kind]]:
    """Yield each line (from 0) that defines a name, and as what."""
    name = wanted.name
    word = re.escape(name)
    item, variant, field = (
        re.compile(pattern.format(name=word)) for pattern in (_ITEM, _VARIANT, _FIELD)
    )
    said = re.compile(rf"\b{word}\b")
    handing = False  # within the lines of a `pub use a::{ … };`
    for number, line in enumerate(lines):
        handing = handing or _PUBLIC_USE.match(line) is not None
        if said.search(line):
            if item.search(line):
                yield number, Kind.ITEM
            elif handing:
                yield number, Kind.HANDED_ON
            elif _IMPL.match(line) and wanted.beside.intersection(_WORD.findall(line)):
                yield number, Kind.IMPL
            elif name[0].isupper() and variant.match(line):
                yield number, Kind.VARIANT
            elif wanted.fields and field.match(line):
                yield number, Kind.FIELD
        handing = handing and ";" not in line


def attributes(lines: Sequence[str], at: int) -> int:
    """Return the first line (from 0) of the attributes that stand on the item at ``at``."""
    while at > 0 and lines[at - 1].lstrip().startswith("#["):
        at -= 1
    return at


def within(lines: Sequence[str], at: int) -> str:
    """Return the line that opens the block which the line ``at`` is in, by its indentation."""
    depth = _depth(lines[at])
    return next((li for li in reversed(lines[:at]) if li.strip() and _depth(li) < depth), "")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def renamed(line: str, name: str, others: Iterable[str]) -> str:
    """Return what stands for ``name`` in the first of ``others`` that says all else alike; or ''.

    White space does not count.
    """
    words = re.split(rf"\b{re.escape(name)}\b", _blanks(line), maxsplit=1)
    if len(words) != 2:
        return ""
    same = re.compile(r"([A-Za-z_]\w*)".join(map(re.escape, words)))
    found = (same.fullmatch(_blanks(other)) for other in others)
    return next((m[1] for m in found if m and m[1] != name), "")


def _blanks(line: str) -> str:
    return " ".join(line.split())
