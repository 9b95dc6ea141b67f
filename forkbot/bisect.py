"""What turned a family red, asked by a person: everything built up to the first red, then searched.

It is the search that a run makes of itself, with more time; what that one found is not built again.
"""

import contextlib
import time

from forkbot.attempt import Attempt, attempt_rebase
from forkbot.buildbreaker.asking import Limits
from forkbot.buildbreaker.suspects import break_red
from forkbot.diagnosis import diagnosed
from forkbot.locate import Aim
from forkbot.model.buildbreaker import BuildBreaker
from forkbot.model.record import RunRecord
from forkbot.model.verdict import Verdict
from forkbot.recording import record_of
from forkbot.red import red_of
from forkbot.report.pages import pages
from forkbot.rundir import RunDirectory
from forkbot.session import Session
from forkbot.stackdir.load import closure, load_family, select, with_dependents
from forkbot.verification import held_of, member_of, try_out
from forkbot.verify.judge import as_facts, digest, held_builds, verification_key
from forkbot.verify.toolchain import TARGET, Toolchain, find_toolchain
from forkbot.verify.trial import Trial
from forkbot.verify.wasmtime import find_wasmtime


def bisect(
    session: Session, names: tuple[str, ...], *, command: str, aim: Aim, limits: Limits
) -> RunRecord:
    """Find the upstream commit, and the patch, that turned the first red of the named stacks on.

    The named ones, all when none is named, are taken to their newest upstream; what they are built
    with and what is built on them stays as its files say. Returns the record, which is written with
    its report; nothing else is.
    """
    began = time.monotonic()
    runs = RunDirectory(session.state / "runs")
    with contextlib.ExitStack() as held, session.alone():
        family = load_family(session.root, session.channel)
        there = family if names else tuple(s for s in family if s.follows(session.channel))
        chosen = select(there, names, root=session.root)
        toolchain = find_toolchain(env=session.ambient, cache=session.cache, say=session.say)
        attempts = [
            attempt_rebase(stack, chosen=stack in chosen, session=session, aim=aim,
                     toolchain=toolchain, held=held)
            for stack in closure(there, with_dependents(there, chosen))
        ]  # fmt: skip
        verdict = _up_to_the_first_red(attempts, session=session, toolchain=toolchain)
        breakers: tuple[BuildBreaker, ...] = ()
        if red := red_of(verdict):
            breakers = break_red(attempts, red, session=session, toolchain=toolchain, limits=limits,
                                 dependencies=verdict.dependencies)  # fmt: skip
        record = record_of(
            attempts, verdict, session=session, command=command, seconds=time.monotonic() - began,
            run=runs.fresh_id(session.now), breakers=breakers,
        )  # fmt: skip
        if not session.dry_run:
            runs.write(record, pages=pages(record), bundles={})
    return record


def _up_to_the_first_red(
    attempts: list[Attempt], *, session: Session, toolchain: Toolchain
) -> Verdict:
    """Return a verdict that ends at its first red; it does not stand for a verification's."""
    held = held_of(attempts)
    members = tuple(member_of(a, session) for a in attempts if a.stack.name not in held)
    wasmtime = find_wasmtime(env=session.ambient, cache=session.cache, say=session.say)
    key = verification_key(
        members, channel=session.channel, target=TARGET, rustc=toolchain.version,
        wasmtime=wasmtime.version,
    )  # fmt: skip
    trial = Trial()
    if members:
        trial = try_out(members, session=session, toolchain=toolchain, wasmtime=wasmtime)
    verdict = Verdict(
        channel=session.channel, key=digest(["bisect", key]),
        target=TARGET, rustc=toolchain.version, wasmtime=wasmtime.version,
        members=as_facts(members), builds=trial.builds + held_builds(held), smokes=trial.smokes,
        problems=trial.problems, dependencies=dict(trial.dependencies),
    )  # fmt: skip
    return diagnosed(verdict, (a for a in attempts if a.stack.name not in held))
