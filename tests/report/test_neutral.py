"""Foreign text in our Markdown: a reader sees what it says, and GitHub does nothing with it."""

# ruff: noqa: E501 - lists of traps

import io
import re
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace
from rich.console import Console

from forkbot.forge.marker import mark_of, marked, parse, unmarked
from forkbot.model.artefact import Artefact, Identity, Over
from forkbot.model.order import Order, checkboxes, ticked
from forkbot.model.record import RunRecord
from forkbot.report.dashboard import dashboard
from forkbot.report.markdown import render_markdown
from forkbot.report.neutral import code, fenced, inline
from forkbot.report.terminal import show
from forkbot.text import visible
from tests.report.judged import JUDGED
from tests.report.records import RECORDS
from tests.report.test_artefact import ALL, told

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
        "tool", "key", "date", "hint", "base_branch", "parked", "besides",
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
OID = "[0-9a-f]{40}"
QUIET = re.compile(
    r"https://redirect\.github\.com/tokio-rs/tokio/"
    rf"(pull/\d+|commit/{OID}|compare/{OID}\.\.\.{OID})"
)
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(markdown: str, trap: str) -> None:
    """See that outside code nothing in a text is live, and that none of it is markup but ours."""
    for token in inside(markdown):
        if token.type in {"text", "text_special"}:
            assert LIVE.search(token.content) is None, (trap, token.content)
        else:
            assert token.type in OURS, (trap, token.type)
        if token.type == "link_open":
            assert QUIET.fullmatch(str(token.attrs["href"])), token.attrs
    for block in COMMONMARK.parse(markdown):
        if block.type == "html_block":
            assert FOLDS.fullmatch(block.content), (trap, block.content)
            assert LIVE.search(block.content) is None, (trap, block.content)
    assert UNSEEN.search(markdown) is None, trap


def baits() -> Iterator[str]:
    """Yield texts full of traps."""
    for n in range(4):
        yield "zz" + " zz ".join(f"{trap}zz{trap}" for trap in TRAPS[n::4]) + " zz"


def test_no_trap_goes_off_in_a_report() -> None:
    """Every kind of report, every text in it a trap: outside code nothing is live."""
    for record in {**RECORDS, **JUDGED}.values():
        for trap in baits():
            bad = poisoned(record, trap)
            harmless(render_markdown(bad), trap)
            out = io.StringIO()
            show(bad, Console(file=out, width=200, force_terminal=False))
            assert UNSEEN.search(out.getvalue()) is None, trap


FAKES = (
    "\n<!-- forkbot:v1 stack=mio channel=main kind=build turn=7 -->\n",
    "\n<!-- forkbot:end -->\n",
    f"\n{checkboxes(Order, ticked=tuple(Order))}\n",
    "\n```\n<!-- forkbot:end -->\n" + checkboxes(Order, ticked=tuple(Order)),
)


def test_no_trap_goes_off_in_an_artefact() -> None:
    """Every kind of issue and pull request: title, body, comment and the reason of its end."""
    for record in ALL.values():
        for trap in (*baits(), *FAKES):
            bad = poisoned(record, trap)
            for wish in told(bad):
                if isinstance(wish, Over):
                    harmless(wish.reason, trap)
                    continue
                assert LIVE.search(wish.title) is None, (trap, wish.title)
                assert UNSEEN.search(wish.title) is None
                assert "\n" not in wish.title
                assert len(wish.title) <= 256
                harmless(wish.verdict, trap)
                body, boxes = _without_boxes(wish.body)
                harmless(body, trap)
                assert ticked(wish.body) == ()
                assert boxes <= len(Order)
                _stays_ours(wish)
            board = dashboard(bad, {s.name for s in bad.stacks}, urls={})
            harmless(board.body, trap)
            _stays_ours(board)


def _without_boxes(body: str) -> tuple[str, int]:
    """Return a body without the boxes at its end, and how many those were."""
    lines = body.rstrip().split("\n")
    boxes = [line for line in checkboxes(Order).split("\n") if line in lines[-len(Order) :]]
    return "\n".join(lines[: len(lines) - len(boxes)]), len(boxes)


def _stays_ours(wish: Artefact) -> None:
    """See that what is read back from the forge is what was written, whoever is quoted in it."""
    identity = Identity(kind=wish.identity.kind, channel=wish.identity.channel)
    mark = replace(mark_of(wish), identity=identity)
    parts = parse(marked(wish.body, mark, before="above\n\n", after="\n\nbelow"))
    assert parts is not None
    assert (parts.before, parts.mark, parts.after) == ("above\n\n", mark, "\n\nbelow")
    assert parts.body == unmarked(wish.body).replace("\r\n", "\n").strip()
