"""The mutation proof: each hunk of a patch taken back alone, in crates really built and run."""

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

PROBE = ("probe", "lower", "--hunks", "--channel", "release")
GAP = "".join(f"// {n}\n" for n in range(7))
PLAIN = f"""\
{LOWER}{GAP}
/// How often to say it.
pub fn times() -> u8 {{
    1
}}
{GAP}
fn idle() {{}}
{GAP}
// a few words
{GAP}
"""
OURS = (
    PLAIN.replace("plain", "ours").replace("a few", "some")
    .replace("    1", "    2").replace("fn idle() {}\n", "")
    + "const _: () = assert!(usize::BITS < 64);\n"
)  # fmt: skip
CHECK = "it only says what must hold"
ANSWERS = f"""
 stack   hunk                              why
 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 lower   ours src/lib.rs:5    needed       upper's word/said is red: assertion `left == right` failed: not our word (exit code 134)
 lower   ours src/lib.rs:17   not needed   nothing that is built and run here misses it
 lower   ours src/lib.rs:27   needed       rustc warns of lower/src/lib.rs:27: function `idle` is never used
 lower   ours src/lib.rs:35   excused      nothing can miss it: comments only
 lower   ours src/lib.rs:44   excused      nothing can miss it: {CHECK}
 lower   ours tests/word.rs   excused      nothing can miss it: nothing is built from that file here

6 hunks of 1 patch on release: 2 missed by what is built and run here, 3 that nothing can miss, 1 that nothing misses
ours src/lib.rs:17 of lower: drop it and probe again, or add a component to stacks/lower/smoke that is red without it
"""


@pytest.fixture
def probed(world: World, tools: tuple[Toolchain, Wasmtime]) -> Iterator[Crates]:
    """Return crates of which ``lower`` has one patch with a hunk of each kind."""
    more = "release: {since: 1.0.0}\nbuild:\n  - {package: %s}\n"
    with serve(world.place / "registry") as registry:
        crates = Crates(world, registry, tools)
        crates.release("lower", "1.0.0", PLAIN)
        crates.release("upper", "1.0.0", UPPER)
        world.stack(
            crates.upstreams["lower"],
            {"ours": {"src/lib.rs": OURS, "tests/word.rs": "#[test]\nfn word() {}\n"}},
            name="lower",
            more=more % "lower" + "unmissed:\n  - {patch: ours, path: src/lib.rs, "
            f"having: 'assert!(usize', why: {CHECK}}}\n",
        )
        world.stack(
            crates.upstreams["upper"], {}, name="upper",
            more=more % "upper" + "depends: [lower]\nsmoke:\n"
            "  - {name: word, cases: {said: {upstream: not our word}}}\n",
        )  # fmt: skip
        crates.component(MAIN)
        world.forkbot("rebase", "--channel", "release")
        yield crates


def test_each_hunk_is_missed_or_said_why_not_and_is_not_asked_twice(probed: Crates) -> None:
    world = probed.world
    said = world.forkbot(*PROBE)
    assert said.out == ANSWERS
    lock = json.loads((world.folder("lower") / "stack.lock").read_bytes())
    assert "probed" not in lock["channels"]["release"]
    before = world.listing()
    again = world.forkbot(*PROBE)
    assert again.out == said.out.replace("nothing misses\n", "nothing misses, known before\n")
    assert not [li for li in again.progress if li.startswith("building")]
    assert world.listing() == before
