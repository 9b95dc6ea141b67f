"""A conflicted merge as facts: which files, which sides, which lines, whose, and why.

"Upstream's side" is the tree that the patch was merged onto: onto with the patches before it. Where
the sides are and what they say is told of that tree; whose lines they are, of upstream's own.
"""

from collections.abc import Iterable, Sequence

from forkbot.git.merge import IndexEntry
from forkbot.git.workbench import Workbench
from forkbot.model.conflict import (
    Breaker,
    Conflict,
    ConflictClass,
    ConflictedPath,
    Effort,
    Hunk,
    Stage,
)
from forkbot.rebase.case import Case, Pushed
from forkbot.rebase.classify import Sides, classify, effort, size_of
from forkbot.rebase.edits import Edit, Region, Texts, back, carried, regions
from forkbot.rebase.filefate import FileFates
from forkbot.rebase.ground import Ground
from forkbot.rebase.moved import Gained
from forkbot.rebase.owners import Blame, Ownership
from forkbot.rebase.recreate import Change
from forkbot.rebase.torn import File, Torn, find_side, torn_files
from forkbot.rebase.turning import renamed
from forkbot.text import decode
from forkbot.words import Oid

AROUND = 3  # lines of context


def describe_conflict(
    case: Case, pushed: Pushed, breakers: tuple[Breaker, ...], *, bench: Workbench
) -> Conflict:
    """Return the conflict of a patch, one fact a file, sorted by path."""
    if pushed.conflict is None:
        raise ValueError(f"patch {pushed.patch.name} is in no conflict")
    change = next(c for c in case.changes if c.patch.name == pushed.patch.name)
    ground = Ground(
        base=case.base, onto=case.onto, linear=case.linear and case.moved, bench=bench,
        texts=Texts(bench),
    )  # fmt: skip
    scene = _Scene(ground, change, merged_onto=pushed.before)
    paths = scene.describe(torn_files(pushed.conflict))
    return Conflict(patch=pushed.patch.name, paths=paths, breakers=breakers)


class _Scene:
    """One patch on its way from ``change.before`` to the tree it was merged onto."""

    def __init__(self, ground: Ground, change: Change, *, merged_onto: Oid) -> None:
        self._ground, self._texts = ground, ground.texts
        self._change, self._there = change, merged_onto
        self._blame, self._gained = Blame(ground), Gained(ground)
        self._fates = FileFates(ground, blame=self._blame, gained=self._gained)

    def describe(self, torn: Iterable[Torn]) -> tuple[ConflictedPath, ...]:
        change, trees = self._change, self._ground.bench.trees
        edited = [path for path, _, _ in trees.changes(change.before, change.after)]
        files = [self._file(one, edited) for one in torn]
        self._texts.foresee(
            (f.base.oid, side.oid)
            for f in files if f.has_lines and f.base
            for side in (f.upstream, f.ours) if side
        )  # fmt: skip
        return tuple(self._path(file) for file in files)

    def _path(self, file: File) -> ConflictedPath:
        moved_to, owners = self._fates.of(file)
        hunks = self._hunks(file)
        kinds = [h.kind for h in hunks] or [_kind_without_lines(file, moved_to)]
        kinds += [ConflictClass.MOVED] * bool(moved_to)
        kind = max(kinds, key=list(ConflictClass).index)
        return ConflictedPath(
            path=decode(file.torn.path),
            kinds=file.torn.kinds,
            base=_stage(file.base),
            upstream=_stage(file.upstream),
            ours=_stage(file.ours),
            hunks=hunks,
            kind=kind,
            effort=self._effort(file, kind, hunks),
            moved_to=moved_to or next((h.moved_to for h in hunks if h.moved_to), ""),
            owners=owners,
        )

    def _file(self, torn: Torn, edited: Iterable[bytes]) -> File:
        change, trees = self._change, self._ground.bench.trees
        base = find_side(torn, 1, change.before, trees=trees, names=edited)
        upstream = find_side(torn, 2, self._there, trees=trees)
        return File(
            torn=torn,
            base=base,
            upstream=upstream,
            ours=find_side(torn, 3, change.after, trees=trees, names=edited),
            was=self._upstreams_name(base, self._ground.base.tree, change.before),
            now=self._upstreams_name(upstream, self._ground.onto.tree, self._there),
        )

    def _upstreams_name(self, side: IndexEntry | None, own: Oid, patched: Oid) -> bytes:
        """Return a side's name in upstream's ``own`` tree: an earlier patch may have renamed it."""
        if side is None:
            return b""
        if self._ground.bench.trees.find(own, side.path) is not None:
            return side.path
        return renamed(patched, own, bench=self._ground.bench).get(side.path, b"")

    def _hunks(self, file: File) -> tuple[Hunk, ...]:
        if not file.has_lines or file.upstream is None or file.ours is None:
            return ()
        base = file.base.oid if file.base else None
        found = tuple(regions(base, file.upstream.oid, file.ours.oid, texts=self._texts))
        sides = Sides(
            base=self._texts.lines(base),
            upstream=self._texts.lines(file.upstream.oid),
            ours=self._texts.lines(file.ours.oid),
        )
        whose = self._blame.of(file, (edit for region in found for edit in region.theirs))
        return tuple(self._hunk(file, region, sides, whose) for region in found)

    def _hunk(self, file: File, region: Region, sides: Sides, whose: Ownership) -> Hunk:
        def search(lines: list[bytes]) -> str:
            found = self._gained.find(
                lines, path=file.now, before=self._ground.blob(self._ground.base.commit, file.was),
                but=self._own_place(file, region),
            )  # fmt: skip
            return f"{decode(found[0])}:{found[1]}" if found else ""

        kind, moved_to = classify(region, sides, search)
        there = region.upstream
        above = range(max(0, there.start - AROUND), there.start)
        below = range(there.stop, min(len(sides.upstream), there.stop + AROUND))
        return Hunk(
            line=there.start + 1,
            base=_text(sides.base, region.base),
            upstream=_text(sides.upstream, there),
            ours=_text(sides.ours, region.ours),
            above=_text(sides.upstream, above),
            below=_text(sides.upstream, below),
            kind=kind,
            effort=effort(kind, size=size_of(region.mine)),
            owners=self._blame.owners(whose, region.theirs),
            moved_to=moved_to,
        )

    def _own_place(self, file: File, region: Region) -> frozenset[int]:
        """Return the lines of a region in upstream's own file."""
        own = self._ground.blob(self._ground.onto.commit, file.now)
        if own is None or file.upstream is None:
            return frozenset()
        edits = back(self._texts.edits(own, file.upstream.oid))
        return frozenset(carried(edits, region.upstream).values())

    def _effort(self, file: File, kind: ConflictClass, hunks: tuple[Hunk, ...]) -> Effort:
        """Return the hardest of the hunks' efforts, or what the file as a whole takes."""
        if hunks:
            return max((h.effort for h in hunks), key=list(Effort).index)
        if file.upstream and file.ours and file.upstream.oid == file.ours.oid:
            return Effort.EDIT  # a mode is to be chosen, no more
        return effort(kind, size=size_of(self._change_of(file)))

    def _change_of(self, file: File) -> tuple[Edit, ...]:
        """Return what is to be done over: our edit, or upstream's of a file that we take away."""
        other = file.ours or file.upstream
        if file.base is None or other is None:
            return ()
        return self._texts.edits(file.base.oid, other.oid)


def _kind_without_lines(file: File, moved_to: str) -> ConflictClass:
    if "file/directory" in file.torn.kinds or (file.upstream and file.ours):
        return ConflictClass.SHAPE
    if moved_to or file.torn.stages == {}:
        return ConflictClass.MOVED  # of no file: a folder whose files went several ways
    return ConflictClass.DELETED if file.upstream is None else ConflictClass.BOTH_EDITED


def _stage(entry: IndexEntry | None) -> Stage | None:
    if entry is None:
        return None
    return Stage(mode=entry.mode, oid=entry.oid, path=decode(entry.path))


def _text(lines: Sequence[bytes], span: range) -> str:
    return decode(b"".join(lines[n] for n in span))
