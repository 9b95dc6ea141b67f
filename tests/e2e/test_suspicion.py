"""A clean rebase that loses a feature of upstream's: held, seen again, acknowledged, published."""

import json

import pytest

from tests.e2e.world import World

GATE = '#[cfg(not(target_os = "wasi"))]\n'
LIB = "impl Stream {\n    pub fn peek(&self) {}\n\n    pub fn take(&self) {}\n}\n"
MORE = LIB.replace("\n\n", "\n\n    pub fn linger(&self) {}\n\n")
WHY = "WASI sockets cannot linger"


@pytest.fixture(autouse=True)
def _upstream(world: World) -> None:
    """Let upstream add what the stack's patch gates out, when the stack is published."""
    upstream = world.proven(LIB, {"src/lib.rs": GATE + LIB})
    world.forkbot("publish")
    upstream.commit("net: linger (#12)", {"src/lib.rs": MORE})
    upstream.tag("v1.1.0")


def key(world: World) -> str:
    """Return the key of the one suspicion there is."""
    facts = json.loads(world.forkbot("rebase", "--dry-run", "--json", code=3).out)
    (suspicion,) = facts["stacks"][0]["rebase"]["suspicions"]
    assert suspicion["by"][0]["pull-request"] == 12
    found = suspicion["key"]
    assert isinstance(found, str)
    return found


def test_the_base_stays_until_a_person_has_looked(world: World) -> None:
    before, tip = world.listing(".forkbot"), world.refs()["refs/heads/wasip2"]
    for command in ("rebase", "rebase"):
        world.forkbot(command, code=3)
        assert world.listing(".forkbot") == before
    found = key(world)
    unseen = world.forkbot("acknowledge", "demo", "0" * 12, "--why", WHY, code=2)
    assert unseen.err.splitlines()[-2:] == [
        "error: stacks/demo: demo has no suspicion '000000000000' now",
        f"hint: those to look at: {found}",
    ]
    dry = world.forkbot("acknowledge", "demo", found, "--why", WHY, "--dry-run")
    assert dry.out == f"would be acknowledged: {found} fix gates out src/lib.rs:4\n"
    assert world.listing(".forkbot") == before

    said = world.forkbot("acknowledge", "demo", found, "--why", WHY)
    assert said.out == (
        f"acknowledged: {found} fix gates out src/lib.rs:4\nnext: forkbot run demo\n"
    )
    file = world.folder() / "acknowledged"
    assert file.read_text() == f"{found} fix src/lib.rs: {WHY}\n"
    again = world.forkbot("acknowledge", "demo", found, "--why", "else")
    assert again.out == "nothing new: stacks/demo/acknowledged says so already\n"

    record = json.loads(world.forkbot("rebase", "--json").out)["stacks"][0]
    assert record["rebase"]["suspicions"][0]["acknowledged"] == WHY
    assert record["files-written"] == ["acknowledged", "stack.lock"]
    assert not file.exists()
    assert world.refs()["refs/heads/wasip2"] == tip
    world.bless("demo")
    world.forkbot("publish")
    published = world.refs()["refs/heads/wasip2"]
    assert published != tip
    assert world.log(world.fork(), published)[:2] == ["fix: make it so", "net: linger (#12)"]
    assert "nothing new" in world.forkbot("rebase").out


def test_a_resolution_does_not_carry_the_base_past_a_suspicion(world: World) -> None:
    """What a person answered is kept; the rest waits until the suspicion is looked at, too."""
    world.env["GIT_AUTHOR_NAME"] = "Ada Lovelace"
    upstream = world.upstream("second")
    upstream.commit("begin", {"src/lib.rs": LIB, "a": "1\n"})
    upstream.tag("v1.0.0")
    world.stack(upstream, {"two": {"src/lib.rs": GATE + LIB, "a": "ours\n"}}, name="two")
    world.forkbot("rebase", "two")
    upstream.commit("more", {"src/lib.rs": MORE, "a": "theirs\n"})
    upstream.tag("v1.1.0")
    lock = (world.folder("two") / "stack.lock").read_bytes()
    world.forkbot("resolve", "two", code=3)
    (world.root / ".forkbot" / "resolve" / "two" / "a").write_text("both\n")
    world.forkbot("resolve", "two", "--continue", code=3)
    assert (world.folder("two") / "stack.lock").read_bytes() == lock
    assert len(list(world.folder("two").rglob("resolutions/two/*.yaml"))) == 1

    (record,) = json.loads(world.forkbot("rebase", "two", "--json", code=3).out)["stacks"]
    (suspicion,) = record["rebase"]["suspicions"]
    world.forkbot("acknowledge", "two", suspicion["key"], "--why", WHY)
    assert "v1.0.0 → v1.1.0" in world.forkbot("rebase", "two").out
    assert "+both" in (world.folder("two") / "patches" / "two.patch").read_text()


def test_the_file_is_checked_at_the_door(world: World) -> None:
    (world.folder() / "acknowledged").write_text("# words\nabc\n")
    said = world.forkbot("rebase", code=2)
    assert said.err == (
        "error: ~/root/stacks/demo/acknowledged:2: the line acknowledges nothing\n"
        "hint: write `<key> <patch> <path>: <why>`, as `forkbot acknowledge` does\n"
    )
