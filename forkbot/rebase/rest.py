"""What is left of a series without the patch that stopped it, and how each later patch stands.

The rebase stops at its first conflict; a maintainer wants to know of all of them at once. So the
conflicted patch is left out *on the base*, and with it whatever cannot be put there any more: that
is a textual dependency, and no upstream commit has a part in it. The reduced series is rebased; a
patch that conflicts then does so with upstream by itself, is left out as well, and so on.
"""

import dataclasses
from collections.abc import Mapping

from forkbot.git.merge import Conflicted
from forkbot.git.workbench import Workbench
from forkbot.model.conflict import Breaker
from forkbot.model.fate import Fate
from forkbot.model.judgement import Later, LaterState, Without
from forkbot.rebase.breaker import find_breakers
from forkbot.rebase.case import Case
from forkbot.rebase.leaveout import Reduced, leave_out
from forkbot.rebase.merged import find_merged
from forkbot.rebase.recreate import Change
from forkbot.rebase.replay import Settle, settler
from forkbot.words import Oid, PatchName


def find_rest(case: Case, *, bench: Workbench) -> Without | None:
    """Return the series without the patch that stopped it; None when none did.

    What upstream has, of the patches behind it, is not told again, nor is it left over.
    """
    if case.stopped is None:
        return None
    stopped = case.changes[case.stopped].patch.name
    conflicts: dict[PatchName, tuple[Breaker, ...]] = {stopped: ()}
    settle = settler(case.stack, bench=bench)
    while True:
        reduced = leave_out(case.changes, conflicts, base=case.base.tree, bench=bench)
        went = _go(reduced.standing, case, settle, bench)
        if went.stopped is None:
            break
        upto = went.kept[: went.kept.index(went.stopped) + 1]
        conflicts[went.stopped.patch.name] = (
            find_breakers(upto, base=case.base, onto=case.onto, bench=bench) if case.linear else ()
        )
    return Without(
        patch=stopped,
        later=tuple(_later(case, reduced, conflicts, bench)),
        series=went.series,
        tree=went.tree,
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Went:
    """How far a series came on onto."""

    kept: tuple[Change, ...]  # what upstream has not taken
    series: tuple[PatchName, ...]  # of those, what it left something of
    tree: Oid
    stopped: Change | None


def _go(changes: tuple[Change, ...], case: Case, settle: Settle, bench: Workbench) -> _Went:
    taken = find_merged(changes, base=case.base, onto=case.onto, bench=bench)
    kept = tuple(c for c in changes if c.patch.name not in taken)
    tree, series = case.onto.tree, list[PatchName]()
    for change in kept:
        merged = change.put(tree, bench=bench)
        settled = settle(change.patch, merged) if isinstance(merged, Conflicted) else None
        if isinstance(merged, Conflicted) and settled is None:
            return _Went(kept=kept, series=tuple(series), tree=tree, stopped=change)
        result = settled.tree if settled is not None else merged.tree
        if result != tree:
            series.append(change.patch.name)
        tree = result
    return _Went(kept=kept, series=tuple(series), tree=tree, stopped=None)


def _later(
    case: Case, reduced: Reduced, conflicts: Mapping[PatchName, tuple[Breaker, ...]],
    bench: Workbench,
) -> list[Later]:  # fmt: skip
    blocked = [p.patch.name for p in case.pushed if p.fate is Fate.BLOCKED]
    falls = _falls(case, {*conflicts, *reduced.fallen}, bench)
    found = []
    for name in blocked:
        if name in conflicts:
            found.append(Later(patch=name, state=LaterState.CONFLICT, breakers=conflicts[name]))
        elif name in reduced.fallen:
            needs = _direct(name, falls) or tuple(conflicts)
            found.append(Later(patch=name, state=LaterState.NEEDS, needs=needs))
        else:
            found.append(Later(patch=name, state=LaterState.INDEPENDENT))
    return found


def _falls(
    case: Case, out: set[PatchName], bench: Workbench
) -> dict[PatchName, tuple[PatchName, ...]]:
    """Return what falls without each patch of ``out``, by that patch, in the series' order."""
    return {
        c.patch.name: leave_out(
            case.changes, (c.patch.name,), base=case.base.tree, bench=bench
        ).fallen
        for c in case.changes
        if c.patch.name in out
    }


def _direct(
    name: PatchName, falls: Mapping[PatchName, tuple[PatchName, ...]]
) -> tuple[PatchName, ...]:
    """Return what a patch falls without, but for what one of those falls without already."""
    needed = [earlier for earlier, fallen in falls.items() if name in fallen]
    return tuple(e for e in needed if not any(other in falls[e] for other in needed))
