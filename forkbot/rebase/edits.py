"""How one text became another, line by line, and where two such ways meet.

The edit scripts are git's own, made the way its merge makes them (histogram, no indent heuristic),
so that regions computed here are the regions between the markers that git leaves: a property test
holds them to that. Unlike markers they say where a region lies on all three sides, and no text can
be mistaken for them.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence

from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.words import Oid

# no line of content begins like that: each has a sign before it
_FILE = re.compile(rb"^diff --git ", re.MULTILINE)
_HEADER = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Edit:
    """Lines ``old`` of one text became lines ``new`` of another; both count from 0."""

    old: range
    new: range


@dataclasses.dataclass(frozen=True, slots=True)
class Region:
    """Where the edits of two sides meet: lines of the base, of upstream's side, of our side.

    A region begins and ends with an edited line, so it has nothing to trim.
    """

    base: range
    upstream: range
    ours: range
    theirs: tuple[Edit, ...]  # from the base to upstream's side, within the region
    mine: tuple[Edit, ...]  # from the base to our side


class Texts:
    """Blobs as lines, and the edits between them, each asked for once."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._lines: dict[Oid, list[bytes]] = {}
        self._edits: dict[tuple[Oid, Oid], tuple[Edit, ...]] = {}

    def lines(self, blob: Oid | None) -> list[bytes]:
        """Return the lines of a blob with their ends; none of a blob that is not there."""
        if blob is None:
            return []
        if blob not in self._lines:
            *whole, rest = self._bench.objects.read(blob)[1].split(b"\n")
            self._lines[blob] = [line + b"\n" for line in whole] + [rest] * bool(rest)
        return self._lines[blob]

    def edits(self, old: Oid | None, new: Oid | None) -> tuple[Edit, ...]:
        """Return the edits that make one blob of another, in order."""
        if old == new:
            return ()
        if old is None or new is None:
            whole = Edit(range(len(self.lines(old))), range(len(self.lines(new))))
            return (whole,) if whole.old or whole.new else ()
        self.foresee([(old, new)])
        return self._edits[old, new]

    def foresee(self, pairs: Iterable[tuple[Oid | None, Oid | None]]) -> None:
        """Ask git, in one diff of two flat trees, for the edits of those pairs not asked before."""
        asked = [
            (old, new)
            for old, new in dict.fromkeys(pairs)
            if old is not None and new is not None and old != new and (old, new) not in self._edits
        ]
        if not asked:
            return
        trees, objects = self._bench.trees, self._bench.objects
        # the n-th pair stands under the name n
        before, after = (
            trees.write({b"%d" % n: Entry(b"100644", pair[i]) for n, pair in enumerate(asked)})
            for i in range(2)
        )
        objects.flush()
        said = self._bench.repository.git(
            "diff-tree", "-p", "--unified=0", "--inter-hunk-context=0",
            "--diff-algorithm=histogram", "--no-indent-heuristic", "--no-renames", "--text",
            "--no-ext-diff", "--no-textconv", "--no-color", "--no-prefix", before, after,
        ).stdout  # fmt: skip
        for part in _FILE.split(said)[1:]:
            name, _, diff = part.partition(b" ")
            spans = (Edit(_span(m[1], m[2]), _span(m[3], m[4])) for m in _HEADER.finditer(diff))
            self._edits[asked[int(name)]] = tuple(spans)


def _span(start: bytes, count: bytes | None) -> range:
    size = 1 if count is None else int(count)
    # of no lines, git names the line before
    first = int(start) if size == 0 else int(start) - 1
    return range(first, first + size)


def carried(edits: Sequence[Edit], lines: Iterable[int]) -> dict[int, int]:
    """Return where those of the old text's ``lines`` that no edit touches are in the new text."""
    found, shift, waiting = {}, 0, list(edits)
    for line in sorted(lines):
        while waiting and waiting[0].old.stop <= line:
            edit = waiting.pop(0)
            shift = edit.new.stop - edit.old.stop
        if not (waiting and line in waiting[0].old):
            found[line] = line + shift
    return found


def back(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return the edits that undo ``edits``."""
    return tuple(Edit(edit.new, edit.old) for edit in edits)


def regions(base: Oid | None, upstream: Oid, ours: Oid, *, texts: Texts) -> Iterator[Region]:
    """Yield the regions in which a merge of three blobs conflicts, in order."""
    groups = _touching(texts.edits(base, upstream), texts.edits(base, ours))
    for theirs, mine in groups:
        if not theirs or not mine:
            continue
        said = [texts.lines(upstream)[theirs[0].new.start : theirs[-1].new.stop],
                texts.lines(ours)[mine[0].new.start : mine[-1].new.stop]]  # fmt: skip
        one_each = len(theirs) == len(mine) == 1
        if one_each and theirs[0].old == mine[0].old and said[0] == said[1]:
            continue  # both sides did the same
        edits = (*theirs, *mine)
        touched = range(min(e.old.start for e in edits), max(e.old.stop for e in edits))
        yield Region(
            touched, _across(theirs, touched), _across(mine, touched), theirs=theirs, mine=mine
        )


def _touching(
    theirs: Iterable[Edit], mine: Iterable[Edit]
) -> Iterator[tuple[tuple[Edit, ...], tuple[Edit, ...]]]:
    """Yield the two sides' edits in groups that overlap or neighbour each other in the old text."""
    # told apart by side, not by value: empty ranges are equal wherever they are
    both = [(e, 0) for e in theirs] + [(e, 1) for e in mine]
    group: tuple[list[Edit], list[Edit]] = ([], [])
    end = -1
    for edit, side in sorted(both, key=lambda b: (b[0].old.start, b[0].old.stop)):
        if edit.old.start > end:
            yield tuple(group[0]), tuple(group[1])
            group = ([], [])
        group[side].append(edit)
        end = max(end, edit.old.stop)
    yield tuple(group[0]), tuple(group[1])


def _across(edits: Sequence[Edit], old: range) -> range:
    """Return the new text's lines that stand where the old text has the lines ``old``."""
    first, last = edits[0], edits[-1]
    return range(
        first.new.start - (first.old.start - old.start), last.new.stop + old.stop - last.old.stop
    )
