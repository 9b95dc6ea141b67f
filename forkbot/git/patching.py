"""Diffs onto trees, exactly: ``git apply --cached`` in a private index, never any fuzz."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

from forkbot.git.repository import Repository
from forkbot.process import last_words
from forkbot.words import Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DoesNotApply:
    """The diff does not fit this tree; ``why`` is git's own account, line by line."""

    why: str


class PrivateIndex:
    """An index nobody else sees, on which diffs are applied one after the other."""

    def __init__(self, repository: Repository, index: Path) -> None:
        self._repository = repository
        self._env = {"GIT_INDEX_FILE": str(index)}

    def load(self, tree: Oid) -> None:
        """Start from ``tree``."""
        self._repository.git("read-tree", "--end-of-options", tree, env=self._env)

    def apply(self, diff: bytes) -> Oid | DoesNotApply:
        """Apply a diff on what is loaded and return the new tree; on failure nothing changes.

        A context that moved to other line numbers still counts as exact; changed context does not.
        """
        applied = self._repository.git(
            "-c", "apply.whitespace=nowarn", "-c", "apply.ignoreWhitespace=no",
            "-c", "core.autocrlf=false", "-c", "core.ignoreCase=false",
            "apply", "--cached", "--whitespace=nowarn", "-",
            env=self._env, stdin=diff, ok=None,
        )  # fmt: skip
        if applied.code != 0:
            return DoesNotApply(why=last_words(applied.stderr))
        return Oid(self._repository.git("write-tree", env=self._env).stdout.decode().strip())


@contextlib.contextmanager
def private_index(repository: Repository) -> Iterator[PrivateIndex]:
    """Lend a private index that is gone after the block."""
    with tempfile.TemporaryDirectory(prefix="forkbot-index-") as folder:
        yield PrivateIndex(repository, Path(folder) / "index")
