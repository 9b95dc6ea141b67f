"""No space left: a clear error, the old files whole, and with space the next run goes through."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.world import Changes, World
from tests.scenario import Upstream

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
OURS: Changes = {"src/lib.rs": TEXT.replace("line 20\n", "line twenty\n")}


class Disk:
    """A disk of its own under a folder, that can be filled and enlarged."""

    def __init__(self, folder: Path, *, kib: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
            pytest.skip("a small disk needs root, who may mount")

    def fill(self, *, leave: int = 0) -> None:
        """Fill the disk up, but for some bytes."""
        with (self.folder / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                file.truncate(max(0, file.tell() - leave))

    def enlarge(self) -> None:
        """Give the disk all the space there is."""
        (self.folder / "filler").unlink(missing_ok=True)
        subprocess.run(["mount", "-o", "remount,size=256m", str(self.folder)], check=True)

    def unmount(self) -> None:
        """Take the disk away."""
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """Return a small disk under the folder that the test names."""
    disk = Disk(tmp_path / request.param, kib=768)
    yield disk
    disk.unmount()


@pytest.fixture
def world(disk: Disk, tmp_path: Path) -> World:
    """Return a world with a part of it on the small disk."""
    assert disk.folder.is_mount()
    return World(tmp_path)


@pytest.fixture
def upstream(world: World) -> Upstream:
    """Return an upstream that a stack sits on, and a release beyond."""
    upstream = world.proven(TEXT, OURS)
    text = TEXT.replace("line 17\n", "line 17\nline 17 and a half\n")
    upstream.commit("release 1.1.0", {"src/lib.rs": text, "big": os.urandom(1 << 20)})
    upstream.tag("v1.1.0")
    return upstream


def told(err: str) -> list[str]:
    """Return what was said besides progress, without the place."""
    lines = [li for li in err.splitlines() if not li.startswith("forkbot: ")]
    return [li.replace("~/upstream.git: ", "").replace("~/cache: ", "") for li in lines]


@pytest.mark.parametrize("disk", ["cache"], indirect=True)
def test_the_caches_disk_is_full(world: World, upstream: Upstream, disk: Disk) -> None:
    """The news is larger than what is left."""
    assert upstream.tip
    before = world.listing()
    said = world.forkbot("rebase", code=1)
    assert told(said.err) == [
        "error: no space left on the disk",
        "hint: free some space, then run the same command again",
    ]
    assert world.listing() == before
    disk.fill()
    world.forkbot("rebase", code=1)
    assert world.listing() == before
    disk.enlarge()
    assert "files updated" in world.forkbot("rebase").out
    assert "nothing new" in world.forkbot("rebase").out


@pytest.mark.parametrize("leave", [0, 4096, 8192])
@pytest.mark.parametrize("disk", ["root"], indirect=True)
def test_the_roots_disk_is_full(world: World, upstream: Upstream, disk: Disk, leave: int) -> None:
    """With a bit left, some of the new files fit and some do not: none counts."""
    assert upstream.tip
    before = world.listing("filler", ".forkbot")
    disk.fill(leave=leave)
    said = world.forkbot("rebase", code=1)
    assert told(said.err)[0].startswith("error: ~/root/")
    assert "No space left on device" in told(said.err)[0]
    now = world.listing("filler", ".forkbot")
    files = {name: seen[2] for name, seen in now.items()}
    if "nothing was changed" in told(said.err)[0]:
        assert files == {name: seen[2] for name, seen in before.items()}
    disk.enlarge()
    world.forkbot("rebase")
    before = world.listing()
    assert "nothing new" in world.forkbot("rebase").out
    assert world.listing() == before


@pytest.mark.parametrize("disk", ["root/.forkbot/forge"], indirect=True)
def test_the_forges_disk_is_full(world: World, upstream: Upstream, disk: Disk) -> None:
    world.forkbot("publish")
    old = world.refs()
    world.forkbot("rebase")
    world.bless("demo")
    lock = (world.folder() / "stack.lock").read_bytes()
    said = world.forkbot("publish", code=1)
    assert said.out.splitlines()[-2:] == [
        "1 stack on main: 1 failed",
        "next: free some space, then run the same command again",
    ]
    assert world.refs() == old
    assert (world.folder() / "stack.lock").read_bytes() == lock
    disk.enlarge()
    assert upstream.tip
    assert "1 published" in world.forkbot("publish").out
