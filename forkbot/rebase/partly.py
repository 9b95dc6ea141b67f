"""Which hunks of a patch upstream has, line for line, though it has not the whole patch.

A hunk is taken when each of its edits is: the lines it brings stand together in upstream's file
once more than on the base, and the lines it removes once less. A short edit is looked for with the
line above and the line below it, because the same line is often right in several places.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence

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
    taken = tuple(h for h in hunks if _is_taken(h, base.tree, onto.tree, bench))
    if not taken:
        return None
    commits = [_arrival(h, base, onto, bench) for h in taken] if linear else []
    return TakenHunks(hunks=len(hunks), taken=taken, commits=tuple(dict.fromkeys(commits)))


def _is_taken(hunk: PatchHunk, base: Oid, now: Oid, bench: Workbench) -> bool:
    if bench.trees.find(base, hunk.path) == bench.trees.find(now, hunk.path):
        return False
    before, after = (_lines(tree, hunk.path, bench) for tree in (base, now))
    return all(
        (not edit.new or _count(after, edit.new) > _count(before, edit.new))
        and (not edit.old or _count(after, edit.old) < _count(before, edit.old))
        for edit in hunk.edits
    )


def _lines(tree: Oid, path: bytes, bench: Workbench) -> list[bytes]:
    entry = bench.trees.find(tree, path)
    if entry is None or not entry.is_file:
        return []
    return bench.objects.read(entry.oid)[1].split(b"\n")


def _count(lines: Sequence[bytes], part: Lines) -> int:
    size = len(part)
    return sum(
        line == part[0] and tuple(lines[at : at + size]) == part for at, line in enumerate(lines)
    )


def _arrival(hunk: PatchHunk, base: Place, onto: Place, bench: Workbench) -> Oid:
    """Return the commit since which upstream has the hunk."""
    since = onto.commit
    line = first_parents(bench, base.commit, onto.commit, [hunk.path])
    for commit in reversed(line):
        if not _is_taken(hunk, base.tree, bench.objects.tree(commit), bench):
            break
        since = commit
    return since


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
