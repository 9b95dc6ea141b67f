"""A series without one hunk of one of its patches: the tree it gives then.

A hunk is what a patch file shows as one: edits at most six unchanged lines apart. It is taken back
in the patch itself, line by line, and the later patches are put on what is left.
"""

import dataclasses
from collections.abc import Iterator, Sequence

from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.rebase.edits import Edit, Texts
from forkbot.rebase.leaveout import LeftOut, leave_out
from forkbot.rebase.recreate import Change
from forkbot.text import decode

_APART = 6  # unchanged lines between two edits of one hunk: three of context for each


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Hunk:
    """Where a hunk is in the patched file, and what stands at the path without it."""

    path: bytes
    line: int  # of the first edited one, from 1; 0: the whole file
    without: Entry | None
    edited: tuple[str, ...] = ()


def take_each_hunk_back(changes: tuple[Change, ...], *, bench: Workbench) -> Iterator[LeftOut]:
    """Yield for each hunk of a series the series without it, in order."""
    texts = Texts(bench)
    for number, change in enumerate(changes):
        for hunk in _hunks(change, texts=texts, bench=bench):
            yield _without(hunk, changes[number:], bench=bench)


def _without(hunk: _Hunk, changes: tuple[Change, ...], *, bench: Workbench) -> LeftOut:
    """Return the series without a hunk of the first of ``changes``."""
    change, *later = changes
    tree = bench.trees.edit(change.after, {hunk.path: hunk.without})
    assert tree is not None, "what stood there before fits there"
    rest = leave_out(tuple(later), (), base=tree, bench=bench)
    return LeftOut(
        patch=change.patch.name, with_it=rest.fallen, tree=rest.tree,
        path=hunk.path.decode(errors="backslashreplace"), line=hunk.line, edited=hunk.edited,
    )  # fmt: skip


def _hunks(change: Change, *, texts: Texts, bench: Workbench) -> Iterator[_Hunk]:
    for path, old, new in bench.trees.changes(change.before, change.after):
        lines = old is not None and new is not None and old.is_file and old.mode == new.mode
        if not lines or b"\0" in bench.trees.content(new):
            yield _Hunk(path=path, line=0, without=old)
            continue
        assert old is not None
        assert new is not None
        before, after = texts.lines(old.oid), texts.lines(new.oid)
        for hunk in _grouped(texts.edits(old.oid, new.oid)):
            first, last = hunk[0], hunk[-1]
            gone = before[first.old.start : last.old.stop]
            text = b"".join((*after[: first.new.start], *gone, *after[last.new.stop :]))
            edited = (li for e in hunk for li in (*before[_at(e.old)], *after[_at(e.new)]))
            yield _Hunk(
                path=path, line=first.new.start + 1,
                without=Entry(new.mode, bench.objects.write("blob", text)),
                edited=tuple(decode(line) for line in edited),
            )  # fmt: skip


def _at(lines: range) -> slice:
    return slice(lines.start, lines.stop)


def _grouped(edits: Sequence[Edit]) -> list[list[Edit]]:
    """Return edits as the hunks that a diff with three lines of context has."""
    hunks: list[list[Edit]] = []
    for edit in edits:
        if hunks and edit.old.start - hunks[-1][-1].old.stop <= _APART:
            hunks[-1].append(edit)
        else:
            hunks.append([edit])
    return hunks
