"""Where builds lie: a target folder a toolchain, and no more of them than are of use.

Two toolchains share nothing that is compiled, but whatever cargo locks, it keeps apart by itself in
one folder: with a folder a lock, each release of any dependency, so almost each night, would be a
build from nothing. What gathers there in time is bounded by its size.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from forkbot.errors import MachineError
from forkbot.process.limits import measure, size

_NEEDED = 3 << 30  # bytes of free disk; a cold family takes about 1.5 GiB
LARGEST = 6 << 30  # bytes; then most of it is of versions that nobody locks any more
_KEPT = 2  # toolchains: this one, and the one before, which a new red is held against

Say = Callable[[str], None]


def target_folder(folder: Path, *, rustc: str, target: str) -> Path:
    """Return where under ``folder`` a toolchain compiles."""
    key = hashlib.sha256(f"{rustc}\0{target}".encode()).hexdigest()[:12]
    return folder / f"target-{key}"


def make_room(target_dir: Path, *, say: Say, largest: int = LARGEST) -> None:
    """Make the folder that builds go to, and take off its disk what is no longer of use.

    Raises ``MachineError`` when the disk is too full all the same.
    """
    folder = target_dir.parent
    folder.mkdir(parents=True, exist_ok=True)
    others = sorted(
        (p for p in folder.glob("target*") if p.is_dir() and p != target_dir),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    for old in others[_KEPT - 1 :]:
        _remove(old, why="an older toolchain", say=say)
    if measure(target_dir)[0] > largest:
        _remove(target_dir, why="many versions of many crates", say=say)
    if _free(folder) < _NEEDED:
        for old in others:
            _remove(old, why="another toolchain", say=say)
    if (free := _free(folder)) < _NEEDED:
        raise MachineError(
            f"building needs {_NEEDED >> 30} GiB of free disk, and {free >> 20} MiB are left",
            where=str(folder),
            hint=f"rm -r {folder} frees what earlier builds took",
        )
    target_dir.mkdir(exist_ok=True)
    os.utime(target_dir)  # the newest is the one that was used last


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _remove(old: Path, *, why: str, say: Say) -> None:
    if old.is_dir():
        say(f"removing what {why} left of builds, {size(measure(old)[0])}: {old.name}")
        shutil.rmtree(old, ignore_errors=True)
