"""The verify step of a run: who is a member, whether it was answered before, and the asking."""

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from forkbot import process
from forkbot.attempt import Attempt, cargo_of
from forkbot.diagnosis import diagnosed
from forkbot.errors import MachineError
from forkbot.green import Belief, Green, answers_to, still_green
from forkbot.hold import below
from forkbot.model.verdict import Verdict
from forkbot.process.seclusion import why_not
from forkbot.rundir import RunDirectory
from forkbot.session import Session
from forkbot.stackdir.load import stack_folder
from forkbot.verify.component import Stage
from forkbot.verify.depinfo import is_read
from forkbot.verify.family import Member
from forkbot.verify.judge import as_facts, held_builds, verification_key, verify_family
from forkbot.verify.room import make_room, target_folder
from forkbot.verify.toolchain import TARGET, Toolchain
from forkbot.verify.trial import Only, Trial, try_family
from forkbot.verify.wasmtime import Wasmtime, find_wasmtime
from forkbot.verify.workshop import Workshop
from forkbot.words import Pin, StackName

_PROBE = "probe"  # the folder of the sources that are tried out


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A verdict, and of each stack the part that speaks for it: all of it, where all was one.

    A stack without a part was not verified.
    """

    verdict: Verdict
    parts: Mapping[StackName, Verdict]

    def saying(self, verdict: Verdict) -> "Verification":
        """Return the same with more said of what was found, of all that speaks for it."""
        return Verification(verdict=verdict, parts=dict.fromkeys(self.parts, verdict))


def verification_of(
    attempts: list[Attempt],
    *,
    session: Session,
    toolchain: Toolchain,
    runs: RunDirectory,
    again: bool,
) -> Verification:
    """Return the verdict on all stacks that have a result, built together.

    The same question is not asked twice: a green answer is taken from the locks when there is
    nothing to publish, and from a run record here when there is, for as long as cargo would take
    the same dependencies. A red one is asked again.
    """
    wasmtime = find_wasmtime(env=session.ambient, cache=session.cache, say=session.say)
    held = held_of(attempts)
    members = tuple(
        member_of(a, session)
        for a in attempts
        if a.stack.name not in held and a.rebased is not None
    )
    key = verification_key(
        members, channel=session.channel, target=TARGET, rustc=toolchain.version,
        wasmtime=wasmtime.version,
    )  # fmt: skip
    tried = [a for a in attempts if a.stack.name not in held]
    answers = answers_to(key, tried, channel=session.channel, runs=runs)
    belief = Belief()
    if members and answers.greens and not again:
        belief = still_green(answers, members, session=session, toolchain=toolchain)
        session.say(belief.said or "nothing is new of the dependencies")
    if belief.green is not None or not members:
        before = belief.green or Green(dependencies={})
        verdict = Verdict(
            channel=session.channel, key=key, target=TARGET, rustc=toolchain.version,
            wasmtime=wasmtime.version, members=as_facts(members), builds=held_builds(held),
            smokes=(), reused=bool(members), dependencies=dict(before.dependencies),
            dependencies_said=belief.said, judged_at=before.judged_at,
            known_news=dict(before.news),
        )  # fmt: skip
        return _of_all(verdict, attempts)
    folder = session.state / "build" / session.channel.value
    verdict = verify_family(
        members,
        held=held,
        channel=session.channel,
        folder=folder,
        stage=stage_of(session, toolchain, wasmtime),
        rustc=toolchain.version,
        wasmtime=wasmtime.version,
        say=session.say,
    )
    verdict = msgspec.structs.replace(
        verdict, judged_at=session.now.replace(microsecond=0), dependencies_said=belief.said
    )
    return _of_all(diagnosed(verdict, tried), attempts)


def _of_all(verdict: Verdict, attempts: list[Attempt]) -> Verification:
    return Verification(verdict=verdict, parts={a.stack.name: verdict for a in attempts})


def try_out(
    members: tuple[Member, ...],
    *,
    session: Session,
    toolchain: Toolchain,
    wasmtime: Wasmtime,
    first: StackName | None = None,
    only: Only | None = None,
    stop: bool = True,
    pins: tuple[Pin, ...] = (),
    target: str | None = None,
) -> Trial:
    """Build and run ``members``, those of ``first`` before the rest; ``stop`` at the first red.

    ``pins`` are versions that cargo keeps to as far as they fit, ``target`` is another one than
    ours. In sources of their own: what verify compiled stays fresh, what is the same is shared.
    """
    stage = stage_of(session, toolchain, wasmtime)
    if target is not None:
        workshop = dataclasses.replace(stage.workshop, target=target)
        stage = dataclasses.replace(stage, workshop=workshop)
    folder = stage.workshop.target_dir.parent
    make_room(stage.workshop.target_dir, say=session.say)
    return try_family(
        members, folder=folder / _PROBE, stage=stage, say=session.say, first=first, stop=stop,
        only=only, pins=pins,
    )  # fmt: skip


def is_built(stack: StackName, path: str, *, session: Session, toolchain: Toolchain) -> bool:
    """Whether ``try_out`` had anything built from a file of a stack."""
    folder = session.state / "build" / session.channel.value
    source = folder / _PROBE / "src" / stack / path
    target = target_folder(folder, rustc=toolchain.version, target=TARGET)
    return is_read(source, target_dir=target)


def held_of(attempts: list[Attempt]) -> dict[StackName, str]:
    """Return the stacks that cannot be verified, each with its own or a lower stack's reason."""
    held = {}
    for attempt in attempts:
        lower = [other.stuck for other in below(attempt, attempts) if other.stuck]
        if attempt.stuck or lower:
            held[attempt.stack.name] = attempt.stuck or f"waits: {lower[0]}"
    return held


def member_of(attempt: Attempt, session: Session) -> Member:
    """Return a stack that has a result as a member of the family to verify."""
    assert attempt.rebased is not None
    assert attempt.repository is not None
    facts = attempt.rebased.facts
    assert facts.tip is not None
    assert facts.tree is not None
    return Member(
        stack=attempt.stack,
        label=facts.onto.label,
        tip=facts.tip,
        tree=facts.tree,
        pristine_tree=facts.onto.tree,
        repository=attempt.repository,
        smoke=stack_folder(session.root, attempt.stack.name) / "smoke",
    )


def workshop_of(session: Session, toolchain: Toolchain) -> Workshop:
    """Return what the channel's builds are made with; they all share one target folder.

    Raises ``MachineError`` where forkbot holds a secret that upstream's code could get at.
    """
    cargo = cargo_of(toolchain, session)
    sccache = shutil.which("sccache", path=session.ambient.get("PATH", ""))
    folder = session.state / "build" / session.channel.value
    return Workshop(
        cargo=cargo,
        target=TARGET,
        target_dir=target_folder(folder, rustc=toolchain.version, target=TARGET),
        host=_host(toolchain, cargo.env),
        secluded=_can_seclude(session),
        sccache=Path(sccache) if sccache else None,
    )


def _can_seclude(session: Session) -> bool:
    why = why_not(session.ambient.get("PATH", ""))
    if why and session.secrets:
        names = " and ".join(session.secrets)
        raise MachineError(
            f"upstream's code could read {names} while it is built, for this system cannot keep it "
            f"apart: {why}",
            hint="forkbot verify where that is not set; or allow namespaces: "
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        )
    if why:
        session.say(f"upstream's code is not kept apart here: {why}")
    return not why


def stage_of(session: Session, toolchain: Toolchain, wasmtime: Wasmtime) -> Stage:
    """Return where the channel's components are built and run, and what wasmtime sees there."""
    return Stage(
        workshop=workshop_of(session, toolchain),
        wasmtime=wasmtime.program,
        env={**process.allow(session.ambient), "HOME": str(wasmtime.program.parent)},
    )


def _host(toolchain: Toolchain, env: process.Env) -> str:
    said = process.run([toolchain.rustc, "-vV"], env=env, timeout=60).stdout.decode()
    return next(li.partition(": ")[2] for li in said.splitlines() if li.startswith("host:"))
