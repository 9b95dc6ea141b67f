"""The search itself: between which two neighbours of a line something goes from good to bad.

Halving, with what makes it honest where each answer is dear: it keeps to what is known already,
goes around places that cannot be tried, ends when it may ask no more, and says what it then knows.
Halving sees one turn of however many there are. So it holds on to the newest good place there is,
and once it has two neighbours it looks into what is left of wide gaps beside them, too.
"""

import dataclasses
from collections.abc import Callable, Mapping

from forkbot.model.buildbreaker import Ended

_BLIND = 0.25  # the share of a line that may go by without a look,
_FEW = 3  # and how many places may at any rate


@dataclasses.dataclass(slots=True, kw_only=True)
class Found:
    """What is known of a line: of each place whether it is bad, and which cannot be tried."""

    first: int
    last: int
    bad: dict[int, bool]
    untried: set[int] = dataclasses.field(default_factory=set)
    ended: Ended = Ended.BOUNDED

    @property
    def good_end(self) -> int | None:
        """Return the newest good place."""
        return max((n for n, bad in self.bad.items() if not bad), default=None)

    @property
    def bad_end(self) -> int | None:
        """Return the oldest bad place after the newest good one."""
        good = self.good_end
        after = (n for n, bad in self.bad.items() if bad and (good is None or n > good))
        return min(after, default=None)

    @property
    def turns(self) -> list[int]:
        """Return the places up to the newest good one at which bad came, or had gone again."""
        turns, was, good = list[int](), False, self.good_end
        for n in sorted(n for n in self.bad if good is not None and n <= good):
            if self.bad[n] != was:
                turns.append(n)
            was = self.bad[n]
        return turns

    def unknown(self, low: int, high: int) -> list[int]:
        """Return the places between two that might be asked yet."""
        return [n for n in range(low + 1, high) if n not in self.bad and n not in self.untried]


def seek(
    first: int,
    last: int,
    ask: Callable[[int], bool | None],
    *,
    more: Callable[[], bool],
    known: Mapping[int, bool] | None = None,
    look_around: bool = True,
) -> Found:
    """Find where the places from ``first`` to ``last``, which should be bad, turned bad.

    ``ask`` says whether a place is bad, or None where it cannot be tried; ``more`` whether there is
    room for one more question. ``known`` answers cost none.
    """
    found = Found(first=first, last=last, bad=dict(known or {}))

    def settled(at: int) -> bool:
        """Ask a place that nobody asked yet; return whether there was room to."""
        if at in found.bad or at in found.untried:
            return True
        if not more():
            return False
        said = ask(at)
        if said is None:
            found.untried.add(at)
        else:
            found.bad[at] = said
        return True

    if _has_ends(found, settled):
        while _closed_in(found, settled) and look_around:
            gap = _widest(found.unknown(first, last))
            if len(gap) <= max(_FEW, (last - first) * _BLIND) or not settled(_middle(gap)):
                break
    return found


Settled = Callable[[int], bool]


def _has_ends(found: Found, settled: Settled) -> bool:
    """Ask what has to be there: a bad place at the end, and a good one somewhere before it."""
    first, last = found.first, found.last
    if not settled(last):
        return False
    if not found.bad.get(last):
        found.ended = Ended.UNTRIED if last in found.untried else Ended.GREEN
        return False
    if found.good_end is None and not settled(first):
        return False
    if found.good_end is None:
        found.ended = Ended.EVERYWHERE if first in found.bad else Ended.UNTRIED
        return False
    return True


def _closed_in(found: Found, settled: Settled) -> bool:
    """Halve down to two neighbours, or to what cannot be tried; return whether there was room."""
    found.ended = Ended.BOUNDED
    while True:
        good, bad = found.good_end, found.bad_end
        assert good is not None
        assert bad is not None
        between = found.unknown(good, bad)
        if not between:
            found.ended = Ended.FOUND if bad == good + 1 else Ended.UNTRIED
            return True
        if not settled(_middle(between)):
            return False


def _middle(places: list[int]) -> int:
    return places[len(places) // 2]


def _widest(places: list[int]) -> list[int]:
    """Return the longest run of neighbours."""
    runs: list[list[int]] = [[]]
    for place in places:
        if runs[-1] and place != runs[-1][-1] + 1:
            runs.append([])
        runs[-1].append(place)
    return max(runs, key=len)
