"""An answer on a branch that turns out red stays there, is mended, built, run and published."""

import pytest

from forkbot.git.repository import Repository
from forkbot.words import Oid
from tests.e2e.crates import LOWER, Crates
from tests.e2e.world import World
from tests.scenario import commit_tree, read_files, with_files, write_tree

pytestmark = pytest.mark.wasm
RUN = ("run", "--all", "--channel", "release")
BRANCH = "refs/heads/forkbot/lower/release-conflict-our-word"
BASE = "refs/heads/forkbot/lower/base/release-conflict-our-word"


def answer(fork: Repository, text: str) -> Oid:
    """Let a person commit a file to the branch."""
    tip = fork.refs()[BRANCH]
    files = with_files(read_files(fork, tip), {b"src/lib.rs": text})
    tree = write_tree(fork, files)
    made = commit_tree(fork, tree=tree, parents=(tip,), message="ours", when=1_795_000_000)
    fork.git("update-ref", BRANCH, made)
    return made


def pulls(world: World) -> list[bool]:
    """Return of each pull request in the fork whether it is open."""
    home = world.root / ".forkbot/forge/lower/artefacts"
    heads = (p.read_text().partition("\n---\n")[0] for p in sorted(home.glob("*/artefact.md")))
    return ['"open": true' in head for head in heads]


def test_an_answer_that_turns_out_red_waits_on_its_branch_to_be_mended(crates: Crates) -> None:
    world = crates.world
    world.forkbot(*RUN)
    crates.release("lower", "1.1.0", LOWER.replace("plain", "simple"))
    world.forkbot(*RUN, code=3)
    assert {BRANCH, BASE} <= set(world.refs("lower"))
    assert pulls(world) == [True]
    fork = world.fork("lower")
    answer(fork, LOWER.replace('"plain"', "ours"))
    before = (world.folder("lower") / "stack.lock").read_bytes()
    said = world.forkbot(*RUN, "--probes", "0", code=4)
    assert "did not stand the proof" in said.out
    assert (world.folder("lower") / "stack.lock").read_bytes() == before
    assert pulls(world) == [True]

    tip = answer(fork, LOWER.replace("plain", "ours"))
    said = world.forkbot(*RUN)
    assert "2 stacks on release: built and run, 1 published" in said.out
    assert pulls(world) == [False]
    refs = world.refs("lower")
    assert not {BRANCH, BASE} & set(refs)
    assert tip in refs.values(), "kept under a tag"
    assert '"base-label": "1.1.0"' in (world.folder("lower") / "stack.lock").read_text()
    stood = world.listing()
    world.forkbot(*RUN)
    assert world.listing() == stood
