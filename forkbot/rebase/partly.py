"""Which hunks of a patch upstream has, line for line, though it has not the whole patch.

A hunk is taken when each of its edits is: the lines it brings stand together in upstream's file
once more than on the base, and the lines it removes once less. A short edit is looked for with the
line above and the line below it, because the same line is often right in several places.
"""

import dataclasses
import functools
import re
from collections.abc import Iterator

from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.rebase.likeness import tells
from forkbot.rebase.line import first_parents
from forkbot.words import Oid

_ENOUGH = 3  # lines that say something, to be known without what stands around them
_START = re.compile(rb"^@@ -\d+(?:,\d+)? \+(?P<line>\d+)")
Lines = tuple[bytes, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Lines that go and lines that come, perhaps with what stands around them."""

    old: Lines
    new: Lines


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PatchHunk:
    """One hunk of a patch file."""

    path: bytes
    line: int  # in the file as the patch leaves it
    edits: tuple[Edit, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TakenHunks:
    """How many hunks a patch has, those that upstream has, and the commits that brought them."""

    hunks: int
    taken: tuple[PatchHunk, ...]
    commits: tuple[Oid, ...]


def taken_hunks(
    diff: bytes, *, base: Place, onto: Place, linear: bool, bench: Workbench
) -> TakenHunks | None:
    """Return which hunks of a diff ``onto`` has and ``base`` has not; None when there are none."""
    hunks = tuple(patch_hunks(diff))
    since = _Since(base, onto, bench)
    taken = tuple(h for h in hunks if since.has(h, onto.tree))
    if not taken:
        return None
    commits = [since.arrival(h) for h in taken] if linear else []
    return TakenHunks(hunks=len(hunks), taken=taken, commits=tuple(dict.fromkeys(commits)))


class _Since:
    """What upstream's files have got since the base."""

    def __init__(self, base: Place, onto: Place, bench: Workbench) -> None:
        self._base, self._onto, self._bench = base, onto, bench
        self._texts: dict[Entry | None, _Text] = {}
        self._lines: dict[bytes, list[Oid]] = {}

    def has(self, hunk: PatchHunk, tree: Oid) -> bool:
        """Return whether the file in ``tree`` has the hunk, and the base's has not."""
        old, new = (self._bench.trees.find(t, hunk.path) for t in (self._base.tree, tree))
        if old == new:
            return False
        before, after = self._text(old), self._text(new)
        return all(
            (not edit.new or after.count(edit.new) > before.count(edit.new))
            and (not edit.old or after.count(edit.old) < before.count(edit.old))
            for edit in hunk.edits
        )

    def arrival(self, hunk: PatchHunk) -> Oid:
        """Return the commit since which upstream has the hunk."""
        if hunk.path not in self._lines:
            self._lines[hunk.path] = first_parents(
                self._bench, self._base.commit, self._onto.commit, [hunk.path]
            )
        since = self._onto.commit
        for commit in reversed(self._lines[hunk.path]):
            if not self.has(hunk, self._bench.objects.tree(commit)):
                break
            since = commit
        return since

    def _text(self, entry: Entry | None) -> "_Text":
        if entry not in self._texts:
            self._texts[entry] = _Text(self._bench.trees.content(entry))
        return self._texts[entry]


class _Text:
    """A file's lines, made for finding some that stand together."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._lines = content.split(b"\n")

    @functools.cached_property
    def _places(self) -> dict[bytes, list[int]]:
        places: dict[bytes, list[int]] = {}
        for at, line in enumerate(self._lines):
            places.setdefault(line, []).append(at)
        return places

    def count(self, part: Lines) -> int:
        """Return how often the lines of ``part`` stand together."""
        if b"\n".join(part) not in self._content:
            return 0  # nearly always
        rarest = min(range(len(part)), key=lambda n: len(self._places.get(part[n], ())))
        starts = (at - rarest for at in self._places.get(part[rarest], ()))
        size = len(part)
        return sum(
            start >= 0 and tuple(self._lines[start : start + size]) == part for start in starts
        )


def patch_hunks(diff: bytes) -> Iterator[PatchHunk]:
    """Yield the hunks of a diff that have lines; renames, modes and binary files have none."""
    path = b""
    lines = diff.split(b"\n")
    starts = [n for n, line in enumerate(lines) if line.startswith((b"@@ ", b"diff --git "))]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        found = _START.match(lines[start])
        if found is None:
            path = _path(lines[start:end])
        elif path:
            body = [line for line in lines[start + 1 : end] if line[:1] in (b" ", b"-", b"+")]
            yield PatchHunk(path=path, line=int(found["line"]), edits=tuple(_edits(body)))


def _path(header: list[bytes]) -> bytes:
    """Return the file that a diff's header names; nothing for a name that git would quote."""
    names = [line[6:].removesuffix(b"\t") for line in header if line[:6] in (b"--- a/", b"+++ b/")]
    return names[-1] if names else b""


def _edits(body: list[bytes]) -> Iterator[Edit]:
    at = 0
    while at < len(body):
        end = at
        while end < len(body) and body[end][:1] != b" ":
            end += 1
        if end > at:
            yield _edit(body, at, end)
        at = end + 1


def _edit(body: list[bytes], at: int, end: int) -> Edit:
    old = tuple(line[1:] for line in body[at:end] if line[:1] == b"-")
    new = tuple(line[1:] for line in body[at:end] if line[:1] == b"+")
    if sum(map(tells, new)) >= _ENOUGH:
        return Edit(old=old, new=new)
    above = tuple(line[1:] for line in body[max(0, at - 1) : at])
    below = tuple(line[1:] for line in body[end : end + 1])
    return Edit(old=(*above, *old, *below) if old else (), new=(*above, *new, *below))
