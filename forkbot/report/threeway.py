"""The three texts of a conflict side by side: base, upstream side, patch, line beside line.

One grid, filled column by column: lines beside each other share a row whatever their length, and
where the page is narrow the columns come one below the other without another word of HTML.
"""

import dataclasses
import itertools
from collections.abc import Iterator

from forkbot.report.colours import Run, coloured, marked
from forkbot.report.document import ThreeTexts
from forkbot.report.markup import Html, joined, tag
from forkbot.report.sides import Row, aligned, changed, lines_of
from forkbot.text import visible


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One column: its name, its lines in their rows, and where the counting begins."""

    name: str
    field: str  # of ``Row``
    lines: list[str]
    first: int | None  # the number of its first line, where it is known


def three_way(texts: ThreeTexts) -> Html:
    """Return the side-by-side view of one conflicting region."""
    said = (texts.above, texts.base, texts.upstream, texts.ours, texts.below)
    over, base, upstream, ours, under = _outdented(tuple(visible(text) for text in said))
    above, below = lines_of(over), lines_of(under)
    rows = aligned(base, upstream, ours)
    first = texts.line - len(above)
    sides = (
        _Side(name="base", field="base", lines=lines_of(base), first=None),
        _Side(name="upstream side", field="upstream", lines=lines_of(upstream), first=first),
        _Side(name=f"patch {texts.patch}", field="ours", lines=lines_of(ours), first=None),
    )
    columns = (_column(side, rows, above=above, below=below, path=texts.path) for side in sides)
    count = 1 + len(above) + len(rows) + len(below)
    return tag("div", *columns, class_="three", style=f"--rows:{count}")


def _outdented(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return texts without the blanks that all their lines begin with: columns are narrow."""
    lines = [line for text in texts for line in lines_of(text) if line.strip()]
    blanks = " " * min((len(line) - len(line.lstrip(" ")) for line in lines), default=0)
    return tuple(
        "\n".join(line.removeprefix(blanks) for line in text.split("\n")) for text in texts
    )


def _column(
    side: _Side, rows: tuple[Row, ...], *, above: list[str], below: list[str], path: str
) -> Html:
    colours = iter(coloured([*above, *side.lines, *below], path))
    numbers: Iterator[int | None] = (
        itertools.repeat(None) if side.first is None else itertools.count(side.first)
    )
    cells = [_line(next(colours), "", "around", next(numbers)) for _ in above]
    for row in rows:
        text: str | None = getattr(row, side.field)
        if text is None:
            cells.append(tag("div", tag("span", _missing(row, side), class_="sign"), class_="none"))
        else:
            cells.append(_cell(next(colours), text, row, side, next(numbers)))
    cells += [_line(next(colours), "", "around", next(numbers)) for _ in below]
    return tag("section", tag("h4", side.name), *cells, aria_label=side.name)


def _missing(row: Row, side: _Side) -> str:
    """Return the sign of a row without a line: the side took the base's line out, or never had."""
    return "-" if row.base is not None and side.field != "base" else ""


def _cell(runs: list[Run], text: str, row: Row, side: _Side, number: int | None) -> Html:
    if side.field == "base":
        touched = row.base != row.upstream or row.base != row.ours
        return _line(runs, "", "was" if touched else "", number)
    if row.base is None:
        return _line(runs, "+", "new", number)
    if text == row.base:
        return _line(runs, "", "", number)
    return _line(runs, "~", "new", number, spans=changed(row.base, text))


def _line(
    runs: list[Run], sign: str, kind: str, number: int | None,
    *, spans: tuple[tuple[int, int], ...] = (),
) -> Html:  # fmt: skip
    parts = (
        tag("mark" if inside else "span", text, **({"class_": css} if css else {}))
        if inside or css
        else text
        for css, text, inside in marked(runs, spans)
    )
    gutter = tag("span", str(number) if number is not None else "", class_="number")
    return tag(
        "div", gutter, tag("span", sign, class_="sign"), tag("code", joined(*parts)), class_=kind
    )
