"""Diffs onto trees, exactly: in Python where that is certain, else by git. Never any fuzz."""

import dataclasses
import tempfile
from pathlib import Path

from forkbot.git.objects import Objects
from forkbot.git.plainpatch import apply_plain
from forkbot.git.repository import Repository
from forkbot.git.trees import Trees
from forkbot.process import last_words
from forkbot.words import Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DoesNotApply:
    """The diff does not fit this tree; ``why`` is git's own account, line by line."""

    why: str


class Patcher:
    """Applies diffs to trees of one quarantined repository."""

    def __init__(
        self, repository: Repository, objects: Objects, trees: Trees, *, plain: bool = True
    ) -> None:
        """``plain=False`` asks git every time: the oracle of the tests."""
        self._repository = repository
        self._objects = objects
        self._trees = trees
        self._plain = plain

    def apply(self, diff: bytes, *, tree: Oid) -> Oid | DoesNotApply:
        """Return ``tree`` with the diff applied.

        A context that moved to other line numbers still counts as exact; changed context does not.
        """
        if self._plain:
            quick = apply_plain(diff, tree=tree, trees=self._trees, objects=self._objects)
            if quick is not None:
                return quick
        return self._ask_git(diff, tree)

    def _ask_git(self, diff: bytes, tree: Oid) -> Oid | DoesNotApply:
        self._objects.flush()
        git = self._repository.git
        with tempfile.TemporaryDirectory(prefix="forkbot-index-") as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            git("read-tree", "--end-of-options", tree, env=env)
            applied = git(
                "-c", "apply.whitespace=nowarn", "-c", "apply.ignoreWhitespace=no",
                "-c", "core.autocrlf=false", "-c", "core.ignoreCase=false",
                "apply", "--cached", "--whitespace=nowarn", "-",
                env=env, stdin=diff, ok=None,
            )  # fmt: skip
            if applied.code != 0:
                return DoesNotApply(why=last_words(applied.stderr))
            return Oid(git("write-tree", env=env).stdout.decode().strip())
