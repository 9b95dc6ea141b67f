"""One stack on its way through a run, and its first leg: located and rebased."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping

import msgspec

from forkbot.cargo import Cargo, cargo_env
from forkbot.errors import (
    ForkbotError,
    MachineError,
    ProcessError,
    RemoteError,
    TimedOutError,
    UsageError,
)
from forkbot.git.remote import RefUpdate
from forkbot.git.repository import Repository, quarantine, sealed_env
from forkbot.locate import FLOOR, Aim, Located, locate
from forkbot.model.artefact import Label, Told
from forkbot.model.conflict import Conflict
from forkbot.model.conflictbranch import Cleared, ConflictBranch
from forkbot.model.order import Given
from forkbot.model.place import Place
from forkbot.model.publication import Publication
from forkbot.model.resolution import Resolution
from forkbot.model.stack import Stack
from forkbot.model.update import Update
from forkbot.rebase.base import find_base
from forkbot.rebase.engine import Rebased, rebase
from forkbot.rebase.lockfile import Lockfiles
from forkbot.rebase.shared import shared_do
from forkbot.rebase.structural import Driver
from forkbot.session import Session
from forkbot.stackdir.files import Changes
from forkbot.verify.toolchain import Toolchain, find_toolchain
from forkbot.words import Oid, PatchName


@dataclasses.dataclass(slots=True, kw_only=True)
class Said:
    """What people said of a stack on the forge, and what was made of it."""

    refs: Mapping[str, Oid] | None = None  # of the fork, where its conflicts lie; None: not asked
    branch: ConflictBranch | None = None  # that waits for a person, or to be accepted
    updates: tuple[RefUpdate, ...] = ()  # what brings it to how the conflict is now
    taken: tuple[ConflictBranch, ...] = ()  # whose answers are in what is rebased now
    answers: tuple[Resolution, ...] = ()  # the stack's own and theirs, where any were taken
    orders: tuple[Given, ...] = ()
    labels: tuple[tuple[str, Told, Label], ...] = ()  # of orders: off again when they are done
    failed: ForkbotError | None = None  # why a conflict could not be laid out
    cleared: tuple[Cleared, ...] = ()  # what nobody needs any more
    parked: tuple[PatchName, ...] = ()
    paused: bool = False
    told_red: bool = False  # an open issue says that it, or its family, does not build or run


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class Attempt:
    """One stack on its way through the run; filled in as the steps go by."""

    stack: Stack
    chosen: bool  # asked for, or only a dependency to build with
    upstream: str  # where upstream's repository is: a URL or a path
    located: Located | None = None
    repository: Repository | None = None  # lent, quarantined
    rebased: Rebased | None = None
    publication: Publication | None = None
    files: tuple[str, ...] = ()  # written here, or in a dry run to be written
    # what the stack's files become, for the stacks repository on a forge; None: they stay
    changes: Changes | None = None
    update: Update | None = None  # what became of that
    trouble: ForkbotError | None = None
    again: Callable[[Stack, Place], Rebased] | None = None  # the same rebase, of more or elsewhere
    said: Said = dataclasses.field(default_factory=Said)

    @property
    def conflict(self) -> Conflict | None:
        """Return the conflict that stopped its series, if one did."""
        stopped = self.trouble is None and self.rebased is not None
        return self.rebased.facts.conflict if stopped and self.rebased else None

    @property
    def stuck(self) -> str:
        """Return why this stack has no result, or ''."""
        if self.trouble is not None:
            return f"{self.stack.name}: {self.trouble.what.splitlines()[0]}"
        if self.rebased is not None and self.rebased.facts.conflict is not None:
            return f"{self.stack.name} is in conflict at patch {self.rebased.facts.conflict.patch}"
        return ""


def cargo_of(toolchain: Toolchain, session: Session) -> Cargo:
    """Return the toolchain's cargo in its closed environment."""
    return Cargo(program=toolchain.cargo, env={**cargo_env(session.ambient), **toolchain.env})


def lockfiles_of(session: Session) -> Lockfiles:
    """Return what makes lock files anew with the cargo that is here; nothing is downloaded."""

    def find() -> Cargo:
        toolchain = find_toolchain(
            env=session.ambient, cache=session.cache, get=False, say=session.say
        )
        return cargo_of(toolchain, session)

    return Lockfiles(find=find)


def driver_of(session: Session) -> Driver:
    """Return the merge driver that is on this machine's PATH, for stacks that ask for it."""
    return Driver(env=sealed_env(session.ambient))


def attempt_rebase(
    stack: Stack,
    *,
    chosen: bool,
    session: Session,
    aim: Aim,
    toolchain: Toolchain | None,
    held: contextlib.ExitStack,
) -> Attempt:
    """Return the stack rebased, or stuck with its trouble; objects live as long as ``held``."""
    # a dependency nobody asked for is taken as its files say
    own_aim = aim if chosen else Aim(stay=True)
    upstream = own_aim.upstream or stack.policy.upstream.git
    attempt = Attempt(stack=stack, chosen=chosen, upstream=upstream)
    try:
        session.say(f"{stack.name}: locating upstream")
        _rebase(attempt, session=session, aim=own_aim, toolchain=toolchain, held=held)
    except (UsageError, RemoteError, TimedOutError) as e:
        attempt.trouble = e
    return attempt


def _rebase(
    attempt: Attempt,
    *,
    session: Session,
    aim: Aim,
    toolchain: Toolchain | None,
    held: contextlib.ExitStack,
) -> None:
    cargo = cargo_of(toolchain, session) if toolchain else None
    rustc = toolchain.version if toolchain else None
    located = locate(attempt.stack, session=session, aim=aim, cargo=cargo)
    try:
        _rebase_at(attempt, located, session=session, aim=aim, rustc=rustc, held=held)
    except (ProcessError, MachineError):
        if located.mirror is None or not located.mirror.mend(say=session.say):
            raise
        located = locate(attempt.stack, session=session, aim=aim, cargo=cargo)
        _rebase_at(attempt, located, session=session, aim=aim, rustc=rustc, held=held)


def _rebase_at(
    attempt: Attempt,
    located: Located,
    *,
    session: Session,
    aim: Aim,
    rustc: str | None,
    held: contextlib.ExitStack,
) -> None:
    stack, channel = attempt.stack, session.channel
    lent = held.enter_context(quarantine(located.repository, scratch=session.scratch))
    session.say(f"{stack.name}: rebasing onto {located.onto.label}")
    base = located.base or find_base(
        stack, repository=lent, channel=channel, candidates=located.candidates
    )
    attempt.located, attempt.repository = located, lent

    def go(stack: Stack, onto: Place) -> Rebased:
        done = rebase(
            stack, repository=lent, channel=channel, base=base, onto=onto, rustc=rustc,
            lockfiles=lockfiles_of(session), driver=driver_of(session),
        )  # fmt: skip
        if channel in stack.apart and shared_do(stack, done.facts, repository=lent):
            return dataclasses.replace(done, patches=stack.common)
        return done

    attempt.again = go
    attempt.rebased = go(stack, located.onto)
    floor = attempt.rebased.facts.floor
    if aim.onto == FLOOR and floor is not None:
        label = floor.place.label
        session.say(f"{stack.name}: in conflict there: rebasing onto {label}, its floor")
        there = go(stack, floor.place)
        facts = msgspec.structs.replace(there.facts, floor=floor)
        attempt.rebased = dataclasses.replace(there, facts=facts)
