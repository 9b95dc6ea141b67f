"""Stacks are there for wasm32-wasip2: on the machine that builds them nothing may change."""

from collections.abc import Iterator

import pytest

from forkbot.rundir import RunDirectory
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import LOWER, Crates
from tests.e2e.world import Changes, World
from tests.upstream.registry import serve

pytestmark = pytest.mark.wasm

NEUTRAL = ("neutral", "--channel", "release")
NATIVE = "native: {unit: [inside], tests: [word]}\n"
INSIDE = LOWER + '\n#[test]\nfn inside() {\n    assert_eq!(word(), "plain");\n}\n'
# speaks over a loopback that is its own; knows when it is asked alone; and one fails as it stands
WORD = """\
use std::net::{TcpListener, TcpStream};

#[test]
fn alone() {
    assert!(lower::word() != "late" || std::env::args().any(|a| a == "--exact"));
}

#[test]
fn fails_as_ever() {
    panic!("upstream knows");
}

#[test]
#[ignore]
fn later() {}

#[test]
fn over_loopback() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    TcpStream::connect(listener.local_addr().unwrap()).unwrap();
}
"""
ON_WASI: Changes = {
    "src/lib.rs": INSIDE + '\n#[cfg(target_os = "wasi")]\npub fn there() {}\n',
}
OTHER: Changes = {
    "src/lib.rs": INSIDE.replace('    "plain"', '    "ours"') + "\npub fn loud() {}\n",
}
LATE: Changes = {
    "src/lib.rs": INSIDE.replace('    "plain"', '    "late"').replace('(), "plain"', '(), "late"'),
}
BROKEN: Changes = {"src/lib.rs": INSIDE.replace("word(),", "wird(),")}


@pytest.fixture
def crates(world: World, tools: tuple[Toolchain, Wasmtime]) -> Iterator[Crates]:
    """Return a released crate with tests of its own, and a stack without a patch."""
    with serve(world.place / "registry") as registry:
        made = Crates(world, registry, tools)
        made.release("lower", "1.0.0", INSIDE, more={"tests/word.rs": WORD})
        yield made


def neutral(crates: Crates, patches: dict[str, Changes], *, code: int = 0) -> str:
    """Give the stack these patches and return what is said of them, without the seconds."""
    world = crates.world
    world.stack(
        crates.upstreams["lower"], patches, name="lower",
        more="release: {since: 1.0.0}\nbuild:\n  - {package: lower}\n" + NATIVE,
    )  # fmt: skip
    world.forkbot("rebase", "--channel", "release")
    said = world.forkbot(*NEUTRAL, code=code)
    host = RunDirectory(world.root / ".forkbot" / "runs").read().stacks[0].neutrality
    return said.out.replace(host.target, "HOST") if host is not None else said.out


def test_what_is_for_wasi_alone_changes_nothing_here(crates: Crates) -> None:
    assert neutral(crates, {"there": ON_WASI}) == (
        "lower: 3 tests passed, 1 ignored, 1 failed on both sides; API of 2 items: the same\n"
        "1 stack on release, HOST: 3 tests and 2 items of API are the same with the stacks\n"
    )
    (report,) = crates.world.reports()[-1:]
    assert "Failed on pristine upstream, too:\n\n```\nword fails_as_ever\n```" in report


def test_another_answer_and_another_api_are_named(crates: Crates) -> None:
    assert neutral(crates, {"other": OTHER}, code=4) == (
        "lower: 2 tests passed, 1 ignored, 1 failed on both sides, 1 changed; API of 2 items: "
        "2 changed\n"
        "  lower inside: ok on pristine upstream, failed with the stacks\n"
        "  lower (module) is another\n"
        "  lower::loud (function) is new\n"
        "lower on release, HOST: not the same with the stacks\n"
    )


def test_a_test_that_does_not_agree_with_itself_is_told_and_blames_nobody(crates: Crates) -> None:
    assert neutral(crates, {"late": LATE}) == (
        "lower: 2 tests passed, 1 ignored, 1 failed on both sides, 1 unsteady; API of 2 items: "
        "the same\n"
        "1 stack on release, HOST: 2 tests and 2 items of API are the same with the stacks\n"
    )


def test_tests_that_no_longer_build_are_no_answer_and_red(crates: Crates) -> None:
    said = neutral(crates, {"broken": BROKEN}, code=4)
    assert said.splitlines()[0] == (
        "lower: with the stacks its own tests do not build: cannot find function `wird` in this "
        "scope"
    )


def test_a_stack_without_a_patch_has_nothing_to_compare(crates: Crates) -> None:
    assert neutral(crates, {}) == (
        "lower: nothing to compare: no patch, here or below\n"
        "1 stack on release, HOST: 0 tests and 0 items of API are the same with the stacks\n"
    )
