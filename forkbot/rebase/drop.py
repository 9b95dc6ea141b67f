"""A patch out of a series for good: what is left, proven on every base that the series sits on.

One set of patch files may serve several channels, so each file that has to change must be right on
each of their bases; a file that is right already keeps its bytes.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from forkbot.errors import UsageError
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.model.stack import Patch, Stack
from forkbot.rebase.export import commit_series, make_patch
from forkbot.rebase.leaveout import Reduced, leave_out
from forkbot.rebase.recreate import Change, recreate
from forkbot.words import Channel, Oid, PatchName


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A base the stack sits on, and where to work with it."""

    base: Place
    bench: Workbench


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a series gives on a base."""

    base: Place
    commit: Oid
    tree: Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A stack without some of its patches."""

    patches: tuple[Patch, ...]
    rewritten: tuple[PatchName, ...]
    results: Mapping[Channel, Result]


def drop_patches(
    stack: Stack, names: Sequence[PatchName], grounds: Mapping[Channel, Ground]
) -> Dropped:
    """Return ``stack`` without the patches ``names``, as it is on each of ``grounds``.

    Raises ``UsageError`` when a later patch does not stand without them, or when none of the files
    it could have is right on every base.
    """
    reduced = {
        channel: _leave_out(stack, names, channel, ground) for channel, ground in grounds.items()
    }
    _refuse_needed(stack, names, [n for r in reduced.values() for n in r.fallen])
    left = [patch for patch in stack.patches if patch.name not in names]
    patches = tuple(
        _file_for(stack, patch, [(r.standing[n], grounds[c]) for c, r in reduced.items()])
        for n, patch in enumerate(left)
    )
    return Dropped(
        patches=patches,
        rewritten=tuple(a.name for a, b in zip(patches, left, strict=True) if a.mail != b.mail),
        results={
            channel: _result(patches, r.standing, grounds[channel])
            for channel, r in reduced.items()
        },
    )


def _leave_out(
    stack: Stack, names: Sequence[PatchName], channel: Channel, ground: Ground
) -> Reduced:
    changes = recreate(stack, bench=ground.bench, channel=channel, base=ground.base)
    return leave_out(changes, names, base=ground.base.tree, bench=ground.bench)


def _refuse_needed(stack: Stack, names: Sequence[PatchName], fallen: Sequence[PatchName]) -> None:
    needing = [p.name for p in stack.patches if p.name in fallen]
    if needing:
        together = " ".join(p.name for p in stack.patches if p.name in (*names, *needing))
        stand = "does" if len(needing) == 1 else "do"
        raise UsageError(
            f"{', '.join(needing)} {stand} not stand without {', '.join(names)}: "
            "the same lines, or nothing left",
            where=stack.file_of(needing[0]),
            hint=f"forkbot patch drop {stack.name} {together}  # all of them",
        )


def _file_for(stack: Stack, patch: Patch, places: Sequence[tuple[Change, Ground]]) -> Patch:
    """Return the first file of the patch that makes its tree on every base."""
    for file in _files(patch, places):
        if all(g.bench.patcher.apply(file.diff, tree=c.before) == c.after for c, g in places):
            return file
    raise UsageError(
        f"without them, {patch.name} would have to be another file on each channel",
        where=stack.file_of(patch.name),
        hint="edit it so that it no longer touches the lines of the others, then drop them again",
    )


def _files(patch: Patch, places: Sequence[tuple[Change, Ground]]) -> Iterator[Patch]:
    yield patch
    for change, ground in places:
        yield make_patch(patch, before=change.before, after=change.after, bench=ground.bench)


def _result(patches: tuple[Patch, ...], standing: tuple[Change, ...], ground: Ground) -> Result:
    base = ground.base
    trees = [change.after for change in standing]
    series = zip(patches, trees, strict=True)
    commit = commit_series(series, onto=base.commit, objects=ground.bench.objects)
    return Result(base=base, commit=commit, tree=trees[-1] if trees else base.tree)
