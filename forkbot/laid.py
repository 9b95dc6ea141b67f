"""What lies in a resolution's folder, in words: what each path is, and what is still missing."""

import shlex
from collections.abc import Container, Iterator, Mapping

from forkbot.git.repository import Repository
from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.model.conflictbranch import Undecided
from forkbot.model.fate import Rebase
from forkbot.model.resolving import LaidPath, OpenConflict, Standing
from forkbot.rebase.regions import left_markers
from forkbot.rebase.stuck import Stuck
from forkbot.text import decode
from forkbot.words import Oid

_BASE, _UPSTREAM, _OURS = 1, 2, 3  # git's stages


def lay_facts(
    stuck: Stuck, standing: Standing, facts: Rebase, *, folder: str, repository: Repository
) -> OpenConflict:
    """Return a conflict as it is laid out in the folder."""
    assert facts.conflict is not None
    names = [o.name for o in facts.outcomes]
    with Workbench(repository) as bench:
        paths = tuple(_laid(path, stuck, bench) for path in sorted(stuck.filled.question.sides))
    return OpenConflict(
        stack=standing.stack,
        channel=standing.channel,
        onto=standing.onto,
        patch=stuck.patch,
        number=names.index(stuck.patch) + 1,
        patches=len(names),
        folder=folder,
        conflict=facts.conflict,
        paths=paths,
        replays=stuck.filled.replays,
    )


def _laid(path: bytes, stuck: Stuck, bench: Workbench) -> LaidPath:
    shown = decode(path)
    lines = _markers(stuck.tree, path, stuck, bench)
    begun = tuple(n for n in lines if _line(stuck.tree, path, n, bench).startswith(b"<"))
    if path in stuck.filled.open and path not in stuck.open:
        return LaidPath(path=shown, what="cargo makes it anew when the rest is decided")
    if path not in stuck.open:
        return LaidPath(path=shown, what="answered by a recorded resolution, laid out as it says")
    filled = [text for text in stuck.filled.regions.get(path, ()) if text is not None]
    if begun:
        where = "line" if len(begun) == 1 else "lines"
        what = f"both sides edited it: {where} {', '.join(map(str, begun))}"
        return LaidPath(path=shown, what=what, lines=begun, filled=len(filled))
    what, todo = _shape(path, stuck, bench)
    return LaidPath(path=shown, what=what, todo=todo)


def _shape(path: bytes, stuck: Stuck, bench: Workbench) -> tuple[str, str]:
    """Return what lies at a path that has no lines to choose from, and the commands that decide."""
    stages, kinds = stuck.filled.question.sides[path], stuck.filled.question.kinds[path]
    quoted = shlex.quote(decode(path))
    keep, drop = f"git add {quoted}", f"git rm {quoted}"
    either = f"{keep}  # to keep what lies there, or: {drop}"
    there = bench.trees.find(stuck.tree, path)
    if path.endswith((b"~upstream", b"~patch")):
        side = "upstream" if path.endswith(b"~upstream") else "patch"
        plain = shlex.quote(decode(path.rpartition(b"~")[0]))
        return (
            f"a folder takes the place of {plain}; the {side}'s file was put aside here",
            f"git mv {quoted} <where it belongs>, or: {drop}",
        )
    match (_UPSTREAM in stages, _OURS in stages):
        case (False, True) if "modify/delete" in kinds:
            return "deleted upstream, edited by the patch; the patch's file lies there", either
        case (True, False) if "modify/delete" in kinds:
            return "edited upstream, deleted by the patch; upstream's file lies there", either
        case (True, True):
            return _two_sides(stages, kinds, there, quoted)
        case _:
            lies = "nothing lies there" if there is None else "one side's file lies there"
            return f"{', '.join(kinds)}; {lies}", either if there else drop


def _two_sides(
    stages: Mapping[int, Entry], kinds: tuple[str, ...], there: Entry | None, quoted: str
) -> tuple[str, str]:
    upstream, ours = stages[_UPSTREAM], stages[_OURS]
    other = f"git show :{_OURS}:{quoted} > {quoted} && git add {quoted}"
    lies = "the patch's" if there is not None and there.oid == ours.oid else "upstream's"
    if upstream.mode != ours.mode:
        what = f"mode {upstream.mode.decode()} upstream, {ours.mode.decode()} in the patch"
    else:
        what = "binary" if "binary" in kinds else ", ".join(kinds)
    return (
        f"{what}; {lies} file lies there",
        f"git add {quoted}  # to keep it, or for the patch's: {other}",
    )


def undecided(
    stuck: Stuck,
    theirs: Oid,
    *,
    told: Container[bytes],
    lent: Repository,
    shown: str = "",
    keep: str = "",
) -> tuple[Undecided, ...]:
    """Return what is still missing in an answer: markers that are left, paths nobody decided.

    ``told`` are paths that somebody decided to leave as they were laid out; ``keep`` says how that
    is done where it is no command of git's. ``shown`` stands before each path.
    """
    with Workbench(lent) as bench:
        return tuple(
            found
            for path in stuck.open
            for found in _missing(
                path, stuck, theirs, told=path in told, shown=f"{shown}{decode(path)}", keep=keep,
                bench=bench,
            )
        )  # fmt: skip


def silent_paths(stuck: Stuck, *, lent: Repository) -> tuple[tuple[bytes, str], ...]:
    """Return the paths without lines to choose from, and what lies there."""
    with Workbench(lent) as bench:
        return tuple(
            (path, _shape(path, stuck, bench)[0])
            for path in stuck.open
            if not _markers(stuck.tree, path, stuck, bench)
        )


def _missing(
    path: bytes, stuck: Stuck, theirs: Oid, *, told: bool, shown: str, keep: str, bench: Workbench
) -> Iterator[Undecided]:
    left = _markers(theirs, path, stuck, bench)
    if left:
        lines = ", ".join(map(str, left))
        yield Undecided(
            where=f"{shown}:{left[0]}",
            what=f"conflict markers are left: line{'' if len(left) == 1 else 's'} {lines}",
            hint="make the lines what they should be, and take the markers out",
        )
    lines_tell = bool(_markers(stuck.tree, path, stuck, bench))
    same = bench.trees.find(theirs, path) == bench.trees.find(stuck.tree, path)
    if same and not (left or lines_tell or told):
        what, todo = _shape(path, stuck, bench)
        yield Undecided(where=shown, what=what, hint=keep or todo)


def _markers(tree: Oid, path: bytes, stuck: Stuck, bench: Workbench) -> list[int]:
    stages = stuck.filled.question.sides[path].values()
    sides = (bench.objects.read(e.oid)[1] for e in stages if e.is_file)
    known = frozenset(line.rstrip() for text in sides for line in text.split(b"\n"))
    entry = bench.trees.find(tree, path)
    if entry is None or not entry.is_file:
        return []
    return left_markers(bench.objects.read(entry.oid)[1], but=known)


def _line(tree: Oid, path: bytes, number: int, bench: Workbench) -> bytes:
    entry = bench.trees.find(tree, path)
    return bench.objects.read(entry.oid)[1].split(b"\n")[number - 1] if entry else b""
