"""Where upstream has lines now that it took from their place.

Lines count as moved when most of them stand together elsewhere, in what upstream has added since
the base. Indentation does not count: what moves into a module or an impl is indented anew.
"""

import bisect
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from collections.abc import Set as AbstractSet

from forkbot.git.trees import Entry
from forkbot.rebase.ground import Ground
from forkbot.words import Oid

MOST = 0.5  # more than this share of the lines that tell, and
LEAST = 3  # this many of them
FEW = 2  # files that have a line, above which it is a commonplace: an import, an attribute
_TELLING = re.compile(rb"\w\W*\w\W*\w")  # not blank, no mere brackets


class Gained:
    """The files that upstream changed since the base, read when somebody first asks."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._texts = ground, ground.texts
        self._files: dict[bytes, tuple[Oid | None, Oid, frozenset[bytes]]] | None = None

    def find(
        self, lines: Iterable[bytes], *, path: bytes, before: Oid | None, but: Container[int] = ()
    ) -> tuple[bytes, int] | None:
        """Return the path and line (from 1) of ``onto`` where most of ``lines`` stand now.

        The file they were taken from is looked at first: ``path`` on ``onto``, ``before`` on the
        base; what stands there in the lines ``but`` (from 0) is their old place, not a new one.
        """
        wanted = self._telling(lines, before)
        if not wanted:
            return None
        files = self._changed()
        for other in sorted(files, key=lambda other: (other != path, other)):
            old, new, present = files[other]
            if not _most(wanted & present, wanted):
                continue
            here = other == path
            spots = self._spots(wanted, before if here else old, new)
            line = self._together(wanted, [n for n in spots if not (here and n in but)], new)
            if line is not None:
                return other, line + 1
        return None

    def _telling(self, lines: Iterable[bytes], before: Oid | None) -> frozenset[bytes]:
        """Return those ``lines`` that are no commonplace: once in their file, in few files now."""
        times = Counter(line.strip() for line in self._texts.lines(before))
        once = {said for line in lines if times[said := line.strip()] <= 1}
        telling = {said for said in once if _TELLING.search(said)}
        if len(telling) < LEAST:
            return frozenset()
        files = Counter(
            line for _, _, present in self._changed().values() for line in telling & present
        )
        return frozenset(line for line in telling if files[line] <= FEW)

    def _spots(self, wanted: frozenset[bytes], old: Oid | None, new: Oid) -> Iterator[int]:
        """Yield where lines that are new in a file are among the ``wanted``."""
        text = self._texts.lines(new)
        for edit in self._texts.edits(old, new):
            yield from (n for n in edit.new if text[n].strip() in wanted)

    def _together(self, wanted: frozenset[bytes], spots: list[int], new: Oid) -> int | None:
        """Return the first of ``spots`` from which on most of the ``wanted`` stand together."""
        text = self._texts.lines(new)
        reach = 2 * len(wanted) + 3
        for at, spot in enumerate(spots):
            end = bisect.bisect_left(spots, spot + reach)
            if _most({text[n].strip() for n in spots[at:end]}, wanted):
                return spot
            if end == len(spots):
                return None
        return None

    def _changed(self) -> dict[bytes, tuple[Oid | None, Oid, frozenset[bytes]]]:
        if self._files is None:
            self._files = dict(self._read())
        return self._files

    def _read(self) -> Iterator[tuple[bytes, tuple[Oid | None, Oid, frozenset[bytes]]]]:
        base, onto = self._ground.base.tree, self._ground.onto.tree
        for path, old, new in self._ground.bench.trees.changes(base, onto):
            if new is not None and new.is_file:
                present = frozenset(line.strip() for line in self._texts.lines(new.oid))
                yield path, (_blob(old), new.oid, present)


def _blob(entry: Entry | None) -> Oid | None:
    return entry.oid if entry is not None and entry.is_file else None


def _most(found: AbstractSet[bytes], wanted: AbstractSet[bytes]) -> bool:
    return len(found) >= LEAST and len(found) > MOST * len(wanted)
