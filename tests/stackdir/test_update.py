"""A stack's files change as one step, whatever operation a kill or a full disk falls on."""

import errno
import fcntl
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forkbot.errors import MachineError
from forkbot.stackdir.update import finish_update, reading, write_files

OLD = {
    "patches/series": b"one.patch\ntwo.patch\n",
    "patches/one.patch": b"one\n",
    "patches/two.patch": b"two\n",
    "stack.lock": b"old\n",
    "stack.yaml": b"crate: demo\n",
}
CHANGE: dict[str, bytes | None] = {
    "patches/series": b"one.patch\nnew/three.patch\n",
    "patches/one.patch": b"one, refreshed\n",
    "patches/two.patch": None,
    "patches/new/three.patch": b"three\n",
    "stack.lock": b"new\n",
    "stack.yaml": OLD["stack.yaml"],  # unchanged
}
NEW = {n: data for n, data in {**OLD, **CHANGE}.items() if data is not None}

# what Python tells an audit hook of every operation on files
OPERATIONS = {
    "open",
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.scandir",
    "shutil.rmtree",
}


class Trap:
    """Raises at the n-th operation under a folder."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self._left = 0
        self._raise: Callable[[], BaseException] = KeyboardInterrupt
        sys.addaudithook(self._hear)  # for good: Python takes none back

    def set(self, folder: Path, at: int, raising: Callable[[], BaseException]) -> None:
        """Raise at operation number ``at``, counted from 1."""
        self.folder, self._left, self._raise = str(folder), at, raising

    def _hear(self, event: str, args: tuple[object, ...]) -> None:
        if self.folder is None or event not in OPERATIONS:
            return
        # what is opened relative to a folder's handle (as rmtree does) counts as well
        if str(args[0]).startswith("/") and not str(args[0]).startswith(self.folder):
            return
        self._left -= 1
        if self._left == 0:
            self.folder = None
            raise self._raise()


@pytest.fixture(scope="session")
def _trap() -> Trap:
    return Trap()


@pytest.fixture
def trap(_trap: Trap) -> Iterator[Trap]:
    """Return a trap that is not set."""
    yield _trap
    _trap.folder = None


def full_disk() -> OSError:
    """Return what the system says when the disk is full."""
    return OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a stack's folder with the old files."""
    return fresh(tmp_path / "demo")


def fresh(folder: Path) -> Path:
    """Make the folder as it was before."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in OLD.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, leftovers included."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_changed_is_returned_and_nothing_is_left_over(folder: Path) -> None:
    assert write_files(folder, CHANGE) == (
        "patches/new/three.patch",
        "patches/one.patch",
        "patches/series",
        "patches/two.patch",
        "stack.lock",
    )
    assert files(folder) == NEW
    assert sorted(p.name for p in folder.iterdir()) == ["patches", "stack.lock", "stack.yaml"]


def test_a_second_time_nothing_is_written(folder: Path) -> None:
    write_files(folder, CHANGE)
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    assert write_files(folder, CHANGE) == ()
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


@pytest.mark.parametrize("raising", [KeyboardInterrupt, full_disk], ids=["kill", "full disk"])
@pytest.mark.parametrize("again", [1, 7], ids=lambda n: f"again at {n}")
def test_killed_at_any_operation_and_again_while_mending(
    folder: Path, trap: Trap, raising: Callable[[], BaseException], again: int
) -> None:
    """The second kill falls on operation ``again`` of the next run, the first one on every one."""
    seen = set()
    for at in range(1, 1000):
        fresh(folder)
        if not stopped(lambda: write_files(folder, CHANGE), folder, trap, at, raising):
            break
        stopped(lambda: finish_update(folder), folder, trap, again, raising)
        finish_update(folder)
        assert files(folder) in (OLD, NEW), f"a mix after a stop at operation {at}"
        assert not [p for p in folder.iterdir() if p.name.startswith(".")]
        seen.add(files(folder) == NEW)
        write_files(folder, CHANGE)
        assert files(folder) == NEW
    else:
        pytest.fail("the update never ends")
    assert at > 20, "too few operations were heard of: is the trap deaf?"
    assert seen == {False, True}, "stops before and after the moment that counts"


def stopped(
    action: Callable[[], object],
    folder: Path,
    trap: Trap,
    at: int,
    raising: Callable[[], BaseException],
) -> bool:
    """Run ``action`` with a trap at operation ``at``; return whether it was stopped there."""
    trap.set(folder, at, raising)
    try:
        action()
    except (KeyboardInterrupt, MachineError):
        return True
    else:
        # rmtree with ignore_errors swallows a full disk: then the action went on to its end
        return trap.folder is None and raising is full_disk
    finally:
        trap.folder = None


def test_a_full_disk_is_told_and_nothing_was_changed(folder: Path, trap: Trap) -> None:
    trap.set(folder, 8, full_disk)  # the first is after the reads
    with pytest.raises(MachineError) as caught:
        write_files(folder, CHANGE)
    assert str(caught.value) == (
        f"{folder}: cannot write the stack's files: No space left on device; nothing was changed\n"
        "hint: free space or mend permissions, then run the same command again"
    )
    assert files(folder) == OLD


def test_a_file_that_cannot_be_moved_is_told_and_nothing_is_lost(folder: Path) -> None:
    staged = folder / ".forkbot-update/files/patches"
    staged.mkdir(parents=True)
    (staged / "one.patch").write_bytes(b"one, refreshed\n")
    (folder / ".forkbot-update/gone.json").write_text("[]")
    shutil.rmtree(folder / "patches")
    (folder / "patches").write_bytes(b"in the way")
    with pytest.raises(MachineError) as caught:
        finish_update(folder)
    assert str(caught.value) == (
        f"{folder}/patches: cannot finish an interrupted update: File exists; nothing is lost\n"
        "hint: free space or mend permissions, then run the same command again"
    )
    (folder / "patches").unlink()
    finish_update(folder)
    assert (folder / "patches/one.patch").read_bytes() == b"one, refreshed\n"


def test_a_file_that_cannot_be_read_is_told_before_anything_is_written(folder: Path) -> None:
    (folder / "stack.lock").unlink()
    (folder / "stack.lock").mkdir()
    with pytest.raises(MachineError) as caught:
        write_files(folder, CHANGE)
    assert str(caught.value) == f"{folder}/stack.lock: cannot read this file: Is a directory"
    assert (folder / "patches/one.patch").read_bytes() == OLD["patches/one.patch"]


def test_nobody_reads_while_files_move_or_moves_while_somebody_reads(folder: Path) -> None:
    done = threading.Event()

    def write() -> None:
        write_files(folder, CHANGE)
        done.set()

    writer = threading.Thread(target=write)
    with reading(folder):
        writer.start()
        assert not done.wait(0.2)
        assert files(folder) == OLD
    writer.join(10)
    assert done.is_set()
    assert files(folder) == NEW


def test_a_reader_leaves_the_draft_of_a_writer_at_work_alone(folder: Path) -> None:
    draft = folder / ".forkbot-update.new"
    (draft / "files").mkdir(parents=True)
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)  # as the writer does
    reader = threading.Thread(target=finish_update, args=(folder,))
    reader.start()
    reader.join(0.2)
    assert draft.is_dir()
    os.close(handle)
    reader.join(10)
    assert not draft.exists()
