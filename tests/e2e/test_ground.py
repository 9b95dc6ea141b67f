"""How far a stack in conflict is still green: its floor built and run, and found further down."""

import json

import pytest

from tests.e2e.crates import LOWER, Crates

pytestmark = pytest.mark.wasm

BROKEN = LOWER + "\n/// Too much.\npub const LARGE: u8 = 256;\n"


def test_a_floor_that_does_not_build_goes_down_to_the_last_green_release(crates: Crates) -> None:
    world = crates.world
    world.forkbot("rebase", "--channel", "release")
    crates.release("lower", "1.0.1", LOWER + "\n/// More.\npub const MORE: u8 = 1;\n")
    crates.release("lower", "1.0.2", BROKEN)
    crates.release("lower", "1.0.3", BROKEN.replace("Too much", "Far too much"))
    crates.release("lower", "1.1.0", BROKEN.replace("plain", "simple"))
    before = world.listing(".forkbot")
    said = world.forkbot("rebase", "--channel", "release", "--verify", code=3)
    assert world.listing(".forkbot") == before
    asked = [li for li in said.progress if "does it build" in li]
    # its floor, its base (no verdict is kept yet), and then halfway, and halfway again
    order = ("1.0.3", "1.0.0", "1.0.1", "1.0.2")
    assert asked == [f"lower: does it build and run on {v}?" for v in order]
    assert said.progress.count("running word with the stacks: said (1 of 1)") == 2
    (told,) = [li.strip() for li in said.out.splitlines() if "floor:" in li]
    why = "red at 1.0.2: lower does not build: lower/src/lib.rs:9: literal out of range for `u8`"
    assert told == (
        "floor: the whole stack goes as far as 1.0.1, 3 commits behind; "
        f"the next (lower 1.0.2) is in the way; built and run there: green; {why}"
    )
    newest = max((world.root / ".forkbot" / "runs").iterdir())
    floor = json.loads((newest / "record.json").read_bytes())["stacks"][0]["rebase"]["floor"]
    assert (floor["place"]["label"], floor["verified"], floor["why"]) == ("1.0.1", "green", why)
