"""The fork branch: planned against what is there now, pushed with an exact lease, or not at all.

Law 9: commits on the branch that the bot did not make stop it there. A commit is the bot's when its
committer line is; a person who amends, rebases or adds leaves their own.
"""

import datetime as dt
import re
from collections.abc import Mapping

import msgspec

from forkbot.errors import RefusedError
from forkbot.forge.base import Forge
from forkbot.git.refusal import PushRefusedError
from forkbot.git.remote import RefUpdate
from forkbot.git.repository import Repository
from forkbot.git.workbench import Workbench
from forkbot.model.publication import Move, Publication, Recovery
from forkbot.model.stack import ForkPolicy, RecoveryPolicy
from forkbot.rebase.export import COMMITTER
from forkbot.words import BranchName, Oid, StackName

WORKFLOWS = b".github/workflows"
_LEAVE_OUT = b"""Leave out upstream's workflows

A forge runs what .github/workflows holds wherever it is pushed, and takes it only from a token
that may change workflows. This fork is not the place to run them: its stack.yaml says
`fork: {workflows: leave-out}`.
"""
_TAG = re.compile(r"(\d{4}-\d{2}-\d{2})-([0-9a-f]{12})")


def plan_publication(
    *,
    stack: StackName,
    fork: ForkPolicy,
    branch: BranchName,
    tip: Oid,
    forge: Forge,
    repository: Repository,
    known: Oid | None,
    today: dt.date,
) -> Publication:
    """Return what publishing ``tip`` would do, having looked at the forge.

    ``known`` is the tip that the lock remembers as published. The old tip is fetched into the
    quarantine of ``repository``: its history must be seen, and its recovery tag pushed.
    """
    head, tags = f"refs/heads/{branch}", f"refs/tags/forkbot/{stack}/"
    new, left_out = to_publish(tip, fork=fork, repository=repository)
    refs = forge.remote(fork.repo).refs(head, f"{tags}*") if forge.exists(fork.repo) else {}
    old = refs.get(head)
    plan = Publication(
        repo=fork.repo, branch=branch, move=Move.CREATE, old=old, new=new, left_out=left_out
    )
    if old is None or old == new:
        return plan if old is None else msgspec.structs.replace(plan, move=Move.NOTHING)
    remote = forge.remote(fork.repo)
    remote.fetch(repository, old)
    foreign = foreign_commits(repository, old) if old != known else ()
    if foreign:
        oid, who = foreign[0]
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        return msgspec.structs.replace(
            plan,
            move=Move.REFUSED,
            place=remote.shown,
            why=f"{branch} has commits that are not forkbot's: {oid[:12]} by {who}{more}",
        )
    recovery = f"{tags}{today:%Y-%m-%d}-{old[:12]}"
    return msgspec.structs.replace(
        plan,
        move=Move.UPDATE,
        place=remote.shown,
        recovery=recovery,
        retired=retired({**refs, recovery: old}, under=tags, policy=fork.recovery, today=today),
    )


def foreign_commits(repository: Repository, tip: Oid) -> tuple[tuple[Oid, str], ...]:
    """Return the commits under ``tip`` that neither upstream nor forkbot made, with committers."""
    said = repository.git(
        "log", "--format=%H %cn <%ce>", "--not", "--branches", "--tags", "--not",
        "--end-of-options", tip,
    )  # fmt: skip
    lines = (li.partition(" ") for li in said.stdout.decode(errors="replace").splitlines())
    return tuple((Oid(oid), who) for oid, _, who in lines if who != COMMITTER)


def to_publish(tip: Oid, *, fork: ForkPolicy, repository: Repository) -> tuple[Oid, int]:
    """Return what goes to the fork branch for ``tip``, and how many workflows that leaves out."""
    if fork.workflows == "leave-out":
        return leave_out_workflows(tip, repository=repository)
    return tip, 0


def leave_out_workflows(tip: Oid, *, repository: Repository) -> tuple[Oid, int]:
    """Return a commit on ``tip`` without upstream's workflows, and how many files went.

    It is the same one for the same tip, and ``tip`` itself where there are none. No patch of the
    series could do it: it would be in conflict with every change that upstream makes there.
    """
    with Workbench(repository) as bench:
        tree = bench.objects.tree(tip)
        bare = bench.trees.edit(tree, {WORKFLOWS: None})
        if bare is None or bare == tree:
            return tip, 0
        gone = sum(1 for _ in bench.trees.changes(tree, bare))
        who = f"{COMMITTER} {bench.objects.committed(tip)} +0000".encode()
        commit = bench.objects.write_commit(
            tree=bare, parents=(tip,), author=who, committer=who, message=_LEAVE_OUT
        )
    return commit, gone


def retired(
    refs: Mapping[str, Oid], *, under: str, policy: RecoveryPolicy, today: dt.date
) -> tuple[Recovery, ...]:
    """Return the recovery tags that are too old to keep: the newest ones never are.

    Only what is named and stands as forkbot made it; a tag that a person moved is theirs.
    """
    ours = []
    for ref, oid in refs.items():
        name = _TAG.fullmatch(ref.removeprefix(under)) if ref.startswith(under) else None
        if name is not None and oid.startswith(name[2]):
            ours.append((name[1], ref, oid))
    kept = (today - dt.timedelta(days=policy.days)).isoformat()
    older = sorted(ours, reverse=True)[policy.least :]
    return tuple(Recovery(ref=ref, oid=oid) for day, ref, oid in sorted(older) if day < kept)


def carry_out(plan: Publication, *, forge: Forge, repository: Repository) -> Publication:
    """Push what the plan says, all or nothing; a push that is refused is told, with what to do.

    One that another run was quicker with is no trouble: what was to be there is there.
    """
    if not plan.writes or plan.new is None:
        return plan
    head = f"refs/heads/{plan.branch}"
    try:
        if plan.move is Move.CREATE:
            forge.create(plan.repo)
        remote = forge.remote(plan.repo)
        updates = [RefUpdate(ref=head, expected=plan.old, new=plan.new)]
        if plan.old is not None and plan.recovery not in remote.refs(plan.recovery):
            updates.append(RefUpdate(ref=plan.recovery, expected=None, new=plan.old))
        updates += [RefUpdate(ref=tag.ref, expected=tag.oid, new=None) for tag in plan.retired]
        if not remote.push(repository, updates):
            return _there_already(plan)
    except RefusedError as e:
        lost = isinstance(e, PushRefusedError) and e.lease_lost
        if lost and forge.remote(plan.repo).refs(head).get(head) == plan.new:
            return _there_already(plan)
        return msgspec.structs.replace(
            plan, move=Move.REFUSED, why=e.what, hint=e.hint or "", outrun=lost,
            place=e.where or "", recovery="", retired=(),
        )  # fmt: skip
    return msgspec.structs.replace(plan, done=True)


def _there_already(plan: Publication) -> Publication:
    why = "another run published the same meanwhile"
    return msgspec.structs.replace(plan, move=Move.NOTHING, why=why, recovery="", retired=())
