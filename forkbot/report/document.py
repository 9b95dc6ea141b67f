"""What a report is made of, whatever it looks like: words, blocks and sections.

What is said is decided once, in the modules that build these. Every text in them counts as foreign:
each face makes it harmless at the one spot where it puts words on its page.
"""

import dataclasses
import enum


@dataclasses.dataclass(frozen=True, slots=True)
class Code:
    """Words as a machine reads them: names, paths, commit ids."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Strong:
    """Words that carry the message."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """A name that leads to a web page of upstream's; ``links`` builds ``url``, none is quoted."""

    name: str | Code
    url: str


Word = str | Code | Strong | Link
Line = tuple[Word, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or a few."""

    line: Line


@dataclasses.dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences."""

    lines: tuple[Line, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells; the first cell of a row names it."""

    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Text as it stands: what a tool said, a diff, or commands to type."""

    text: str
    language: str = ""  # sh, diff


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ThreeTexts:
    """One conflicting region: what each side says, between the lines around it."""

    path: str
    line: int  # of the upstream side
    patch: str
    base: str
    upstream: str
    ours: str
    above: str
    below: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """Blocks behind a summary; ``shown``: unfolded where there is room."""

    summary: Line
    blocks: "tuple[Block, ...]"
    shown: bool = False


Block = Paragraph | Items | Table | Listing | ThreeTexts | Folded


class Weight(enum.IntEnum):
    """How much a section matters where not all can be shown; what MUST be there comes first."""

    MUST = 0
    TROUBLE = 1
    CONFLICT = 2
    ALARM = 3
    PROPOSAL = 4
    OUTLOOK = 5
    STEPS = 6
    VERIFICATION = 7
    DRIFT = 8
    RANGE_DIFF = 9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Blocks under a title. Where room is scarce a ``shorter`` form stands in, or nothing does.

    Of a section that MUST be there the last of the ``shorter`` forms is short whatever it tells of.
    """

    title: Line = ()
    level: int = 2
    weight: Weight
    blocks: tuple[Block, ...]
    shorter: tuple[tuple[Block, ...], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole report: its verdict, its sections, and where it comes from.

    ``whole`` is the command that shows all of it, for a face that has no room for everything.
    """

    title: str
    sections: tuple[Section, ...]
    origin: Line
    whole: str


def plain(line: Line) -> str:
    """Return a line's words without their looks."""
    names = (word.name if isinstance(word, Link) else word for word in line)
    return "".join(name if isinstance(name, str) else name.text for name in names)
