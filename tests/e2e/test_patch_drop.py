"""``patch drop``: what a person types to accept a proposal, and what is true afterwards."""

# ruff: noqa: E501 - what forkbot says is compared whole, in its own lines

import json
from textwrap import dedent

import pytest

from tests.e2e.world import Changes, World
from tests.scenario import Upstream

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
ONE = TEXT.replace("line 5\n", "line five\n")
PATCHES: dict[str, Changes] = {
    "one": {"src/lib.rs": ONE},
    "two": {"src/lib.rs": ONE.replace("line 7\n", "line seven\n")},
    "three": {"src/lib.rs": ONE.replace("line 7\n", "line 7, ours\n")},
}


@pytest.fixture
def upstream(world: World) -> Upstream:
    """Return an upstream, and a stack of three patches that sits on it."""
    upstream = world.upstream()
    upstream.commit("begin", {"src/lib.rs": TEXT})
    upstream.tag("v1.0.0")
    world.stack(upstream, PATCHES)
    world.forkbot("rebase")
    world.bless("demo")
    return upstream


def test_a_patch_is_dropped_offline_and_the_lock_is_true(world: World, upstream: Upstream) -> None:
    before = json.loads((world.folder() / "stack.lock").read_text())["channels"]["main"]
    away = upstream.path.rename(upstream.path.with_suffix(".away"))
    dry = world.forkbot("patch", "drop", "demo", "one", "--dry-run")
    assert sorted(p.name for p in (world.folder() / "patches").glob("*.patch")) == [
        "one.patch", "three.patch", "two.patch",
    ]  # fmt: skip
    said = world.forkbot("patch", "drop", "demo", "one", "--why", "upstream has it since 1.1")
    assert said.out == dedent("""\
        demo: patch one dropped
        demo: patch two rewritten, to fit without
        demo: patch three rewritten, to fit without
        demo: what is left applies on main; nothing is verified of it yet
        deleted: stacks/demo/patches/one.patch
        written: stacks/demo/patches/series
        written: stacks/demo/patches/three.patch
        written: stacks/demo/patches/two.patch
        written: stacks/demo/stack.lock
        next: git commit -m 'demo: drop one: upstream has it since 1.1' stacks/demo
        next: forkbot run demo
        """)
    assert dry.out.replace("would be ", "") == "".join(
        line for line in said.out.splitlines(keepends=True) if not line.startswith("next: ")
    )
    assert (world.folder() / "patches" / "series").read_text() == "two.patch\nthree.patch\n"
    away.rename(upstream.path)
    lock = json.loads((world.folder() / "stack.lock").read_text())["channels"]["main"]
    assert "verdict" not in lock
    assert lock["base"] == before["base"]
    assert lock["result"] != before["result"]
    again = world.listing()
    world.forkbot("rebase")
    assert world.listing() == again, "the lock says what the files give"


def test_what_needs_it_is_named_and_nothing_is_written(world: World, upstream: Upstream) -> None:
    del upstream
    before = world.listing()
    said = world.forkbot("patch", "drop", "demo", "two", code=2)
    assert said.err == dedent("""\
        error: stacks/demo/patches/three.patch: three does not stand without two: the same lines, or nothing left
        hint: forkbot patch drop demo two three  # all of them
        """)
    said = world.forkbot("patch", "drop", "demo", "four", code=2)
    assert said.err == dedent("""\
        error: stacks/demo/patches/series: there is no patch 'four'
        hint: patches here: one, two, three
        """)
    assert world.listing() == before


def test_a_base_out_of_reach_stops_it(world: World, upstream: Upstream) -> None:
    upstream.path.rename(upstream.path.with_suffix(".away"))
    (mirror,) = (world.cache / "mirrors").glob("*.git")
    mirror.rename(mirror.with_suffix(".away"))
    before = world.listing()
    world.forkbot("patch", "drop", "demo", "one", code=5)
    assert world.listing() == before
