"""The first rung: upstream merged our fork branch as it is, so our very commits are its history.

A patch's published commit needs no record: equal inputs give equal ids, so committing the patch on
the base again gives the id that the fork branch had.
"""

from collections.abc import Collection, Iterator

from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.rebase.export import commit_patch
from forkbot.rebase.recreate import Change
from forkbot.words import Oid


def own_commits(
    changes: tuple[Change, ...], *, base: Place, history: Collection[Oid], bench: Workbench
) -> Iterator[tuple[Change, Oid]]:
    """Yield each change whose commit on the fork branch is in upstream's ``history``, in order.

    ``history`` is all of upstream since the base, merged branches too.
    """
    when = bench.objects.committed(base.commit)
    parent = base.commit
    for change in changes:
        parent = commit_patch(
            change.patch, tree=change.after, parent=parent, objects=bench.objects, when=when
        )
        if parent not in history:
            return  # a later one would have this one for its parent
        yield change, parent
