"""What answers a conflict without a person: recorded resolutions, each on an exact match."""

import dataclasses
from collections.abc import Callable

import msgspec

from forkbot.git.merge import Conflicted
from forkbot.git.workbench import Workbench
from forkbot.model.judgement import Replay
from forkbot.model.resolution import Resolution
from forkbot.model.stack import Patch, Stack
from forkbot.rebase.case import Case, Pushed
from forkbot.rebase.resolutions import complete, fill, live, question, refreshed
from forkbot.words import Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A conflict that is none any more: the merge completed, the patch to be written anew."""

    patch: Patch  # without a mail: its file has to be made
    tree: Oid
    replays: tuple[Replay, ...]


Settle = Callable[[Patch, Conflicted], Settled | None]


def nobody(_patch: Patch, _conflicted: Conflicted) -> None:
    """Answer nothing."""


def settler(stack: Stack, *, bench: Workbench) -> Settle:
    """Return what answers the conflicts of a stack's patches: every path of one, or none.

    The message names what was replayed, in the commit and in the patch file alike: so both are the
    same when the patch is next recreated from its file.
    """

    def settle(patch: Patch, conflicted: Conflicted) -> Settled | None:
        if not any(r.patch == patch.name for r in stack.resolutions):
            return None
        filled = fill(question(patch.name, conflicted, bench=bench), stack.resolutions, bench=bench)
        if filled.open:
            return None
        tree = complete(filled.question.tree, filled.files, bench=bench)
        if tree is None:
            return None
        draft = msgspec.structs.replace(patch, message=refreshed(patch, filled.replays), mail=b"")
        return Settled(patch=draft, tree=tree, replays=filled.replays)

    return settle


def kept_resolutions(case: Case, *, bench: Workbench) -> tuple[Resolution, ...]:
    """Return the stack's resolutions without those that have done their work.

    One has when its patch is carried clean to a new base, on the channel it was made on, and no
    longer holds what was in conflict. What is in use, or may be on the other channel, stays; what
    answers for a patch that leaves the series goes with it.
    """
    if case.stopped is not None or not case.moved:
        return case.stack.resolutions
    carried = {p.patch.name: p for p in case.pushed if p.fate.carried}
    gone = {p.patch.name for p in case.pushed} - carried.keys()

    def stays(r: Resolution) -> bool:
        pushed: Pushed | None = carried.get(r.patch)
        if pushed is None or pushed.replays or r.channel is not case.channel:
            return r.patch not in gone
        return live(r, before=pushed.before, after=pushed.tree, bench=bench)

    return tuple(r for r in case.stack.resolutions if stays(r))
