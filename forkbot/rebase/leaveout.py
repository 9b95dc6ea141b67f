"""A series without one of its patches: the tree it gives then, and what does not stand without it.

The same merges as the rebase: each later patch is put on what is left, and where git cannot put it
there it edits what the left-out patch wrote, and is left out with it.
"""

import dataclasses

import msgspec

from forkbot.git.merge import Clean
from forkbot.git.repository import Repository
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.model.stack import Patch, Stack
from forkbot.rebase.recreate import Change, recreate
from forkbot.words import Channel, Oid, PatchName


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """The series without ``patch``; ``with_it`` are later patches that do not apply without it."""

    patch: PatchName
    with_it: tuple[PatchName, ...]
    tree: Oid


def leave_each_out(
    stack: Stack,
    patches: tuple[Patch, ...],
    *,
    repository: Repository,
    channel: Channel,
    base: Place,
) -> tuple[LeftOut, ...]:
    """Return for each of ``patches``, which fit ``base``, the series without it, in their order."""
    with Workbench(repository) as bench:
        series = msgspec.structs.replace(stack, patches=patches)
        changes = recreate(series, bench=bench, channel=channel, base=base)
        return tuple(leave_out(c, changes, base=base.tree, bench=bench) for c in changes)


def leave_out(
    patch: Change, changes: tuple[Change, ...], *, base: Oid, bench: Workbench
) -> LeftOut:
    """Return the series of ``changes`` without one of them."""
    tree, with_it = base, []
    for change in changes:
        if change is patch:
            continue
        merged = bench.merger.merge(base=change.before, upstream=tree, ours=change.after)
        if isinstance(merged, Clean):
            tree = merged.tree
        else:
            with_it.append(change.patch.name)
    return LeftOut(patch=patch.patch.name, with_it=tuple(with_it), tree=tree)
