"""Two small crates that are really built and run: ``upper`` asks ``lower`` for a word and says it.

Upstream's word is "plain"; our patch to ``lower`` makes it "ours", and the smoke component wants
"ours". So it is green with the stacks, red on pristine upstream, and needs no network.
"""

import shutil
from pathlib import Path

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.world import Changes, World
from tests.upstream.registry import Registry

LOWER = """\
//! Gives a word.

/// The word.
pub fn word() -> &'static str {
    "plain"
}
"""
UPPER = """\
//! Says a word.

/// What `lower` gives, said.
pub fn said() -> String {
    format!("said: {}", lower::word())
}
"""
MAIN = """\
fn main() {
    println!("{}", upper::said());
    assert_eq!(upper::said(), "said: ours", "not our word");
}
"""
OURS: Changes = {"src/lib.rs": LOWER.replace("plain", "ours")}
LOUD: Changes = {
    "src/lib.rs": UPPER.replace("What `lower` gives, said.", "Said as `lower` has it.")
}


def manifest(name: str, version: str, needs: tuple[tuple[str, str], ...] = ()) -> str:
    """Return a package's manifest as cargo normalises it."""
    lines = "".join(f'[dependencies.{n}]\nversion = "{v}"\n' for n, v in needs)
    return f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n\n{lines}'


class Crates:
    """The two crates in a registry of their own, and their stacks in a world."""

    def __init__(self, world: World, registry: Registry, tools: tuple[Toolchain, Wasmtime]) -> None:
        self.world = world
        self.registry = registry
        self.upstreams = {name: world.upstream(name) for name in ("lower", "upper")}
        world.env["CARGO_HOME"] = str(registry.cargo_home(world.place / "cargo"))
        world.env["CARGO_NET_RETRY"] = "0"
        lend(tools, world.cache)

    def release(self, name: str, version: str, lib: str, *, more: Changes | None = None) -> None:
        """Publish one version of a crate; its files are upstream's tip as well."""
        needs = (("lower", "1"),) if name == "upper" else ()
        text = manifest(name, version, needs)
        files: dict[str | bytes, object] = {"Cargo.toml": text, "src/lib.rs": lib, **(more or {})}
        changes: Changes = {k: v for k, v in files.items() if isinstance(v, str)}
        self.upstreams[name].commit(f"release {version}", changes)
        packed = {str(k): str(v).encode() for k, v in changes.items()}
        self.registry.publish(name, version, files=packed, needs=needs)

    def stacks(
        self, *, smoke: str = MAIN, upstream: str = "not our word", timeout: int = 60
    ) -> None:
        """Write the two stacks on the first releases; the component belongs to ``upper``."""
        more = "release: {since: 1.0.0}\nbuild:\n  - {package: %s}\n"
        self.world.stack(
            self.upstreams["lower"], {"our-word": OURS}, name="lower", more=more % "lower"
        )
        self.world.stack(
            self.upstreams["upper"], {"louder": LOUD}, name="upper",
            more=more % "upper" + "depends: [lower]\nsmoke:\n"
            f"  - {{name: word, timeout: {timeout}, cases: {{said: {{upstream: {upstream}}}}}}}\n",
        )  # fmt: skip
        self.component(smoke)

    def stacks_again(self, *, timeout: int) -> None:
        """Give the component another timeout."""
        policy = self.world.folder("upper") / "stack.yaml"
        policy.write_text(policy.read_text().replace("timeout: 60", f"timeout: {timeout}"))

    def component(self, main: str) -> None:
        """Write the smoke component."""
        folder = self.world.folder("upper") / "smoke" / "word"
        (folder / "src").mkdir(parents=True, exist_ok=True)
        text = manifest("word", "0.0.0", (("upper", "1"),))
        (folder / "Cargo.toml").write_text(text)
        (folder / "src" / "main.rs").write_text(main)

    def everything(self) -> "Crates":
        """Publish both crates and write both stacks: the common beginning."""
        self.release("lower", "1.0.0", LOWER)
        self.release("upper", "1.0.0", UPPER)
        self.stacks()
        return self


def lend(tools: tuple[Toolchain, Wasmtime], cache: Path) -> None:
    """Lend a cache the tools of another one, so that nothing is got again."""
    cache.mkdir(parents=True, exist_ok=True)
    for program in (tools[0].rustc, tools[1].program):
        owner = next((p for p in program.parents if (p / "facts").is_dir()), None)
        if owner is not None:
            own = program.relative_to(owner).parts[0]
            if not (cache / own).exists():
                (cache / own).symlink_to(owner / own)
            shutil.copytree(owner / "facts", cache / "facts", dirs_exist_ok=True)
