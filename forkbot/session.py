"""What one invocation works with: the folders, the surroundings, the clock, and who hears of it."""

import contextlib
import dataclasses
import datetime as dt
import fcntl
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
        """Hold this stacks repository; ``RefusedError`` at once when another run holds it."""
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            handle = (self.state / "lock").open("a+")
        except OSError as e:
            raise MachineError(f"cannot write here: {e.strerror}", where=str(self.state)) from e
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                raise RefusedError(
                    "another forkbot is at work in this repository",
                    where=str(self.root),
                    hint="wait for it to end, then run the same command again",
                ) from e
            yield
