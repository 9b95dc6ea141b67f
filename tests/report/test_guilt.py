"""Whose fault it is, in words: a line for each, first in the report and in the artefact."""

import re

import pytest
from msgspec.structs import replace

from forkbot.model.attribution import Attribution, Cell, Guilty, Part, Seen, Suspect
from forkbot.model.probe import Red, RedKind
from forkbot.model.record import RunRecord
from forkbot.model.upstream import UpstreamCommit
from forkbot.model.verdict import Smoke
from forkbot.report import proofs
from forkbot.report.dashboard import dashboard
from forkbot.report.document import Items, plain
from forkbot.report.guilt import guilt_lines, guilt_sections, whose
from forkbot.report.links import Web
from forkbot.report.matter import Matter
from forkbot.report.smoke import red_line
from forkbot.report.whole import report
from forkbot.words import PatchName, StackName
from tests.report.records import ERROR, PANIC, RECORDS, oid, smoke

RED = Red(
    kind=RedKind.BUILD,
    stack="hyper-util",
    name="hyper-util",
    why="hyper-util does not build: E0425",
)
COMMIT = UpstreamCommit(
    commit=oid(9), author="Ann", date="2026-11-20", subject="Rename lookup", pull_request=7
)
TOLD = f"{oid(9)[:12]} of 2026-11-20 by Ann: Rename lookup (#7)"
MIO = StackName("mio")


def guilty(kind: Guilty, **more: object) -> Attribution:
    """Return one red laid at a door."""
    return replace(Attribution(red=RED, guilty=kind, stack=MIO), **more)


LINES = [
    (guilty(Guilty.UPSTREAM, commit=COMMIT, patch=PatchName("dns")),
     f"upstream's, {TOLD}; our patch dns has to follow"),
    (guilty(Guilty.UPSTREAM, was="1.0.0", now="1.1.0", why="it is as red without our patches"),
     "upstream's, somewhere between 1.0.0 and 1.1.0; it is as red without our patches"),
    (guilty(Guilty.LOWER, commit=COMMIT), f"of the lower fork mio: {TOLD}"),
    (guilty(Guilty.LOWER, patch=PatchName("dns")), "of the lower fork mio: its patch dns"),
    (guilty(Guilty.PATCH, patch=PatchName("dns")), "our patch dns of mio"),
    (guilty(Guilty.COMPONENT, name="echo"), "mio's component echo, which was edited"),
    (guilty(Guilty.DEPENDENCY, name="libc", was="0.2.1", now="0.2.2"),
     "the dependency libc 0.2.1 → 0.2.2"),
    (guilty(Guilty.DEPENDENCY, name="libc", was="0.2.1", why="0.2.1 was yanked"),
     "the dependency libc; 0.2.1 was yanked"),
    (guilty(Guilty.TOOLCHAIN, was="rustc 1.97.1", now="rustc 1.98.0"),
     "the toolchain's: rustc 1.97.1 → rustc 1.98.0"),
    (guilty(Guilty.NETWORK, why="it answered"), "the network's: it answered"),
    (guilty(Guilty.FLAKE, why="it is green"), "nobody's, a flake: it is green"),
    (guilty(Guilty.UNKNOWN, why="it was never green"), "not known: it was never green"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "words"), LINES)
def test_who_is_guilty_in_one_line(said: Attribution, words: str) -> None:
    assert plain(whose(said, Web())) == words


def test_every_kind_of_guilt_has_words() -> None:
    assert {said.guilty for said, _ in LINES} == set(Guilty)


UPSTREAM = Suspect(part=Part.UPSTREAM, stack=MIO, was="1.0.0", now="1.1.0")
FOUND = guilty(
    Guilty.UPSTREAM, commit=COMMIT, also=("tokio does not build: no `lookup`",), seconds=70.4,
    suspects=(UPSTREAM,), cells=(Cell(back=(UPSTREAM,), seen=Seen.GREEN, seconds=12.3),),
)  # fmt: skip


def _with(name: str, *said: Attribution) -> RunRecord:
    record = RECORDS[name]
    assert record.verdict is not None
    return replace(record, verdict=replace(record.verdict, attributions=said))


def test_the_report_says_it_first_and_how_it_is_known() -> None:
    (section,) = guilt_sections(_with("red-build", FOUND))
    shown = "\n".join(repr(block) for block in section.blocks)
    assert "turned back: mio's upstream (1.0.0 → 1.1.0)" in shown
    assert "1 look in 70 s" in shown
    first, second, *_ = report(_with("red-build", FOUND)).sections[1:]
    assert (first.title, second.title) == ((), ("Whose fault it is",))


def test_an_artefact_begins_with_it_and_has_no_time_in_it() -> None:
    record = _with("red-build", FOUND)
    told = [m for s in record.stacks if isinstance(m := proofs.build(s, record), Matter)]
    first = repr(told[0].lead[0])
    assert "Whose fault: " in first
    assert "Rename lookup" in first
    assert "70" not in first


def test_what_went_well_the_second_time_is_told_and_is_no_artefact() -> None:
    record = _with("published", guilty(Guilty.FLAKE, why="run again, it is green"))
    assert [still_red for _, still_red in guilt_lines(record)] == [False]
    (section,) = guilt_sections(record)
    assert section.title == ("What went well the second time",)


LOOKUP = smoke(pristine=False, green=False, right=False, why="exit code 134", output=PANIC)
ABOVE = replace(LOOKUP, stack=StackName("hyper-util"), name="client")


def _two_red(said: Attribution, *more: Smoke) -> RunRecord:
    record = _with("red-smoke", said)
    assert record.verdict is not None
    return replace(record, verdict=replace(record.verdict, smokes=(LOOKUP, ABOVE, *more)))


def _smoke_issues(record: RunRecord) -> dict[str, Matter]:
    """Return what each stack's issue of its components says, of those that have one to open."""
    told = {str(s.name): proofs.smoke(s, record) for s in record.stacks}
    return {name: matter for name, matter in told.items() if isinstance(matter, Matter)}


def _board(record: RunRecord) -> dict[str, str]:
    """Return how each stack is, as the dashboard has it."""
    body = dashboard(record, {s.name for s in record.stacks}, urls={}).body
    return dict(re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|", body, re.MULTILINE))


FIRST = Red(kind=RedKind.SMOKE, stack="tokio", name="lookup/by-name", why=red_line(LOOKUP))
OURS = Attribution(
    red=FIRST, also=(red_line(ABOVE),), guilty=Guilty.PATCH, stack=StackName("tokio"),
    patch=PatchName("dns"),
)  # fmt: skip


def test_a_red_that_follows_from_a_lower_forks_is_told_there_alone() -> None:
    record = _two_red(OURS)
    told = _smoke_issues(record)
    assert [*told] == ["tokio"]
    first = told["tokio"].lead[0]
    assert isinstance(first, Items)
    (line,) = map(plain, first.lines)
    assert line.startswith("Whose fault: our patch dns of tokio. tokio's lookup/by-name is red: ")
    assert line.endswith("; red with it: hyper-util's client/by-name.")
    assert _board(record) == {
        "tokio": "**does not run**", "hyper-util": "red with tokio", "mio": "up to date",
    }  # fmt: skip


def test_a_build_that_is_red_for_a_lower_forks_error_is_no_well_stack() -> None:
    record = RECORDS["red-build"]
    assert record.verdict is not None
    error = replace(ERROR, package="tokio", named=None, author=None)
    red = replace(record.verdict.builds[2], diagnostics=(error,))
    record = replace(record, verdict=replace(record.verdict, builds=(red,), smokes=()))
    assert _board(record) == {
        "tokio": "**does not build**", "hyper-util": "red with tokio", "mio": "up to date",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "more"),
    [
        (replace(OURS, guilty=Guilty.UNKNOWN, patch=None), ()),
        (replace(OURS, guilty=Guilty.FLAKE, patch=None), ()),
        (replace(OURS, also=()), ()),
        (OURS, (replace(ABOVE, case="by-ip", why="exit code 1"),)),
        (OURS, (replace(ABOVE, pristine=True),)),
    ],
    ids=["nobody knows whose", "a flake", "another cause", "a red of its own", "a control"],
)
def test_else_each_stack_tells_its_own(said: Attribution, more: tuple[Smoke, ...]) -> None:
    record = _two_red(said, *more)
    assert [*_smoke_issues(record)] == ["tokio", "hyper-util"]
    assert set(_board(record).values()) == {"**does not run**", "up to date"}
