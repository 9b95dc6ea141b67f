"""One look at a red under other circumstances: what is turned back, built and run, nothing else."""

import dataclasses
import time

from msgspec.structs import replace

from forkbot.attempt import Attempt
from forkbot.attribution.suspects import RUSTC, WASMTIME, Before
from forkbot.buildbreaker.asking import narrowed
from forkbot.errors import ForkbotError
from forkbot.model.attribution import Cell, Part, Seen
from forkbot.model.probe import Red, RedKind
from forkbot.red import only_of, reds_of
from forkbot.report.guilt import circumstances
from forkbot.session import Session
from forkbot.verification import member_of, try_out, workshop_of
from forkbot.verify.attribute import Ask
from forkbot.verify.family import Member
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.trial import Trial
from forkbot.verify.wasmtime import Wasmtime
from forkbot.words import Pin


@dataclasses.dataclass(slots=True, kw_only=True)
class Looker:
    """Looks at one red; ``again`` is what it was the second time, once it was asked again."""

    red: Red
    members: tuple[Attempt, ...]  # all that goes into what is red, lower ones first
    before: Before | None  # None: it was never green
    pins: tuple[Pin, ...]  # with which it is red; none where cargo could not resolve it
    session: Session
    toolchain: Toolchain
    wasmtime: Wasmtime
    again: Trial = dataclasses.field(default_factory=Trial)

    def look(self, ask: Ask) -> Cell:
        """Return what is seen there. What cannot be had there is said, and not tried."""
        began = time.monotonic()
        cell = Cell(back=ask.back, pristine=ask.pristine, host=ask.host, seen=Seen.UNTRIED)
        whose = self.red.stack or "the family"
        self.session.say(f"whose fault is it? {whose}, {circumstances(cell)}")
        try:
            seen, why = self._seen(self._trial(ask))
        except _UntriedError as e:
            seen, why = Seen.UNTRIED, str(e)
        except ForkbotError as e:
            seen, why = Seen.UNTRIED, e.what.splitlines()[0]
        return replace(cell, seen=seen, why=why, seconds=round(time.monotonic() - began, 1))

    def _trial(self, ask: Ask) -> Trial:
        toolchain, wasmtime = self.toolchain, self.wasmtime
        tools = [n for s in ask.back if s.part is Part.TOOLCHAIN for n in s.names]
        if tools:
            assert self.before is not None
            toolchain = (self.before.toolchain if RUSTC in tools else None) or toolchain
            wasmtime = (self.before.wasmtime if WASMTIME in tools else None) or wasmtime
        host = workshop_of(self.session, toolchain).host if ask.host else None
        trial = try_out(
            tuple(self._member(a, ask) for a in self.members), session=self.session,
            toolchain=toolchain, wasmtime=wasmtime, only=only_of(self.red), stop=False,
            pins=self._pins(ask), target=host,
        )  # fmt: skip
        if ask == Ask():
            self.again = trial
        return trial

    def _seen(self, trial: Trial) -> tuple[Seen, str]:
        reds = reds_of(trial)
        if self.red.kind is RedKind.GRAPH:
            return (Seen.RED, reds[0].why) if trial.problems else (Seen.GREEN, "")
        if trial.problems:
            return Seen.UNTRIED, trial.problems[0]
        mine = [r for r in reds if (r.kind, r.name) == (self.red.kind, self.red.name)]
        if mine and mine[0].unexplained and not self.red.unexplained:
            return Seen.UNTRIED, mine[0].why
        if mine:
            return Seen.RED, mine[0].why
        if not trial.builds and not trial.smokes:
            return Seen.UNTRIED, "there is nothing of the kind there"
        # of a component that does not build there is no case to find
        return (Seen.RED, reds[0].why) if reds and not trial.builds else (Seen.GREEN, "")

    def _member(self, attempt: Attempt, ask: Ask) -> Member:
        name = attempt.stack.name
        mine = {s.part for s in ask.back if s.stack == name}
        moved = attempt
        if Part.UPSTREAM in mine:
            assert self.before is not None
            assert attempt.again is not None
            place = self.before.places[name]
            there = attempt.again(attempt.stack, place)
            if there.facts.tip is None:
                raise _UntriedError(f"{name} does not apply to {place.label} any more")
            moved = dataclasses.replace(attempt, rebased=there)
        member = member_of(moved, self.session)
        member = dataclasses.replace(member, stack=narrowed(member.stack, self.red))
        if ask.pristine or Part.PATCHES in mine:
            return dataclasses.replace(member, tree=member.pristine_tree)
        return member

    def _pins(self, ask: Ask) -> tuple[Pin, ...]:
        """Return the versions to keep to: those with which it is red, but for what is turned back.

        What was released meanwhile has no part in it.
        """
        names = {n for s in ask.back if s.part is Part.DEPENDENCIES for n in s.names}
        old = self.before.pins if self.before is not None else ()
        return (
            *(pin for pin in self.pins if pin.partition(" ")[0] not in names),
            *(pin for pin in old if pin.partition(" ")[0] in names),
        )


class _UntriedError(Exception):
    """There is no such family to build."""
