"""A report fits on GitHub's page whatever happened, and every patch is accounted for on it."""

import re
from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from forkbot.model.conflict import Conflict, ConflictedPath
from forkbot.model.fate import Fate, PatchOutcome
from forkbot.model.record import RunRecord
from forkbot.report.document import Section, Weight
from forkbot.report.markdown import _NOTE, LIMIT, _left_out, render_markdown
from forkbot.report.room import Piece, fit, size
from forkbot.report.whole import report as document_of
from forkbot.words import PatchName, StackName
from tests.report import records
from tests.report.judged import ADDR, CONFLICT, JUDGED, NAMED, broke, rebase, record
from tests.report.records import RECORDS

COMMONMARK = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_PATHS = 600  # in conflict, in all stacks: ten times what a page has room for
CLEAN = (Fate.UNCHANGED, Fate.SHIFTED, Fate.ADAPTED, Fate.MERGED, Fate.EMPTY, Fate.DROPPED)
long_text = st.one_of(
    st.sampled_from(["", "x" * 5_000, "é|`*_@a #1 " * 400, "```\n" * 900, "</details>\n" * 500]),
    st.text(max_size=40),
)


@st.composite
def monstrous(draw: st.DrawFn) -> RunRecord:
    """Return a run in which much went wrong, of any size."""
    many = draw(st.sampled_from([1, 3, 60, 700, 2_500]))
    width = draw(st.sampled_from([4, 30, 118]))
    names = [PatchName(f"p{n:05}{'x' * width}") for n in range(many)]
    text, at = draw(long_text), draw(st.integers(0, many - 1))
    fates = draw(st.lists(st.sampled_from(CLEAN), min_size=1, max_size=6))
    outcomes = [
        replace(
            records.outcome(name, fates[n % len(fates)], evidence=text), subject=text, purpose=text,
            range_diff=text,
        )
        for n, name in enumerate(names)
    ]  # fmt: skip
    stacks = draw(st.sampled_from([1, 2, 40] if many < 100 else [1, 2]))
    if draw(st.booleans()):
        conflict = _conflict(draw, names[at], text, most=_PATHS // stacks)
        outcomes[at:] = [
            replace(outcomes[at], fate=Fate.CONFLICT, conflict=conflict),
            *(replace(o, fate=Fate.BLOCKED) for o in outcomes[at + 1 :]),
        ]
    one = record(rebase(*outcomes), code=3).stacks[0]
    every = tuple(replace(one, name=StackName(f"s{n}"), about=text) for n in range(stacks))
    return replace(record(rebase(), code=3), stacks=every)


def _conflict(draw: st.DrawFn, name: PatchName, text: str, *, most: int) -> Conflict:
    hunk = replace(ADDR.hunks[0], base=text, upstream=text + "\n+", ours="", above=text)
    many = min(draw(st.sampled_from([1, 8, 400, 3_000])), most)
    paths = tuple(
        replace(ADDR, path=f"src/{n}/{text[:3_000]}", hunks=(hunk,) * draw(st.integers(1, 3)))
        for n in range(many)
    )
    return Conflict(patch=name, paths=paths, breakers=tuple(broke(NAMED, p.path) for p in paths))


def tables(markdown: str) -> Iterator[tuple[int, list[int]]]:
    """Yield of each table how many columns its head has, and how many each row."""
    head, rows, cells = 0, [], 0
    for token in COMMONMARK.parse(markdown):
        match token.type:
            case "tr_open":
                cells = 0
            case "th_open" | "td_open":
                cells += 1
            case "thead_close":
                head = cells
            case "tr_close":
                rows.append(cells)
            case "table_close":
                yield head, rows
                head, rows = 0, []
            case _:
                pass


def check_structure(markdown: str) -> None:
    """See that nothing was cut: fences and details closed, every row in a table with all cells."""
    for head, rows in tables(markdown):
        assert set(rows) == {head}
    tokens = COMMONMARK.parse(markdown)
    folds = [t.content for t in tokens if t.type == "html_block"]
    assert [f.startswith("<details>") for f in folds] == [n % 2 == 0 for n in range(len(folds))]
    outside = "".join(t.content for t in tokens if t.type == "inline")
    assert "```" not in re.sub(r"`+[^`].*?`+", "", outside)
    # every row there is stands in a table
    lines = re.sub(r"(?ms)^(`{3,}).*?^\1$", "", markdown).splitlines()
    piped = sum(line.startswith("| ") for line in lines)
    assert piped == sum(len(rows) for _, rows in tables(markdown))


def check_accounted(report: str, told: RunRecord) -> None:
    """See that each patch is named, or is one of a number that is told."""
    for stack in told.stacks:
        outcomes = stack.rebase.outcomes if stack.rebase else ()
        title = f"{stack.name}: {len(outcomes):,} patch"
        if not outcomes:
            continue
        assert title in report or "sections left out" in report, stack.name
        if f"## {title}" in report:
            _check_fates(report[report.index(f"## {title}") :], outcomes)


def _check_fates(told: str, outcomes: tuple[PatchOutcome, ...]) -> None:
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.fate.value] = counts.get(outcome.fate.value, 0) + 1
    if "| patch | fate |" in told.partition("\n## ")[0]:
        assert all(f"| `{o.name}` | **{o.fate.value}" in told for o in outcomes)
        return
    for fate, number in counts.items():
        assert f"**{number:,} {fate}**" in told
        names = [o.name for o in outcomes if o.fate.value == fate]
        assert names[0] in told
        assert names[-1] in told


@settings(
    max_examples=12, suppress_health_check=list(HealthCheck),
    # a record of ten megabytes is not made smaller in minutes
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)  # fmt: skip
@given(monstrous())
def test_any_report_fits(told: RunRecord) -> None:
    page = render_markdown(told)
    assert len(page) <= len(page.encode()) <= LIMIT
    check_structure(page)
    check_accounted(page, told)
    assert page.startswith("# ")
    if any(s.rebase and s.rebase.conflict for s in told.stacks):
        assert "\nNext:\n\n```sh\nforkbot resolve " in page


def test_the_note_of_what_is_left_out_keeps_to_its_room() -> None:
    """Found by the monsters: names that double in size when they are made harmless."""
    title = "é|`*_@a #1 " * 20
    sections = [Section(title=(f"0 {title}",), blocks=(), weight=Weight.CONFLICT)] * 400
    note = _left_out(sections, (None, 1) * 200, document_of(RECORDS["conflict"]))
    assert "200 sections left out (0 é" in note
    assert size(note) <= _NOTE


def test_every_report_is_whole() -> None:
    for told in {**RECORDS, **JUDGED}.values():
        report = render_markdown(told)
        assert "no room" not in report
        check_structure(report)
        check_accounted(report, told)


def test_what_matters_least_is_left_out_first_and_said() -> None:
    told = JUDGED["judged-conflict"]
    whole = render_markdown(told)
    smaller = render_markdown(told, limit=size(whole) - 1)
    assert "### `tokio/Cargo.toml`" in smaller
    assert "what changed in `wasi-net-without-unstable`" in whole
    assert "## tokio: what changed in" not in smaller
    assert "no room for all of it" in smaller
    assert "what changed in wasi-net-without-unstable" in smaller
    assert "`forkbot report 20261122T031500000Z --format html`" in smaller


def test_two_thousand_patches_in_conflict_over_a_thousand_paths() -> None:
    paths = tuple(ConflictedPath(path=f"src/{n:04}.rs", kinds=("contents",)) for n in range(1_000))
    conflict = replace(
        CONFLICT,
        patch=PatchName("patch-1499"),
        paths=paths,
        breakers=tuple(broke(NAMED, p.path) for p in paths[:990]),
    )
    outcomes = [records.outcome(f"patch-{n:04}", Fate.SHIFTED) for n in range(2_000)]
    outcomes[1_500:] = [replace(o, fate=Fate.BLOCKED) for o in outcomes[1_500:]]
    outcomes[1_499] = replace(outcomes[1_499], fate=Fate.CONFLICT, conflict=conflict)
    report = render_markdown(record(rebase(*outcomes), code=3))
    assert size(report) <= LIMIT
    assert "1,000 paths in conflict (1000 some thought), broken by:" in report
    assert "- 990 paths: " in report
    assert "- 10 paths: other commits, or not known" in report
    assert all(o.name in report for o in outcomes)
    assert "**1,499 shifted**" in report


def test_fit_keeps_a_place_for_what_must_be_there() -> None:
    pieces = (
        Piece(forms=("x" * 50,), weight=2),
        Piece(forms=("y" * 80, "y" * 20), weight=0),
        Piece(forms=("z" * 30,), weight=1),
        Piece(forms=("u" * 10,), weight=9),
    )
    assert fit(pieces, 1_000) == (0, 0, 0, 0)
    assert fit(pieces, 100) == (None, 0, None, 0)
    assert fit(pieces, 70) == (None, 1, 0, 0)
    assert fit(pieces, 25) == (None, 1, None, None)
    assert fit(pieces, 19) == (None, None, None, 0)
