"""A structural merge driver in a whole life of a stack: off, asked, held, read, published."""

from pathlib import Path

import pytest

from tests.e2e.world import World
from tests.mergiraf import VERSION, install

LIB = "use std::io;\n\npub fn one() {}\n"
THEIRS = LIB.replace("io;\n", "io;\nuse std::net;\n")
OURS = LIB.replace("io;\n", "io;\nuse std::thread;\n")


@pytest.fixture(autouse=True)
def log(world: World) -> Path:
    """Bring the stack into conflict; return where the mergiraf on PATH logs its calls."""
    upstream = world.proven(LIB, {"src/lib.rs": OURS})
    world.forkbot("publish")
    upstream.commit("net", {"src/lib.rs": THEIRS})
    upstream.tag("v1.1.0")
    folder = world.place / "tools"
    world.env["PATH"] = f"{folder}:{world.env['PATH']}"
    return install(folder)


def allow(world: World, text: str = "{driver: mergiraf}") -> None:
    """Let stack.yaml say what may be merged."""
    file = world.folder() / "stack.yaml"
    kept = [li for li in file.read_text().splitlines(keepends=True) if not li.startswith("merge:")]
    file.write_text("".join(kept) + f"merge: {text}\n")


def test_from_conflict_to_fork_branch(world: World, log: Path) -> None:
    tip = world.refs()["refs/heads/wasip2"]
    assert "mergiraf" not in world.forkbot("rebase", code=3).out
    assert log.read_text() == ""

    allow(world)
    said = world.forkbot("rebase").out
    assert f"demo: patch fix: src/lib.rs merged by {VERSION}; nobody has read it" in said
    assert "## demo: merged by a tool" in world.reports()[-1]
    patch = world.folder() / "patches" / "fix.patch"
    (label,) = [li for li in patch.read_text().splitlines() if li.startswith("Resolution: ")]
    assert f" ({VERSION}, " in label

    # the next run meets no conflict, and what nobody read is still what nobody read
    world.bless("demo")
    for _ in range(2):
        assert f"patch fix was merged by {VERSION}, and nobody" in world.forkbot("publish").out
        assert world.refs()["refs/heads/wasip2"] == tip

    patch.write_text(patch.read_text().replace(VERSION, "Ada Lovelace"))
    world.forkbot("rebase")
    world.bless("demo")
    world.forkbot("publish")
    published = world.refs()["refs/heads/wasip2"]
    assert world.log(world.fork(), published)[:2] == ["fix: make it so", "net"]
    assert (
        "(Ada Lovelace, " in world.fork().git("log", "-1", "--format=%B", published).stdout.decode()
    )


def test_a_policy_may_publish_it_unread(world: World) -> None:
    tip = world.refs()["refs/heads/wasip2"]
    allow(world, "{driver: mergiraf, publish: true}")
    world.forkbot("rebase")
    world.bless("demo")
    world.forkbot("publish")
    assert world.refs()["refs/heads/wasip2"] != tip


def test_resolve_fills_in_nothing_that_was_not_safe(world: World) -> None:
    world.env["GIT_AUTHOR_NAME"] = "Ada Lovelace"
    allow(world)
    nothing = world.forkbot("resolve", "demo", "--dry-run").out
    assert f"src/lib.rs: merged by {VERSION}; nobody has read it" in nothing
    install(world.place / "tools", then="text += 'pub fn one() {}\\n'")
    world.forkbot("resolve", "demo", code=3)
    laid = (world.root / ".forkbot" / "resolve" / "demo" / "src" / "lib.rs").read_text()
    assert [li for li in laid.splitlines() if li.startswith("use ")] == [
        "use std::io;", "use std::net;", "use std::thread;",
    ]  # fmt: skip
    assert laid.count("<<<<<<< ") == laid.count("pub fn one()") == 1
    why = "its lib.rs is not taken: fn one stands there twice"
    assert f"mergiraf was asked for, and is no help: {why}" in world.forkbot("rebase", code=3).out


def test_a_machine_without_it_says_so(world: World) -> None:
    allow(world)
    (world.place / "tools" / "mergiraf").unlink()
    told = "mergiraf was asked for, and is no help: mergiraf is not installed, or not on PATH"
    assert told in world.forkbot("rebase", code=3).out
    assert told in " ".join(world.reports()[-1].split())
