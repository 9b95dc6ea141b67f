"""What cargo is at: how many units of how many, which ones now, and how long the rest took before.

Cargo's own progress bar is read for this: nothing else that is stable says how much there is. What
is left is told by the clock of the last time, unit by unit, and only where there was one: a guess
at what nobody has measured helps nobody.
"""

import contextlib
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from forkbot.text import decode

Say = Callable[[str], None]

# so wide that no name is cut off; cargo pads with as many blanks
CARGO_SHOWS_PROGRESS = {"CARGO_TERM_PROGRESS_WHEN": "always", "CARGO_TERM_PROGRESS_WIDTH": "160"}
_BAR = re.compile(rb" +Building \[[^\]]*\] (\d+)/(\d+)(?:: (.*?))? *$")
_MANY = 4  # names that a line has room for


class Times(msgspec.Struct, kw_only=True):
    """How long units and whole verifications last took, and which units a package has."""

    units: dict[str, float] = msgspec.field(default_factory=dict)
    packages: dict[str, list[str]] = msgspec.field(default_factory=dict)
    cold: dict[str, float] = msgspec.field(default_factory=dict)  # by the stacks' names
    warm: dict[str, float] = msgspec.field(default_factory=dict)


class Progress:
    """Follows one build of ``package`` and tells ``say``; its times are remembered in ``keep``."""

    def __init__(self, package: str, *, keep: Path, say: Say) -> None:
        self.at = ""  # what is being compiled
        self._package = package
        self._keep = keep
        self._say = say
        self._times = _read(keep)
        self._seen: list[str] = []
        self._done = -1
        self._last = time.monotonic()

    def unit(self, name: str, *, fresh: bool) -> None:
        """Hear that a unit is there; the time since the one before it is taken for its own."""
        now = time.monotonic()
        if not fresh:
            self._times.units[name] = round(now - self._last, 2)
            self._last = now
        self._seen.append(name)

    def bar(self, raw: bytes) -> None:
        """Hear a line of what cargo shows."""
        found = _BAR.match(raw)
        if found is None:
            return
        done, units, self.at = int(found[1]), int(found[2]), decode(found[3] or b"")
        if done != self._done:
            self._done = done
            names = self.at.split(", ")
            more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
            now = f", compiling {', '.join(names[:_MANY])}{more}" if self.at else ""
            package = self._package.removeprefix("forkbot-build-")
            self._say(f"building {package}: {done} of {units} units{now}{self._rest()}")

    def _rest(self) -> str:
        """Return how long the units that are not there yet took the last time."""
        expected = self._times.packages.get(self._package, [])
        left = sum(self._times.units.get(name, 0.0) for name in {*expected}.difference(self._seen))
        return f"; the rest took {_told(left)} before" if left >= 1 else ""

    def ended(self, *, whole: bool) -> None:
        """Remember this time for the next; which units there are, if it went through."""
        if whole:
            self._times.packages[self._package] = sorted({*self._seen})
        _write(self._keep, self._times)


class Whole:
    """Foretells how long it takes to verify some stacks together, by the last time it was alike.

    What is compiled already makes all the difference, so a verification that begins from nothing
    (``cold``) is held against the last of those.
    """

    def __init__(self, stacks: Sequence[str], *, cold: bool, keep: Path) -> None:
        self._began = time.monotonic()
        self._key, self._cold, self._keep = " ".join(sorted(stacks)), cold, keep

    def foretold(self) -> str:
        """Return how long it will take, as far as anybody knows."""
        times = _read(self._keep)
        last = (times.cold if self._cold else times.warm).get(self._key)
        if last is not None:
            return f"about {_told(last)}, as last time{' from nothing' if self._cold else ''}"
        if not self._cold and (most := times.cold.get(self._key)) is not None:
            return f"no estimate but that it took {_told(most)} from nothing"
        return "no estimate, for nothing like it was verified here yet"

    def ended(self) -> None:
        """Remember this time for the next one like it."""
        times = _read(self._keep)
        known = times.cold if self._cold else times.warm
        known[self._key] = round(time.monotonic() - self._began, 1)
        _write(self._keep, times)


def _told(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"


def without_bars(said: bytes) -> bytes:
    """Return what cargo said besides."""
    lines = said.replace(b"\r", b"\n").splitlines(keepends=True)
    return b"".join(line for line in lines if not _BAR.match(line.rstrip(b"\n")))


def _write(path: Path, times: Times) -> None:
    draft = path.with_name(f".{path.name}.new")
    with contextlib.suppress(OSError):  # nobody is worse off without
        draft.write_bytes(msgspec.json.encode(times))
        draft.replace(path)


def _read(path: Path) -> Times:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Times)
    except (OSError, msgspec.MsgspecError):  # the first time, or of another version of forkbot
        return Times()
