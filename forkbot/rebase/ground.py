"""The two ends of upstream's way, and what is remembered while questions about them are asked."""

import dataclasses

from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.rebase.edits import Texts
from forkbot.words import Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Upstream from ``base`` to ``onto``; where no line leads from one to the other, not linear."""

    base: Place
    onto: Place
    linear: bool
    bench: Workbench
    texts: Texts

    def at(self, commit: Oid, path: bytes) -> Entry | None:
        """Return what a commit of upstream's has at ``path``."""
        return self.bench.trees.find(self.bench.objects.tree(commit), path)

    def blob(self, commit: Oid, path: bytes) -> Oid | None:
        """Return the regular file that a commit of upstream's has at ``path``."""
        entry = self.at(commit, path)
        return entry.oid if entry is not None and entry.is_file else None
