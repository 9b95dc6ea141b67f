"""Foreign text on our page: shown as it is, and never markup, an address or a command of ours."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from forkbot.report.colours import coloured, marked
from forkbot.report.html import render_html
from forkbot.report.markup import joined, tag
from forkbot.text import visible
from tests.report.judged import JUDGED
from tests.report.records import RECORDS
from tests.report.test_neutral import QUIET, TRAPS, poisoned

TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "section", "nav", "footer", "h1",
    "h2", "h3", "h4", "p", "ul", "li", "a", "code", "strong", "pre", "span", "mark", "div", "table",
    "thead", "tbody", "tr", "th", "td", "details", "summary",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "id", "class", "href", "rel", "scope",
    "role", "data-label", "aria-label", "style", "tabindex", "open",
}  # fmt: skip
HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><script>", "</details>",
    "</pre></section>", "javascript:alert(1)", "<!--", "]]>", "' onmouseover='x", "&lt;b&gt;",
]  # fmt: skip


class Read(HTMLParser):
    """Reads a page: its text, and every element with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def test_no_trap_becomes_markup() -> None:
    for record in {**RECORDS, **JUDGED}.values():
        for n in range(3):
            trap = " zz ".join([*HOSTILE[n::3], *TRAPS[n::3]])
            page = render_html(poisoned(record, f"zz{trap} zz"))
            read = Read(page)
            assert read.open == []
            for element, attributes in read.seen:
                assert element in TAGS
                assert set(attributes) <= ATTRIBUTES, attributes
                href = attributes.get("href")
                if href is not None and not href.startswith("#s"):
                    assert QUIET.fullmatch(href.replace("//github", "//redirect.github")), href
            assert visible(" ".join(HOSTILE[n].split())) in " ".join(read.text.split())
            assert visible(read.text) == read.text


@given(st.text(max_size=60))
def test_an_element_holds_its_text(text: str) -> None:
    read = Read(tag("p", joined(text, tag("b", text)), title=text))
    assert read.text == visible(text) * 2
    assert read.seen[0] == ("p", {"title": visible(text)})


@given(st.lists(st.text(st.characters(exclude_characters="\n\r"), max_size=20), max_size=6))
def test_colours_lose_no_character(lines: list[str]) -> None:
    for path in ("a.rs", "Cargo.toml", "x.yml", "b.md", "c", "d.py"):
        told = coloured([visible(line) for line in lines], path)
        assert ["".join(text for _, text in runs) for runs in told] == [
            visible(line) for line in lines
        ] or lines == []


def test_marks_cut_runs_where_they_begin_and_end() -> None:
    runs = [("k", "use"), ("", " std::io;")]
    assert marked(runs, ((2, 5),)) == [
        ("k", "us", False),
        ("k", "e", True),
        ("", " s", True),
        ("", "td::io;", False),
    ]
