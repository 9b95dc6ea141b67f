"""Do the stacks change anything for the machine that builds them? They are there for another."""

import contextlib
import dataclasses
import time

import msgspec

from forkbot import process
from forkbot.attempt import Attempt, attempt_rebase
from forkbot.errors import EXIT_BUILD, EXIT_DONE, UsageError, gravest
from forkbot.locate import Aim
from forkbot.model.neutrality import Neutrality
from forkbot.model.record import RunRecord
from forkbot.recording import record_of
from forkbot.report.pages import pages
from forkbot.rundir import RunDirectory
from forkbot.session import Session
from forkbot.stackdir.load import closure, load_family, select
from forkbot.verification import member_of, workshop_of
from forkbot.verify.native import Bench, compare
from forkbot.verify.room import make_room, target_folder
from forkbot.verify.toolchain import Toolchain, find_toolchain
from forkbot.words import StackName


def neutral(session: Session, names: tuple[str, ...], *, command: str) -> RunRecord:
    """Compare the named stacks' tests and public API on this machine with pristine upstream's.

    All stacks whose files say what to compare when none is named. Returns the record, and writes
    it with its report.
    """
    began = time.monotonic()
    runs = RunDirectory(session.state / "runs")
    with contextlib.ExitStack() as held, session.alone():
        family = load_family(session.root, session.channel)
        asked = select(family, names, root=session.root)
        chosen = tuple(stack for stack in asked if stack.policy.native)
        if not chosen:
            raise UsageError(
                "none of these stacks says what is to stay the same on this machine",
                hint="say it in stack.yaml: native: {features: [full], tests: [net]}",
            )
        toolchain = find_toolchain(env=session.ambient, cache=session.cache, say=session.say)
        attempts = [
            attempt_rebase(stack, chosen=stack in chosen, session=session, aim=Aim(stay=True),
                     toolchain=toolchain, held=held)
            for stack in closure(family, chosen)
        ]  # fmt: skip
        for attempt in attempts:
            if attempt.trouble is not None:
                raise attempt.trouble
            if attempt.stuck:
                raise UsageError(
                    f"{attempt.stuck}: nothing can be compared",
                    hint=f"forkbot rebase {attempt.stack.name}",
                )
        found = {
            a.stack.name: _compared(a, attempts, session=session, toolchain=toolchain)
            for a in attempts
            if a.chosen
        }
        record = record_of(
            attempts, None, session=session, command=command, seconds=time.monotonic() - began,
            run=runs.fresh_id(session.now),
        )  # fmt: skip
        record = _with(record, found)
        if not session.dry_run:
            runs.write(record, pages=pages(record), bundles={})
    return record


def _compared(
    attempt: Attempt, attempts: list[Attempt], *, session: Session, toolchain: Toolchain
) -> Neutrality:
    policy = attempt.stack.policy
    assert policy.native is not None
    lower = closure(tuple(a.stack for a in attempts), (attempt.stack,))
    workshop = workshop_of(session, toolchain)
    folder = workshop.target_dir.parent / "native"
    # what is built for this machine is nothing to the target's
    target_dir = target_folder(folder, rustc=toolchain.version, target=workshop.host)
    make_room(target_dir, say=session.say)
    bench = Bench(
        member=member_of(attempt, session),
        below=tuple(
            member_of(a, session) for a in attempts if a is not attempt and a.stack in lower
        ),
        policy=policy.native,
        folder=folder,
        workshop=dataclasses.replace(workshop, target_dir=target_dir),
        env=process.allow(session.ambient),
        say=session.say,
    )
    return compare(bench)


def _with(record: RunRecord, found: dict[StackName, Neutrality]) -> RunRecord:
    stacks = (msgspec.structs.replace(s, neutrality=found.get(s.name)) for s in record.stacks)
    red = any(not answer.neutral for answer in found.values())
    return msgspec.structs.replace(
        record, stacks=tuple(stacks),
        exit_code=gravest([record.exit_code, EXIT_BUILD if red else EXIT_DONE]),
    )  # fmt: skip
