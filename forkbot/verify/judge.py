"""One family, one verdict: laid out, resolved, built, run, and the control on pristine upstream."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from forkbot.cargo import CargoError
from forkbot.errors import MachineError
from forkbot.model.attribution import Attribution, Guilty
from forkbot.model.probe import Red, RedKind
from forkbot.model.stack import Stack
from forkbot.model.verdict import Build, Colour, FamilyMember, Smoke, Verdict
from forkbot.verify.build import Say, prepare
from forkbot.verify.canary import run_canaries
from forkbot.verify.component import Stage
from forkbot.verify.family import Member, lay_out
from forkbot.verify.progress import Whole
from forkbot.verify.room import make_room
from forkbot.verify.smoke import run_smoke
from forkbot.verify.trial import try_family, unresolved
from forkbot.words import Channel, Oid, StackName

_QUESTION = 2  # raise when the same inputs would be judged differently than before


class Subject(Protocol):
    """A stack on its trees, as far as a verdict's key is made of it."""

    @property
    def stack(self) -> Stack:
        """Return its policy, and the digest of its components."""
        ...

    @property
    def tree(self) -> Oid:
        """Return what the series gives."""
        ...

    @property
    def pristine_tree(self) -> Oid:
        """Return upstream's own."""
        ...


def verification_key(
    members: Sequence[Subject], *, channel: Channel, target: str, rustc: str, wasmtime: str
) -> str:
    """Return a digest of everything that goes into a verdict but what the registry has that day.

    Whoever believes an answer of this key looks at that first.
    """
    question = [
        _QUESTION, channel.value, target, rustc, wasmtime,
        [
            [m.stack.name, m.tree, m.pristine_tree, m.stack.smoke_digest,
             msgspec.json.encode(m.stack.policy.build).decode(),
             msgspec.json.encode(m.stack.policy.smoke).decode(), m.stack.policy.upstream.subdir]
            for m in members
        ],
    ]  # fmt: skip
    return digest(question)


def digest(question: object) -> str:
    """Return what is the same only where all of a question is: 32 hex digits."""
    return hashlib.sha256(msgspec.json.encode(question)).hexdigest()[:32]


def as_facts(members: tuple[Member, ...]) -> tuple[FamilyMember, ...]:
    """Return which result of which stack took part."""
    return tuple(
        FamilyMember(stack=m.stack.name, label=m.label, tip=m.tip, tree=m.tree) for m in members
    )


def verify_family(
    members: tuple[Member, ...],
    *,
    held: Mapping[StackName, str],
    channel: Channel,
    folder: Path,
    stage: Stage,
    rustc: str,
    wasmtime: str,
    say: Say,
) -> Verdict:
    """Build and run ``members`` together; ``held`` stacks are stated, with why, and not tried.

    Raises ``RemoteError`` when the registry is out of reach, ``MachineError`` on a full disk.
    """
    make_room(stage.workshop.target_dir, say=say)
    whole = Whole(
        [m.stack.name for m in members], cold=not any(stage.workshop.target_dir.iterdir()),
        keep=folder / "times.json",
    )  # fmt: skip
    say(f"verifying {', '.join(m.stack.name for m in members)}: {whole.foretold()}")
    trial = try_family(members, folder=folder / "with-stacks", stage=stage, say=say)
    smokes = trial.smokes
    if trial.resolved:
        smokes += _control(members, folder=folder, stage=stage, say=say)
        smokes += tuple(run_canaries(members, folder=folder / "with-stacks", stage=stage, say=say))
        whole.ended()
    return Verdict(
        channel=channel,
        key=verification_key(
            members, channel=channel, target=stage.workshop.target, rustc=rustc, wasmtime=wasmtime
        ),
        target=stage.workshop.target,
        rustc=rustc,
        wasmtime=wasmtime,
        members=as_facts(members),
        builds=trial.builds + held_builds(held),
        smokes=smokes,
        problems=trial.problems,
        attributions=tuple(_outage(said) for said in trial.outages[:1]),
        dependencies=dict(trial.dependencies),
    )


def _outage(said: str) -> Attribution:
    """Return the registry's silence as what it was: over, and told all the same."""
    red = Red(kind=RedKind.GRAPH, stack="", name="", why=f"cargo cannot reach its registry: {said}")
    return Attribution(red=red, guilty=Guilty.NETWORK, why="asked again, the registry answered")


def held_builds(held: Mapping[StackName, str]) -> tuple[Build, ...]:
    """Return the stacks that were not tried as facts, each with its reason."""
    return tuple(
        Build(stack=name, package="", features=(), default_features=False, colour=Colour.HELD,
              units=0, seconds=0.0, why=why)
        for name, why in held.items()
    )  # fmt: skip


def _control(
    members: tuple[Member, ...], *, folder: Path, stage: Stage, say: Say
) -> tuple[Smoke, ...]:
    """Run every smoke component on pristine upstream, where it must do what its policy says."""
    if not any(m.stack.policy.smoke for m in members):
        return ()
    family = lay_out(members, folder=folder / "pristine", pristine=True)
    try:
        prepare(family, stage.workshop, say=say)
    except CargoError as e:
        raise MachineError(f"pristine upstream: {unresolved(e)}") from e
    return tuple(
        ran
        for unit in family.smokes
        for ran in run_smoke(unit, family=family, stage=stage, pristine=True, say=say)
    )
