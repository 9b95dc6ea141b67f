"""What answers a conflict without a person at hand: recorded resolutions, each on an exact match.

Where stack.yaml asks for one, a structural merge driver is asked about what they leave open.
"""

import dataclasses
from collections.abc import Callable

import msgspec

from forkbot.git.merge import Conflicted
from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.model.judgement import Replay
from forkbot.model.resolution import Resolution
from forkbot.model.stack import Patch, Stack
from forkbot.rebase.case import Case, Pushed
from forkbot.rebase.lockfile import Lockfiles, is_lockfile
from forkbot.rebase.resolutions import (
    UPSTREAM,
    Filled,
    complete,
    fill,
    live,
    question,
    refreshed,
)
from forkbot.rebase.structural import Driver
from forkbot.text import decode
from forkbot.words import Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A conflict that is none any more: the merge completed, the patch to be written anew."""

    patch: Patch  # without a mail: its file has to be made
    tree: Oid
    replays: tuple[Replay, ...]
    evidence: str = ""  # what else there is to say of how it came about


Settle = Callable[[Patch, Conflicted], Settled | None]


def nobody(_patch: Patch, _conflicted: Conflicted) -> None:
    """Answer nothing."""


def settler(
    stack: Stack,
    *,
    bench: Workbench,
    lockfiles: Lockfiles | None = None,
    driver: Driver | None = None,
    when: int = 0,
) -> Settle:
    """Return what answers the conflicts of a stack's patches: every path of one, or none.

    The message names what was replayed, in the commit and in the patch file alike: so both are the
    same when the patch is next recreated from its file. A ``driver`` is asked only when the stack's
    policy names one; what it merges is dated ``when``.
    """
    if stack.policy.merge.driver == "none":
        driver = None
    known = {r.patch for r in stack.resolutions}

    def settle(patch: Patch, conflicted: Conflicted) -> Settled | None:
        if lockfiles is None and driver is None and patch.name not in known:
            return None
        filled = fill(question(patch.name, conflicted, bench=bench), stack.resolutions, bench=bench)
        if driver is not None and (left := for_people(filled)):
            filled = driver.answer(filled, left, when=when, bench=bench)
        if for_people(filled) or (filled.open and lockfiles is None):
            return None
        tree = complete(filled.question.tree, {**filled.files, **locks(filled)}, bench=bench)
        by = ""
        if tree is not None and filled.open and lockfiles is not None:
            remade = lockfiles.remake(tree, filled.open, patch=patch.name, bench=bench)
            tree, by = (remade.tree, remade.by) if remade else (None, "")
        if tree is None:
            return None
        made = [decode(path) for path in filled.open]
        message = refreshed(patch, filled.replays, [f"{path} (made anew by {by})" for path in made])
        return Settled(
            patch=msgspec.structs.replace(patch, message=message, mail=b""),
            tree=tree,
            replays=filled.replays,
            evidence=f"{', '.join(made)}: made anew by {by}" if made else "",
        )

    return settle


def for_people(filled: Filled) -> tuple[bytes, ...]:
    """Return the open paths that a person has to decide: all but what cargo makes anew."""
    return tuple(p for p in filled.open if not is_lockfile(p) or not _is_file(filled, p))


def locks(filled: Filled) -> dict[bytes, Entry | None]:
    """Return the lock files that are to be made anew, as upstream has them."""
    asked, people = filled.question, for_people(filled)
    return {p: asked.sides[p].get(UPSTREAM) for p in filled.open if p not in people}


def _is_file(filled: Filled, path: bytes) -> bool:
    sides = filled.question.sides[path]
    return bool(sides) and all(entry.is_file for entry in sides.values())


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
