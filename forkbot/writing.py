"""What becomes of a stack's files once it was rebased: where it sits, its patches, its answers."""

from typing import Literal

from msgspec.structs import replace

from forkbot.attempt import Attempt
from forkbot.model.proven import Proven, digest_of_lines
from forkbot.model.publication import Move
from forkbot.model.resolution import Resolution
from forkbot.model.stack import ChannelLock, StackVerdict
from forkbot.report.phrases import clip
from forkbot.session import Session
from forkbot.stackdir.files import Changes, changes_of
from forkbot.stackdir.load import stack_folder
from forkbot.stackdir.update import write_files
from forkbot.verification import Verification
from forkbot.words import Channel, StackName


def write_files_of(
    attempt: Attempt, verification: Verification | None, *, session: Session
) -> tuple[str, ...]:
    """Bring a stack's files to where it was rebased; return the names of those that change."""
    return write_changes(
        attempt, file_changes_of(attempt, verification, session=session), session=session
    )


def file_changes_of(
    attempt: Attempt, verification: Verification | None, *, session: Session
) -> Changes:
    """Return what brings a stack's files to where it was rebased."""
    assert attempt.rebased is not None
    facts, stack, channel = attempt.rebased.facts, attempt.stack, session.channel
    if facts.tip is None or facts.tree is None:
        return {}
    before = stack.lock.channel(channel)
    same = before is not None and before.result == facts.tip
    verdict = before.verdict if before and same else None
    if verification is not None:
        verdict = _stack_verdict(stack.name, verification, before=verdict)
    published = before.published if before else None
    published_of = before.published_of if before else None
    plan = attempt.publication
    if plan is not None and (plan.writes or plan.move is Move.NOTHING):
        published = plan.new
        published_of = facts.tip if plan.new != facts.tip else None
    lock = ChannelLock(
        base=facts.onto.commit,
        base_label=facts.onto.label,
        base_tree=facts.onto.tree,
        result=facts.tip,
        result_tree=facts.tree,
        published=published,
        published_of=published_of,
        verdict=verdict,
        proven=before.proven if before else None,
        probed=before.probed if before and same else None,
        hunks=before.hunks if before and same else None,
    )
    # dependencies alone are others almost each night: they are no reason to write
    if lock != before or lock.proven is None:
        lock = replace(lock, proven=_proven(attempt, verification, before=lock.proven))
    patches, apart = stack.divided(channel, attempt.rebased.patches)
    return changes_of(
        stack_folder(session.root, stack.name),
        old=stack,
        patches=patches,
        apart=apart,
        parked=attempt.said.parked,
        lock=stack.lock.with_channel(channel, lock),
        resolutions=attempt.rebased.resolutions,
        settled=_settled(attempt, channel),
    )


def answer_changes_of(
    attempt: Attempt, answers: tuple[Resolution, ...], *, session: Session
) -> Changes:
    """Return what keeps what people said where the base stays: the next rebase begins with it."""
    stack = attempt.stack
    patches, apart = stack.divided(session.channel, stack.patches)
    return changes_of(
        stack_folder(session.root, stack.name),
        old=stack,
        patches=patches,
        apart=apart,
        parked=attempt.said.parked,
        lock=stack.lock,
        resolutions=answers,
    )


def write_changes(attempt: Attempt, changes: Changes, *, session: Session) -> tuple[str, ...]:
    """Write changes of a stack's files, as one step; return their names."""
    if session.dry_run:
        return tuple(sorted(changes))
    return write_files(stack_folder(session.root, attempt.stack.name), changes)


def _settled(attempt: Attempt, channel: Channel) -> frozenset[str]:
    """Return the acknowledgements that nobody needs any more: the base moves past their lines.

    Where a release channel follows, it meets the same lines later: its move is the last.
    """
    assert attempt.rebased is not None
    if channel is Channel.MAIN and attempt.stack.lock.channel(Channel.RELEASE) is not None:
        return frozenset()
    return frozenset(s.key for s in attempt.rebased.facts.suspicions if s.acknowledged)


def _proven(
    attempt: Attempt, verification: Verification | None, *, before: Proven | None
) -> Proven | None:
    """Return what a later red is held against: this, where all that was built together is green.

    A stack that is green beside a red one may well be what broke that one.
    """
    assert attempt.rebased is not None
    name, onto = attempt.stack.name, attempt.rebased.facts.onto
    said = verification.parts.get(name) if verification is not None else None
    if said is None or name not in [m.stack for m in said.members]:
        return before
    pins = said.dependencies.get(name)
    if pins is None if said.reused else not said.green:
        return before
    return Proven(
        base=onto.commit,
        base_label=onto.label,
        rustc=said.rustc,
        wasmtime=said.wasmtime,
        smoke=attempt.stack.smoke_digest,
        patches={p.name: digest_of_lines(p.diff) for p in attempt.rebased.patches},
        dependencies=pins or (),
    )


def _stack_verdict(
    name: StackName, verification: Verification, *, before: StackVerdict | None
) -> StackVerdict | None:
    """Return what the lock says; one that stays as it is does not follow a red family's key."""
    said = verification.parts.get(name)
    if said is None or name not in [m.stack for m in said.members]:
        return before  # held: it was not tried
    all_green = said.reused or said.green
    status: Literal["green", "red"] = "green" if said.reused or said.green_for(name) else "red"
    if before is not None and before.status == status and not all_green:
        return before
    # asked again with the same answer, it is as old as it was: nothing new to write
    same = before is not None and (before.key, before.status) == (said.key, status)
    judged_at = before.judged_at if before is not None and same else None
    return StackVerdict(
        status=status, key=said.key, rustc=said.rustc, wasmtime=said.wasmtime,
        judged_at=judged_at or said.judged_at,
        news=tuple(clip(line, 300) for line in said.news_of(name)),
    )  # fmt: skip
