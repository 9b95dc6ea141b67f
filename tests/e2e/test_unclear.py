"""Cargo fails and no compiler says why: asked once more, and then not held against anybody.

Upstream's build script gives the compiler a stack of 8 KiB: a signal ends it, as when there is no
memory left.
"""

# ruff: noqa: E501 - what forkbot says is compared whole, in its own lines

import msgspec
import pytest

from forkbot.model.buildbreaker import Ended
from forkbot.model.record import RunRecord
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import LOWER, OURS, Crates
from tests.e2e.world import Changes, World
from tests.upstream.registry import serve

pytestmark = pytest.mark.wasm

GAP = "".join(f"// {n}\n" for n in range(8))
SCRIPT = f"""\
const ALWAYS: bool = true;
{GAP}
const ONCE: bool = true;
{GAP}
fn main() {{
    println!("cargo:rerun-if-changed=is-not-there");
    let mark = std::path::Path::new(&std::env::var("OUT_DIR").unwrap()).join("../../../mark");
    if ALWAYS || (ONCE && !mark.exists()) {{
        std::fs::write(mark, "").unwrap();
        println!("cargo:rustc-env=RUST_MIN_STACK=8192");
    }}
}}
"""
TAME = SCRIPT.replace("ALWAYS: bool = true", "ALWAYS: bool = false")
STEADY = TAME.replace("ONCE: bool = true", "ONCE: bool = false")
WHY = (
    "lower does not build: rustc interrupted by SIGSEGV, printing backtrace: process didn't exit "
    "successfully: rustc (signal: 11, SIGSEGV: invalid memory reference)"
)
ANSWERS = [
    f" lower   tame     unknown      tried twice, and no compiler says why: {WHY}",
    " lower   steady   not needed   nothing that is built and run here misses it",
    "",
    "2 patches on release: 0 needed, 1 not needed by anything that is built and run here, 1 unknown",
    "steady of lower: drop it and probe again, or add a component to stacks/lower/smoke that is red without it",
    "1 of them cargo could not try, and no compiler says why",
]
MORE = "release: {since: 1.0.0}\nbuild:\n  - {package: lower}\n"


def test_no_patch_is_called_needed_for_it(world: World, tools: tuple[Toolchain, Wasmtime]) -> None:
    probe = ("probe", "--channel", "release")
    with serve(world.place / "registry") as registry:
        crates = Crates(world, registry, tools)
        crates.release("lower", "1.0.0", LOWER, more={"build.rs": SCRIPT})
        patches: dict[str, Changes] = {"tame": {"build.rs": TAME}, "steady": {"build.rs": STEADY}}
        world.stack(crates.upstreams["lower"], patches, name="lower", more=MORE)
        world.forkbot("rebase", "--channel", "release")
        lock = (world.folder("lower") / "stack.lock").read_bytes()
        said = world.forkbot(*probe, code=4)
    assert said.out.splitlines()[3:] == ANSWERS
    assert [li for li in said.progress if "without" in li or "once more" in li] == [
        "lower: without steady",
        f"once more, for no compiler says why: {WHY}",
        "lower: without tame",
        f"once more, for no compiler says why: {WHY}",
    ]
    assert (world.folder("lower") / "stack.lock").read_bytes() == lock, "it is asked again"


def test_no_commit_is_blamed_for_it(world: World, tools: tuple[Toolchain, Wasmtime]) -> None:
    with serve(world.place / "registry") as registry:
        crates = Crates(world, registry, tools)
        crates.release("lower", "1.0.0", LOWER)
        world.stack(crates.upstreams["lower"], {"our-word": OURS}, name="lower", more=MORE)
        world.forkbot("rebase", "--channel", "release")
        crates.release("lower", "1.0.1", LOWER, more={"build.rs": SCRIPT})
        broken = f"{LOWER}\n/// Too much.\npub const LARGE: u8 = 256;\n"
        crates.release("lower", "1.0.2", broken, more={"build.rs": "fn main() {}\n"})
        said = world.forkbot("bisect", "lower", "--channel", "release", "--json", code=4)
    (found,) = msgspec.json.decode(said.out, type=RunRecord).breakers
    assert (found.upstream.ended, found.upstream.why, found.commit) == (Ended.STOPPED, WHY, None)
    assert [li.rpartition(" ")[2] for li in said.progress if ": probe " in li] == [
        "1.0.2?", "1.0.0?", "1.0.1?",
    ]  # fmt: skip
