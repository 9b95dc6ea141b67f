"""The fork branch: planned against what is there now, pushed with an exact lease, or not at all.

Law 9: commits on the branch that the bot did not make stop it there. A commit is the bot's when its
committer line is; a person who amends, rebases or adds leaves their own.
"""

import datetime as dt

import msgspec

from forkbot.forge.base import Forge
from forkbot.git.remote import RefUpdate
from forkbot.git.repository import Repository
from forkbot.model.publication import Move, Publication
from forkbot.rebase.export import COMMITTER
from forkbot.words import BranchName, Oid, StackName


def plan_publication(
    *,
    stack: StackName,
    repo: str,
    branch: BranchName,
    new: Oid,
    forge: Forge,
    repository: Repository,
    known: Oid | None,
    today: dt.date,
) -> Publication:
    """Return what publishing ``new`` would do, having looked at the forge.

    ``known`` is the tip that the lock remembers as published. The old tip is fetched into the
    quarantine of ``repository``: its history must be seen, and its recovery tag pushed.
    """
    head = f"refs/heads/{branch}"
    old = forge.remote(repo).refs(head).get(head) if forge.exists(repo) else None
    if old is None:
        return Publication(repo=repo, branch=branch, move=Move.CREATE, new=new)
    if old == new:
        return Publication(repo=repo, branch=branch, move=Move.NOTHING, old=old, new=new)
    forge.remote(repo).fetch(repository, old)
    plan = Publication(
        repo=repo,
        branch=branch,
        move=Move.UPDATE,
        place=forge.remote(repo).shown,
        old=old,
        new=new,
        recovery=f"refs/tags/forkbot/{stack}/{today:%Y-%m-%d}-{old[:12]}",
    )
    foreign = foreign_commits(repository, old) if old != known else ()
    if foreign:
        oid, who = foreign[0]
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        return msgspec.structs.replace(
            plan,
            move=Move.REFUSED,
            recovery="",
            why=f"{branch} has commits that are not forkbot's: {oid[:12]} by {who}{more}",
        )
    return plan


def foreign_commits(repository: Repository, tip: Oid) -> tuple[tuple[Oid, str], ...]:
    """Return the commits under ``tip`` that neither upstream nor forkbot made, with committers."""
    said = repository.git(
        "log", "--format=%H %cn <%ce>", "--not", "--branches", "--tags", "--not",
        "--end-of-options", tip,
    )  # fmt: skip
    lines = (li.partition(" ") for li in said.stdout.decode(errors="replace").splitlines())
    return tuple((Oid(oid), who) for oid, _, who in lines if who != COMMITTER)


def carry_out(plan: Publication, *, forge: Forge, repository: Repository) -> Publication:
    """Push what the plan says, all or nothing. Raises ``RefusedError`` when the lease is lost."""
    if not plan.writes or plan.new is None:
        return plan
    if plan.move is Move.CREATE:
        forge.create(plan.repo)
    updates = [RefUpdate(ref=f"refs/heads/{plan.branch}", expected=plan.old, new=plan.new)]
    remote = forge.remote(plan.repo)
    if plan.old is not None and plan.recovery not in remote.refs(plan.recovery):
        updates.append(RefUpdate(ref=plan.recovery, expected=None, new=plan.old))
    remote.push(repository, updates)
    return msgspec.structs.replace(plan, done=True)
