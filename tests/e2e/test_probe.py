"""What each patch is there for: left out one by one from crates that are really built and run."""

# ruff: noqa: E501 - what forkbot says is compared whole, in its own lines

import json
from collections.abc import Iterator

import pytest

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import LOWER, MAIN, UPPER, Crates
from tests.e2e.world import World
from tests.upstream.registry import serve

pytestmark = pytest.mark.wasm

PROBE = ("probe", "lower", "--channel", "release")
DRAFT = LOWER.replace("plain", "draft")
OURS = LOWER.replace("plain", "ours")
LOUD = OURS + "\n/// The word, loud.\npub fn loud() -> String {\n    word().to_uppercase()\n}\n"
DOCUMENTED = LOUD.replace("Gives a word.", "Gives one word.")
SHOUTED = UPPER + "\n/// The word, shouted.\npub fn shouted() -> String {\n    lower::loud()\n}\n"
ANSWERS = """
 stack   patch                     why
 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 lower   draft        needed       our-word edits what it wrote, and is needed
 lower   our-word     needed       upper's word/said is red: assertion `left == right` failed: not our word (exit code 134)
 lower   loud         needed       upper does not build: upper/src/lib.rs:10: cannot find function `loud` in crate `lower`
 lower   documented   not needed   nothing that is built and run here misses it

4 patches on release: 3 needed, 1 not needed by anything that is built and run here"""
ADVICE = """
documented of lower: drop it and probe again, or add a component to stacks/lower/smoke that is red without it
"""


@pytest.fixture
def probed(world: World, tools: tuple[Toolchain, Wasmtime]) -> Iterator[Crates]:
    """Return crates of which ``lower`` has four patches, each with another reason, or none."""
    more = "release: {since: 1.0.0}\nbuild:\n  - {package: %s}\n"
    with serve(world.place / "registry") as registry:
        crates = Crates(world, registry, tools)
        crates.release("lower", "1.0.0", LOWER)
        crates.release("upper", "1.0.0", UPPER)
        world.stack(
            crates.upstreams["lower"],
            {
                "draft": {"src/lib.rs": DRAFT},
                "our-word": {"src/lib.rs": OURS},
                "loud": {"src/lib.rs": LOUD},
                "documented": {"src/lib.rs": DOCUMENTED},
            },
            name="lower",
            more=more % "lower",
        )
        world.stack(
            crates.upstreams["upper"], {"shouted": {"src/lib.rs": SHOUTED}}, name="upper",
            more=more % "upper" + "depends: [lower]\nsmoke:\n"
            "  - {name: word, cases: {said: {upstream: not our word}}}\n",
        )  # fmt: skip
        crates.component(MAIN)
        world.forkbot("rebase", "--channel", "release")
        yield crates


def lock_of(world: World, name: str) -> dict[str, object]:
    """Return what a stack's lock says of the release channel."""
    lock = json.loads((world.folder(name) / "stack.lock").read_bytes())
    channel = lock["channels"]["release"]
    assert isinstance(channel, dict)
    return channel


def test_each_patch_has_its_reason_and_is_not_asked_twice(probed: Crates) -> None:
    world = probed.world
    before = world.listing(".forkbot/build")
    said = world.forkbot(*PROBE, "--dry-run")
    assert said.out == (
        f"{ANSWERS}\nwould write stacks/lower/stack.lock\n"
        f"would write .forkbot/runs/20261118T110640000Z-2/{ADVICE}"
    )
    assert {**world.listing(".forkbot/build"), ".forkbot": 0} == {**before, ".forkbot": 0}

    said = world.forkbot(*PROBE)
    assert said.out == ANSWERS + ADVICE
    assert [li for li in said.progress if "lower: without" in li or "control" in li] == [
        "the control: all patches in place",
        "lower: without documented",
        "lower: without loud",
        "lower: without our-word",
        "lower: without draft, our-word",
    ]
    after_loud = said.progress[said.progress.index("lower: without loud") :]
    upto = after_loud[: after_loud.index("lower: without our-word")]
    assert "building word with the stacks" not in upto, "the first red is the answer"
    assert [p["patch"] for p in probed_in(world, "lower") if p["green"]] == ["documented"]
    assert "probed" not in lock_of(world, "upper")
    assert "Without `loud`, building upper said\n\n```\nerror[E0425]: " in world.reports()[-1]
    assert "Without `our-word`, upper's word/said said\n\n```\nsaid: draft\n" in world.reports()[-1]

    assert "~/" not in world.reports()[-1], "a folder of this machine"

    before = world.listing()
    said = world.forkbot(*PROBE)
    assert said.out == f"{ANSWERS}, known before{ADVICE}"
    assert said.progress == [
        "lower: locating upstream", "lower: rebasing onto 1.0.0",
        "upper: locating upstream", "upper: rebasing onto 1.0.0",
    ]  # fmt: skip
    assert world.listing() == before


def probed_in(world: World, name: str) -> list[dict[str, object]]:
    """Return what a stack's lock knows of its patches."""
    known = lock_of(world, name)["probed"]
    assert isinstance(known, dict)
    patches = known["patches"]
    assert isinstance(patches, list)
    return patches


def test_red_with_all_patches_in_place_nothing_is_said_of_any(probed: Crates) -> None:
    world = probed.world
    probed.component(MAIN.replace("said: ours", "said: theirs"))
    before = world.listing(".forkbot")
    said = world.forkbot(*PROBE, code=4)
    told = said.out.splitlines()
    assert (
        "red: upper's word/said is red: assertion `left == right` failed: not our word (exit code 134)"
        in told
    )
    assert told[-1] == "nothing is said of any patch: with all of them in place it is red"
    assert not [li for li in said.progress if li.startswith("lower: without")]
    assert world.listing(".forkbot") == before


def test_what_was_probed_goes_with_the_result_it_was_probed_of(probed: Crates) -> None:
    world = probed.world
    world.forkbot(*PROBE)
    world.forkbot("rebase", "--channel", "release")
    assert len(probed_in(world, "lower")) == 4
    said = world.forkbot("verify", "--channel", "release")
    compiled = [li for li in said.progress if "compiling lower" in li]
    assert compiled, "a probe is no verification"
    assert len(probed_in(world, "lower")) == 4
    probed.release("lower", "1.1.0", LOWER, more={"README.md": "A word.\n"})
    world.forkbot("rebase", "lower", "--channel", "release")
    assert "probed" not in lock_of(world, "lower")
