"""The only composer: load → locate → rebase → verify → publish → write → tell, for a family.

Compute, then write (law 5): every stack is rebased, every fork branch looked at and the verdict
known before anything moves. What is written then is, stack by stack: the branch (with its lease),
then the stack's files. A kill in between leaves a branch that the next run finds already right.
"""

import contextlib
import enum
import time

from forkbot.attempt import Attempt, attempt_rebase
from forkbot.attribution.attributing import Attributed, attribute
from forkbot.believe import believe
from forkbot.browser.following import Course
from forkbot.browser.laying import clear, keep, lay
from forkbot.browser.looking import Look, hear, look
from forkbot.buildbreaker.asking import Limits
from forkbot.buildbreaker.suspects import break_red
from forkbot.connection import Connection
from forkbot.errors import ForkbotError, RemoteError
from forkbot.forge.base import Forge
from forkbot.ground import ground
from forkbot.hold import below, hold, hold_back, refused, suspicious
from forkbot.hold import red as why_red
from forkbot.locate import Aim
from forkbot.model.buildbreaker import BuildBreaker
from forkbot.model.plan import Plan
from forkbot.model.publication import Move
from forkbot.model.record import RunRecord
from forkbot.publish import carry_out, plan_publication
from forkbot.recording import bundles_of, record_of
from forkbot.red import red_of
from forkbot.report.pages import pages
from forkbot.rundir import Records, RunDirectory
from forkbot.session import Session
from forkbot.stackdir.load import closure, load_family, select
from forkbot.telling import tell
from forkbot.updating import update_home
from forkbot.verification import Verification, verification_of
from forkbot.verify.toolchain import Toolchain, find_toolchain
from forkbot.words import Channel, StackName
from forkbot.writing import file_changes_of, write_files_of


class Step(enum.Flag):
    """How far a command goes; each includes the rebase."""

    REBASE = enum.auto()
    VERIFY = enum.auto()
    PUBLISH = enum.auto()
    WRITE = enum.auto()  # update the stack's files
    GROUND = enum.auto()  # build and run the floor of a stack in conflict
    UPDATE = enum.auto()  # bring the stack's files to the stacks repository, where a forge has it
    HEAR = enum.auto()  # take what people answered on the forge, and tell nobody
    TELL = enum.auto()  # bring issues and pull requests to what was found


def run(
    session: Session,
    names: tuple[str, ...],
    *,
    command: str,
    steps: Step,
    aim: Aim,
    connection: Connection,
    again: bool = False,
    proofs: Records | None = None,
    plan: Plan | None = None,
    search: Limits | None = None,
) -> RunRecord:
    """Take the named stacks (all, when none is named) as far as ``steps`` says.

    ``again`` verifies even what an earlier run found green. ``proofs`` are records of runs that
    verified elsewhere: with them nothing is built or run here. A ``plan`` says where stacks go,
    before ``aim``; ``search`` how long to look for what turned something red. Returns the record,
    written with its report when something happened; raises only for what stops every stack.
    """
    began, course = time.monotonic(), Course(aim=aim, plan=plan)
    runs = RunDirectory(session.state / "runs")
    with contextlib.ExitStack() as held, session.alone():
        family = load_family(session.root, session.channel)
        # all means all that there are on this channel
        there = family if names else [s for s in family if s.follows(session.channel)]
        chosen = select(tuple(there), names, root=session.root)
        members = closure(family, chosen) if Step.VERIFY in steps or proofs else chosen
        toolchain = _toolchain(session, steps, elsewhere=proofs is not None)
        attempts = [
            attempt_rebase(stack, chosen=stack in chosen, session=session,
                     aim=course.aim_of(stack), toolchain=toolchain, held=held)
            for stack in members
        ]  # fmt: skip
        again |= _heard(attempts, steps, session=session, connection=connection, course=course,
                        toolchain=toolchain, held=held)  # fmt: skip
        if Step.PUBLISH in steps:
            _plan(attempts, session=session, forge=connection.forge)
        verification = _verified(attempts, steps, proofs, session=session, toolchain=toolchain,
                                 runs=runs, again=again)  # fmt: skip
        verification, said = _attributed(verification, attempts, session=session, proofs=proofs,
                                         toolchain=toolchain, search=search)  # fmt: skip
        if Step.PUBLISH in steps:
            parts = verification.parts if verification else {}
            hold_back(attempts, parts if Step.VERIFY in steps else None, channel=session.channel)
        _write(attempts, verification, session=session, steps=steps, connection=connection)
        _ground(attempts, steps, session=session, toolchain=toolchain, held=held)
        record = record_of(
            attempts, verification.verdict if verification else None, session=session,
            breakers=_breakers(attempts, said, proofs, session=session, toolchain=toolchain,
                               search=search),
            command=command, seconds=time.monotonic() - began, run=runs.fresh_id(session.now),
        )  # fmt: skip
        if Step.TELL in steps:
            record = tell(record, family, whole=not names, session=session, connection=connection)
            record = clear(record, attempts, session=session, connection=connection)
        # what was only believed, and came to nothing new, is on record where it was found out
        if record.kept and (Step.VERIFY in steps or record.changed_something):
            runs.write(record, pages=pages(record), bundles=dict(bundles_of(attempts, session)))
    return record


def _verified(
    attempts: list[Attempt],
    steps: Step,
    proofs: Records | None,
    *,
    session: Session,
    toolchain: Toolchain | None,
    runs: RunDirectory,
    again: bool,
) -> Verification | None:
    """Return what is known of the results: from another machine's records, or found out here."""
    going = any(a.chosen and not a.stuck for a in attempts)
    if proofs is not None:
        return believe(proofs, attempts, session=session)
    if Step.VERIFY not in steps or toolchain is None or not (going or Step.GROUND not in steps):
        return None
    return verification_of(attempts, session=session, toolchain=toolchain, runs=runs, again=again)


def _attributed(
    verification: Verification | None,
    attempts: list[Attempt],
    *,
    session: Session,
    proofs: Records | None,
    toolchain: Toolchain | None,
    search: Limits | None,
) -> tuple[Verification | None, Attributed | None]:
    """Return what is known with whose fault it is; of that None where nobody looks for it."""
    if verification is None or toolchain is None or search is None or proofs is not None:
        return verification, None
    said = attribute(
        verification.verdict, attempts, session=session, toolchain=toolchain, limits=search
    )
    return verification.saying(said.verdict), said


def _ground(
    attempts: list[Attempt],
    steps: Step,
    *,
    session: Session,
    toolchain: Toolchain | None,
    held: contextlib.ExitStack,
) -> None:
    """Build and run the floors of the named stacks that are in conflict."""
    if Step.GROUND in steps and toolchain is not None:
        for attempt in attempts:
            if attempt.chosen:
                ground(attempt, attempts, session=session, toolchain=toolchain, held=held)


def _breakers(
    attempts: list[Attempt],
    said: Attributed | None,
    proofs: Records | None,
    *,
    session: Session,
    toolchain: Toolchain | None,
    search: Limits | None,
) -> tuple[BuildBreaker, ...]:
    """Return since when the first red is red: found out here, or as another machine's record says.

    That is believed of the very results that were computed here. Nothing follows from it but words.
    """
    if proofs is not None:
        tips = {a.rebased.facts.tip for a in attempts if a.rebased is not None}
        return tuple(b for r in proofs.read for b in r.breakers if b.tip in tips)
    if said is None or said.settled:
        return said.breakers if said else ()
    verdict = said.verdict
    if verdict.reused or search is None or toolchain is None:
        return ()
    red = red_of(verdict)
    if red is None:
        return ()
    return break_red(attempts, red, session=session, toolchain=toolchain, limits=search,
                     dependencies=verdict.dependencies)  # fmt: skip


def _heard(
    attempts: list[Attempt],
    steps: Step,
    *,
    session: Session,
    connection: Connection,
    course: Course,
    toolchain: Toolchain | None,
    held: contextlib.ExitStack,
) -> bool:
    """Take up what people said on the forge; return whether they want all verified again."""
    if course.plan is not None and Step.TELL not in steps:
        return course.follow(attempts, session=session, held=held)
    if Step.HEAR in steps:
        forks = connection.forks or connection.forge
        hear(attempts, session=session, forks=forks, fixed=course.aim != Aim())
    if Step.TELL not in steps:
        return False
    how = Look(
        session=session, connection=connection, fixed=course.aim != Aim(), toolchain=toolchain,
        held=held,
    )  # fmt: skip
    return look(attempts, how)


def _toolchain(session: Session, steps: Step, *, elsewhere: bool) -> Toolchain | None:
    if (Step.VERIFY in steps and not elsewhere) or session.channel is Channel.RELEASE:
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
                fork=stack.policy.fork,
                branch=stack.branch(session.channel),
                tip=tip,
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
    connection: Connection,
) -> None:
    """Publish and write, stack by stack, lower ones first; a dry run only finds out what.

    The stacks' files are written here, or brought to the stacks repository where a forge has it.
    """
    away = Step.UPDATE in steps and connection.updates
    for attempt in attempts:
        if not attempt.chosen or attempt.stuck or attempt.rebased is None:
            continue
        if not session.dry_run:
            _publish(attempt, attempts, session=session, forge=connection.forge)
        spoken = verification.parts.get(attempt.stack.name) if verification else None
        if Step.PUBLISH in steps and verification and why_red(attempt, attempts, spoken):
            continue  # what is published was proven otherwise, and its files say how
        if Step.WRITE in steps and _may_write(attempt, steps, dry_run=session.dry_run):
            if away:
                attempt.changes = file_changes_of(attempt, verification, session=session)
            else:
                attempt.files = write_files_of(attempt, verification, session=session)
    if Step.TELL in steps and Step.WRITE in steps:
        keep(attempts, session=session, away=away, red=_reds(verification))
    if away:
        update_home(attempts, session=session, connection=connection)
    if Step.TELL in steps:
        lay(attempts, session=session, connection=connection, red=_reds(verification))


def _reds(verification: Verification | None) -> frozenset[StackName]:
    """Return the stacks that did not stand the proof; one that nobody tried is none of them."""
    parts = verification.parts if verification else {}
    return frozenset(name for name, said in parts.items() if said.red_for(name))


def _publish(attempt: Attempt, attempts: list[Attempt], *, session: Session, forge: Forge) -> None:
    plan = attempt.publication
    if plan is None or not plan.writes or attempt.repository is None:
        return
    lost = [a.stack.name for a in below(attempt, attempts) if a.trouble or refused(a)]
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
