"""A series without some of its patches: the trees it gives then, and what does not stand without.

The same merges as the rebase: each patch is put on what is left, and where git cannot put it there
it edits what a left-out patch wrote, and is left out with it.
"""

import dataclasses
from collections.abc import Container, Iterator

from forkbot.git.merge import Conflicted
from forkbot.git.workbench import Workbench
from forkbot.rebase.recreate import Change
from forkbot.words import Oid, PatchName


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """What is left of a series on its base, the tree it gives, and what fell."""

    standing: tuple[Change, ...]
    fallen: tuple[PatchName, ...]
    tree: Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """The series without ``patch``; ``with_it`` are later patches that do not apply without it.

    Where a path is named, only one hunk of the patch is left out.
    """

    patch: PatchName
    with_it: tuple[PatchName, ...]
    tree: Oid
    path: str = ""
    line: int = 0  # where the hunk begins in the patched file; 0: the whole file is the hunk
    edited: tuple[str, ...] = ()  # its lines, those that went and those that came

    @property
    def hunk(self) -> str:
        """Return how people find the hunk, '' where the whole patch is left out."""
        return f"{self.path}:{self.line}" if self.line else self.path

    @property
    def only_comments(self) -> bool:
        """Whether all its lines are comments of Rust or blank; one in a string may look like it."""
        blank = all(line.strip()[:2] in {"", "//"} for line in self.edited)
        return bool(self.edited) and self.path.endswith(".rs") and blank


def leave_each_out(
    changes: tuple[Change, ...], *, base: Oid, bench: Workbench
) -> Iterator[LeftOut]:
    """Yield for each patch of a series on ``base`` the series without it, in order."""
    for change in changes:
        name = change.patch.name
        rest = leave_out(changes, {name}, base=base, bench=bench)
        yield LeftOut(patch=name, with_it=rest.fallen, tree=rest.tree)


def leave_out(
    changes: tuple[Change, ...], names: Container[PatchName], *, base: Oid, bench: Workbench
) -> Reduced:
    """Return the series without the patches ``names``, on the tree ``base``.

    A patch falls with them when it cannot be put there, or comes to nothing: it took back what one
    of them did.
    """
    tree, standing, fallen = base, list[Change](), list[PatchName]()
    for change in changes:
        if change.patch.name in names:
            continue
        merged = change.put(tree, bench=bench)
        if isinstance(merged, Conflicted) or merged.tree == tree:
            fallen.append(change.patch.name)
            continue
        standing.append(Change(patch=change.patch, before=tree, after=merged.tree))
        tree = merged.tree
    return Reduced(standing=tuple(standing), fallen=tuple(fallen), tree=tree)
