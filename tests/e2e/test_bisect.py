"""Since when something is red: the upstream commit and the patch, found by building on the way.

One upstream for all: a stretch of its history for each story, bisected from its begin to its end.
"""

import dataclasses
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from forkbot.model.buildbreaker import BuildBreaker, Ended, Spot, Turn
from forkbot.model.record import RunRecord
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from forkbot.words import Oid
from tests.e2e.crates import LOWER, MAIN, UPPER, Crates
from tests.e2e.world import Changes, Said, World
from tests.upstream.registry import serve

pytestmark = pytest.mark.wasm

_FAR = "".join(f"// far {n}\n" for n in range(6))
ALL = 12  # commits of a stretch


def lower(
    *, word: str = "plain", number: int = 100, mark: str = "mark", more: int = 0, wrong: str = ""
) -> str:
    """Return the lower crate's library."""
    return "".join([
        "//! Gives a word.\n\n/// The word.\npub fn word() -> &'static str {\n",
        f'    "{word}"\n}}\n{_FAR}/// A number.\npub const NUMBER: u8 = {number};\n{_FAR}',
        f"/// A mark.\npub fn {mark}() -> char {{\n    '!'\n}}\n{_FAR}",
        *(f"/// More.\npub const MORE{n}: u8 = {n};\n" for n in range(more)),
        wrong,
    ])  # fmt: skip


OTHER = """{
    if std::env::args().nth(1).as_deref() == Some("other") {
        return println!("other");
    }
"""
TOO_MUCH = "/// Too much.\npub const LARGE: u8 = 256;\n"
NOT_THERE = "/// Nothing.\npub const NOTHING: u8 = MISSING;\n"
MARKED = UPPER + "\n/// A mark.\npub fn marked() -> char {\n    lower::mark()\n}\n"
TWICE = _FAR.replace("// far 3\n", "/// Twice.\npub const TWICE: u8 = NUMBER * 2;\n", 1)

# what upstream's library is by each commit of a stretch; they are numbered from 1
STRETCHES: Mapping[str, Callable[[int], str]] = {
    "breaks": lambda n: lower(more=n, wrong=TOO_MUCH * (n >= 7)),
    "comes and goes": lambda n: lower(more=n, wrong=TOO_MUCH * (2 <= n <= 4 or n >= 10)),
    "breaks twice": lambda n: lower(more=n, wrong=TOO_MUCH if 4 <= n < 9 else NOT_THERE * (n >= 9)),
    "in the way": lambda n: lower(
        more=n, word="odd" if 5 <= n <= 8 else "plain", wrong=TOO_MUCH * (n >= 7)
    ),
    "number": lambda n: lower(more=n, number=200 if n >= 5 else 100),
    "no mark": lambda n: lower(more=n, mark="marks" if n >= 10 else "mark"),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An upstream with its stretches, and the stacks on its first commit."""

    world: World
    stretches: Mapping[str, tuple[Oid, Oid]]

    def bisect(self, stretch: str, *options: str, stack: str = "lower", code: int = 4) -> Said:
        """Ask since when a stretch is red."""
        begin, end = self.stretches[stretch]
        given = ("--base", begin, "--onto", end)
        return self.world.forkbot("bisect", stack, *given, *options, code=code)

    def forget(self) -> None:
        """Forget all answers."""
        shutil.rmtree(self.answers, ignore_errors=True)

    @property
    def answers(self) -> Path:
        """Return where answers are kept."""
        return self.world.root / ".forkbot" / "build" / "main" / "answers"


@pytest.fixture(scope="module")
def line(
    tmp_path_factory: pytest.TempPathFactory, tools: tuple[Toolchain, Wasmtime]
) -> Iterator[Line]:
    """Return two crates whose upstreams have all the stretches; nothing is built twice for them."""
    world = World(tmp_path_factory.mktemp("line"))
    with serve(world.place / "registry") as registry:
        crates = Crates(world, registry, tools)
        crates.release("lower", "1.0.0", lower())
        crates.release("upper", "1.0.0", MARKED)
        more = "build:\n  - {package: %s}\n"
        ours = lower(word="ours")
        twice = ours.replace(_FAR, TWICE, 2).replace(TWICE, _FAR, 1)
        documented = twice.replace("Gives a word.", "Gives one word.")
        world.stack(
            crates.upstreams["lower"],
            {n: {"src/lib.rs": t} for n, t in
             (("our-word", ours), ("twice", twice), ("documented", documented))},
            name="lower", more=more % "lower",
        )  # fmt: skip
        world.stack(
            crates.upstreams["upper"],
            {"louder": {"src/lib.rs": MARKED.replace("Says a word", "Says it")}},
            name="upper", more=more % "upper" + "depends: [lower]\nsmoke:\n"
            "  - {name: word, cases: {other: {}, said: {upstream: not our word}}}\n",
        )  # fmt: skip
        crates.component(MAIN.replace("{\n", OTHER, 1))
        world.forkbot("rebase")
        yield Line(world=world, stretches=dict(_history(crates)))


def _history(crates: Crates) -> Iterator[tuple[str, tuple[Oid, Oid]]]:
    below, above = crates.upstreams["lower"], crates.upstreams["upper"]
    for name, text in STRETCHES.items():
        begin = below.commit(f"begin: {name}", {"src/lib.rs": lower()})
        for n in range(1, ALL + 1):
            below.commit(f"{name}: {n} (#{n})", {"src/lib.rs": text(n)})
        assert below.tip
        yield name, (begin, below.tip)
    calm = MARKED.replace("said: {}", "told: {}")
    begin = above.commit("begin", {"README": "0\n"})
    for n in range(1, 6):
        changes: Changes = {"README": f"{n}\n", "src/lib.rs": calm if n >= 3 else MARKED}
        above.commit(f"said: {n} (#{n})", changes)
    assert above.tip
    yield "said", (begin, above.tip)


def breakers(said: Said) -> tuple[BuildBreaker, ...]:
    """Return what a run told as JSON found."""
    return msgspec.json.decode(said.out, type=RunRecord).breakers


def one(said: Said) -> BuildBreaker:
    """Return the only one."""
    (found,) = breakers(said)
    return found


def at(spot: Spot | None) -> tuple[int, str] | None:
    """Return the number of a stretch's commit, 0 for its begin, and what was red there."""
    if spot is None:
        return None
    red = "" if spot.red is None else spot.red.why.rpartition(": ")[2]
    return (spot.commit.pull_request or 0) if spot.commit else 0, red


def ends(turn: Turn | None) -> tuple[Ended, tuple[int, str] | None, tuple[int, str] | None]:
    """Return how a search ended, and between which two commits."""
    assert turn is not None
    return turn.ended, at(turn.good), at(turn.bad)


LARGE = "literal out of range for `u8`"
MISSING = "cannot find value `MISSING` in this scope"


def test_the_commit_that_broke_the_build_is_named_and_not_asked_for_twice(line: Line) -> None:
    found = one(line.bisect("breaks", "--json"))
    assert ends(found.upstream) == (Ended.FOUND, (6, ""), (7, LARGE))
    assert (found.patches.ended, found.patch) == (Ended.EVERYWHERE, None)
    assert (found.upstream.places, found.upstream.asked, found.probes) == (ALL + 1, 7, 8)
    said = line.bisect("breaks")
    assert [li for li in said.progress if "probe" in li] == []
    assert "since when: lower: red since #7 (breaks: 7)" in said.out.splitlines()
    told = line.world.reports()[-1].replace("\u200b", "")
    assert "## lower: since when lower does not build\n\n**Red since \\#7 (breaks: 7).**\n" in told
    assert "\n- Without any patch, 2026-09-21 " in told


def test_a_bounded_search_says_between_which_commits_and_goes_on_from_there(line: Line) -> None:
    line.forget()
    said = line.bisect("breaks", "--probes", "4")
    (told,) = [li for li in said.out.splitlines() if li.startswith("since when")]
    assert told == (
        "since when: lower: red since one of 6 commits: green on #6 (breaks: 6), "
        "red on #12 (breaks: 12); 5 were not built"
    )
    begin, end = line.stretches["breaks"]
    again = f"forkbot bisect lower --base {begin} --onto {end}"
    assert f"next: {again}  # goes on where the search ended" in said.out.splitlines()
    found = one(line.bisect("breaks", "--json"))
    assert ends(found.upstream) == (Ended.FOUND, (6, ""), (7, LARGE))
    assert found.probes + 4 == 8


def test_what_is_killed_goes_on_where_it_was(line: Line) -> None:
    line.forget()
    begin, end = line.stretches["breaks"]
    line.world.interrupt(
        "bisect", "lower", "--base", begin, "--onto", end, at="lower: probe 4", after=0.2,
        how=signal.SIGKILL, orphaned=True,
    )  # fmt: skip
    assert len(list(line.answers.glob("*.json"))) == 3
    (line.answers / "torn.json").write_text('{"key":')
    found = one(line.bisect("breaks", "--json"))
    assert (found.probes, ends(found.upstream)[0]) == (8 - 3, Ended.FOUND)
    assert not (line.answers / "torn.json").exists()


def test_what_came_and_went_before_is_told(line: Line) -> None:
    found = one(line.bisect("comes and goes", "--json"))
    assert ends(found.upstream) == (Ended.FOUND, (9, ""), (10, LARGE))
    assert [at(s) for s in found.upstream.came_and_went] == [(3, LARGE), (6, "")]


def test_where_it_first_was_red_otherwise_both_commits_are_named(line: Line) -> None:
    found = one(line.bisect("breaks twice", "--json"))
    assert ends(found.upstream) == (Ended.FOUND, (3, ""), (4, LARGE))
    assert ends(found.now) == (Ended.FOUND, (8, LARGE), (9, MISSING))
    assert found.commit
    assert found.commit.pull_request == 9
    said = line.bisect("breaks twice")
    (told,) = [li for li in said.out.splitlines() if li.startswith("since when")]
    assert told == (
        "since when: lower: red since #4 (breaks twice: 4), and red as it is now since "
        "#9 (breaks twice: 9)"
    )


def test_commits_that_the_stack_does_not_apply_to_leave_a_range(line: Line) -> None:
    found = one(line.bisect("in the way", "--json"))
    assert ends(found.upstream) == (Ended.UNTRIED, (4, ""), (9, LARGE))
    assert (found.upstream.untried, found.upstream.between, found.commit) == (4, 0, None)
    said = line.bisect("in the way")
    (told,) = [li for li in said.out.splitlines() if li.startswith("since when")]
    assert told.endswith("; the stack does not apply to 4 of them")


def test_the_patch_is_named_that_does_not_fit_upstreams_change(line: Line) -> None:
    found = one(line.bisect("number", "--json"))
    assert found.commit
    assert (found.commit.pull_request, found.patch) == (5, "twice")
    assert found.patches.good
    assert (found.patches.good.patch, found.patches.good.red) == ("our-word", None)
    said = line.bisect("number")
    (told,) = [li for li in said.out.splitlines() if li.startswith("since when")]
    assert told == (
        "since when: lower: red since #5 (number: 5); "
        "it takes patch twice, and is green with those before it"
    )


def test_a_lower_stacks_upstream_is_found_where_another_stack_turned_red(line: Line) -> None:
    upper, found = breakers(line.bisect("no mark", "--json"))
    assert (upper.stack, upper.upstream.ended, upper.commit) == ("upper", Ended.NOTHING, None)
    assert (found.stack, found.red.stack) == ("lower", "upper")
    assert ends(found.upstream)[1:] == (
        (9, ""),
        (10, "cannot find function `mark` in crate `lower`"),
    )


def test_a_red_component_is_run_again_on_both_sides(line: Line) -> None:
    said = line.bisect("said", "--json", stack="upper")
    found = one(said)
    assert found.upstream.good
    assert found.upstream.bad
    assert (at(found.upstream.good), found.upstream.bad.commit) == ((2, ""), found.commit)
    assert found.commit
    assert (found.commit.pull_request, found.unsteady) == (3, "")
    assert found.patches.ended is Ended.EVERYWHERE
    assert found.red.name == "word/said"
    ran = [li for li in said.progress if li.startswith("running word")]
    assert [li for li in ran if ": other " in li] == ran[:1], "the case that is red, and no other"
    asked = [li.partition(": is it ")[2] for li in said.progress if ": probe " in li]
    twice = {place for place in asked if asked.count(place) > 1}
    labels = (found.upstream.good.label, found.upstream.bad.label)
    assert twice == {f"red on {label}?" for label in labels}


def test_a_stack_in_conflict_is_told_and_nothing_is_built(line: Line) -> None:
    begin, end = line.stretches["in the way"]
    said = line.world.forkbot("bisect", "lower", "--base", begin, "--onto", f"{end}~4", code=3)
    assert [li for li in said.progress if "dependencies" in li] == []
    assert any(li.startswith("conflict: lower: patch our-word ") for li in said.out.splitlines())


def test_a_run_looks_for_it_by_itself_and_another_machine_tells_it(line: Line) -> None:
    begin, end = line.stretches["number"]
    line.forget()
    given = ("lower", "--base", begin, "--onto", end)
    said = line.world.forkbot("run", *given, "--probes", "0", "--json", code=4)
    assert breakers(said) == ()
    said = line.world.forkbot("run", *given, "--json", code=4)
    found = one(said)
    assert (found.patch, found.probes <= 12) == ("twice", True)
    record = line.world.place / "record.json"
    record.write_text(said.out)
    told = line.world.forkbot("run", *given, "--verified", str(record), "--json", code=4)
    assert breakers(told) == (found,)
    issues = [p.read_text() for p in (line.world.root / ".forkbot" / "forge").rglob("*.md")]
    assert any("since when lower does not build" in text for text in issues)


def test_along_releases_the_version_is_named(crates: Crates) -> None:
    world = crates.world
    world.forkbot("rebase", "--channel", "release")
    text = LOWER
    for n in range(1, 6):
        text += f"\n/// More.\npub const MORE{n}: u8 = {256 if n == 4 else n};\n"
        crates.release("lower", f"1.0.{n}", text)
    said = world.forkbot("bisect", "lower", "--channel", "release", code=4)
    assert "since when: lower: red since lower 1.0.4" in said.out.splitlines()
    asked = [li.rpartition(" ")[2] for li in said.progress if ": probe " in li]
    assert asked == ["1.0.5?", "1.0.0?", "1.0.3?", "1.0.4?", "patch?"]
    told = world.reports()[-1].replace("\u200b", "")
    assert "- Red on lower 1.0.4 (releases carry no finer history): lower does not build: " in told
