"""The only composer: load → locate → rebase → verify → publish → write, for a family of stacks.

Compute, then write (law 5): every stack is rebased, every fork branch looked at and the verdict
known before anything moves. What is written then is, stack by stack: the branch (with its lease),
then the stack's files. A kill in between leaves a branch that the next run finds already right.
"""

import contextlib
import enum
import time
from collections.abc import Iterator
from typing import Literal

from forkbot import __version__
from forkbot.attempt import Attempt, attempt_rebase
from forkbot.errors import (
    EXIT_BUILD,
    EXIT_CONFLICT,
    EXIT_DONE,
    EXIT_REFUSED,
    ForkbotError,
    RemoteError,
    gravest,
)
from forkbot.forge.base import Forge
from forkbot.git.bundle import make_bundle
from forkbot.git.repository import git_version, sealed_env
from forkbot.ground import ground
from forkbot.hold import below, hold, hold_back, red, suspicious
from forkbot.locate import Aim
from forkbot.model.publication import Move
from forkbot.model.record import RunRecord, StackRecord, Trouble
from forkbot.model.resolution import Resolution
from forkbot.model.stack import ChannelLock, StackVerdict
from forkbot.model.verdict import Colour, Verdict
from forkbot.publish import carry_out, plan_publication
from forkbot.report.pages import pages
from forkbot.rundir import RunDirectory
from forkbot.session import Session
from forkbot.stackdir.files import write_stack
from forkbot.stackdir.load import closure, load_family, select, stack_folder
from forkbot.text import redact
from forkbot.verification import Verification, verification_of
from forkbot.verify.toolchain import Toolchain, find_toolchain
from forkbot.words import Channel, StackName


class Step(enum.Flag):
    """How far a command goes; each includes the rebase."""

    REBASE = enum.auto()
    VERIFY = enum.auto()
    PUBLISH = enum.auto()
    WRITE = enum.auto()  # update the stack's files
    GROUND = enum.auto()  # build and run the floor of a stack in conflict


def run(
    session: Session,
    names: tuple[str, ...],
    *,
    command: str,
    steps: Step,
    aim: Aim,
    forge: Forge,
    again: bool = False,
) -> RunRecord:
    """Take the named stacks (all, when none is named) as far as ``steps`` says.

    ``again`` verifies even what an earlier run found green. Returns the record; writes it, with its
    report, when something happened. Raises ``ForkbotError`` only for what stops every stack.
    """
    began = time.monotonic()
    runs = RunDirectory(session.state / "runs")
    with contextlib.ExitStack() as held, session.alone():
        family = load_family(session.root)
        chosen = select(family, names, root=session.root)
        members = closure(family, chosen) if Step.VERIFY in steps else chosen
        toolchain = _toolchain(session, steps)
        attempts = [
            attempt_rebase(stack, chosen=stack in chosen, session=session, aim=aim,
                     toolchain=toolchain, held=held)
            for stack in members
        ]  # fmt: skip
        if Step.PUBLISH in steps:
            _plan(attempts, session=session, forge=forge)
        verification = None
        going = any(a.chosen and not a.stuck for a in attempts)
        if Step.VERIFY in steps and toolchain is not None and (going or Step.GROUND not in steps):
            verification = verification_of(
                attempts, session=session, toolchain=toolchain, runs=runs, again=again
            )
        verdict = verification.verdict if verification else None
        if Step.PUBLISH in steps:
            hold_back(attempts, verdict, channel=session.channel, verified=Step.VERIFY in steps)
        _write(attempts, verification, session=session, steps=steps, forge=forge)
        if Step.GROUND in steps and toolchain is not None:
            for attempt in attempts:
                if attempt.chosen:
                    ground(attempt, attempts, session=session, toolchain=toolchain, held=held)
        record = record_of(
            attempts, verdict, session=session, command=command, seconds=time.monotonic() - began,
            run=runs.fresh_id(session.now),
        )  # fmt: skip
        if record.kept:
            bundles = dict(_bundles(attempts, session))
            runs.write(record, pages=pages(record), bundles=bundles)
    return record


def _toolchain(session: Session, steps: Step) -> Toolchain | None:
    if Step.VERIFY in steps or session.channel is Channel.RELEASE:
        return find_toolchain(env=session.ambient, cache=session.cache, say=session.say)
    return None


def _plan(attempts: list[Attempt], *, session: Session, forge: Forge) -> None:
    """Look at every fork branch: what is there now is the lease for what is pushed later."""
    for attempt in attempts:
        stack = attempt.stack
        if not attempt.chosen or attempt.stuck or not (attempt.rebased and attempt.repository):
            continue
        lock = stack.lock.channel(session.channel)
        tip = attempt.rebased.facts.tip
        if tip is None:
            continue
        try:
            attempt.publication = plan_publication(
                stack=stack.name,
                repo=stack.policy.fork.repo,
                branch=stack.branch(session.channel),
                new=tip,
                forge=forge,
                repository=attempt.repository,
                known=lock.published if lock else None,
                today=session.now.date(),
            )
        except RemoteError as e:
            attempt.trouble = e


def _write(
    attempts: list[Attempt],
    verification: Verification | None,
    *,
    session: Session,
    steps: Step,
    forge: Forge,
) -> None:
    """Publish and write, stack by stack, lower ones first; a dry run only finds out what."""
    for attempt in attempts:
        if not attempt.chosen or attempt.stuck or attempt.rebased is None:
            continue
        if not session.dry_run:
            _publish(attempt, attempts, session=session, forge=forge)
        if Step.PUBLISH in steps and verification and red(attempt, attempts, verification.verdict):
            continue  # what is published was proven otherwise, and its files say how
        if Step.WRITE in steps and _may_write(attempt, steps, dry_run=session.dry_run):
            attempt.files = write_files_of(attempt, verification, session=session)


def _publish(attempt: Attempt, attempts: list[Attempt], *, session: Session, forge: Forge) -> None:
    plan = attempt.publication
    if plan is None or not plan.writes or attempt.repository is None:
        return
    lost = [a.stack.name for a in below(attempt, attempts) if a.trouble is not None]
    if lost:
        why = f"waits: {lost[0]} was not published"
        attempt.publication = hold(plan, why)
        return
    session.say(f"{attempt.stack.name}: publishing {plan.repo} {plan.branch}")
    try:
        attempt.publication = carry_out(plan, forge=forge, repository=attempt.repository)
    except ForkbotError as e:
        attempt.trouble = e


def _may_write(attempt: Attempt, steps: Step, *, dry_run: bool) -> bool:
    """Whether the stack's files may follow: a base that is not published stays where it was."""
    plan = attempt.publication
    # past a suspicion the base may not move: from the new one on nobody would see it any more
    if attempt.trouble is not None or suspicious(attempt):
        return False
    if Step.PUBLISH not in steps or plan is None:
        return True
    return plan.done or plan.move is Move.NOTHING or (dry_run and plan.writes)


def write_files_of(
    attempt: Attempt, verification: Verification | None, *, session: Session
) -> tuple[str, ...]:
    """Bring a stack's files to where it was rebased; return the names of those that change."""
    assert attempt.rebased is not None
    facts, stack, channel = attempt.rebased.facts, attempt.stack, session.channel
    if facts.tip is None or facts.tree is None:
        return ()
    before = stack.lock.channel(channel)
    same = before is not None and before.result == facts.tip
    verdict = before.verdict if before and same else None
    if verification is not None:
        verdict = _stack_verdict(stack.name, verification, before=verdict)
    published = before.published if before else None
    plan = attempt.publication
    if plan is not None and (plan.writes or plan.move is Move.NOTHING):
        published = plan.new
    lock = ChannelLock(
        base=facts.onto.commit,
        base_label=facts.onto.label,
        base_tree=facts.onto.tree,
        result=facts.tip,
        result_tree=facts.tree,
        published=published,
        verdict=verdict,
        probed=before.probed if before and same else None,
    )
    return write_stack(
        stack_folder(session.root, stack.name),
        old=stack,
        patches=attempt.rebased.patches,
        lock=stack.lock.with_channel(channel, lock),
        resolutions=attempt.rebased.resolutions,
        settled=_settled(attempt, channel),
        dry_run=session.dry_run,
    )


def write_answers_of(
    attempt: Attempt, answers: tuple[Resolution, ...], *, session: Session
) -> tuple[str, ...]:
    """Keep a person's answers where the base stays: the next rebase replays them."""
    stack = attempt.stack
    return write_stack(
        stack_folder(session.root, stack.name), old=stack, patches=stack.patches, lock=stack.lock,
        resolutions=answers, dry_run=session.dry_run,
    )  # fmt: skip


def _settled(attempt: Attempt, channel: Channel) -> frozenset[str]:
    """Return the acknowledgements that nobody needs any more: the base moves past their lines.

    Where a release channel follows, it meets the same lines later: its move is the last.
    """
    assert attempt.rebased is not None
    if channel is Channel.MAIN and attempt.stack.lock.channel(Channel.RELEASE) is not None:
        return frozenset()
    return frozenset(s.key for s in attempt.rebased.facts.suspicions if s.acknowledged)


def _stack_verdict(
    name: StackName, verification: Verification, *, before: StackVerdict | None
) -> StackVerdict | None:
    """Return what the lock says; one that stays as it is does not follow a red family's key."""
    said = verification.verdict
    if name not in [m.stack for m in said.members]:
        return before  # held: it was not tried
    all_green = said.reused or said.green
    status: Literal["green", "red"] = "green" if said.reused or said.green_for(name) else "red"
    if before is not None and before.status == status and not all_green:
        return before
    return StackVerdict(
        status=status, key=verification.key, rustc=said.rustc, wasmtime=said.wasmtime
    )


def record_of(
    attempts: list[Attempt],
    verdict: Verdict | None,
    *,
    session: Session,
    command: str,
    seconds: float,
    run: str,
) -> RunRecord:
    """Return what a run found and did."""
    codes = [_exit_code(a) for a in attempts if a.chosen or a.trouble]
    if verdict is not None and not verdict.reused and not verdict.green:
        codes.append(_verdict_code(verdict))
    return RunRecord(
        id=run,
        command=command,
        channel=session.channel,
        forkbot=__version__,
        git=".".join(map(str, git_version(sealed_env(session.ambient)))),
        dry_run=session.dry_run,
        seconds=round(seconds, 1),
        stacks=tuple(_stack_record(a, session) for a in attempts if a.chosen or a.trouble),
        verdict=verdict,
        exit_code=gravest(codes),
    )


def _verdict_code(verdict: Verdict) -> int:
    colours = [b.colour for b in verdict.builds] + [s.colour for s in verdict.smokes]
    return EXIT_BUILD if verdict.problems or Colour.RED in colours else EXIT_DONE


def _exit_code(attempt: Attempt) -> int:
    if attempt.trouble is not None:
        return attempt.trouble.exit_code
    if attempt.rebased is not None and attempt.rebased.facts.conflict is not None:
        return EXIT_CONFLICT
    if attempt.publication is not None and attempt.publication.move is Move.REFUSED:
        return EXIT_REFUSED
    if suspicious(attempt):
        return EXIT_CONFLICT
    return EXIT_DONE


def _page(url: str) -> str:
    """Return where people read upstream, '' where that is no page, or one behind a password."""
    return url if url.startswith("https://") and redact(url) == url else ""


def _stack_record(attempt: Attempt, session: Session) -> StackRecord:
    lock = attempt.stack.lock.channel(session.channel)
    trouble = attempt.trouble
    return StackRecord(
        name=attempt.stack.name,
        crate=attempt.stack.policy.crate,
        about=attempt.stack.policy.about,
        upstream_url=_page(attempt.upstream),
        left_out=attempt.stack.left_out,
        rebase=attempt.rebased.facts if attempt.rebased else None,
        published_before=lock.published if lock else None,
        publication=attempt.publication,
        files_written=() if session.dry_run else attempt.files,
        files_to_write=attempt.files if session.dry_run else (),
        trouble=None
        if trouble is None
        else Trouble(
            what=trouble.what,
            where=trouble.where or "",
            hint=trouble.hint or "",
            exit_code=trouble.exit_code,
        ),
    )


def _bundles(attempts: list[Attempt], session: Session) -> Iterator[tuple[str, bytes]]:
    for attempt in attempts:
        if attempt.rebased is None or attempt.repository is None:
            continue
        facts = attempt.rebased.facts
        if facts.tip is not None and facts.tip != facts.onto.commit:
            yield (
                attempt.stack.name,
                make_bundle(
                    attempt.repository,
                    branch=attempt.stack.branch(session.channel),
                    onto=facts.onto.commit,
                    tip=facts.tip,
                ),
            )
