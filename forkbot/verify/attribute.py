"""From what was looked at of a red to the next thing to look at, or to whose fault it is.

Guilty is what changed since all was last green, if turning it back makes it green again. The
suspects are turned back one after the other, each on top of those before it: where that ends in
green, the last one has a part in it, and alone, once more, it says whether it is all of it. What
cannot be turned back here, as an edited patch, is left to the end: red still with all else as it
was, it must be that.
"""

import dataclasses
from collections.abc import Sequence

from forkbot.model.attribution import Cell, Part, Seen, Suspect
from forkbot.model.probe import Red, RedKind


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A red, and what may be to blame for it."""

    red: Red
    suspects: tuple[Suspect, ...]  # in the order in which they are turned back
    fixed: tuple[Suspect, ...] = ()  # of these: what cannot be turned back here
    # never green: there are no suspects but the patches, and turned back they are left out
    known: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A cell to look at."""

    back: tuple[Suspect, ...] = ()
    pristine: bool = False
    host: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Who is guilty: none of the suspects where ``guilty`` is empty, and not one where ``sure``."""

    guilty: tuple[Suspect, ...]
    sure: bool = True  # False: one of these, and nobody can say which
    flake: bool = False
    by_itself: bool = False  # upstream is as red without any patch of ours
    host_too: bool | None = None  # and so it is on this machine's own target; None: not asked


def next_of(case: Case, cells: Sequence[Cell]) -> Ask | Found:
    """Return what to look at next, or what came of it all."""
    seen = {(c.back, c.pristine, c.host): c.seen for c in cells}
    if _may_be_luck(case.red):
        again = seen.get(((), False, False))
        if again is None:
            return Ask()
        if again is Seen.GREEN:
            return Found(guilty=(), flake=True)
    found = _turned_back(case, seen)
    if isinstance(found, Ask):
        return found
    return _whether_by_itself(case, found, seen) if _asks_upstream(case, found) else found


def _may_be_luck(red: Red) -> bool:
    """Whether it may be green the next time: what rustc finds wrong once it finds each time."""
    return red.kind is RedKind.SMOKE or (red.kind is RedKind.BUILD and red.unexplained)


def _asks_upstream(case: Case, found: Found) -> bool:
    """Whether it is worth knowing how upstream is without us; a component says nothing of that."""
    if case.red.kind is RedKind.SMOKE or not found.sure:
        return False
    if not case.known:
        return not found.guilty  # red without any patch, and that is all that is known
    return any(s.part is Part.UPSTREAM for s in found.guilty)


_Seen = dict[tuple[tuple[Suspect, ...], bool, bool], Seen]


def _turned_back(case: Case, seen: _Seen) -> Ask | Found:
    back: tuple[Suspect, ...] = ()
    left = list(case.fixed)
    for suspect in case.suspects:
        if suspect in case.fixed:
            continue
        with_it = (*back, suspect)
        said = seen.get((with_it, False, False))
        if said is None:
            return Ask(back=with_it)
        if said is Seen.GREEN:
            return _least(suspect, back, seen)
        if said is Seen.UNTRIED:
            left.append(suspect)
        else:
            back = with_it
    return Found(guilty=tuple(left), sure=len(left) <= 1)


def _least(last: Suspect, before: tuple[Suspect, ...], seen: _Seen) -> Ask | Found:
    """Return whether the last one alone does it: what went before may have a part in it, too."""
    if not before:
        return Found(guilty=(last,))
    alone = seen.get(((last,), False, False))
    if alone is None:
        return Ask(back=(last,))
    return Found(guilty=(last,) if alone is Seen.GREEN else (last, *before))


def _whether_by_itself(case: Case, found: Found, seen: _Seen) -> Ask | Found:
    """Return whether upstream is as red without us, and then: whether only on this target."""
    pristine = seen.get(((), True, False)) if case.known else Seen.RED
    if pristine is None:
        return Ask(pristine=True)
    if pristine is not Seen.RED:
        return found
    if case.red.kind is RedKind.GRAPH:  # the same graph on any target
        return dataclasses.replace(found, by_itself=True)
    host = seen.get(((), True, True))
    if host is None:
        return Ask(pristine=True, host=True)
    told = None if host is Seen.UNTRIED else host is Seen.RED
    return dataclasses.replace(found, by_itself=True, host_too=told)
