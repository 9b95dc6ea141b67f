"""What was planned for a conflict's branches, written: laid out with a lease, or taken away.

A branch goes when the stack's files no longer need it, and after its pull request was closed:
GitHub closes one whose branch is gone without a word. What people committed is kept under a tag.
"""

from collections.abc import Container, Iterable

import msgspec

from forkbot.attempt import Attempt
from forkbot.browser.branch import HEADS, names_of
from forkbot.browser.taking import conflict_refs
from forkbot.connection import Connection
from forkbot.errors import ForkbotError, RefusedError, gravest
from forkbot.forge.base import Forge
from forkbot.git.refusal import PushRefusedError
from forkbot.git.remote import RefUpdate
from forkbot.model.conflictbranch import BranchState, Cleared
from forkbot.model.order import ORDER_LABELS, Order
from forkbot.model.record import RunRecord, StackRecord
from forkbot.model.update import Way
from forkbot.publish import foreign_commits
from forkbot.recording import trouble_of
from forkbot.session import Session
from forkbot.words import BranchName, StackName
from forkbot.writing import answer_changes_of, write_changes

_RED = "the answer is taken, and what it makes of the stack did not stand the proof"
_NOT_YET = "the answer is whole, and the next run takes it into the stack"


def keep(
    attempts: Iterable[Attempt], *, session: Session, away: bool, red: Container[StackName]
) -> None:
    """Keep what people said of a stack also where it is not published with it.

    But an answer that leads to a ``red`` stack stays on its branch, where it can be mended.
    ``away``: the files lie on the forge, and are brought there later.
    """
    for attempt in attempts:
        said = attempt.said
        well = attempt.chosen and attempt.trouble is None
        taken = said.taken and not (attempt.stack.name in red and attempt.conflict is None)
        if not well or _brought(attempt) or not (taken or said.parked):
            continue
        answers = said.answers if taken else attempt.stack.resolutions
        changes = answer_changes_of(attempt, answers, session=session)
        if away:
            attempt.changes = changes
        else:
            attempt.files = write_changes(attempt, changes, session=session)


def _brought(attempt: Attempt) -> bool:
    """Return whether what people said is in the stack's files now, or on its way there."""
    left = attempt.update is not None and attempt.update.way is Way.LEFT
    return bool(attempt.files or attempt.changes) and not left


def _arrived(attempt: Attempt) -> bool:
    """Return whether it is there: the next run does without the branches."""
    waits = attempt.update is not None and attempt.update.way is Way.PULL_REQUEST
    return _brought(attempt) and not waits


def _lay_out(attempt: Attempt, *, session: Session, forge: Forge, red: bool) -> None:
    """Push the conflict as it is now: both branches, or none."""
    said = attempt.said
    if said.taken and not _brought(attempt) and said.branch is None:
        said.branch = msgspec.structs.replace(said.taken[-1], why=_RED if red else _NOT_YET)
    if attempt.stack.policy.when.conflict != "draft-pr":
        said.updates = ()
        if said.branch is not None and said.branch.state is BranchState.OPEN:
            said.branch = None  # nobody is led to what is not laid out
    if said.updates and attempt.trouble is None and not session.dry_run:
        _push(attempt, session=session, forge=forge)


def _push(attempt: Attempt, *, session: Session, forge: Forge) -> None:
    said = attempt.said
    assert said.branch is not None
    assert said.refs is not None
    assert attempt.repository is not None
    branch = said.branch
    session.say(f"{attempt.stack.name}: laying out the conflict of patch {branch.patch}")
    head = HEADS + branch.branch
    try:
        forge.create(branch.repo)
        if not forge.remote(branch.repo).push(attempt.repository, said.updates):
            session.say(f"{attempt.stack.name}: another run laid out the same meanwhile")
    except ForkbotError as e:
        old = said.refs.get(head)
        if isinstance(e, PushRefusedError) and e.lease_lost:
            # a person or another run was quicker: the next run looks again, and what they opened
            # for the branch that stands there now stays open
            old = forge.remote(branch.repo).refs(head).get(head)
        else:
            said.failed = e
        said.branch = msgspec.structs.replace(
            branch, state=BranchState.REFUSED, why=e.what, tip=old
        )
    else:
        said.branch = msgspec.structs.replace(branch, done=True)


def _plan_clearing(attempt: Attempt, *, session: Session, forge: Forge) -> None:
    """Find out which branches of conflicts nobody needs any more; what is in conflict keeps them.

    Raises ``RemoteError`` when the fork gives no answer.
    """
    said, plan = attempt.said, attempt.publication
    if not attempt.chosen or attempt.trouble or said.paused or not attempt.repository:
        return
    if said.refs is None:
        there = plan is not None and plan.old is not None  # then it was looked at already
        said.refs = conflict_refs(attempt, session=session, forks=forge, there=there)
    mine = {
        ref
        for patch in (*(b.patch for b in said.taken), *said.parked)
        for ref in names_of(attempt.stack.name, session.channel, patch).refs
    }
    over = mine if _arrived(attempt) else set[str]()
    if said.branch is None and attempt.conflict is None:
        over |= (said.refs or {}).keys() - mine
    remote = forge.remote(attempt.stack.policy.fork.repo)
    for ref, tip in sorted((said.refs or {}).items()):
        if ref not in over:
            continue
        remote.fetch(attempt.repository, tip)
        keep = foreign_commits(attempt.repository, tip)
        tag = f"refs/tags/forkbot/{attempt.stack.name}/{session.now:%Y-%m-%d}-{tip[:12]}"
        said.cleared += (
            Cleared(
                repo=attempt.stack.policy.fork.repo, branch=BranchName(ref.removeprefix(HEADS)),
                tip=tip, recovery=tag if keep else "",
            ),
        )  # fmt: skip


def _clear(attempt: Attempt, *, session: Session, connection: Connection) -> tuple[Cleared, ...]:
    """Take away what is over, and the labels of orders that are done, once all else is written."""
    said, forge = attempt.said, connection.forge
    if session.dry_run:
        return said.cleared
    for repo, told, label in said.labels:
        # until the series is known to lack the patch, the next run has to be told again
        if label != ORDER_LABELS[Order.SKIP_PATCH] or _arrived(attempt):
            forge.unlabel(repo, told, label)
    if not said.cleared or attempt.repository is None:
        return said.cleared
    remote = forge.remote(said.cleared[0].repo)
    tags = {c.recovery: c.tip for c in said.cleared if c.recovery}
    there = remote.refs(*tags) if tags else {}
    updates = [RefUpdate(ref=HEADS + c.branch, expected=c.tip, new=None) for c in said.cleared]
    updates += [
        RefUpdate(ref=tag, expected=None, new=tip) for tag, tip in tags.items() if tag not in there
    ]
    if not remote.push(attempt.repository, updates):
        session.say(f"{attempt.stack.name}: another run took the branches away meanwhile")
    return tuple(msgspec.structs.replace(c, done=True) for c in said.cleared)


def lay(
    attempts: Iterable[Attempt],
    *,
    session: Session,
    connection: Connection,
    red: Container[StackName],
) -> None:
    """Lay out what is in conflict, and find out what is over, of each stack that was asked for."""
    for attempt in attempts:
        if not attempt.chosen:
            continue
        failed = attempt.stack.name in red
        _lay_out(attempt, session=session, forge=connection.forge, red=failed)
        try:
            _plan_clearing(attempt, session=session, forge=connection.forge)
        except ForkbotError as e:
            attempt.said.failed = e


def clear(
    record: RunRecord, attempts: Iterable[Attempt], *, session: Session, connection: Connection
) -> RunRecord:
    """Take away what is over, once it was told; return the record that says so."""
    known = {a.stack.name: a for a in attempts}
    stacks, codes = list[StackRecord](), [record.exit_code]
    for stack in record.stacks:
        if stack.untold is not None:  # its pull request may be open still
            stacks.append(stack)
            continue
        try:
            cleared = _clear(known[stack.name], session=session, connection=connection)
            stacks.append(msgspec.structs.replace(stack, cleared=cleared))
        except RefusedError:  # somebody pushed to it meanwhile: the next run looks again
            stacks.append(stack)
        except ForkbotError as e:
            stacks.append(msgspec.structs.replace(stack, untold=trouble_of(e)))
            codes.append(e.exit_code)
    return msgspec.structs.replace(record, stacks=tuple(stacks), exit_code=gravest(codes))
