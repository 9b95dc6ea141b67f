"""All that in-memory work on one repository needs, opened together and closed together."""

from typing import Self

from forkbot.git.merge import Merger
from forkbot.git.objects import Objects
from forkbot.git.patching import Patcher
from forkbot.git.repository import Repository
from forkbot.git.trees import Trees


class Workbench:
    """Reads and writes objects, edits trees, merges them, applies diffs to them."""

    def __init__(
        self, repository: Repository, *, stream: bool = True, shortcuts: bool = True
    ) -> None:
        """Work in a quarantined repository.

        ``stream=False`` starts one git a merge, ``shortcuts=False`` asks git for everything: both
        give the same answers, later.
        """
        self.repository = repository
        self.objects = Objects(repository)
        self.trees = Trees(self.objects)
        self.merger = Merger(
            repository, self.objects, trees=self.trees if shortcuts else None, stream=stream
        )
        self.patcher = Patcher(repository, self.objects, self.trees, plain=shortcuts)

    def __enter__(self) -> Self:
        """Return itself; children start when they are first needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the children."""
        self.merger.close()
        self.objects.close()
