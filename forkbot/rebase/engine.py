"""A stack onto a new base: recreate each patch's trees, merge them over, commit, export.

Nothing here moves a ref or writes a file: new objects go to the quarantine of the repository that
the caller lends, and the result is a value. Each push is the same three-way merge that
``git cherry-pick`` does (tests hold it to that), so equal inputs give equal commit ids: author and
message come from the patch, the committer is fixed, its date is onto's.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forkbot.git.merge import Clean, Conflicted
from forkbot.git.repository import Repository
from forkbot.git.workbench import Workbench
from forkbot.model.fate import Fate, Rebase
from forkbot.model.judgement import Replay
from forkbot.model.place import Place
from forkbot.model.resolution import Resolution
from forkbot.model.stack import Patch, Stack
from forkbot.rebase.case import Case, Pushed
from forkbot.rebase.export import commit_patch, export
from forkbot.rebase.judge import judge
from forkbot.rebase.lockfile import Lockfiles
from forkbot.rebase.merged import Taken, find_merged
from forkbot.rebase.recreate import Change, recreate
from forkbot.rebase.replay import Settle, kept_resolutions, nobody, settler
from forkbot.rebase.structural import Driver
from forkbot.words import Channel, PatchName


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rebased:
    """The facts of a rebase, and the patch files that belong to it."""

    facts: Rebase
    patches: tuple[Patch, ...]  # those carried; the old ones when a conflict stopped the series
    resolutions: tuple[Resolution, ...]  # those to keep


def rebase(
    stack: Stack,
    *,
    repository: Repository,
    channel: Channel,
    base: Place,
    onto: Place,
    rustc: str | None = None,
    lockfiles: Lockfiles | None = None,
    driver: Driver | None = None,
    stream: bool = True,
    shortcuts: bool = True,
) -> Rebased:
    """Rebase ``stack`` from ``base`` to ``onto`` in a quarantined repository.

    ``rustc`` is the toolchain's version, for patches that wait for one, where it is known.
    ``lockfiles`` makes a Cargo.lock anew that is in conflict; without it that stays a conflict.
    ``driver`` merges what conflicts in lines, if the stack's policy wants that.
    ``stream`` and ``shortcuts`` as in ``Workbench``: the answers are the same.
    Raises ``UsageError`` when a patch does not apply to its own base: then there is no change to
    carry, and no conflict to report.
    """
    with Workbench(repository, stream=stream, shortcuts=shortcuts) as bench:
        changes = recreate(stack, bench=bench, channel=channel, base=base)
        when = bench.objects.committed(onto.commit)
        taken = find_merged(changes, base=base, onto=onto, bench=bench)
        settle = settler(stack, bench=bench, lockfiles=lockfiles, driver=driver, when=when)
        pushed = tuple(push(changes, onto=onto, bench=bench, when=when, taken=taken, settle=settle))
        trouble = {k: why for h in (driver, lockfiles) if h for k, why in h.trouble.items()}
        pushed = tuple(_with_trouble(p, trouble) for p in pushed)
        carried = tuple(p for p in pushed if p.fate.carried)
        case = Case(
            stack=stack, channel=channel, base=base, onto=onto, changes=changes, pushed=pushed,
            files=_files(pushed, carried, base=base, onto=onto, bench=bench),
            rustc=rustc,
            linear=bench.repository.is_ancestor(base.commit, onto.commit),
        )  # fmt: skip
        judged = judge(case, bench=bench)
        resolutions = kept_resolutions(case, bench=bench)
    if [o.name for o in judged.outcomes] != [p.name for p in stack.patches]:
        raise AssertionError("every patch in, exactly one fate out")
    stopped = case.stopped is not None
    facts = Rebase(
        stack=stack.name,
        channel=channel,
        base=base,
        onto=onto,
        outcomes=judged.outcomes,
        tip=None if stopped else next((p.commit for p in reversed(carried)), onto.commit),
        tree=None if stopped else next((p.tree for p in reversed(carried)), onto.tree),
        rewritten=tuple(o.name for o in judged.outcomes if o.fate is Fate.ADAPTED),
        moved=case.moved,
        upstream_commits=judged.upstream_commits,
        floor=judged.floor,
        without=judged.without,
        suspicions=judged.suspicions,
        drifts=judged.drifts,
    )
    kept = stack.patches if stopped else tuple(case.files[p.patch.name] for p in carried)
    return Rebased(facts=facts, patches=kept, resolutions=resolutions)


def _with_trouble(pushed: Pushed, known: Mapping[PatchName, str]) -> Pushed:
    """Return a patch in conflict with why what might have helped did not."""
    trouble = known.get(pushed.patch.name, "") if pushed.conflict else ""
    return dataclasses.replace(pushed, evidence=trouble) if trouble else pushed


def push(
    changes: tuple[Change, ...],
    *,
    onto: Place,
    bench: Workbench,
    when: int,
    taken: Mapping[PatchName, Taken] = MappingProxyType({}),
    settle: Settle = nobody,
) -> Iterator[Pushed]:
    """Merge each change on top of the one before, and commit; a conflict blocks the rest.

    What upstream has ``taken`` is left out, also behind a conflict: its fate is known. ``settle``
    is asked about each conflict before it counts as one.
    """
    bench.merger.foresee(((c.before, c.after) for c in changes), upstream=onto.tree)
    parent, tree, stopped = onto.commit, onto.tree, False
    for change in changes:
        if change.patch.name in taken:
            yield Pushed(
                patch=change.patch, fate=Fate.MERGED, before=tree, tree=tree,
                evidence=taken[change.patch.name].evidence,
            )  # fmt: skip
            continue
        if stopped:
            yield Pushed(patch=change.patch, fate=Fate.BLOCKED, before=tree, tree=tree)
            continue
        patch, replays, evidence = change.patch, tuple[Replay, ...](), ""
        merged = bench.merger.merge(base=change.before, upstream=tree, ours=change.after)
        settled = settle(patch, merged) if isinstance(merged, Conflicted) else None
        if settled is not None:
            patch, replays, evidence = settled.patch, settled.replays, settled.evidence
            merged = Clean(tree=settled.tree)
        match merged:
            case Conflicted():
                stopped = True
                yield Pushed(
                    patch=patch, fate=Fate.CONFLICT, before=tree, tree=tree, conflict=merged
                )
            case Clean(tree=result) if result == tree:
                yield Pushed(patch=patch, fate=Fate.EMPTY, before=tree, tree=tree, replays=replays)
            case Clean(tree=result):
                parent = commit_patch(
                    patch, tree=result, parent=parent, objects=bench.objects, when=when
                )
                yield Pushed(
                    patch=patch, fate=Fate.SHIFTED, before=tree, tree=result, commit=parent,
                    replays=replays, evidence=evidence,
                )  # fmt: skip
                tree = result


def _files(
    pushed: tuple[Pushed, ...],
    carried: tuple[Pushed, ...],
    *,
    base: Place,
    onto: Place,
    bench: Workbench,
) -> dict[PatchName, Patch]:
    """Return the patch files for ``onto``; the old ones where the series stops or stays."""
    if any(p.conflict for p in pushed) or base.commit == onto.commit:
        return {p.patch.name: p.patch for p in pushed}
    return export(tuple((p.patch, p.before, p.tree) for p in carried if p.commit), bench=bench)
