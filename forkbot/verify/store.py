"""The cache folder: got whole or not at all, by one at a time; facts live as long as their file."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from forkbot.errors import MachineError, TimedOutError

T = TypeVar("T")
Say = Callable[[str], None]

# Another forkbot may be building a linker or wait for a slow mirror; past this it hangs.
_PATIENCE = 3600.0
_UNFINISHED = "unfinished-"
_SCRATCH = "scratch-"


@contextlib.contextmanager
def locked(cache: Path, *, say: Say) -> Iterator[None]:
    """Let one forkbot at a time get things into ``cache``; the lock dies with its process."""
    with writing(cache):
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / "lock").open("w")
    deadline = time.monotonic() + _PATIENCE
    with lock:
        if not _try(lock.fileno()):
            say(f"waiting for another forkbot that fills {cache}")
            while not _try(lock.fileno()):
                if time.monotonic() > deadline:
                    raise TimedOutError(f"another forkbot fills {cache} for {_PATIENCE:.0f} s")
                time.sleep(0.1)
        yield


def _try(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes ``final`` when the block ends well, and else is gone.

    Call it under ``locked``: whatever unfinished folder lies there belongs to nobody then.
    """
    with writing(final):
        _sweep(final.parent)
        work = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=final.parent))
        work.chmod(0o755)  # a cache may be shared; mkdtemp thinks of secrets
    try:
        yield work
        with writing(final):
            if final.exists():  # one that no longer works; a folder cannot be renamed onto it
                final.rename(work.with_name(f"{work.name}-old"))
            work.rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(work.with_name(f"{work.name}-old"), ignore_errors=True)


def _sweep(cache: Path) -> None:
    """Remove what killed forkbots left: under the lock, only fresh scratch is anybody's."""
    for left in cache.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in cache.glob(f"{_SCRATCH}*"):
        if left.stat().st_mtime < time.time() - _PATIENCE:
            shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Yield a folder on the cache's disk, where programs may run, for the length of the block."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def recall(cache: Path, *, about: Path, question: str, kind: type[T]) -> T | None:
    """Return what was remembered of the file ``about`` as it is now, or None."""
    try:
        return msgspec.json.decode(_entry(cache, about, question).read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):  # no entry, or one of another forkbot version
        return None


def remember(cache: Path, *, about: Path, question: str, answer: object) -> None:
    """Keep ``answer`` for as long as the file ``about`` keeps its path, size and time."""
    with writing(cache):
        entry = _entry(cache, about, question)
        entry.parent.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=entry.parent)
        with os.fdopen(fd, "wb") as out:
            out.write(msgspec.json.encode(answer))
        Path(name).replace(entry)


def _entry(cache: Path, about: Path, question: str) -> Path:
    real = about.resolve()
    seen = real.stat()
    key = f"{real}\0{seen.st_mtime_ns}\0{seen.st_size}\0{question}"
    return cache / "facts" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


@contextlib.contextmanager
def writing(where: Path) -> Iterator[None]:
    """Turn the disk's refusal (full, read-only, not ours) into an error that says where."""
    try:
        yield
    except OSError as e:
        raise MachineError(
            f"cannot write: {e.strerror}",
            where=str(e.filename or where),
            hint="give forkbot a cache folder with 2 GB free that it may write to",
        ) from e
