"""All of a stack's files change, or none: a kill at any point is finished or undone next time.

The new files are first written whole into ``.forkbot-update.new``; renaming that folder to
``.forkbot-update`` is the moment it counts. From then on whoever comes next moves the files into
place; renaming the folder back is the moment it is done. Readers and writers hold a lock on the
stack's folder itself, so that nobody reads while files are on the move.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from forkbot.errors import MachineError

_PENDING = ".forkbot-update"
_DRAFT = ".forkbot-update.new"
_GONE = "gone.json"


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Keep a stack's files still for the length of the block, wholly old or wholly new."""
    finish_update(folder)
    with _locked(folder, fcntl.LOCK_SH):
        yield


def write_files(folder: Path, files: Mapping[str, bytes | None]) -> tuple[str, ...]:
    """Replace files in ``folder`` (None deletes), as one step; return those that changed.

    Raises ``MachineError`` when the disk says no; then nothing was changed, or all will be.
    """
    with _locked(folder, fcntl.LOCK_EX):
        _finish(folder)
        changed = {n: data for n, data in files.items() if content(folder / n) != data}
        if changed:
            _draft(folder, changed)
            _finish(folder)
    return tuple(sorted(changed))


def finish_update(folder: Path) -> None:
    """Move an interrupted update into place, or clear away one that never counted."""
    if (folder / _PENDING).exists() or (folder / _DRAFT).exists():
        with _locked(folder, fcntl.LOCK_EX):
            _finish(folder)


def content(path: Path) -> bytes | None:
    """Return a file's bytes, or None when there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as e:
        raise MachineError(f"cannot read this file: {e.strerror}", where=str(path)) from e


def _draft(folder: Path, changed: Mapping[str, bytes | None]) -> None:
    draft = folder / _DRAFT
    try:
        for name, data in changed.items():
            if data is not None:
                _write(draft / "files" / name, data)
        gone = [name for name, data in changed.items() if data is None]
        _write(draft / _GONE, json.dumps(gone).encode())
        draft.rename(folder / _PENDING)
    except OSError as e:
        shutil.rmtree(draft, ignore_errors=True)
        raise MachineError(
            f"cannot write the stack's files: {e.strerror}; nothing was changed",
            where=str(folder),
            hint="free space or mend permissions, then run the same command again",
        ) from e


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _finish(folder: Path) -> None:
    pending, draft = folder / _PENDING, folder / _DRAFT
    try:
        if draft.exists():
            shutil.rmtree(draft)
        if not pending.exists():
            return
        staged = pending / "files"
        for source in sorted(p for p in staged.rglob("*") if p.is_file()):
            target = folder / source.relative_to(staged)
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        for name in json.loads((pending / _GONE).read_bytes()):
            (folder / name).unlink(missing_ok=True)
        pending.rename(draft)
        shutil.rmtree(draft)
    except OSError as e:
        raise MachineError(
            f"cannot finish an interrupted update: {e.strerror}; nothing is lost",
            where=str(e.filename or pending),
            hint="free space or mend permissions, then run the same command again",
        ) from e


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as e:
        raise MachineError(f"cannot read this folder: {e.strerror}", where=str(folder)) from e
    try:
        # where a file system knows no locks, one machine's forkbot is held by Session.alone
        with contextlib.suppress(OSError):
            fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)
