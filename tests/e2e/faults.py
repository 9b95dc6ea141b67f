"""A family of two small forks, green, and then one thing in it made bad; whose fault is it?

``upper`` says the word that ``lower`` gives, through a function that our patch adds; both need
``leaf`` from the registry. The component wants our word, so it is red on pristine upstream.
"""

import shutil
from collections.abc import Callable

import msgspec

from forkbot.model.attribution import Attribution
from forkbot.model.record import RunRecord
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import lend, manifest
from tests.e2e.world import Changes, Said, World
from tests.scenario import make_stack
from tests.upstream.registry import Registry

LOWER = """\
//! Gives a word.

/// The word, so many times.
pub fn word(times: usize) -> String {
    "plain".repeat(times)
}

/// A number.
pub fn number() -> u32 {
    let unused = 2;
    leaf::SMALL
}
"""
UPPER = """\
//! Says a word.

/// What `lower` gives, said.
pub fn said() -> String {
    let many = 1;
    format!("said: {}", lower::word(many))
}

/// How it is written.
pub fn style() -> &'static str {
    "plain"
}
"""
LEAF = "//! A number.\n\n/// It.\npub const SMALL: u32 = 1;\n"
MAIN = """\
fn main() {
    println!("{} {}", upper::loud(), lower::number());
    assert_eq!(upper::loud(), "SAID: OURS!", "not our word");
    assert_eq!(lower::number(), 1, "not our number");
}
"""
LOWER_OURS: Changes = {"src/lib.rs": LOWER.replace('"plain"', '"ours"')}
LOUD = """
/// What is said, and loudly.
pub fn loud() -> String {
    let said = said();
    format!("{}!", said.to_uppercase())
}
"""
UPPER_OURS = UPPER + LOUD
QUIET = "\n/// Nothing.\npub fn quiet() -> String {\n    String::new()\n}\n"


class Faults:
    """The family, its registry and its upstreams; green once ``green`` was called."""

    def __init__(self, world: World, registry: Registry, tools: tuple[Toolchain, Wasmtime]) -> None:
        self.world, self.registry, self.tools = world, registry, tools
        self.upstreams = {name: world.upstream(name) for name in ("lower", "upper")}
        world.env["CARGO_HOME"] = str(registry.cargo_home(world.place / "cargo"))
        world.env["CARGO_NET_RETRY"] = "0"
        lend(tools, world.cache)
        self.release_leaf("1.0.0", LEAF)
        self.commit("lower", "begin", {"src/lib.rs": LOWER})
        self.commit("upper", "begin", {"src/lib.rs": UPPER})
        for name in ("lower", "upper"):
            self.upstreams[name].tag("v1.0.0")
            files = {"Cargo.toml": self.manifest(name).encode(), "src/lib.rs": b""}
            registry.publish(name, "1.0.0", files=files, needs=_NEEDS[name])

    # --- the scene

    def manifest(self, name: str) -> str:
        """Return a crate's manifest as upstream has it."""
        features = "[features]\nextra = []\n" if name == "upper" else ""
        return manifest(name, "1.0.0", _NEEDS[name]) + features

    def release_leaf(self, version: str, lib: str) -> None:
        """Release a version of the dependency."""
        files = {"Cargo.toml": manifest("leaf", version).encode(), "src/lib.rs": lib.encode()}
        self.registry.publish("leaf", version, files=files)

    def commit(self, name: str, subject: str, files: Changes) -> str:
        """Let upstream commit; return the id."""
        whole: dict[str | bytes, object] = {**files}
        if not self.upstreams[name].tip:
            whole["Cargo.toml"] = self.manifest(name)
        return self.upstreams[name].commit(subject, whole)  # type: ignore[arg-type]

    def stacks(self, *, main: str = MAIN, features: str = "", timeout: int = 60) -> "Faults":
        """Write the two stacks, and the component of the upper one."""
        build = "build:\n  - {package: %s}\n"
        upper = f"build:\n  - {{package: upper{features}}}\n"
        self.world.stack(
            self.upstreams["lower"], {"our-word": LOWER_OURS}, name="lower", more=build % "lower"
        )
        self.world.stack(
            self.upstreams["upper"],
            {"loud": {"src/lib.rs": UPPER_OURS}, "quiet": {"src/lib.rs": UPPER_OURS + QUIET}},
            name="upper",
            more=upper + f"depends: [lower]\nsmoke:\n  - {{name: word, timeout: {timeout}, "
            "cases: {said: {}}, upstream: {fails: cannot find function}}\n",
        )  # fmt: skip
        folder = self.world.folder("upper") / "smoke" / "word"
        (folder / "src").mkdir(parents=True)
        text = manifest("word", "0.0.0", (("upper", "1"), ("lower", "1")))
        (folder / "Cargo.toml").write_text(text)
        (folder / "src" / "main.rs").write_text(main)
        return self

    def green(self) -> "Faults":
        """Run the night on which all was well."""
        self.world.forkbot("run", "--all")
        return self

    def keep(self) -> Callable[[], "Faults"]:
        """Keep all as it is; return what brings it back there, to the paths that cargo knows."""
        place, env = self.world.place, dict(self.world.env)
        kept = place.with_name(f"{place.name}-kept")
        shutil.copytree(place, kept, symlinks=True)

        def again() -> Faults:
            shutil.rmtree(place)
            shutil.copytree(kept, place, symlinks=True)
            self.world.env = dict(env)
            self.upstreams = {name: self.world.upstream_again(name) for name in self.upstreams}
            return self

        return again

    def edit(self, patch: str, files: Changes) -> None:
        """Let a person write a patch of the upper stack anew: what its last one does."""
        upstream = self.upstreams["upper"]
        assert upstream.tip
        patches: dict[str, Changes] = {"loud": {"src/lib.rs": UPPER_OURS}, patch: files}
        stack, _ = make_stack(upstream, upstream.tip, patches)
        path = self.world.folder("upper") / "patches" / f"{patch}.patch"
        path.write_bytes(stack.patches[-1].mail)

    def newer_rustc(self, version: str, *flags: str) -> None:
        """Put a newer rustc before the one that is here, which finds more to complain about.

        It is the same one, that says it is newer; what it complains about is given.
        """
        rustc, folder = self.tools[0].rustc, self.world.place / "newer"
        folder.mkdir()
        env = "".join(f"export {n}='{v}'\n" for n, v in self.tools[0].env.items() if n != "RUSTC")
        (folder / "cargo").write_text(f'#!/bin/sh\n{env}exec {self.tools[0].cargo} "$@"\n')
        (folder / "rustc").write_text(
            f'#!/bin/sh\n{env}case "$*" in\n'
            f"-vV) {rustc} -vV | sed 's/1\\.[0-9]*\\.[0-9]*/{version}/' ;;\n"
            f'*) exec {rustc} "$@" {" ".join(flags)} ;;\nesac\n'
        )
        for program in ("cargo", "rustc"):
            (folder / program).chmod(0o755)
        # what is on PATH is shown to builds, and the real one's libraries must be
        home = rustc.resolve().parent.parent
        self.world.env["PATH"] = f"{folder}:{home}:{self.world.env['PATH']}"

    def newer_wasmtime(self, version: str) -> None:
        """Put a newer wasmtime before the one that is here, which runs no machine code.

        It is the same one besides, that says it is newer.
        """
        folder = self.world.place / "newer-wasmtime"
        folder.mkdir()
        shutil.copy(self.tools[1].program, folder / "real")  # in the folder that components see
        (folder / "wasmtime").write_text(
            f'#!/bin/sh\ncase "$*" in\n--version) echo wasmtime {version} ;;\n'
            '*--allow-precompiled*) echo "error: this is no module of mine" >&2; exit 1 ;;\n'
            f'*) exec {folder / "real"} "$@" ;;\nesac\n'
        )
        (folder / "wasmtime").chmod(0o755)
        self.world.env["PATH"] = f"{folder}:{self.world.env['PATH']}"

    # --- what comes of it

    def night(self, *words: str, code: int = 4) -> tuple[Attribution, ...]:
        """Run the next night; return whose fault it is, and keep what was said."""
        self.said = self.world.forkbot(*(words or ("run", "--all")), "--json", code=code)
        record = msgspec.json.decode(self.said.out, type=RunRecord)
        assert record.verdict is not None
        self.record = record
        return record.verdict.attributions

    said: Said
    record: RunRecord


_NEEDS = {"lower": (("leaf", "1"),), "upper": (("lower", "1"),)}
