"""Run records on disk: ``.forkbot/runs/<id>/`` with record.json, its pages and the bundles."""

import contextlib
import dataclasses
import datetime as dt
import itertools
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from forkbot.errors import MachineError, UsageError
from forkbot.model.plan import PLAN_VERSION, Plan
from forkbot.model.record import RECORD_VERSION, RunRecord
from forkbot.text import visible

FILE = "record.json"
_KEPT = 50
_LARGEST = 32 << 20  # bytes; a thousand stacks with their conflicts and a compiler's words
_MOST = 256  # the jobs that one matrix of Actions may have, and so the records of one run


class RunDirectory:
    """The folder of all run records."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fresh_id(self, now: dt.datetime) -> str:
        """Return the id of a run that ends now; ids sort as their runs came."""
        stem = f"{now:%Y%m%dT%H%M%S%f}"[:-3] + "Z"
        taken = self.ids()
        more = (f"{stem}-{n}" for n in itertools.count(2))
        return next(i for i in itertools.chain([stem], more) if i not in taken)

    def write(
        self, record: RunRecord, *, pages: Mapping[str, str], bundles: Mapping[str, bytes]
    ) -> Path:
        """Write a record as one step and return its folder; old records beyond 50 go."""
        target = self.folder / record.id
        draft = self.folder / f".{record.id}.new"
        try:
            for left in self.folder.glob(".*.new"):  # of a run that was killed
                shutil.rmtree(left, ignore_errors=True)
            (draft / "bundles").mkdir(parents=True)
            (draft / FILE).write_bytes(
                msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
            )
            for name, page in pages.items():
                (draft / name).write_text(page, encoding="utf-8")
            for name, data in bundles.items():
                (draft / "bundles" / f"{name}.bundle").write_bytes(data)
            draft.rename(target)
        except OSError as e:
            shutil.rmtree(draft, ignore_errors=True)
            raise MachineError(
                f"cannot keep the run record: {e.strerror}", where=str(target)
            ) from e
        for old in self.ids()[:-_KEPT]:
            shutil.rmtree(self.folder / old, ignore_errors=True)
        return target

    def ids(self) -> list[str]:
        """Return the ids of all runs, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if not p.name.startswith("."))

    def newest(self, count: int) -> list[RunRecord]:
        """Return up to ``count`` readable records, newest first."""
        found = []
        for run in reversed(self.ids()[-count:]):
            with contextlib.suppress(UsageError):
                found.append(self.read(run))
        return found

    def newest_verdict(self) -> tuple[Path, ...]:
        """Return where the newest verdict of a run is on record; nothing when there is none."""
        found = (r for r in self.newest(10) if r.verdict is not None and not r.verdict.reused)
        return tuple(self.folder / record.id for record in itertools.islice(found, 1))

    def read(self, run: str | None = None) -> RunRecord:
        """Return a run's record; the newest when none is named. Raises ``UsageError``."""
        ids = self.ids()
        if run is None and not ids:
            raise UsageError(
                "there is no run to report", where=str(self.folder), hint="forkbot run --all"
            )
        chosen = ids[-1] if run is None else run
        if chosen not in ids:
            newest = f"the newest is {ids[-1]}" if ids else "forkbot run --all"
            raise UsageError(f"there is no run {chosen!r}", where=str(self.folder), hint=newest)
        return read_record(self.folder / chosen / FILE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Run records from elsewhere, and what could not be read of them, each in one line."""

    read: tuple[RunRecord, ...] = ()
    troubles: tuple[str, ...] = ()


def read_records(paths: Iterable[Path]) -> Records:
    """Return the records at ``paths``: files, or folders with files of that name at any depth.

    Whatever is there may be made up: it is read within bounds, and what is no record is said.
    """
    found, troubles = list[RunRecord](), list[str]()
    for path in paths:
        inside = itertools.islice(path.rglob(FILE), _MOST) if path.is_dir() else [path]
        for file in sorted(inside):
            try:
                found.append(read_record(file))
            except UsageError as e:
                troubles.append(f"{visible(file.name)}: {e.what}")
    return Records(read=tuple(found), troubles=tuple(troubles))


def read_record(path: Path) -> RunRecord:
    """Return the record in a file. Raises ``UsageError`` for what is none, or is out of bounds."""
    return _read(path, RunRecord, newest=RECORD_VERSION, what="a run record")


def read_plan(path: Path) -> Plan:
    """Return the plan in a file. Raises ``UsageError`` for what is none, or is out of bounds."""
    return _read(path, Plan, newest=PLAN_VERSION, what="a plan")


F = TypeVar("F", RunRecord, Plan)


def _read(path: Path, into: type[F], *, newest: int, what: str) -> F:
    try:
        # neither followed nor waited for: a link or a pipe is no record
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UsageError("this is no file", where=str(path))
            data = file.read(_LARGEST + 1)
    except OSError as e:
        raise UsageError(f"cannot read {what}: {e.strerror}", where=str(path)) from e
    if len(data) > _LARGEST:
        raise UsageError(f"{what} has at most {_LARGEST >> 20} MiB", where=str(path))
    try:
        found = msgspec.json.decode(data, type=into)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
        raise UsageError(
            f"not {what} of forkbot's: {visible(str(e))[:200]}", where=str(path)
        ) from e
    if found.version > newest:
        raise UsageError("written by a newer forkbot", where=str(path))
    return found
