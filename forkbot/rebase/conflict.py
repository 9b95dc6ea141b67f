"""A conflicted merge as facts: which paths, which sides, which lines.

Hunks come from the diff3 markers that git leaves in the merged blob. The markers carry the ids of
the two sides as labels, so text that merely looks like a marker is not mistaken for one.
"""

import re

from forkbot.git.merge import Conflicted, IndexEntry
from forkbot.git.workbench import Workbench
from forkbot.model.conflict import Breaker, Conflict, ConflictedPath, Hunk, Stage
from forkbot.text import decode
from forkbot.words import PatchName

_MARK = re.compile(rb"^(<{7,}|\|{7,}|>{7,}) ([0-9a-f]{7,64})(?::.*)?\r?$")
_SPLIT = re.compile(rb"^={7,}\r?$")


def describe_conflict(
    name: PatchName, conflicted: Conflicted, breakers: tuple[Breaker, ...], *, bench: Workbench
) -> Conflict:
    """Return the conflict of one patch, one fact a path, sorted by path."""
    return Conflict(
        patch=name,
        paths=tuple(
            _describe(path, conflicted, bench) for path in sorted(conflicted_paths(conflicted))
        ),
        breakers=breakers,
    )


def conflicted_paths(conflicted: Conflicted) -> frozenset[bytes]:
    """Return the paths that a merge could not decide, by the names it gave them."""
    paths = {e.path for e in conflicted.entries}
    for message in conflicted.messages:
        paths.update(message.paths[:1])
    return frozenset(paths)


def _describe(path: bytes, conflicted: Conflicted, bench: Workbench) -> ConflictedPath:
    stages = {e.stage: e for e in conflicted.entries if e.path == path}
    kinds = sorted({m.kind for m in conflicted.messages if path in m.paths})
    hunks: tuple[Hunk, ...] = ()
    merged = bench.trees.find(conflicted.tree, path)
    if merged is not None and merged.is_file and "binary" not in kinds:
        upstream = bench.objects.read(stages[2].oid)[1] if _is_file(stages.get(2)) else b""
        hunks = conflict_hunks(bench.objects.read(merged.oid)[1], upstream=upstream)
    return ConflictedPath(
        path=decode(path),
        kinds=tuple(kinds),
        base=_stage(stages.get(1)),
        upstream=_stage(stages.get(2)),
        ours=_stage(stages.get(3)),
        hunks=hunks,
    )


def _is_file(entry: IndexEntry | None) -> bool:
    return entry is not None and entry.mode.startswith("100")


def _stage(entry: IndexEntry | None) -> Stage | None:
    if entry is None:
        return None
    return Stage(mode=entry.mode, oid=entry.oid, path=decode(entry.path))


def conflict_hunks(merged: bytes, *, upstream: bytes) -> tuple[Hunk, ...]:
    """Return the regions between diff3 markers in a blob, placed by lines of upstream's file."""
    hunks: list[Hunk] = []
    sides: dict[str, list[bytes]] | None = None
    side = ""
    line = 1  # in the merged blob, counting only what upstream's side shows
    start = 1
    for text in merged.split(b"\n"):
        mark = _MARK.match(text)
        if mark and mark[1].startswith(b"<") and sides is None:
            sides, side, start = {"upstream": [], "base": [], "ours": []}, "upstream", line
        elif sides is not None and mark and mark[1].startswith(b"|") and side == "upstream":
            side = "base"
        elif sides is not None and _SPLIT.match(text) and side == "base":
            side = "ours"
        elif sides is not None and mark and mark[1].startswith(b">") and side == "ours":
            at = _locate(sides["upstream"], upstream, near=start)
            said = {side: decode(b"\n".join(lines)) for side, lines in sides.items()}
            hunks.append(
                Hunk(line=at, base=said["base"], upstream=said["upstream"], ours=said["ours"])
            )
            line = start + len(sides["upstream"])
            sides = None
        elif sides is not None:
            sides[side].append(text)
        else:
            line += 1
    return tuple(hunks)


def _locate(lines: list[bytes], upstream: bytes, *, near: int) -> int:
    """Return the 1-based line of upstream's file where ``lines`` stand, nearest to ``near``.

    Our own clean hunks above shift the count, so the estimate is corrected by looking.
    """
    whole = upstream.split(b"\n")
    if not lines:
        return min(near, max(1, len(whole)))
    spots = [i + 1 for i in range(len(whole)) if whole[i : i + len(lines)] == lines]
    return min(spots, key=lambda spot: abs(spot - near), default=near)
