"""Foreign text in our Markdown: a reader sees what it says, and GitHub does nothing with it."""

# ruff: noqa: E501 - lists of traps

import io
import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace
from rich.console import Console

from forkbot.model.record import RunRecord
from forkbot.report.markdown import render_markdown
from forkbot.report.neutral import code, fenced, inline
from forkbot.report.terminal import show
from forkbot.text import visible
from tests.report.judged import JUDGED
from tests.report.records import RECORDS

COMMONMARK = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# What GitHub links, pings or replaces in the text of a page, as its documentation and cmark-gfm
# have it; case does not count.
LIVE = re.compile(
    r"@\w"  # mentions, owner/repo@commit, e-mail
    r"|#\d|\bGH-\d"  # references, with an owner/repo before them or not
    r"|\b(?:https?|ftp)://|\bwww\.|\b(?:mailto|xmpp):"
    r"|\b[0-9a-f]{7,40}\b"  # commits
    r"|:[\w+-]+:",  # pictures
    re.IGNORECASE,
)
TRAPS = [
    "@user", "@org/team", "\\@user", "a@b.example", "owner/repo@0123abc", "#123", "\\#1", "fixes #1",
    "owner/repo#7", "GH-12", "closes gh-3", "https://github.com/o/r/issues/1", "HTTPS://x.y",
    "www.example.com", "mailto:a@b", "deadbeef", "0123456789" * 4, "```", "~~~", "`", "``", "<!--",
    "-->", "<b>", "<https://x.y>", "[a](b)", "![a](b)", "|", "\\|", "*a*", "_a_", "snake_case_name",
    "~~a~~", "$x$", ":tada:", ":+1:", "a.rs:100:9", "&amp;", "&#64;user", "\\", "# h", "- l", "1. l",
    "> q", "\x1b[2J", "\x1b]8;;http://x\x07", "\r", "\n", "\n\n", "\t", "\u202e", "\u2028", "é", "\u200b",
]  # fmt: skip
foreign = st.lists(st.one_of(st.sampled_from(TRAPS), st.text(max_size=4), st.just(" "))).map(
    "".join
)


def flat(text: str) -> str:
    """Return what a reader is to see of ``text`` on one line, breaks aside."""
    return visible(" ".join(text.split())).replace("\u200b", "")


def inside(markdown: str) -> list[Token]:
    """Return the inline tokens of a document."""
    return [t for block in COMMONMARK.parse(markdown) for t in block.children or []]


@given(foreign)
def test_inline_shows_the_text_and_nothing_else(text: str) -> None:
    tokens = inside(f"x {inline(text)} y")
    assert {t.type for t in tokens} <= {"text", "text_special"}
    shown = "".join(t.content for t in tokens)
    assert LIVE.search(shown) is None
    assert re.sub(r"\s+", " ", shown.replace("\u200b", "")) == re.sub(
        r"\s+", " ", f"x {flat(text)} y"
    )


@given(foreign)
def test_inline_stays_in_its_cell(text: str) -> None:
    tokens = COMMONMARK.parse(f"| a | b |\n|---|---|\n| {inline(text)} | end |\n\nafter\n")
    cells = [t.content for t in tokens if t.type == "inline"]
    assert len(cells) == 5
    assert cells[3:] == ["end", "after"]


@given(foreign)
def test_code_is_one_span_of_code(text: str) -> None:
    tokens = inside(f"x {code(text)} y")
    spans = [t.content for t in tokens if t.type == "code_inline"]
    if code(text):
        assert [t.type for t in tokens] == ["text", "code_inline", "text"]
        assert spans[0].strip() == visible(" ".join(text.split())).strip()
    else:
        assert spans == []


@given(foreign)
def test_code_stays_in_its_cell(text: str) -> None:
    cell = code(text, cell=True)
    tokens = COMMONMARK.parse(f"| a | b |\n|---|---|\n| x{cell} | end |\n\nafter\n")
    assert [t.content for t in tokens if t.type == "inline"][3:] == ["end", "after"]


@given(foreign)
def test_a_fence_holds(text: str) -> None:
    tokens = COMMONMARK.parse(f"{fenced(text)}\n\nafter @ the fence\n")
    assert [t.type for t in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert tokens[0].content.rstrip("\n") == visible(text).rstrip()


def poisoned(record: RunRecord, text: str) -> RunRecord:
    """Return a record in which every free text is foreign, wherever it may come from."""
    found = _poisoned(record, text)
    assert isinstance(found, RunRecord)
    return found


def _poisoned(value: object, text: str) -> object:
    if isinstance(value, tuple):
        return tuple(_poisoned(v, text) for v in value)
    fields = getattr(value, "__struct_fields__", None)
    if fields is None:
        return value
    free = {
        "what", "where", "why", "evidence", "subject", "upstream_status", "drop_when", "label",
        "message", "rendered", "file", "output", "name", "path", "base", "upstream", "ours", "about",
        "command", "rustc", "wasmtime", "kinds", "problems", "repo", "branch", "recovery", "git",
        "features", "package", "patch", "stack", "place", "author", "above", "below", "moved_to",
        "text", "lines", "acknowledged", "range_diff", "condition", "purpose", "earlier_names",
        "tool", "key", "date",
    }  # fmt: skip
    changed: dict[str, object] = {}
    for field in fields:
        old = getattr(value, field)
        if field in free and isinstance(old, str) and old:
            changed[field] = f"{old}{text}" if field in {"name", "stack", "patch"} else text
        elif field in free and isinstance(old, tuple) and old and isinstance(old[0], str):
            changed[field] = tuple(text for _ in old)
        else:
            changed[field] = _poisoned(old, text)
    return replace(value, **changed)  # type: ignore[type-var] # a msgspec struct, seen above


# what a report's Markdown is made of, beside text: nothing that foreign words could have brought in
OURS = {"code_inline", "softbreak", "strong_open", "strong_close", "link_open", "link_close"}
FOLDS = re.compile(r"<details><summary>[^<>]*</summary>\n|</details>\n")
QUIET = re.compile(r"https://redirect\.github\.com/tokio-rs/tokio/(pull/\d+|commit/[0-9a-f]{40})")


def test_no_trap_goes_off_in_a_report() -> None:
    """Every kind of report, every text in it a trap: outside code nothing is live."""
    for record in {**RECORDS, **JUDGED}.values():
        for n in range(4):
            trap = " zz ".join(f"{trap}zz{trap}" for trap in TRAPS[n::4])
            bad = poisoned(record, f"zz{trap} zz")
            report = render_markdown(bad)
            for token in inside(report):
                if token.type in {"text", "text_special"}:
                    assert LIVE.search(token.content) is None, (trap, token.content)
                else:
                    assert token.type in OURS, (trap, token.type)
                if token.type == "link_open":
                    assert QUIET.fullmatch(str(token.attrs["href"])), token.attrs
            for block in COMMONMARK.parse(report):
                if block.type == "html_block":
                    assert FOLDS.fullmatch(block.content), (trap, block.content)
                    assert LIVE.search(block.content) is None, (trap, block.content)
            out = io.StringIO()
            show(bad, Console(file=out, width=200, force_terminal=False))
            for text in (report, out.getvalue()):
                assert re.search(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202e]", text) is None, trap
