"""One question, asked of many trees: is this very build or component red, and how?

Built is what was red and what that needs, in the sources that probes use, in the target folder that
all share: cargo compiles again only what a place changes.
"""

import dataclasses
import time

import msgspec

from forkbot.attempt import Attempt
from forkbot.buildbreaker.kept import Kept
from forkbot.hold import below
from forkbot.model.probe import Red, RedKind
from forkbot.model.stack import Stack
from forkbot.red import clear_red, red_of
from forkbot.report.matter import steady
from forkbot.report.verified import features
from forkbot.session import Session
from forkbot.verification import member_of, try_out
from forkbot.verify.family import BuildUnit, Member, SmokeUnit
from forkbot.verify.judge import digest, verification_key
from forkbot.verify.toolchain import TARGET, Toolchain
from forkbot.verify.wasmtime import Wasmtime
from forkbot.words import Oid, Pin

_QUESTION = 2  # raise when the same inputs would be answered differently than before


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one search may take. A build that has begun comes to its end."""

    probes: int
    seconds: float


NIGHTLY = Limits(probes=12, seconds=30 * 60)  # what a run does of itself
THOROUGH = Limits(probes=60, seconds=4 * 3600)  # what a person asks for


@dataclasses.dataclass(slots=True, kw_only=True)
class Asker:
    """Asks about one red of one family, in which one stack's tree is another each time."""

    red: Red
    about: Attempt  # the stack whose tree changes
    members: tuple[Attempt, ...]  # all that is built with it, itself included, lower ones first
    session: Session
    toolchain: Toolchain
    wasmtime: Wasmtime
    limits: Limits
    kept: Kept
    pins: tuple[Pin, ...] = ()  # with which it is red: a release on the way is none of upstream's
    began: float = dataclasses.field(default_factory=time.monotonic)
    probes: int = 0
    remembered: int = 0
    left_for_later: int = 0  # probes that whoever asks now may not use up

    def more(self) -> bool:
        """Whether another probe may be made."""
        spent = time.monotonic() - self.began
        return (
            self.probes + self.left_for_later < self.limits.probes and spent < self.limits.seconds
        )

    def ask(self, member: Member, *, label: str, commit: Oid, anew: bool = False) -> Red | None:
        """Return what is red when ``member`` stands for its stack, from an earlier search perhaps.

        ``anew`` builds and runs it whatever was said before.
        """
        members = self._with(member)
        key = self._key(members)
        known = self.kept.find(key) if not anew else None
        if known is not None:
            self.remembered += 1
            return known.red
        self.probes += 1
        many = f"probe {self.probes} of at most {self.limits.probes}"
        self.session.say(f"{self.about.stack.name}: {many}: is it red on {label}?")
        said = self._try_clearly(members)
        self.kept.keep(key, said, stack=self.about.stack.name, commit=commit)
        return said

    def _try_clearly(self, members: tuple[Member, ...]) -> Red | None:
        """Raise ``UnclearError`` where cargo fails as what is searched for does not."""
        if self.red.unexplained:  # that is what is searched for
            return self._try(members)
        return clear_red(lambda: self._try(members), say=self.session.say)

    def _try(self, members: tuple[Member, ...]) -> Red | None:
        asked: list[BuildUnit | SmokeUnit] = []

        def is_asked(unit: BuildUnit | SmokeUnit) -> bool:
            asked.extend([unit] * self._is_asked(unit))
            return unit in asked

        trial = try_out(
            members, session=self.session, toolchain=self.toolchain, wasmtime=self.wasmtime,
            only=is_asked, pins=self.pins,
        )  # fmt: skip
        if not asked and not trial.red and self.red.kind is not RedKind.GRAPH:
            raise AssertionError(f"{self.red.stack} has no {self.red.name}: nothing was tried")
        return red_of(trial)

    def knows(self, member: Member) -> bool:
        """Whether an earlier search kept the answer."""
        return self.kept.find(self._key(self._with(member))) is not None

    def _with(self, member: Member) -> tuple[Member, ...]:
        members = (member if a is self.about else member_of(a, self.session) for a in self.members)
        return tuple(dataclasses.replace(m, stack=narrowed(m.stack, self.red)) for m in members)

    def _key(self, members: tuple[Member, ...]) -> str:
        family = verification_key(
            members, channel=self.session.channel, target=TARGET, rustc=self.toolchain.version,
            wasmtime=self.wasmtime.version,
        )  # fmt: skip
        red = [self.red.kind.value, self.red.stack, self.red.name]
        asked = [_QUESTION, family, red, list(self.pins)]
        return digest(asked)

    def _is_asked(self, unit: BuildUnit | SmokeUnit) -> bool:
        if isinstance(unit, SmokeUnit):
            return True  # no other is there
        asked = self.red.kind is RedKind.BUILD and unit.stack.name == self.red.stack
        return asked and features(unit.policy) == self.red.name


def narrowed(stack: Stack, red: Red) -> Stack:
    """Return a stack with no other component than the one that is red, and no other case."""
    asked, _, case = red.name.partition("/")
    own = red.kind is RedKind.SMOKE and red.stack == stack.name
    smoke = tuple(
        msgspec.structs.replace(
            s, cases={n: c for n, c in s.cases.items() if not case or n == case}
        )
        for s in stack.policy.smoke
        if own and s.name == asked
    )
    policy = msgspec.structs.replace(stack.policy, smoke=smoke)
    return msgspec.structs.replace(stack, policy=policy)


def built_together(red: Red, attempts: list[Attempt]) -> tuple[Attempt, ...]:
    """Return the stacks that go into what is red: its own and those below; all, for the graph."""
    going = [a for a in attempts if not a.stuck]
    own = next((a for a in going if a.stack.name == red.stack), None)
    if own is None:
        return tuple(going)
    lower = below(own, going)
    return tuple(a for a in going if a is own or a in lower)


def same(one: Red, other: Red) -> bool:
    """Whether two reds are the same trouble, wherever its lines have moved to meanwhile."""
    if one.kind is not other.kind:
        return False
    if one.errors or other.errors:
        return bool(_errors(one) & _errors(other))
    return steady(one.why) == steady(other.why)


def _errors(red: Red) -> frozenset[tuple[str, str]]:
    return frozenset((d.code, d.message) for d in red.errors)
