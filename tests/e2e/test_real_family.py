"""The main road on the real five stacks of this repository, on the real releases of their crates.

Minutes, most of them rustc's; all tests here share one build.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from forkbot.cargo import read_lock
from forkbot.model.verdict import Colour
from forkbot.report import proofs
from forkbot.report.matter import Matter
from forkbot.rundir import RunDirectory
from forkbot.verify.services import serve
from forkbot.verify.toolchain import TARGET, Toolchain
from forkbot.verify.wasmtime import NETWORK, Wasmtime
from tests.e2e.conftest import AMBIENT
from tests.e2e.crates import lend
from tests.e2e.world import Said, World

# one build for all: the Makefile keeps the tests of a file in one process
pytestmark = pytest.mark.wasm

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
FAMILY = ("socket2", "mio", "tokio", "hyper-util", "reqwest")
BRANCH = "refs/heads/wasip2-release"
RUN = ("run", "--all", "--channel", "release")
COLD = 1800  # seconds: from nothing, on a slow machine
DEAD = "can't spawn worker thread"
MISS_THE_LOOKUP = ("by-name", "many-by-name", "no-such-name", "denied-names")
CANARIES = {
    ("mio", "waker"), ("tokio", "wstd"), ("tokio", "wasip3"), ("reqwest", "ring"),
    ("reqwest", "aws-lc"),
}  # fmt: skip
WITHOUT_A_FLAG = "Only features sync,macros,io-util,rt,time are supported on wasm"


Rows = dict[tuple[str, str, str], str]  # (stack, component/case, on what) → how it ended


def declared() -> Rows:
    """Return the table that the stacks' files declare, read as plainly as a person does."""
    rows: Rows = {}
    for stack in FAMILY:
        policy = yaml.safe_load((ROOT / "stacks" / stack / "stack.yaml").read_text())
        for component in policy["smoke"]:
            name, control = component["name"], component.get("upstream", {})
            if "canary" in component:
                continue
            if "fails" in control:
                rows[stack, name, "pristine"] = "red"
            for case, more in component["cases"].items():
                rows[stack, f"{name}/{case}", "stacks"] = "green"
                if "fails" not in control:
                    ends = "red" if "upstream" in more else "green"
                    rows[stack, f"{name}/{case}", "pristine"] = ends
    return rows


class Road:
    """A copy of this repository's stacks, taken down the whole road once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.said: Said = world.forkbot(*RUN, limit=COLD)
        self.before = world.listing()
        record = RunDirectory(world.root / ".forkbot" / "runs").read()
        assert record.verdict is not None
        self.smokes = record.verdict.smokes

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


def test_every_case_ends_as_its_stack_declares(road: Road) -> None:
    """The whole table, as components ended under wasmtime, held against the files."""
    ended = {
        (s.stack, s.told, "pristine" if s.pristine else "stacks"): "green" if s.ran_green else "red"
        for s in road.smokes
        if not s.canary
    }
    assert ended == declared()
    assert len(ended) > 160
    assert [(s.told, s.why) for s in road.smokes if s.colour is Colour.RED] == []


def test_every_canary_is_as_declared_or_news(road: Road) -> None:
    """A machine may have what one waits for, as a clang for wasm: then it is news, and no red."""
    told = {(str(s.stack), s.name): s.colour for s in road.smokes if s.canary}
    assert set(told) == CANARIES
    assert set(told.values()) <= {Colour.GREEN, Colour.NEWS}
    assert told["mio", "waker"] is Colour.GREEN


def test_what_is_red_says_what_is_declared(road: Road) -> None:
    reds = [s for s in road.smokes if not s.ran_green and not s.canary]
    assert {DEAD, WITHOUT_A_FLAG} <= {s.declared for s in reds}
    assert [s.told for s in reds if not s.declared] == []
    # an abort's own words come first, and are what a report has room for
    assert [s.told for s in reds if s.declared not in s.output + s.why] == []


def test_a_second_run_writes_nothing(road: Road) -> None:
    said = road.world.forkbot(*RUN, limit=COLD)
    assert said.out.splitlines()[-1] == "5 stacks on release: verified green before, nothing new"
    assert road.world.listing() == road.before


def test_a_new_project_as_the_readme_has_it_fetches_a_page_by_name_over_https(
    road: Road, tools: tuple[Toolchain, Wasmtime]
) -> None:
    """What people type: the README's own lines, the table as it is printed, cargo and wasmtime.

    It compiles into the family's folder, and without debug information like that: what they share
    is not compiled again. The project knows nothing of that.
    """
    world, project = road.world, road.world.place / "fetch"
    (project / "src").mkdir(parents=True)
    blocks = dict(
        re.findall(r"^```(toml|rust)\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    )
    said = world.forkbot("cargo-patch", "--channel", "release").out
    table = said.replace("file://~/", f"file://{world.place}/")
    package = '[package]\nname = "fetch"\nversion = "0.1.0"\nedition = "2024"\n\n'
    (project / "Cargo.toml").write_text(package + blocks["toml"] + table)
    (project / "src/main.rs").write_text(blocks["rust"])
    (target,) = world.root.glob(".forkbot/build/release/target*")
    env = {**world.env, **tools[0].env}
    subprocess.run(
        [tools[0].cargo, "build", "--target", TARGET], cwd=project, check=True, timeout=500,
        env={**env, "CARGO_TARGET_DIR": str(target), "CARGO_PROFILE_DEV_DEBUG": "false"},
    )  # fmt: skip
    lock = read_lock(project / "Cargo.lock")
    sources = {p.name: p.source for p in lock.packages if p.name in FAMILY}
    assert lock.patch.unused == ()
    assert all(str(s).startswith("git+file://") for s in sources.values())
    assert sorted(sources) == sorted(FAMILY)
    with serve(["https"]) as served:
        argv: list[str | Path] = [tools[1].program, "run", "-C", "cache=n", *NETWORK]
        argv += ["--env", f"CA={served.env['FORKBOT_CA']}", target / TARGET / "debug/fetch.wasm"]
        page = f"https://localhost:{served.env['FORKBOT_HTTPS_PORT']}/"
        ran = subprocess.run(
            [*argv, page], env={"HOME": str(world.place)}, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
    assert (ran.returncode, served.word in ran.stdout) == (0, True), ran.stderr


def test_without_the_patch_that_matters_nothing_is_published(road: Road) -> None:
    """Last, because it changes the stacks: hyper-util's lookup goes back to its thread."""
    world = road.world
    patches = world.folder("hyper-util") / "patches"
    (patches / "wasi-inline-lookup.patch").unlink()
    (patches / "series").write_text("")
    forks = {stack: world.refs(stack) for stack in FAMILY}
    stacks = world.listing(".forkbot")
    said = world.forkbot(*RUN, code=4, limit=COLD)
    (fault,) = [line for line in said.out.splitlines() if line.startswith("whose fault: ")]
    assert fault.startswith("whose fault: our patch wasi-inline-lookup of hyper-util; nothing else")
    reds = [line for line in said.out.splitlines() if line.startswith("red: ")]
    *others, last = MISS_THE_LOOKUP
    missed = (
        f"hyper-util's client is red in {', '.join(others)} and {last}",
        "reqwest's http is red in by-name and denied-names",
        "reqwest's https/by-name is red",
    )
    assert [line.partition(": OS ")[0] for line in reds] == [f"red: {name}" for name in missed]
    assert all(DEAD in line for line in reds)
    record = RunDirectory(world.root / ".forkbot" / "runs").read()
    assert [s.name for s in record.stacks if isinstance(proofs.smoke(s, record), Matter)] == [
        "hyper-util"
    ]  # one issue, which names reqwest's reds
    report = world.reports()[-1]
    with_stacks = report.split("### reqwest: http/by-name\n\nRun with the stacks: ")[1]
    assert with_stacks.startswith("red, and it must be green: exit code 134")
    assert DEAD in with_stacks.split("```")[1]
    assert {stack: world.refs(stack) for stack in FAMILY} == forks
    assert world.listing(".forkbot") == stacks
