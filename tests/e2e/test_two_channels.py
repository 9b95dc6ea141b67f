"""One stack, two channels: what one of them needs is never taken from the other."""

from pathlib import Path

import pytest

from tests.e2e.crates import LOWER, OURS, Crates
from tests.e2e.world import World

pytestmark = pytest.mark.wasm  # cargo answers for the releases; nothing is built

MAIN = ("rebase", "lower")
RELEASE = (*MAIN, "--channel", "release")
BUSY = LOWER.replace("/// The word.", "/// The word, in full.")


@pytest.fixture
def lower(crates: Crates) -> Crates:
    """Return the crates, ``lower`` rebased on both channels."""
    for command in (MAIN, RELEASE):
        crates.world.forkbot(*command)
    return crates


def files(world: World) -> dict[str, bytes]:
    """Return the patch files there are."""
    folder = world.folder("lower")
    found = sorted(p for p in folder.glob("patches*/*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


def last(out: str) -> list[str]:
    """Return what follows the table."""
    return out.rsplit("\n\n", maxsplit=1)[-1].splitlines()


def written(world: World, *command: str) -> list[str]:
    """Return the files of the stack that a command wrote."""
    before = world.listing(".forkbot")
    world.forkbot(*command)
    after = world.listing(".forkbot")
    home = Path("stacks", "lower")
    changed = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
    return sorted(
        str(Path(n).relative_to(home)) for n in changed if Path(n).suffix or "series" in n
    )


def test_what_upstream_took_on_its_branch_stays_where_no_release_has_it(lower: Crates) -> None:
    """The patch leaves ``patches/``, and the release channel keeps it until a release has it."""
    world, upstream = lower.world, lower.upstreams["lower"]
    shared = files(world)
    upstream.commit("say ours", OURS)
    world.forkbot(*MAIN)
    assert files(world) == {
        "patches/series": b"",
        "patches-release/our-word.patch": shared["patches/our-word.patch"],
        "patches-release/series": b"our-word.patch\n",
    }
    assert written(world, *RELEASE) == []
    lower.release("lower", "1.1.0", LOWER + "\n/// News.\npub fn news() {}\n")
    assert written(world, *RELEASE) == ["stack.lock"]
    lower.release("lower", "1.2.0", str(OURS["src/lib.rs"]))
    world.forkbot(*RELEASE)
    assert files(world) == {"patches/series": b""}
    assert written(world, *RELEASE) == []


def test_a_patch_that_upstream_moved_under_is_another_on_the_release(lower: Crates) -> None:
    """Both come together again with the first release that has what the branch has."""
    world, upstream = lower.world, lower.upstreams["lower"]
    shared = files(world)
    upstream.commit("say more", {"src/lib.rs": BUSY})
    world.forkbot(*MAIN)
    now = files(world)
    assert now["patches/our-word.patch"] != shared["patches/our-word.patch"]
    assert {n: now[n] for n in now if n.startswith("patches-release/")} == {
        n.replace("patches/", "patches-release/"): data for n, data in shared.items()
    }
    assert written(world, *RELEASE) == []
    lower.release("lower", "1.1.0", BUSY)
    world.forkbot(*RELEASE)
    assert files(world) == {n: data for n, data in now.items() if n.startswith("patches/")}
    for command in (MAIN, RELEASE):
        assert written(world, *command) == (["stack.lock"] if command is MAIN else [])


def test_a_release_that_needs_another_patch_leaves_the_branch_alone(lower: Crates) -> None:
    """Here the release is ahead, as when it is made from a branch of its own."""
    world = lower.world
    shared = files(world)
    packed = {"Cargo.toml": b'[package]\nname = "lower"\nversion = "1.0.1"\nedition = "2021"\n\n',
              "src/lib.rs": BUSY.encode()}  # fmt: skip
    lower.registry.publish("lower", "1.0.1", files=packed, needs=())
    world.forkbot(*RELEASE)
    now = files(world)
    assert {n: now[n] for n in shared} == shared
    assert now.keys() - shared.keys() == {
        "patches-release/our-word.patch",
        "patches-release/series",
    }
    assert written(world, *MAIN) == []
    assert written(world, *RELEASE) == []


def test_a_patch_added_for_the_branch_is_told_missing_on_the_release(lower: Crates) -> None:
    world, upstream = lower.world, lower.upstreams["lower"]
    upstream.commit("say more", {"src/lib.rs": BUSY})
    world.forkbot(*MAIN)
    folder = world.folder("lower")
    first = (folder / "patches/our-word.patch").read_text()
    more = first.replace("our-word", "more").replace("Patch-Name: our-word", "Patch-Name: more")
    head = more[: more.index("diff --git")]
    diff = (
        "diff --git a/NOTES b/NOTES\nnew file mode 100644\nindex 0000000..257cc56\n"
        "--- /dev/null\n+++ b/NOTES\n@@ -0,0 +1 @@\n+foo\n"
    )
    (folder / "patches/more.patch").write_text(head + diff)
    (folder / "patches/series").write_text("our-word.patch\nmore.patch\n")
    world.forkbot(*MAIN)
    lower.release("lower", "1.0.1", LOWER + "\n/// News.\npub fn news() {}\n")
    world.forkbot(*RELEASE)
    told = "In `patches/`, and not among the patches that this channel has: more."
    assert told.replace("`", "") in world.reports()[-1].replace("`", "")


def test_a_drop_takes_a_patch_out_of_both(lower: Crates) -> None:
    world, upstream = lower.world, lower.upstreams["lower"]
    upstream.commit("say more", {"src/lib.rs": BUSY})
    world.forkbot(*MAIN)
    world.forkbot("patch", "drop", "lower", "our-word")
    assert files(world) == {"patches/series": b""}
    for command in (MAIN, RELEASE):
        assert written(world, *command) == []
