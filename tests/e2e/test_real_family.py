"""The main road on the real five stacks of this repository, on the real releases of their crates.

Minutes, most of them rustc's; all tests here share one build.
"""

import re
import shutil
from pathlib import Path

import msgspec
import pytest

from forkbot.model.record import RunRecord
from forkbot.model.verdict import Colour
from forkbot.stackdir.load import load_family
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.conftest import AMBIENT
from tests.e2e.crates import lend
from tests.e2e.world import Said, World

# one build for all: the Makefile keeps the tests of a file in one process
pytestmark = pytest.mark.wasm

ROOT = Path(__file__).parent.parent.parent
FAMILY = ("socket2", "mio", "tokio", "hyper-util", "reqwest")
BRANCH = "refs/heads/wasip2-release"
RUN = ("run", "--all", "--channel", "release")
DEAD = "can't spawn worker thread"


class Road:
    """A copy of this repository's stacks, taken down the whole road once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.said: Said = world.forkbot(*RUN)
        self.before = world.listing()

    def releases(self, stack: str) -> list[str]:
        """Return the release commits that a fork branch stands on, newest first."""
        subjects = self.world.log(self.world.fork(stack), BRANCH)
        return [s for s in subjects if re.fullmatch(rf"{stack} \d+\.\d+\.\d+", s)]


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory, tools: tuple[Toolchain, Wasmtime]) -> Road:
    """Return the road gone once, from nothing: no fork, no lock, no build."""
    world = World(tmp_path_factory.mktemp("road"))
    shutil.rmtree(world.root / "stacks")
    shutil.copytree(ROOT / "stacks", world.root / "stacks")
    for lock in world.root.glob("stacks/*/stack.lock"):
        lock.unlink()
    lend(tools, world.cache)
    own = {k: v for k, v in AMBIENT.items() if k.startswith(("CARGO_", "RUSTUP_"))}
    own |= {k: v for k, v in AMBIENT.items() if k.lower().endswith("_proxy")}
    own |= {k: v for k, v in AMBIENT.items() if k.startswith("SSL_CERT")}
    home = Path(AMBIENT["HOME"])
    homes = {"CARGO_HOME": home / ".cargo", "RUSTUP_HOME": home / ".rustup"}
    own |= {k: str(v) for k, v in homes.items() if k not in own and v.is_dir()}
    world.env |= own
    return Road(world)


def test_five_branches_stand_on_the_newest_releases(road: Road) -> None:
    world = road.world
    assert road.said.out.splitlines()[-1] == "5 stacks on release: built and run, 5 published"
    for stack in FAMILY:
        fork = world.fork(stack)
        mirror = world.cache / "releases" / f"{stack}.git"
        newest = (mirror / "refs/heads/release").read_text().strip()
        fork.git("merge-base", "--is-ancestor", newest, BRANCH)
        patches = world.folder(stack).joinpath("patches/series").read_text().split()
        said = fork.git("rev-list", "--count", f"{newest}..{BRANCH}").stdout
        assert int(said) == len(patches), stack


def test_each_case_is_red_or_green_as_its_stack_declares(road: Road) -> None:
    """With the stacks all are green; on pristine upstream those that declare no words of a red."""
    (record,) = road.world.root.glob(".forkbot/runs/*/record.json")
    verdict = msgspec.json.decode(record.read_bytes(), type=RunRecord).verdict
    assert verdict is not None
    ran = {
        (s.stack, s.name, s.case, s.pristine): (s.colour, s.ran_green)
        for s in verdict.smokes
        if not s.canary
    }
    assert ran == {
        (stack.name, smoke.name, name, pristine): (Colour.GREEN, not (pristine and case.upstream))
        for stack in load_family(road.world.root)
        for smoke in stack.policy.smoke
        if not smoke.canary and not smoke.upstream.fails
        for name, case in smoke.cases.items()
        for pristine in (False, True)
    }
    assert len(ran) >= 2 * 22
    (report,) = road.world.reports()
    control = "### reqwest: http/by-name\n\nRun on pristine upstream, the control: "
    said = report.split(control)[1]
    assert said.startswith("red, as it must be: exit code 134")
    assert DEAD in said.split("```")[1]
    assert "forkbot serves " in report


def test_a_second_run_writes_nothing(road: Road) -> None:
    said = road.world.forkbot(*RUN)
    assert said.out.splitlines()[-1] == "5 stacks on release: verified green before, nothing new"
    assert road.world.listing() == road.before


def test_without_the_patch_that_matters_nothing_is_published(road: Road) -> None:
    """Last, because it changes the stacks: hyper-util's lookup goes back to its thread."""
    world = road.world
    patches = world.folder("hyper-util") / "patches"
    (patches / "wasi-inline-lookup.patch").unlink()
    (patches / "series").write_text("")
    forks = {stack: world.refs(stack) for stack in FAMILY}
    stacks = world.listing(".forkbot")
    said = world.forkbot(*RUN, code=4)
    reds = [line for line in said.out.splitlines() if line.startswith("red: ")]
    (red,) = [line for line in reds if line.startswith("red: reqwest's http/by-name is red: ")]
    assert DEAD in red
    report = world.reports()[-1]
    with_stacks = report.split("### reqwest: http/by-name\n\nRun with the stacks: ")[1]
    assert with_stacks.startswith("red, and it must be green: exit code 134")
    assert DEAD in with_stacks.split("```")[1]
    assert {stack: world.refs(stack) for stack in FAMILY} == forks
    assert world.listing(".forkbot") == stacks
