"""Whether upstream, having taken a change, took it back: reworked counts as having it still.

A revert is rarely a revert: its context has moved, other edits come with it, so its patch-id is no
guide. What tells is the text: where the lines from before stand in their place again, a hunk is
undone, and lines like ours that are left near it are another's. Lines that we only added and that
are gone leave no trace of why; they count as undone too, because a patch is not dropped on a guess.
A change is taken back when every hunk of it is undone; where upstream undid some and kept others,
it went on with what it took.
"""

import difflib
import weakref
from collections.abc import Iterator, Sequence

from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.words import Oid

# what became of a file's change, by its sides; one bench asks about many commits of one history
_Sides = tuple[Entry | None, Entry | None, Entry | None]
_KNOWN = weakref.WeakKeyDictionary[Workbench, dict[_Sides, tuple[bool, ...]]]()


class TakenBack:
    """One change that upstream took: ``having`` it, and ``without`` it (trees)."""

    def __init__(self, *, without: Oid, having: Oid, bench: Workbench) -> None:
        self._bench = bench
        self._changes = list(bench.trees.changes(without, having))
        self._known = _KNOWN.setdefault(bench, {})

    @property
    def paths(self) -> tuple[bytes, ...]:
        """Return the paths of the change."""
        return tuple(path for path, _, _ in self._changes)

    def at(self, now: Oid) -> bool:
        """Return whether the tree ``now`` undoes all of the change."""
        undone = [
            answer
            for path, old, new in self._changes
            for answer in self._at_path(old, new, self._bench.trees.find(now, path))
        ]
        return bool(undone) and all(undone)

    def _at_path(self, old: Entry | None, new: Entry | None, now: Entry | None) -> tuple[bool, ...]:
        # most commits of a history leave most files as they are
        if (old, new, now) not in self._known:
            self._known[old, new, now] = tuple(_hunks_undone(old, new, now, self._bench))
        return self._known[old, new, now]


def _hunks_undone(
    old: Entry | None, new: Entry | None, now: Entry | None, bench: Workbench
) -> Iterator[bool]:
    if now == new:
        yield False
    elif now is None or new is None or now == old:
        yield True  # as it was before, or gone: moved elsewhere perhaps, but that is a guess
    else:
        before = _lines(old, bench) if old is not None else []
        yield from hunks_undone(before, _lines(new, bench), _lines(now, bench))


def _lines(entry: Entry, bench: Workbench) -> list[bytes]:
    return bench.objects.read(entry.oid)[1].split(b"\n")


def hunks_undone(
    before: Sequence[bytes], having: Sequence[bytes], now: Sequence[bytes]
) -> Iterator[bool]:
    """Yield for each hunk that made ``having`` of ``before`` whether ``now`` undoes it (lines)."""
    survives: dict[int, int] = {}
    for block in difflib.SequenceMatcher(None, having, now, autojunk=False).get_matching_blocks():
        survives.update((block.a + n, block.b + n) for n in range(block.size))
    hunks = difflib.SequenceMatcher(None, having, before, autojunk=False).get_opcodes()
    for tag, start, end, old_start, old_end in hunks:
        if tag == "equal":
            continue
        above = max((survives[n] + 1 for n in survives if n < start), default=0)
        below = min((survives[n] for n in survives if n >= end), default=len(now))
        old, there = list(before[old_start:old_end]), list(now[above:below])
        if any(line in survives for line in range(start, end)):
            # they may be another's, alike: what they replaced stands again only where they are gone
            yield bool(old) and _holds(there, old) and not _holds(list(having[start:end]), old)
        else:
            yield not old or _holds(there, old)


def _holds(lines: list[bytes], part: list[bytes]) -> bool:
    return any(lines[at : at + len(part)] == part for at in range(len(lines) - len(part) + 1))
