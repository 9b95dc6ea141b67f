"""The report as one page of HTML: no network, no script, all escaped, readable on a phone."""

import functools
import importlib.resources
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
from forkbot.report.markup import Html, joined, tag
from forkbot.report.phrases import clip
from forkbot.report.threeway import three_way
from forkbot.report.whole import report

# whatever slips through: nothing is fetched, nothing runs, no form goes anywhere
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_SIGNS = {"+": "new", "-": "gone", "@": "around"}


def render_html(record: RunRecord) -> str:
    """Return the whole report of a run as a page that stands alone."""
    return _page(report(record))


def _page(document: Document) -> str:
    top, *rest = document.sections
    main = tag(
        "main",
        tag("h1", document.title),
        _blocks(top.blocks),
        _contents(rest),
        *(_section(section, n) for n, section in enumerate(rest)),
    )
    head = tag(
        "head",
        Html('<meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        Html('<meta name="referrer" content="no-referrer">'),
        tag("title", clip(document.title, 120)),
        tag("style", Html(_style())),
    )
    body = tag("body", main, tag("footer", tag("p", _line(document.origin))))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


@functools.cache
def _style() -> str:
    return (importlib.resources.files("forkbot.report") / "page.css").read_text(encoding="utf-8")


def _contents(sections: list[Section]) -> Html:
    found = [(n, s) for n, s in enumerate(sections) if s.title and s.level == 2]
    if len(found) < 3:
        return Html("")
    titles = {n: plain(section.title) for n, section in found}
    stacks = {title.partition(": ")[0] for title in titles.values()}
    if len(stacks) == 1:  # of one stack alone the name need not be said each time
        titles = {n: title.partition(": ")[2] for n, title in titles.items()}
    items = (tag("li", tag("a", title, href=f"#s{n}")) for n, title in titles.items())
    return tag("nav", tag("ul", *items), aria_label="contents")


def _section(section: Section, number: int) -> Html:
    if not section.title:
        return tag("section", _blocks(section.blocks))
    title = tag(f"h{section.level}", _line(section.title), id=f"s{number}")
    return joined("\n", tag("section", title, _blocks(section.blocks)))


def _blocks(blocks: tuple[Block, ...]) -> Html:
    return joined(*(_block(block) for block in blocks))


def _block(block: Block) -> Html:
    match block:
        case Paragraph(line=line):
            return tag("p", _line(line))
        case Items(lines=lines):
            return tag("ul", *(tag("li", _line(line)) for line in lines))
        case Table():
            return _table(block)
        case Listing(text=text, language=language):
            said = _diff(text) if language == "diff" else joined(text)
            return tag("pre", said, class_=language or "said", tabindex="0")
        case ThreeTexts():
            return three_way(block)
        case Folded(summary=summary, blocks=blocks, shown=shown):
            state = {"open": ""} if shown else {}
            return tag("details", tag("summary", _line(summary)), _blocks(blocks), **state)
        case _:
            assert_never(block)


def _diff(text: str) -> Html:
    lines = text.split("\n")
    return joined(*(tag("span", line, class_=_SIGNS.get(line[:1], "same")) for line in lines))


def _table(table: Table) -> Html:
    # said by role too: where the page is narrow its rows are no longer laid out as a table's
    head = (tag("th", name, scope="col", role="columnheader") for name in table.head)
    rows = (
        tag(
            "tr",
            tag("th", _line(row[0]), scope="row", role="rowheader"),
            *(
                tag("td", _line(cell), role="cell", data_label=name)
                for name, cell in zip(table.head[1:], row[1:], strict=True)
            ),
            role="row",
        )
        for row in table.rows
    )
    whole = tag(
        "table",
        tag("thead", tag("tr", *head, role="row"), role="rowgroup"),
        tag("tbody", *rows, role="rowgroup"),
        role="table",
    )
    return tag("div", whole, class_="scroll")


def _line(line: Line) -> Html:
    return joined(*(_word(word) for word in line))


def _word(word: Word) -> Html:
    match word:
        case str():
            return joined(word)
        case Code(text=text):
            return tag("code", text) if text else Html("")
        case Strong(text=text):
            return tag("strong", text)
        case Link(name=name, url=url):
            return tag("a", _word(name), href=url, rel="noreferrer noopener")
        case _:
            assert_never(word)
