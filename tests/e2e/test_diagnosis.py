"""Whose doing rustc's errors are: real histories of small crates, rebased, built and found red."""

from collections.abc import Iterator, Mapping

import msgspec
import pytest

from forkbot.model.record import RunRecord
from forkbot.report.origins import blamed
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import lend, manifest
from tests.e2e.world import Changes, World
from tests.scenario import Upstream
from tests.upstream.registry import Registry, serve

pytestmark = pytest.mark.wasm


class Story:
    """One or two crates whose upstreams go on after their stacks were rebased."""

    def __init__(self, world: World, registry: Registry, tools: tuple[Toolchain, Wasmtime]) -> None:
        self.world, self.registry = world, registry
        world.env["CARGO_HOME"] = str(registry.cargo_home(world.place / "cargo"))
        lend(tools, world.cache)

    def crate(
        self, name: str, files: Changes, patches: Mapping[str, Changes], *,
        needs: tuple[str, ...] = (), depends: str = "",
    ) -> Upstream:  # fmt: skip
        """Write a crate with its stack; return its upstream."""
        upstream = self.world.upstream(name)
        text = manifest(name, "1.0.0", tuple((n, "1") for n in needs))
        upstream.commit("begin", {"Cargo.toml": text, **files})
        more = f"build: [{{package: {name}}}]\n{depends}"
        self.world.stack(upstream, patches, name=name, more=more)
        self.registry.publish(name, "1.0.0", files={"Cargo.toml": text.encode()})
        return upstream

    def errors(self) -> list[tuple[str, ...]]:
        """Return each error that leads: its number, its place, whose doing it is."""
        said = self.world.forkbot("verify", "--newest", "--json", code=4)
        record = msgspec.json.decode(said.out, type=RunRecord)
        assert record.verdict is not None
        assert record.verdict.problems == ()
        return list(dict.fromkeys(
            (d.code, f"{d.file}:{d.line}", blamed(d))
            for build in record.verdict.builds
            for d in build.diagnostics
            if d.level == "error"
            and d.follows is None
        ))  # fmt: skip


@pytest.fixture
def story(world: World, tools: tuple[Toolchain, Wasmtime]) -> Iterator[Story]:
    """Return a story that has not begun."""
    with serve(world.place / "registry") as registry:
        yield Story(world, registry, tools)


LIB = """\
//! It has three modules.

pub mod old;
pub mod sys;

pub mod net;

pub fn stays() -> u8 {
    sys::before(1)
}

pub fn taken() {}

pub fn last() {}

// here the crate ends
"""
SYS = """\
pub fn gone() {}

pub fn before(x: u8) -> u8 {
    x
}

pub struct Shape;

pub fn moves(kept: &str) -> usize {
    kept.len()
}

pub fn gated() {}
"""
OURS = """\
use crate::old::ancient;
use crate::sys::Shape;

pub fn ours() -> usize {
    crate::sys::gone();
    ancient();
    crate::sys::before(2);
    crate::sys::gated();
    crate::sys::gone();
    let _ = Shape;
    crate::sys::moves("ours")
}

pub fn typo() {
    crate::sys::gatted();
}
"""


def test_a_name_that_is_gone_is_told_with_who_took_it(story: Story) -> None:
    lib = LIB.replace("pub mod net;", "pub mod net;\npub mod ours;")
    upstream = story.crate(
        "demo",
        {
            "src/lib.rs": LIB,
            "src/sys.rs": SYS,
            "src/net.rs": "",
            "src/old.rs": "pub fn ancient() {}\n",
        },
        {
            "our-calls": {"src/lib.rs": lib, "src/ours.rs": OURS},
            "our-cut": {"src/lib.rs": lib.replace("pub fn taken() {}\n\n", "")},
        },
    )  # fmt: skip
    story.world.forkbot("rebase")
    sys = SYS.replace("pub fn gone() {}\n\n", "")
    upstream.commit("Remove gone (#1)", {"src/sys.rs": sys})
    sys = sys.replace("before(x: u8)", "after(x: u8)")
    called = LIB.replace("before(1)", "after(1)")
    upstream.commit("Call before after (#2)", {"src/sys.rs": sys, "src/lib.rs": called})
    sys = sys.replace("struct Shape", "struct Form")
    upstream.commit("Call the shape a form (#3)", {"src/sys.rs": sys})
    moves = "pub fn moves(kept: &str) -> usize {\n    kept.len()\n}\n"
    sys = sys.replace(moves, "")
    upstream.commit("Move moves (#4)", {"src/sys.rs": sys, "src/net.rs": moves})
    sys = sys.replace("pub fn gated", "#[cfg(other)]\npub fn gated")
    upstream.commit("Gate gated (#5)", {"src/sys.rs": sys})
    called = called.replace("pub mod old;\n", "")
    upstream.commit("Remove what is old (#6)", {"src/lib.rs": called, "src/old.rs": None})
    called = called.replace("// here", "pub fn again() {\n    taken();\n}\n\n// here")
    upstream.commit("Take it again (#7)", {"src/lib.rs": called})
    ours = "demo's patch our-calls wrote the line"
    assert story.errors() == [
        ("E0432", "demo/src/ours.rs:1", f"demo's upstream removed old in #6; {ours}"),
        ("E0432", "demo/src/ours.rs:2", f"demo's upstream renamed Shape to Form in #3; {ours}"),
        ("E0425", "demo/src/ours.rs:5", f"demo's upstream removed gone in #1; {ours}"),
        ("E0425", "demo/src/ours.rs:7", f"demo's upstream renamed before to after in #2; {ours}"),
        ("E0425", "demo/src/ours.rs:8", f"demo's upstream changed gated in #5; {ours}"),
        (
            "E0425",
            "demo/src/ours.rs:11",
            f"demo's upstream moved moves to src/net.rs:1 in #4; {ours}",
        ),
        ("E0425", "demo/src/ours.rs:15", ours),
        (
            "E0425",
            "demo/src/lib.rs:15",
            "demo's patch our-cut removed taken; demo's upstream wrote the line in #7",
        ),
    ]
