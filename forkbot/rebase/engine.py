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
from forkbot.model.fate import Breaker, Fate, PatchOutcome, Place, Rebase
from forkbot.model.stack import Patch, Stack
from forkbot.rebase.breaker import find_breakers
from forkbot.rebase.conflict import describe_conflict
from forkbot.rebase.export import commit_patch, export
from forkbot.rebase.merged import Taken, find_merged
from forkbot.rebase.recreate import Change, recreate
from forkbot.words import Channel, Oid, PatchName


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rebased:
    """The facts of a rebase, and the patch files that belong to it."""

    facts: Rebase
    patches: tuple[Patch, ...]  # those carried; the old ones when a conflict stopped the series


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """One patch after its merge: on a new commit, empty, in conflict, or behind one."""

    patch: Patch
    fate: Fate  # carried patches say SHIFTED until the export knows better
    before: Oid  # the tree under it
    tree: Oid
    commit: Oid | None = None
    conflict: Conflicted | None = None
    evidence: str = ""


def rebase(
    stack: Stack,
    *,
    repository: Repository,
    channel: Channel,
    base: Place,
    onto: Place,
    stream: bool = True,
    shortcuts: bool = True,
) -> Rebased:
    """Rebase ``stack`` from ``base`` to ``onto`` in a quarantined repository.

    ``stream`` and ``shortcuts`` as in ``Workbench``: the answers are the same.
    Raises ``UsageError`` when a patch does not apply to its own base: then there is no change to
    carry, and no conflict to report.
    """
    with Workbench(repository, stream=stream, shortcuts=shortcuts) as bench:
        changes = recreate(stack, bench=bench, channel=channel, base=base)
        when = bench.objects.committed(onto.commit)
        taken = find_merged(changes, base=base, onto=onto, bench=bench)
        pushed = tuple(push(changes, onto=onto, bench=bench, when=when, taken=taken))
        stopped = any(p.conflict for p in pushed)
        carried = tuple(p for p in pushed if p.fate.carried)
        if stopped or base.commit == onto.commit:
            files = {p.patch.name: p.patch for p in pushed}
        else:
            files = export(
                tuple((p.patch, p.commit, p.before, p.tree) for p in carried if p.commit),
                bench=bench,
            )
        breakers = _breakers(changes, pushed, base=base, onto=onto, bench=bench)
        outcomes = tuple(
            _outcome(p, files.get(p.patch.name), breakers, base=base, onto=onto, bench=bench)
            for p in pushed
        )
    if [o.name for o in outcomes] != [p.name for p in stack.patches]:
        raise AssertionError("every patch in, exactly one fate out")
    facts = Rebase(
        stack=stack.name,
        channel=channel,
        base=base,
        onto=onto,
        outcomes=outcomes,
        tip=None if stopped else next((p.commit for p in reversed(carried)), onto.commit),
        tree=None if stopped else next((p.tree for p in reversed(carried)), onto.tree),
        rewritten=tuple(o.name for o in outcomes if o.fate is Fate.ADAPTED),
        moved=base.commit != onto.commit,
    )
    kept = stack.patches if stopped else tuple(files[p.patch.name] for p in carried)
    return Rebased(facts=facts, patches=kept)


def push(
    changes: tuple[Change, ...],
    *,
    onto: Place,
    bench: Workbench,
    when: int,
    taken: Mapping[PatchName, Taken] = MappingProxyType({}),
) -> Iterator[Pushed]:
    """Merge each change on top of the one before, and commit; a conflict blocks the rest.

    What upstream has ``taken`` is left out, also behind a conflict: its fate is known.
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
        merged = bench.merger.merge(base=change.before, upstream=tree, ours=change.after)
        match merged:
            case Conflicted():
                stopped = True
                yield Pushed(
                    patch=change.patch, fate=Fate.CONFLICT, before=tree, tree=tree, conflict=merged
                )
            case Clean(tree=result) if result == tree:
                yield Pushed(patch=change.patch, fate=Fate.EMPTY, before=tree, tree=tree)
            case Clean(tree=result):
                parent = commit_patch(
                    change.patch, tree=result, parent=parent, objects=bench.objects, when=when
                )
                yield Pushed(
                    patch=change.patch, fate=Fate.SHIFTED, before=tree, tree=result, commit=parent
                )
                tree = result


def _breakers(
    changes: tuple[Change, ...],
    pushed: tuple[Pushed, ...],
    *,
    base: Place,
    onto: Place,
    bench: Workbench,
) -> tuple[Breaker, ...]:
    """Return who broke the patch that stopped the series; nobody when none did."""
    number = next((n for n, one in enumerate(pushed, start=1) if one.conflict is not None), 0)
    if not number:
        return ()
    kept = tuple(
        change
        for change, one in zip(changes[:number], pushed[:number], strict=True)
        if one.fate is not Fate.MERGED
    )
    return find_breakers(kept, base=base, onto=onto, bench=bench)


def _outcome(
    pushed: Pushed,
    file: Patch | None,
    breakers: tuple[Breaker, ...],
    *,
    base: Place,
    onto: Place,
    bench: Workbench,
) -> PatchOutcome:
    patch, fate, evidence = pushed.patch, pushed.fate, pushed.evidence
    if fate is Fate.SHIFTED:
        if base.commit == onto.commit:
            fate = Fate.UNCHANGED
        elif file is not None and file.mail != patch.mail:
            fate = Fate.ADAPTED
    if fate is Fate.EMPTY:
        evidence = f"on {onto.label} the merge leaves nothing of it: upstream has this content"
    conflict = None
    if pushed.conflict is not None:
        conflict = describe_conflict(patch.name, pushed.conflict, breakers, bench=bench)
    return PatchOutcome(
        name=PatchName(patch.name),
        fate=fate,
        subject=patch.subject,
        upstream_status=patch.upstream_status.value,
        drop_when=patch.drop_when,
        commit=pushed.commit,
        evidence=evidence,
        conflict=conflict,
    )
