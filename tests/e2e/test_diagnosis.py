"""Whose doing rustc's errors are: real histories of small crates, rebased, built and found red."""

from collections.abc import Iterator, Mapping

import msgspec
import pytest

from forkbot.model.record import RunRecord
from forkbot.report.diagnosed import blamed
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import MAIN, Crates, lend, manifest
from tests.e2e.world import Changes, World
from tests.scenario import Upstream
from tests.upstream.registry import Registry, serve

pytestmark = pytest.mark.wasm

# who is to blame is said of the errors alone: nothing is built to find it out
VERIFY = ("verify", "--newest", "--probes", "0", "--json")


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
        said = self.world.forkbot(*VERIFY, code=4)
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

pub fn shy() {}
"""
OURS = """\
use crate::old::ancient;
use crate::sys::Shape;

pub fn ours() -> usize {
    crate::sys::gone();
    ancient();
    crate::sys::before(2);
    crate::sys::gated();
    crate::sys::shy();
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
    sys = sys.replace("pub fn shy", "fn shy")
    upstream.commit("Be shy (#8)", {"src/sys.rs": sys})
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
            "demo/src/ours.rs:12",
            f"demo's upstream moved moves to src/net.rs:1 in #4; {ours}",
        ),
        ("E0425", "demo/src/ours.rs:16", ours),
        ("E0603", "demo/src/ours.rs:9", f"demo's upstream changed shy in #8; {ours}"),
        (
            "E0425",
            "demo/src/lib.rs:15",
            "demo's patch our-cut removed taken; demo's upstream wrote the line in #7",
        ),
    ]


TYPED = """\
//! All of it is used by ours.

#[derive(PartialEq)]
pub struct Thing {
    pub shape: u8,

    pub kept: u8,
}

impl Thing {
    pub fn speak(&self) -> u8 {
        self.kept
    }

    pub fn ask(&self, how: u8) -> u8 {
        how
    }
}

pub fn give(how: u8) -> u8 {
    how
}

pub enum Way {
    In,

    Out,
}

pub trait Walk {
    fn step(&self);
}

pub mod ours;
"""
USES = """\
use crate::{Thing, Walk, Way};

impl Walk for Thing {
    fn step(&self) {}
}

pub fn all(thing: &Thing) -> u8 {
    thing.speak();
    thing.ask(1);
    let _ = thing == thing;
    let _ = thing.shape;
    let _ = Way::Out;
    let wide: u8 = crate::give(3);
    thing.spaek();
    wide
}
"""


def test_what_is_another_now_is_told_with_who_changed_it(story: Story) -> None:
    upstream = story.crate(
        "demo",
        {"src/lib.rs": TYPED.replace("\npub mod ours;\n", "")},
        {"our-uses": {"src/lib.rs": TYPED, "src/ours.rs": USES}},
    )
    story.world.forkbot("rebase")
    lib = TYPED.replace("\npub mod ours;\n", "")
    for subject, old, new in (
        ("Take more (#1)", "ask(&self, how: u8)", "ask(&self, how: u8, more: u8)"),
        ("Say it otherwise (#2)", "fn speak(&self)", "fn tell(&self)"),
        ("Do not compare (#3)", "#[derive(PartialEq)]\n", ""),
        ("Have no shape (#4)", "    pub shape: u8,\n\n", ""),
        ("Go nowhere (#5)", "    Out,\n", ""),
        ("Step and stop (#6)", "fn step(&self);\n", "fn step(&self);\n\n    fn stop(&self);\n"),
        ("Give more (#7)", " -> u8 {\n    how\n}", " -> u16 {\n    how.into()\n}"),
    ):  # fmt: skip
        assert old in lib
        lib = lib.replace(old, new)
        upstream.commit(subject, {"src/lib.rs": lib})
    ours = "demo's patch our-uses wrote the line"
    assert story.errors() == [
        ("E0046", "demo/src/ours.rs:3", f"demo's upstream added stop in #6; {ours}"),
        ("E0599", "demo/src/ours.rs:8", f"demo's upstream renamed speak to tell in #2; {ours}"),
        ("E0061", "demo/src/ours.rs:9", f"demo's upstream changed ask in #1; {ours}"),
        ("E0369", "demo/src/ours.rs:10", f"demo's upstream changed Thing in #3; {ours}"),
        ("E0609", "demo/src/ours.rs:11", f"demo's upstream removed shape in #4; {ours}"),
        ("E0599", "demo/src/ours.rs:12", f"demo's upstream removed Out in #5; {ours}"),
        ("E0308", "demo/src/ours.rs:13", f"demo's upstream changed give in #7; {ours}"),
        ("E0599", "demo/src/ours.rs:14", ours),
    ]


def test_a_lower_stack_and_a_dependency_are_told_with_what_they_did(story: Story) -> None:
    for version, word in (("1.0.0", "say"), ("1.1.0", "tell")):
        text = manifest("words", version).encode()
        lib = f"pub fn {word}() {{}}\n".encode()
        story.registry.publish("words", version, files={"Cargo.toml": text, "src/lib.rs": lib})
    lower = "pub struct Low;\n\nimpl Low {\n    pub fn quiet(&self) {}\n}\n\npub fn cut() {}\n"
    below = story.crate(
        "lower", {"src/lib.rs": lower},
        {"our-cut": {"src/lib.rs": lower.replace("\npub fn cut() {}\n", "")}},
    )  # fmt: skip
    upper = (
        "use lower::Low;\n\npub fn up(low: &Low) {\n    low.quiet();\n    lower::cut();\n"
        "    words::say();\n    let _ = words::tell(1);\n}\n"
    )
    story.crate(
        "upper", {"src/lib.rs": upper}, {"our-note": {"src/lib.rs": f"{upper}\n// ours\n"}},
        needs=("lower", "words"), depends="depends: [lower]\n",
    )  # fmt: skip
    story.world.forkbot("rebase")
    below.commit("Be loud (#8)", {"src/lib.rs": lower.replace("quiet", "loud")})
    assert story.errors() == [
        ("E0425", "upper/src/lib.rs:5", "lower's patch our-cut removed cut"),
        ("E0425", "upper/src/lib.rs:6", "say is looked for in words 1.1.0"),
        ("E0599", "upper/src/lib.rs:4", "lower's upstream renamed quiet to loud in #8"),
        ("E0061", "upper/src/lib.rs:7", "tell is looked for in words 1.1.0"),
    ]


def test_a_component_that_does_not_build_has_an_error_of_its_own(crates: Crates) -> None:
    crates.world.forkbot("rebase")
    crates.component(MAIN.replace("    assert", "    upper::sayd();\n    assert"))
    said = crates.world.forkbot(*VERIFY, code=4)
    record = msgspec.json.decode(said.out, type=RunRecord)
    assert record.verdict is not None
    found = [(s.pristine, [blamed(d) for d in s.diagnostics]) for s in record.verdict.smokes]
    assert found == [(False, ["upper's component wrote the line"]), (True, [])]


def test_a_build_script_that_fails_is_whose_it_is(story: Story) -> None:
    """Upstream's, since its commit wrote there; then a dependency's, in another release of it."""
    script = 'fn main() {\n    println!("cargo:rustc-cfg=ours");\n}\n'
    broken = script.replace("{\n", '{\n    let _: u8 = "x".parse().expect("no number");\n')
    lib = "pub fn one() {}\n"
    files: Changes = {"src/lib.rs": lib, "build.rs": script}
    ours: Mapping[str, Changes] = {"our-two": {"src/lib.rs": f"{lib}\npub fn two() {{}}\n"}}
    words = {"Cargo.toml": manifest("words", "1.0.0").encode(), "src/lib.rs": b""}
    story.registry.publish("words", "1.0.0", files=words)
    upstream = story.crate("demo", files, ours, needs=("words",))
    story.world.forkbot("rebase")
    upstream.commit("Ask for a number (#10)", {"build.rs": broken})
    assert story.errors() == [("", "demo/build.rs:1", "demo's upstream wrote the line in #10")]
    upstream.commit("Ask no more (#11)", {"build.rs": script})
    words |= {"Cargo.toml": manifest("words", "1.0.1").encode(), "build.rs": broken.encode()}
    story.registry.publish("words", "1.0.1", files=words)
    assert story.errors() == [("", ":0", "it is in words 1.0.1")]
