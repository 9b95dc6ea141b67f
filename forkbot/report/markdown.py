"""The report as Markdown for GitHub: small enough for its pages, quiet towards upstream.

A link to an issue or a pull request leaves a note there; one through GitHub's own redirect does not
(DESIGN law 8).
"""

import itertools
from typing import assert_never

from forkbot.model.record import RunRecord
from forkbot.report.document import (
    Block,
    Code,
    Document,
    Folded,
    Items,
    Line,
    Link,
    Listing,
    Paragraph,
    Section,
    Strong,
    Table,
    ThreeTexts,
    Word,
    plain,
)
from forkbot.report.neutral import begin, code, fenced, in_html, inline
from forkbot.report.phrases import clip, count, listed
from forkbot.report.room import Piece, fit, size
from forkbot.report.sides import diff
from forkbot.report.whole import report

LIMIT = 65_536  # what GitHub takes for a page, in characters
_NAMED = 12  # sections named in the note of what was left out
_NOTE = 2_400  # room for that note


def render_markdown(record: RunRecord, *, limit: int = LIMIT) -> str:
    """Return the report of a run in no more than ``limit`` characters, nor bytes."""
    return _page(report(record), limit, title=True)


def render_body(document: Document, *, limit: int) -> str:
    """Return a document for a place that shows its title already, such as an issue."""
    return _page(document, limit, title=False)


def _page(document: Document, limit: int, *, title: bool) -> str:
    top, *rest = document.sections
    head = f"# {inline(document.title)}\n\n" * title + _body(top.blocks)
    foot = f"---\n\n{_line(document.origin)}\n"
    pieces = tuple(_piece(section) for section in rest)
    room = limit - size(head) - size(foot)
    chosen = tuple(0 for _ in pieces)
    note = ""
    if sum(size(p.forms[0]) for p in pieces) > room:
        chosen_ = fit(pieces, room - _NOTE)
        note = _left_out(rest, chosen_, document)
        shown = [p.forms[n] for p, n in zip(pieces, chosen_, strict=True) if n is not None]
    else:
        shown = [p.forms[n] for p, n in zip(pieces, chosen, strict=True)]
    return head + note + "".join(shown) + foot


def _piece(section: Section) -> Piece:
    title = f"{'#' * section.level} {_line(section.title)}\n\n" if section.title else ""
    forms = (section.blocks, *section.shorter)
    return Piece(forms=tuple(title + _body(form) for form in forms), weight=section.weight)


def _left_out(sections: list[Section], chosen: tuple[int | None, ...], document: Document) -> str:
    """Return the note that says what is not here, or not whole, and where it is.

    It names as many as its room takes: foreign words grow when they are made harmless.
    """
    titles = [clip(plain(section.title), 60) or "the table of stacks" for section in sections]
    gone = [t for t, n in zip(titles, chosen, strict=True) if n is None]
    less = [t for t, n in zip(titles, chosen, strict=True) if n]
    notes = (_note(gone, less, document, named=named) for named in range(_NAMED, -1, -1))
    return next((note for note in notes if size(note) <= _NOTE), "")


def _note(gone: list[str], less: list[str], document: Document, *, named: int) -> str:
    parts = []
    for titles, became in ((gone, "left out"), (less, "shortened")):
        if titles:
            names = f" ({listed(titles, most=named)})" if named else ""
            parts.append(f"{count(len(titles), 'section')} {became}{names}")
    told = f"This page has no room for all of it: {'; '.join(parts)}. The whole report: "
    return f"{inline(told)} {code(document.whole)}.\n\n"


def _body(blocks: tuple[Block, ...]) -> str:
    return "".join(f"{_block(block)}\n\n" for block in blocks)


def _block(block: Block) -> str:
    match block:
        case Paragraph(line=line):
            return begin(_line(line))
        case Items(lines=lines):
            return "\n".join(f"- {begin(_line(line))}" for line in lines)
        case Table():
            return _table(block)
        case Listing(text=text, language=language):
            return fenced(text, language)
        case ThreeTexts():
            return _three_texts(block)
        case Folded(summary=summary, blocks=blocks):
            folded = _body(blocks)
            return f"<details><summary>{in_html(plain(summary))}</summary>\n\n{folded}</details>"
        case _:
            assert_never(block)


def _table(table: Table) -> str:
    head = f"| {' | '.join(inline(name) for name in table.head)} |\n{'|---' * len(table.head)}|"
    rows = (" | ".join(_line(cell, cell=True) for cell in row) for row in table.rows)
    return "\n".join([head, *(f"| {row} |" for row in rows)])


def _three_texts(texts: ThreeTexts) -> str:
    """Return what each side made of the base: between them the two diffs hold all three texts."""
    around = {"above": texts.above, "below": texts.below}
    theirs = fenced(diff(texts.base, texts.upstream, **around), "diff")
    ours = fenced(diff(texts.base, texts.ours, **around), "diff")
    return f"Base → upstream side:\n\n{theirs}\n\nBase → patch {code(texts.patch)}:\n\n{ours}"


def _line(line: Line, *, cell: bool = False) -> str:
    return "".join(_word(word, cell=cell) for word in _joined(line)).strip()


def _joined(line: Line) -> list[Word]:
    """Return a line whose plain words are one text: nothing live may come about between two."""
    words: list[Word] = []
    for is_text, group in itertools.groupby(line, key=lambda word: isinstance(word, str)):
        found = list(group)
        words += ["".join(w for w in found if isinstance(w, str))] if is_text else found
    return words


def _word(word: Word, *, cell: bool) -> str:
    match word:
        case str():
            return _spaced(word, inline(word))
        case Code(text=text):
            return code(text, cell=cell)
        case Strong(text=text):
            return _spaced(text, f"**{inline(text)}**" if text.strip() else "")
        case Link(name=name, url=url):
            quiet = url.replace("https://github.com/", "https://redirect.github.com/")
            return f"[{_word(name, cell=cell)}]({quiet})"
        case _:
            assert_never(word)


def _spaced(text: str, markdown: str) -> str:
    """Return ``markdown`` with the blanks around ``text``, which its rendering took away."""
    if not text.strip():
        return " " if text else ""
    return f"{' ' * text[0].isspace()}{markdown}{' ' * text[-1].isspace()}"
