"""Answers of builds that were made for a search, kept on disk: what is killed goes on from there.

An answer's key names everything that went into the build, as a verdict's does, and the versions of
the dependencies to which the search kept. It is believed for a while only: what the machine itself
adds to a build has no name.
"""

import contextlib
import datetime as dt
import os
import tempfile
from pathlib import Path

import msgspec

from forkbot.errors import MachineError
from forkbot.model.base import Fact
from forkbot.model.probe import Red
from forkbot.words import Oid, StackName

_BELIEVED = dt.timedelta(days=14)


class Answer(Fact, frozen=True, kw_only=True):
    """How one build or component was on one commit of a stack's upstream."""

    key: str
    stack: StackName
    commit: Oid  # of upstream, that the stack was rebased onto
    red: Red | None
    when: dt.datetime


class Kept:
    """The folder of answers, one file each."""

    def __init__(self, folder: Path, *, now: dt.datetime) -> None:
        """Read what is there; what is too old to be believed, or no answer, goes."""
        self._folder, self._now = folder, now
        self._answers: dict[str, Answer] = {}
        for path in folder.glob("*.json"):
            with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
                answer = msgspec.json.decode(path.read_bytes(), type=Answer)
                if now - answer.when <= _BELIEVED:
                    self._answers[answer.key] = answer
                    continue
            path.unlink(missing_ok=True)

    def commits(self, stack: StackName) -> frozenset[Oid]:
        """Return the commits on which something of a stack was asked."""
        return frozenset(a.commit for a in self._answers.values() if a.stack == stack)

    def find(self, key: str) -> Answer | None:
        """Return the answer to the very same question."""
        return self._answers.get(key)

    def keep(self, key: str, red: Red | None, *, stack: StackName, commit: Oid) -> None:
        """Keep an answer from now on; it is on disk, whole, when this returns."""
        answer = Answer(key=key, stack=stack, commit=commit, red=red, when=self._now)
        self._answers[key] = answer
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(answer))
            Path(draft).replace(self._folder / f"{key}.json")
        except OSError as e:
            raise MachineError(
                f"cannot keep an answer: {e.strerror}", where=str(self._folder)
            ) from e
