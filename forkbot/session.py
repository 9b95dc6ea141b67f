"""What one invocation works with: the folders, the surroundings, the clock, and who hears of it."""

import contextlib
import dataclasses
import datetime as dt
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from forkbot import process
from forkbot.errors import MachineError, RefusedError
from forkbot.words import Channel

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Passed down from the command line; nothing below reads anything ambient."""

    root: Path  # the stacks repository
    cache: Path
    ambient: process.Env
    channel: Channel
    now: dt.datetime
    say: Say
    dry_run: bool = False
    secrets: tuple[str, ...] = ()  # names of what the environment held that ``ambient`` does not

    @property
    def state(self) -> Path:
        """Return the folder of run records, builds and the local forge."""
        return self.root / ".forkbot"

    @property
    def scratch(self) -> Path:
        """Return where quarantined objects live for the length of a run."""
        return self.cache / "scratch"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold this stacks repository; ``RefusedError`` at once when another run holds it.

        The folder itself is what is locked: a dry run makes no lock file, a kill leaves none.
        """
        try:
            handle = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as e:
            raise MachineError(f"cannot read here: {e.strerror}", where=str(self.root)) from e
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                raise RefusedError(
                    "another forkbot is at work in this repository",
                    where=str(self.root),
                    hint="wait for it to end, then run the same command again",
                ) from e
            yield
        finally:
            os.close(handle)
