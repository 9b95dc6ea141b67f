"""Nights on which nothing is new but what the registry has: it is noticed, and nothing is written.

What was green before is believed for as long as cargo would take the same dependencies.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from forkbot.model.attribution import Guilty
from forkbot.model.plan import Plan
from forkbot.model.record import RunRecord
from forkbot.stackdir.lock import read_lock, render_lock
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from forkbot.words import Channel
from tests.e2e.faults import LEAF, Faults
from tests.e2e.world import Listing, World
from tests.upstream.registry import serve

pytestmark = pytest.mark.wasm

RUN = ("run", "--all")
BAD = LEAF.replace("SMALL", "TINY")
IDLE = "2 stacks on main: verified green before, nothing new"
BUILT = "2 stacks on main: built and run, nothing new"
CLOSED = ["told: lower, build: closed", "told: upper, smoke: closed"]
RED_SINCE = "# red since, on the same commits: lower does not build: "
OTHERS = "the family takes other dependencies than when it was green: "


@pytest.fixture
def faults(world: World, tools: tuple[Toolchain, Wasmtime]) -> Iterator[Faults]:
    """Return the family after a night on which all was green."""
    with serve(world.place / "registry") as registry:
        yield Faults(world, registry, tools).stacks().green()


def stands(faults: Faults) -> tuple[Listing, dict[str, dict[str, str]]]:
    """Return the stacks' files and the fork branches."""
    world = faults.world
    return world.listing(".forkbot"), {n: dict(world.refs(n)) for n in ("lower", "upper")}


def last_lines(faults: Faults, *, code: int = 0, many: int = 2) -> list[str]:
    """Run a plain night, and return the last lines it said."""
    return faults.world.forkbot(*RUN, code=code).out.splitlines()[-many:]


def test_a_release_is_built_once_and_nothing_is_written(faults: Faults) -> None:
    before, stood = faults.world.listing(), stands(faults)
    assert last_lines(faults, many=1) == [IDLE]
    assert faults.world.listing() == before
    faults.release_leaf("1.0.1", LEAF + "\n/// Another.\npub const OTHER: u32 = 2;\n")
    assert last_lines(faults) == [f"{OTHERS}leaf 1.0.0 → 1.0.1", BUILT]
    assert stands(faults) == stood
    assert f"Built again: {OTHERS}leaf 1.0.0 → 1.0.1.\n" in faults.world.reports()[-1]
    before = faults.world.listing()
    assert last_lines(faults, many=1) == [IDLE]
    assert faults.world.listing() == before


def test_a_release_that_breaks_is_red_until_it_is_gone(faults: Faults) -> None:
    stood = stands(faults)
    faults.release_leaf("1.0.1", BAD)
    (said,) = faults.night()
    assert (said.guilty, said.name, said.was, said.now) == (
        Guilty.DEPENDENCY, "leaf", "1.0.0", "1.0.1",
    )  # fmt: skip
    assert stands(faults) == stood
    faults.night()  # a red one is asked again
    patch = faults.world.forkbot("cargo-patch")
    assert RED_SINCE in patch.out, "consumers hear of it, too"
    assert patch.err.splitlines()[0].startswith(RED_SINCE.removeprefix("# "))
    faults.registry.yank("leaf", "1.0.1")
    before = faults.world.listing(".forkbot")
    *closed, idle = last_lines(faults, many=3)
    assert ([line.rpartition(", ")[0] for line in closed], idle) == (CLOSED, IDLE)
    assert faults.world.listing(".forkbot") == before
    assert "red since" not in faults.world.forkbot("cargo-patch").out


def test_what_cargo_cannot_resolve_any_more_is_red(faults: Faults) -> None:
    faults.registry.yank("leaf", "1.0.0")
    (said,) = faults.night()
    assert (said.guilty, said.name, said.why) == (Guilty.DEPENDENCY, "leaf", "1.0.0 was yanked")
    assert faults.record.verdict is not None
    assert faults.record.verdict.dependencies_said.startswith("cargo resolves the family no longer")


def test_a_registry_that_is_silent_turns_no_idle_night_red(faults: Faults) -> None:
    faults.release_leaf("1.0.1", BAD)
    faults.registry.down = 1000
    before = faults.world.listing()
    unseen, idle = last_lines(faults)
    assert unseen.startswith("the dependencies were not looked at: cargo cannot reach its registry")
    assert idle == IDLE
    assert faults.world.listing() == before
    faults.registry.down = 0
    faults.night()
    faults.registry.down = 1000
    said = faults.world.forkbot(*RUN, code=5)  # it is not idle: it was red
    assert said.err.splitlines()[-2].startswith("error: cargo cannot reach its registry: ")


def test_a_lock_that_does_not_know_its_dependencies_learns_them(faults: Faults) -> None:
    """Of a forkbot that did not keep them yet, on a machine without a record of the run."""
    path = faults.world.folder("upper") / "stack.lock"
    known, lock = path.read_bytes(), read_lock(path)
    state = lock.channel(Channel.MAIN)
    assert state is not None
    old = msgspec.structs.replace(state, proven=None)
    path.write_bytes(render_lock(lock.with_channel(Channel.MAIN, old)))
    forget(faults)
    unknown = "it is not known with which dependencies the family was green"
    assert last_lines(faults) == [unknown, "2 stacks on main: built and run, files updated"]
    assert path.read_bytes() == known


def test_another_machine_hears_of_it_from_the_plan(faults: Faults) -> None:
    """As in Actions: no record of an earlier run is there, and who publishes builds nothing."""
    stood = stands(faults)
    forget(faults)
    assert planned(faults) == {}
    assert stands(faults) == stood
    faults.release_leaf("1.0.1", LEAF + "\n// other\n")
    said = f"{OTHERS}leaf 1.0.0 → 1.0.1"
    assert planned(faults) == {"lower": said, "upper": said}
    assert publish(faults).splitlines()[-1] == IDLE
    assert stands(faults) == stood
    faults.release_leaf("1.0.2", BAD)
    assert planned(faults)["upper"] == f"{OTHERS}leaf 1.0.0 → 1.0.2"
    told = publish(faults, code=4)
    assert "whose fault: the dependency leaf 1.0.0 → 1.0.2 (lower does not build: " in told
    assert stands(faults) == stood
    faults.registry.down = 1000
    assert planned(faults) == {}
    faults.registry.down = 0
    for version in ("1.0.1", "1.0.2"):
        faults.registry.yank("leaf", version)
    over = "its issue says that it is red, and it is green again"
    assert planned(faults) == {"lower": over, "upper": over}
    *closed, idle = publish(faults, fresh=False).splitlines()[-3:]
    assert ([line.rpartition(", ")[0] for line in closed], idle) == (CLOSED, IDLE)
    assert planned(faults) == {}
    assert stands(faults) == stood


def forget(faults: Faults) -> None:
    """Take away the records of all runs."""
    for path in sorted((faults.world.root / ".forkbot" / "runs").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def planned(faults: Faults) -> dict[str, str]:
    """Return what the plan has as news; nothing may be written but the plan."""
    before = faults.world.listing()
    faults.world.forkbot("plan", "--keep", str(plan_of(faults)))
    assert faults.world.listing() == before
    plan = msgspec.json.decode(plan_of(faults).read_bytes(), type=Plan)
    news = {str(s.stack): s.new for s in plan.stacks if s.new}
    assert [set(leg.stacks) for leg in plan.legs] == ([{"lower", "upper"}] if news else [])
    return news


def plan_of(faults: Faults) -> Path:
    """Return where the plan is kept."""
    return faults.world.place / "plan.json"


def publish(faults: Faults, *, code: int = 0, fresh: bool = True) -> str:
    """Let one machine prove what was planned and another one publish it; return what that says."""
    world, plan = faults.world, str(plan_of(faults))
    said = world.forkbot("verify", "--plan", plan, "--json", code=code)
    verdict = msgspec.json.decode(said.out, type=RunRecord).verdict
    assert verdict is not None
    assert verdict.reused is not fresh
    proof = world.place / "record.json"
    proof.write_text(said.out)
    forget(faults)
    return world.forkbot(*RUN, "--plan", plan, "--verified", str(proof), code=code).out
