"""Whose lines they are now: upstream's commits that wrote a line since the base, or took one away.

Both are git's blame, limited to ``base..onto``; it follows upstream's renames. For a line that is
gone, reverse blame along the first-parent line tells the last commit that had it; the next one took
it away. Where that is a merge, the question goes on along the branch it brought in.
"""

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from forkbot.git.merge import IndexEntry
from forkbot.model.conflict import Owner
from forkbot.model.place import Place
from forkbot.model.upstream import UpstreamCommit
from forkbot.rebase.edits import Edit, back, carried
from forkbot.rebase.ground import Ground
from forkbot.rebase.line import first_parents, upstream_commits
from forkbot.rebase.torn import File
from forkbot.words import Oid

_HEAD = re.compile(rb"^([0-9a-f]{40}) (\d+) (\d+)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Who wrote lines of upstream's side, and who took lines of the base away, by line."""

    wrote: Mapping[int, Oid]
    removed: Mapping[int, Oid]


class Blame:
    """Asks whose lines are, and remembers who made which commit. Lines count from 0."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._commits: dict[Oid, UpstreamCommit] = {}
        self._walks: dict[tuple[Oid, Oid], list[Oid]] = {}

    def wrote(self, path: bytes, lines: Iterable[int]) -> dict[int, Oid]:
        """Return who wrote each of the ``lines`` of ``path`` on ``onto``; not what is older."""
        if self._ground.base.commit == self._ground.onto.commit:
            return {}  # of an empty range git would blame a work tree, and there is none
        said = self._ask(path, lines, f"{self._ground.base.commit}..{self._ground.onto.commit}")
        return {line: commit for line, _, commit, older in said if not older}

    def removed(self, path: bytes, lines: Iterable[int]) -> dict[int, Oid]:
        """Return who took away each of the ``lines`` that ``path`` has on ``base``."""
        ends = {"old": self._ground.base.commit, "new": self._ground.onto.commit}
        return self._gone(path, {n: n for n in lines}, **ends)

    def _gone(self, path: bytes, lines: Mapping[int, int], *, old: Oid, new: Oid) -> dict[int, Oid]:
        """Return, by the keys of ``lines``, who took away what ``old`` has at their values."""
        if not lines:
            return {}
        if (old, new) not in self._walks:
            self._walks[old, new] = first_parents(self._ground.bench, old, new, None)
        walk = self._walks[old, new]
        starts = self._ground.bench.objects.parents(walk[0])[:1] if walk else ()
        if not starts:
            return {}  # nothing happened, or a history of its own was merged
        start = starts[0]
        there = self._lines_at(start, path, old, lines)
        after = dict(zip((start, *walk), walk, strict=False))
        found: dict[int, Oid] = {}
        merges: dict[Oid, dict[int, int]] = {}
        for line, at, last, _ in self._ask(
            path, there, "--reverse", "--first-parent", f"{start}..{new}"
        ):
            if last not in after:
                continue  # it is there still
            found[there[line]] = remover = after[last]
            if self._ground.bench.objects.parents(remover)[1:]:
                merges.setdefault(remover, {})[there[line]] = at
        for merge, kept in merges.items():
            before, *branches = self._ground.bench.objects.parents(merge)
            for branch in branches:
                found |= self._gone(path, kept, old=before, new=branch)
        return found

    def _lines_at(
        self, start: Oid, path: bytes, old: Oid, lines: Mapping[int, int]
    ) -> dict[int, int]:
        """Return the keys of ``lines`` by where ``start``, older perhaps, has the lines."""
        blobs = [self._ground.blob(commit, path) for commit in (old, start)]
        if None in blobs:
            return {}
        moved = carried(self._ground.texts.edits(*blobs), lines.values())
        return {moved[at]: key for key, at in lines.items() if at in moved}

    def _ask(
        self, path: bytes, lines: Iterable[int], *options: str
    ) -> Iterator[tuple[int, int, Oid, bool]]:
        """Yield for each line: where it is, where it was in the commit, the commit, if it is older.

        "Older" is git's boundary: the line came from before the range.
        """
        spans = [f"-L{a.start + 1},{a.stop}" for a in _spans(lines)]
        if not spans:
            return
        said = self._ground.bench.repository.git(
            "blame", "--line-porcelain", "--encoding=none", *spans, *options,
            "--", os.fsdecode(path),
        ).stdout  # fmt: skip
        head, older = None, False
        for row in said.split(b"\n"):
            if row.startswith(b"\t") and head is not None:
                yield int(head[3]) - 1, int(head[2]) - 1, Oid(head[1].decode()), older
                head, older = None, False
            elif head is None:
                head = _HEAD.match(row)
            elif row == b"boundary":
                older = True

    def of(self, file: File, edits: Iterable[Edit]) -> Ownership:
        """Return who wrote the new lines of ``edits``, and who took the old ones.

        The edits lead from the file's base to upstream's side, and both hold our earlier patches:
        lines are carried over to upstream's own file, where those patches' lines are not found.
        """
        if not self._ground.linear:
            return Ownership(wrote={}, removed={})
        asked, ground = tuple(edits), self._ground
        new = self._own(file.upstream, ground.onto, file.now, (n for e in asked for n in e.new))
        old = self._own(file.base, ground.base, file.was, (n for e in asked for n in e.old))
        wrote, removed = self.wrote(file.now, new.values()), self.removed(file.was, old.values())
        self.commits({*wrote.values(), *removed.values()})  # in one question
        return Ownership(
            wrote={line: wrote[at] for line, at in new.items() if at in wrote},
            removed={line: removed[at] for line, at in old.items() if at in removed},
        )

    def _own(
        self, side: IndexEntry | None, place: Place, path: bytes, lines: Iterable[int]
    ) -> dict[int, int]:
        """Return where ``lines`` of a side are in upstream's own file."""
        blob = self._ground.blob(place.commit, path) if path else None
        if blob is None or side is None:
            return {}
        return carried(back(self._ground.texts.edits(blob, side.oid)), lines)

    def owners(self, ownership: Ownership, edits: Iterable[Edit]) -> tuple[Owner, ...]:
        """Return who owns the lines of ``edits``, most lines first.

        Who wrote what stands there now is not told again for what it took from there.
        """
        asked = tuple(edits)
        here = Counter(_picked(ownership.wrote, (n for e in asked for n in e.new)))
        gone = Counter(_picked(ownership.removed, (n for e in asked for n in e.old)))
        known = self.commits((*here, *gone))
        found = [Owner(by=known[oid], lines=count) for oid, count in here.items()]
        found += [
            Owner(by=known[oid], lines=count, removed=True)
            for oid, count in gone.items()
            if oid not in here
        ]
        return tuple(sorted(found, key=lambda owner: -owner.lines))

    def commits(self, oids: Iterable[Oid]) -> Mapping[Oid, UpstreamCommit]:
        """Return who made each commit; every one is asked for once."""
        new = [oid for oid in oids if oid not in self._commits]
        if new:
            self._commits |= upstream_commits(self._ground.bench, new)
        return self._commits


def _picked(known: Mapping[int, Oid], lines: Iterable[int]) -> Iterator[Oid]:
    return (known[line] for line in lines if line in known)


def _spans(lines: Iterable[int]) -> Iterator[range]:
    """Yield runs of neighbouring lines."""
    span = range(0)
    for line in sorted(lines):
        if span and line == span.stop:
            span = range(span.start, line + 1)
            continue
        if span:
            yield span
        span = range(line, line + 1)
    if span:
        yield span
