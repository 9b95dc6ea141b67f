"""Ctrl-C, a stop from outside, a kill: nothing is half done, and the next run goes on."""

import json
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from forkbot.stackdir.load import load_family
from tests.e2e.crates import LOWER, UPPER, Crates
from tests.e2e.world import Changes, World, listing
from tests.scenario import Upstream

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
OURS: Changes = {"src/lib.rs": TEXT.replace("line 20\n", "line twenty\n")}
BYE = "interrupted; nothing is half done: run the same command again"


def contents(root: Path) -> dict[str, bytes]:
    """Return what the stacks' files say."""
    return {name: seen[2] for name, seen in listing(root / "stacks").items()}


def scraps(world: World) -> list[str]:
    """Return files and folders that only an unfinished piece of work has."""
    places = [*world.root.rglob("*"), *world.cache.rglob("*")]
    marks = (".forkbot-update", ".new", "objects-", "unfinished-", "scratch-", "tmp_obj", ".lock.")
    found = [str(p.relative_to(world.place)) for p in places]
    return [p for p in found if any(m in p.rpartition("/")[2] for m in marks)]


@pytest.fixture
def upstream(world: World) -> Upstream:
    """Return an upstream that went on by a release since the stack was rebased and published."""
    upstream = world.proven(TEXT, OURS)
    world.forkbot("publish")
    text = TEXT.replace("line 17\n", "line 17\nline 17 and a half\n")
    upstream.commit("release 1.1.0", {"src/lib.rs": text})
    upstream.tag("v1.1.0")
    return upstream


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("at", ["locating upstream", "rebasing onto"])
@pytest.mark.usefixtures("upstream")
def test_a_rebase_interrupted(world: World, at: str, how: signal.Signals) -> None:
    """While git fetches, with children of its own; and later, between many short ones."""
    slow = world.shim("git", 'case " $* " in *" fetch "*) sleep 60; exit 1;; esac')
    env, after = (slow, 0.3) if at == "locating upstream" else ({}, 0.0)
    before = world.listing()
    said = world.interrupt("rebase", at=f"demo: {at}", how=how, after=after, env=env)
    assert (said.code, said.err.splitlines()[-1]) == (130, BYE)
    assert world.listing() == before
    assert scraps(world) == []
    assert "files updated" in world.forkbot("rebase").out
    assert "nothing new" in world.forkbot("rebase").out


def test_a_push_interrupted(world: World, upstream: Upstream) -> None:
    assert upstream.tip
    world.forkbot("rebase")
    world.bless("demo")
    slow = world.shim("git", 'case " $* " in *" push "*) sleep 60; exit 1;; esac')
    before = world.listing()
    said = world.interrupt("publish", at="demo: publishing", after=0.3, env=slow)
    assert (said.code, said.err.splitlines()[-1]) == (130, BYE)
    assert world.listing() == before
    assert scraps(world) == []
    assert "1 published" in world.forkbot("publish").out
    before = world.listing()
    world.forkbot("publish")
    assert world.listing() == before


@pytest.mark.usefixtures("upstream")
def test_a_rebase_killed_at_any_time(world: World) -> None:
    """Killed outright, later and later: the files are the old ones or the new ones, whole."""
    old = contents(world.root)
    twin = world.place / "twin"
    shutil.copytree(world.root, twin)
    world.forkbot("-C", str(twin), "rebase")
    new = contents(twin)
    for step in range(9):
        world.interrupt(
            "rebase", at="demo: rebasing", how=signal.SIGKILL, after=step * 0.02, orphaned=True
        )
        load_family(world.root)  # whoever reads next finishes what was begun
        assert contents(world.root) in (old, new)
    world.forkbot("rebase")
    assert contents(world.root) == new
    before = world.listing()
    assert "nothing new" in world.forkbot("rebase").out
    assert world.listing() == before


RUN = ("run", "--all", "--channel", "release")
STEPS = (
    "lower: locating upstream",
    "lower: fetching 1 releases",
    "lower: rebasing onto 1.1.0",
    "resolving dependencies",
    "building lower (1 of 2)",
    "building lower-0",
    "building word with the stacks",
    "running word with the stacks",
    "building word on pristine upstream",
    "running word on pristine upstream",
)


@pytest.mark.wasm
def test_a_registry_that_never_answers(crates: Crates) -> None:
    """Ctrl-C does not wait for it, nor leaves the cargos that do."""
    world = crates.world
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"http://127.0.0.1:{silent.getsockname()[1]}/{{crate}}-{{version}}.crate"
        (crates.registry.root / "config.json").write_text(json.dumps({"dl": place}))
        began = time.monotonic()
        said = world.interrupt(*RUN, at="lower: fetching", after=1.0)
        assert time.monotonic() - began < 20, "cargo itself waits for 30"
    assert (said.code, said.err.splitlines()[-1]) == (130, BYE)
    assert scraps(world) == []
    assert not (world.root / ".forkbot").exists()


@pytest.mark.wasm
def test_a_run_interrupted_in_every_step(crates: Crates) -> None:
    """Step after step of one journey, each time nothing has happened; at last it goes through."""
    world = crates.world
    world.forkbot(*RUN)
    crates.release("lower", "1.1.0", LOWER + "\n/// News.\npub fn news() {}\n")
    crates.release("upper", "1.1.0", UPPER + "\n/// News.\npub fn news() {}\n")
    twin = world.place / "twin"
    shutil.copytree(world.root, twin, ignore=shutil.ignore_patterns("build"))
    stacks, forge = contents(world.root), listing(world.root / ".forkbot" / "forge")
    records = listing(world.root / ".forkbot" / "runs")
    for step in STEPS:
        said = world.interrupt(*RUN, at=step)
        assert (said.code, said.err.splitlines()[-1]) == (130, BYE), step
        assert contents(world.root) == stacks, step
        assert listing(world.root / ".forkbot" / "forge") == forge, step
        assert listing(world.root / ".forkbot" / "runs") == records, step
        assert scraps(world) == [], step
    for stack in ("lower", "upper"):
        said = world.interrupt(*RUN, at=f"{stack}: publishing")
        assert (said.code, said.err.splitlines()[-1]) == (130, BYE)
        assert scraps(world) == []
    world.forkbot(*RUN)
    before = world.listing()
    assert "nothing new" in world.forkbot(*RUN).out
    assert world.listing() == before

    refs = {name: world.refs(name) for name in ("lower", "upper")}
    found = contents(world.root)
    world.root = twin
    world.forkbot(*RUN)
    assert contents(twin) == found
    assert {name: world.refs(name) for name in ("lower", "upper")} == refs
