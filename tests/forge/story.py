"""One small crate and its nights: upstream goes on, stands in the way, and a person answers.

What the nights build is built once in a test run, for real, and remembered from run records, as a
run remembers it from the run before.
"""

import shutil
from pathlib import Path

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import lend, manifest
from tests.e2e.world import Changes, World
from tests.forge.hosted import Hosted
from tests.scenario import Upstream

LIB = "".join(f"pub const LINE_{n}: u32 = {n};\n" for n in range(1, 31))
OURS = LIB.replace("= 20;", "= 2_000;")
EASY = ("= 17;", "= 1_700;")  # near our line
HARD = ("LINE_20: u32 = 20;", "LINE_20: u64 = 20;")  # our line itself
ANSWER = "LINE_20: u64 = 2_000;"
MORE = "build:\n  - {package: demo}\n"


def easy(lib: str) -> str:
    """Return a file as upstream's easy news leave it."""
    return lib.replace(*EASY)


def hard(lib: str) -> str:
    """Return a file as upstream's hard news leave it."""
    return lib.replace(*HARD)


ANSWERED = hard(easy(LIB)).replace(HARD[1], ANSWER)
_PROVEN = ((LIB, OURS), (easy(LIB), easy(OURS)), (hard(easy(LIB)), ANSWERED))


def prove(world: World, tools: tuple[Toolchain, Wasmtime]) -> Path:
    """Build every result of these nights; return the folder whose run records say so."""
    lend(tools, world.cache)
    upstream = world.upstream()
    for number, (theirs, ours) in enumerate(_PROVEN):
        name = f"stage-{number}"
        begin(upstream, theirs)
        world.stack(upstream, {"fix": {"src/lib.rs": ours}}, more=MORE)
        world.forkbot("verify")
        world.folder().rename(world.place / name)
    return world.root


def begin(upstream: Upstream, lib: str) -> None:
    """Commit the whole crate."""
    upstream.commit("begin", {"Cargo.toml": manifest("demo", "1.0.0"), "src/lib.rs": lib})


def founded(hosted: Hosted, proofs: Path, tools: tuple[Toolchain, Wasmtime]) -> Upstream:
    """Let a stack be on GitHub as its maintainer began it, with a fork that has no branch of it."""
    lend(tools, hosted.cache)
    upstream = hosted.upstream()
    begin(upstream, LIB)
    upstream.tag("v1.0.0")
    patches: dict[str, Changes] = {"fix": {"src/lib.rs": OURS}}
    hosted.stack(upstream, patches, url=hosted.upstream_url(), more=MORE)
    lock, remembered = hosted.folder() / "stack.lock", proofs / "stack.lock"
    if remembered.is_file():  # the same bytes each time
        shutil.copy(remembered, lock)
    else:
        hosted.forkbot("rebase")
        shutil.copy(lock, remembered)
    hosted.forked(upstream)
    hosted.settled()
    hosted.proven_by(proofs)
    return upstream


def easy_news(upstream: Upstream) -> None:
    """Let upstream release what the stack can follow."""
    upstream.commit("release 1.1.0", {"src/lib.rs": easy(LIB)})
    upstream.tag("v1.1.0")


def hard_news(upstream: Upstream) -> None:
    """Let upstream rewrite the line that the patch rewrites."""
    upstream.commit("release 2.0.0", {"src/lib.rs": hard(easy(LIB))})
    upstream.tag("v2.0.0")


def answer(folder: Path) -> None:
    """Make the file what it should be, as one does in the browser's editor."""
    path = folder / "src" / "lib.rs"
    text = path.read_text()
    before, _, rest = text.partition("<<<<<<< ")
    after = rest.partition(">>>>>>> ")[2].partition("\n")[2]
    path.write_text(f"{before}pub const {ANSWER}\n{after}")
