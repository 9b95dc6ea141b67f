"""Open resolutions on disk: ``.forkbot/resolve/<stack>/``, a work tree that carries its own state.

The state lies inside the work tree's repository, so that both come and go as one: the folder is
made whole under another name and renamed, and to take it away by hand is to give up.
"""

import itertools
import os
import shutil
from pathlib import Path

import msgspec

from forkbot import process
from forkbot.errors import MachineError, UsageError
from forkbot.git.repository import Repository
from forkbot.git.worktree import WorkTree
from forkbot.model.resolving import STANDING_VERSION, Standing
from forkbot.words import Oid, StackName

_STATE = "forkbot.json"


class ResolveFolder:
    """The folder of one stack's open resolution, which may not be there."""

    def __init__(self, state: Path, stack: StackName, *, env: process.Env) -> None:
        self.path = state / "resolve" / stack
        self.stack = stack
        self.tree = WorkTree(folder=self.path, env=env)
        self._env = env

    def create(self, standing: Standing, *, source: Repository, base: Oid, onto: Oid) -> None:
        """Make the folder, whole or not at all; nothing is laid out in it yet."""
        draft = self.path.with_name(f".{self.stack}.new")
        try:
            shutil.rmtree(draft, ignore_errors=True)
            draft.parent.mkdir(parents=True, exist_ok=True)
            draft.mkdir()
            tree = WorkTree(folder=draft, env=self._env)
            tree.create(source, base=base, onto=onto)
            _write(tree.git_dir / _STATE, standing)
            draft.rename(self.path)
        except OSError as e:
            raise MachineError(f"cannot make a folder: {e.strerror}", where=str(self.path)) from e
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def read(self) -> Standing | None:
        """Return how things stand; None when nothing is open. Raises ``UsageError``."""
        path = self.tree.git_dir / _STATE
        if not self.path.exists():
            return None
        try:
            standing = msgspec.json.decode(path.read_bytes(), type=Standing)
        except (OSError, msgspec.DecodeError) as e:
            raise UsageError(
                f"this folder does not say how its resolution stands: {e}",
                where=str(path),
                hint=f"forkbot resolve {self.stack} --abort  # keeps the folder under another name",
            ) from e
        if standing.version > STANDING_VERSION:
            raise UsageError("written by a newer forkbot", where=str(path))
        return standing

    def write(self, standing: Standing) -> None:
        """Keep how things stand, as one step."""
        try:
            _write(self.tree.git_dir / _STATE, standing)
        except OSError as e:
            raise MachineError(f"cannot write: {e.strerror}", where=str(self.path)) from e

    def keep(self, what: str) -> Path:
        """Give the folder another name: nothing is open any more, and nothing is lost."""
        names = (self.path.with_name(f"{self.stack}.{what}-{n}") for n in itertools.count(1))
        target = next(p for p in names if not p.exists())
        self.path.rename(target)
        return target

    def remove(self) -> None:
        """Take the folder away, as one step."""
        gone = self.path.with_name(f".{self.stack}.gone")
        shutil.rmtree(gone, ignore_errors=True)
        self.path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _write(path: Path, standing: Standing) -> None:
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(standing), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
