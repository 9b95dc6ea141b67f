"""Patch files back to what they were made of: two trees each, on the base they sit on."""

import dataclasses

from forkbot.errors import UsageError
from forkbot.git.merge import Merge
from forkbot.git.patching import DoesNotApply
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.model.stack import Patch, Stack
from forkbot.words import Channel, Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A patch as two trees on the old base: what it was made on, what it makes of it."""

    patch: Patch
    before: Oid
    after: Oid

    def put(self, tree: Oid, *, bench: Workbench) -> Merge:
        """Merge this change onto a tree, as a rebase does."""
        return bench.merger.merge(base=self.before, upstream=tree, ours=self.after)


def recreate(
    stack: Stack, *, bench: Workbench, channel: Channel, base: Place
) -> tuple[Change, ...]:
    """Apply every patch file to the base, exactly, and return the trees on the way."""
    changes = []
    tree = base.tree
    for patch in stack.patches:
        after = bench.patcher.apply(patch.diff, tree=tree)
        where = stack.file_of(patch.name)
        if isinstance(after, DoesNotApply):
            raise UsageError(
                f'patch "{patch.name}" does not apply to its own base {base.label} '
                f"({base.commit[:12]}, channel {channel.value})\n{after.why}",
                where=where,
                hint=f"git log -- {where} shows who last changed it; "
                "patches are applied without fuzz",
            )
        if after == tree:
            raise UsageError(
                f'patch "{patch.name}" changes nothing on its base {base.label}',
                where=where,
                hint=f"delete it, and its line in stacks/{stack.name}/patches/series",
            )
        changes.append(Change(patch=patch, before=tree, after=after))
        tree = after
    return tuple(changes)
