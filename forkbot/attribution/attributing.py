"""Each red of a verdict, and whose fault it is; what follows from an earlier red is told with it.

Only bad luck is tried again by itself: what is green the second time counts as green, and is told
as a flake. Everything else stays red, whoever is to blame.
"""

import dataclasses
import time

from msgspec.structs import replace

from forkbot.attempt import Attempt
from forkbot.attribution.looking import Looker
from forkbot.attribution.naming import Namer
from forkbot.attribution.suspects import Before, never_green, proven_of, since_green, then
from forkbot.buildbreaker.asking import Limits, built_together, same
from forkbot.errors import ForkbotError
from forkbot.model.attribution import Attribution, Cell, Guilty
from forkbot.model.buildbreaker import BuildBreaker
from forkbot.model.probe import Red, RedKind
from forkbot.model.verdict import Build, Colour, Smoke, Verdict
from forkbot.red import reds_of
from forkbot.report.matter import steady
from forkbot.report.verified import features
from forkbot.session import Session
from forkbot.verify.attribute import Ask, Found, next_of
from forkbot.verify.toolchain import Toolchain, find_like
from forkbot.verify.trial import Trial
from forkbot.verify.wasmtime import Wasmtime, find_wasmtime, find_wasmtime_like
from forkbot.words import StackName

_REDS = 3  # that are looked into in one run; a flake is none of them
_FLAKES = 12


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """A verdict with whose fault its reds are, and what was searched for on the way.

    ``settled`` when nothing more is to be searched for: of the first red it is known.
    """

    verdict: Verdict
    breakers: tuple[BuildBreaker, ...] = ()
    settled: bool = False


def attribute(
    verdict: Verdict,
    attempts: list[Attempt],
    *,
    session: Session,
    toolchain: Toolchain,
    limits: Limits,
) -> Attributed:
    """Return the verdict with whose fault each of its reds is; what was only a flake is green.

    ``attempts`` are the family as it was verified. Nothing is looked at where nothing is red.
    """
    queue = _grouped(reds_of(verdict), attempts)
    if not queue or verdict.reused:
        return Attributed(verdict=verdict)
    wasmtime = find_wasmtime(env=session.ambient, cache=session.cache, say=session.say)
    until, breakers, settled = time.monotonic() + limits.seconds, list[BuildBreaker](), True
    found: list[Attribution] = []
    while queue:
        flakes = sum(a.guilty is Guilty.FLAKE for a in found)
        red, *also = queue.pop(0)
        if len(found) - flakes >= _REDS or flakes >= _FLAKES or time.monotonic() > until:
            why = "not looked into: the run was busy enough with the others"
            found.append(Attribution(red=red, guilty=Guilty.UNKNOWN, why=why, also=_named(also)))
            continue
        inquiry = _Inquiry(
            red=red, attempts=attempts, verdict=verdict, session=session, toolchain=toolchain,
            wasmtime=wasmtime, until=until, limits=limits,
        )  # fmt: skip
        said = inquiry.answer()
        breakers += inquiry.breakers
        if said.guilty is Guilty.FLAKE:
            verdict = _green_after_all(verdict, inquiry.again)
            queue = [[other] for other in also] + queue  # each may have had its own bad luck
            also = []
        elif len(found) == flakes:  # the first that is red still
            settled = inquiry.known and said.guilty is not Guilty.UNKNOWN
        found.append(replace(said, also=_named(also)))
    verdict = replace(verdict, attributions=(*verdict.attributions, *found))
    return Attributed(verdict=verdict, breakers=tuple(breakers), settled=settled)


def _named(reds: list[Red]) -> tuple[str, ...]:
    return tuple(red.why for red in reds)


def _grouped(reds: list[Red], attempts: list[Attempt]) -> list[list[Red]]:
    """Return the reds, each with what follows from it: the same error, or what it left unbuilt."""
    groups: list[list[Red]] = []
    for red in reds:
        first = next((g for g in groups if _follows(red, g[0], attempts)), None)
        if first is None:
            groups.append([red])
        else:
            first.append(red)
    return groups


def _follows(red: Red, first: Red, attempts: list[Attempt]) -> bool:
    if first.kind is RedKind.GRAPH:
        return True  # what was built of a wrong graph says nothing
    if same(red, first):
        return True
    if red.kind is not RedKind.SMOKE:
        return False
    if first.stack not in [a.stack.name for a in built_together(red, attempts)]:
        return False
    if first.kind is RedKind.BUILD:
        return "it does not build" in red.why
    # words of its own, and the same: a bare exit code says nothing
    words = _words(red)
    return "(" in words and words == _words(first)


def _words(red: Red) -> str:
    return steady(red.why.partition(" is red: ")[2])


def _green_after_all(verdict: Verdict, again: Trial) -> Verdict:
    """Return the verdict with what was green the second time in the place of the first."""
    built = {(b.stack, features(b)): b for b in again.builds if b.colour is not Colour.RED}

    def build_after(build: Build) -> Build:
        red = build.colour is Colour.RED
        return built.get((build.stack, features(build)), build) if red else build

    return replace(
        verdict,
        builds=tuple(build_after(b) for b in verdict.builds),
        smokes=tuple(s for smoke in verdict.smokes for s in _ran_after_all(smoke, again)),
    )


def _ran_after_all(smoke: Smoke, again: Trial) -> tuple[Smoke, ...]:
    """Return how a case did the second time, if it was green then; all, if none was built once."""
    second = tuple(
        s
        for s in again.smokes
        if (s.stack, s.name) == (smoke.stack, smoke.name) and smoke.case in ("", s.case)
    )
    if smoke.pristine or smoke.colour is not Colour.RED or not second:
        return (smoke,)
    return (smoke,) if any(s.colour is Colour.RED for s in second) else second


@dataclasses.dataclass(slots=True, kw_only=True)
class _Inquiry:
    """Looks at one red until it is known whose fault it is, or the looks are used up."""

    red: Red
    attempts: list[Attempt]
    verdict: Verdict
    session: Session
    toolchain: Toolchain
    wasmtime: Wasmtime
    until: float
    limits: Limits
    known: bool = True
    breakers: tuple[BuildBreaker, ...] = ()
    again: Trial = dataclasses.field(default_factory=Trial)
    cells: list[Cell] = dataclasses.field(default_factory=list)

    def answer(self) -> Attribution:
        """Return whose fault it is, with all that was looked at."""
        began = time.monotonic()
        members = built_together(self.red, self.attempts)
        before = self._before(members)
        looker = Looker(
            red=self.red, members=members, before=before, session=self.session,
            pins=tuple(sorted({p for ps in self.verdict.dependencies.values() for p in ps})),
            toolchain=self.toolchain, wasmtime=self.wasmtime,
        )  # fmt: skip
        case = (
            since_green(self.red, members, before, self.verdict)
            if before is not None
            else never_green(self.red, members, self.verdict)
        )

        def look(ask: Ask) -> Cell:
            self.cells.append(looker.look(ask))
            return self.cells[-1]

        self.known = case.known
        step = next_of(case, self.cells)
        while isinstance(step, Ask) and self._may_go_on():
            look(step)
            step = next_of(case, self.cells)
        self.again = looker.again
        said = Attribution(
            red=self.red, guilty=Guilty.UNKNOWN, why="there was no time to look any further"
        )
        if isinstance(step, Found):
            namer = Namer(
                case=case,
                looker=looker,
                look=look,
                verdict=self.verdict,
                attempts=self.attempts,
                limits=self.limits,
            )
            try:
                said = namer.name(step)
                self.breakers = tuple(namer.breakers)
            except ForkbotError as e:
                said = replace(said, why=f"the search for its name stopped: {e.what}")
        return replace(
            said, suspects=case.suspects, cells=tuple(self.cells),
            seconds=round(time.monotonic() - began, 1),
        )  # fmt: skip

    def _may_go_on(self) -> bool:
        return len(self.cells) < self.limits.probes and time.monotonic() < self.until

    def _before(self, members: tuple[Attempt, ...]) -> Before | None:
        channel = self.session.channel
        proven = proven_of(self.red, members, channel)
        if proven is None:
            return None
        places = {
            a.stack.name: place
            for a in members
            if a.stack.name in proven and (place := then(a, proven[a.stack.name], channel))
        }
        own = proven.get(StackName(self.red.stack)) or next(iter(proven.values()))
        env, cache = self.session.ambient, self.session.cache
        old = old_wasmtime = None
        if own.rustc != self.toolchain.version:
            old = find_like(own.rustc, env=env, cache=cache)
        if own.wasmtime != self.wasmtime.version:
            old_wasmtime = find_wasmtime_like(own.wasmtime, env=env, cache=cache)
        pins = {pin for name, p in proven.items() for pin in p.dependencies
                if self.red.stack in ("", name)}  # fmt: skip
        return Before(
            proven=proven, places=places, pins=tuple(sorted(pins)), toolchain=old,
            wasmtime=old_wasmtime,
        )  # fmt: skip
