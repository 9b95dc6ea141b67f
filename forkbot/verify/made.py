"""What builds leave in a target folder: a stranger's files, under names that it may choose.

A build script can lay there a pipe that nobody writes to, a link to a file of this machine's or to
a device without an end, or more than there is memory.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path

from forkbot.errors import MachineError

LARGEST = 512 << 20  # bytes of a file that is read whole; tokio's API is 20 MB of JSON


def is_made(program: Path, *, target_dir: Path) -> bool:
    """Whether a program is a file in the target folder, by no detour."""
    place = program.resolve()
    return place.is_relative_to(target_dir.resolve()) and place.is_file()


def keep_made(
    found: Iterable[tuple[str, Path]], *, target_dir: Path, into: Path
) -> dict[str, Path]:
    """Copy programs out of the target folder; return where each is now, by its name.

    The names are a stranger's, too, and none becomes a file's.
    """
    kept = {}
    for number, (name, program) in enumerate(found):
        if is_made(program, target_dir=target_dir):
            kept[name] = into / str(number)
            shutil.copy2(program, kept[name])
    return kept


def read_made(path: Path) -> bytes:
    """Return what is in a file. Raises ``MachineError`` for what is none, and for too large a one.

    The file may be another one than a moment ago, but not one that keeps whoever reads it waiting.
    """
    with _opened(path) as file:
        found = file.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise MachineError(f"it is larger than {LARGEST >> 20} MiB", where=str(path))
    return found


def digest_made(path: Path, *more: bytes) -> str:
    """Return the SHA-256 of a file and ``more``. Raises ``MachineError`` for what is none."""
    with _opened(path) as file:
        whole = hashlib.file_digest(file, "sha256")
    for part in more:
        whole.update(part)
    return whole.hexdigest()


def _opened(path: Path) -> BufferedReader:
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as e:
        raise MachineError(f"cannot read it: {e.strerror}", where=str(path)) from e
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise MachineError("it is no file", where=str(path))
    return file
