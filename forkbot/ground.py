"""The floor of a stack in conflict, proven: built and run there, or as far down as it is green.

That a stack applies is no proof. Where its floor is red, upstream's line is bisected from there
down to the base; each step builds and runs the family anew, of which cargo keeps what is the same.
A bisection: were it green, red and green again on the way, the place it ends at is green still, and
the next one is not.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence

import msgspec

from forkbot.attempt import Attempt, attempt_rebase
from forkbot.errors import RemoteError, TimedOutError, UsageError
from forkbot.git.repository import Repository
from forkbot.git.workbench import Workbench
from forkbot.hold import below
from forkbot.locate import Aim
from forkbot.model.fate import Fate, Rebase
from forkbot.model.judgement import Checked, Floor
from forkbot.model.place import Place
from forkbot.model.probe import Red
from forkbot.rebase.engine import rebase
from forkbot.rebase.floor import Line
from forkbot.rebase.recreate import Change, recreate
from forkbot.red import UnclearError, clear_red, red_of
from forkbot.session import Session
from forkbot.verification import member_of, try_out
from forkbot.verify.family import Member
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime, find_wasmtime


def ground(
    attempt: Attempt,
    attempts: list[Attempt],
    *,
    session: Session,
    toolchain: Toolchain,
    held: contextlib.ExitStack,
) -> None:
    """Fill in what building and running says of the floor of a stack in conflict.

    The rest of its family, among ``attempts``, takes part with this run's results, or where it has
    none as its files say. A stack without a floor stays as it is.
    """
    if attempt.rebased is None or attempt.repository is None:
        return
    facts, floor = attempt.rebased.facts, attempt.rebased.facts.floor
    if facts.conflict is None or floor is None:
        return
    try:
        yard = _Yard(
            attempt=attempt, repository=attempt.repository, session=session, toolchain=toolchain,
            wasmtime=find_wasmtime(env=session.ambient, cache=session.cache, say=session.say),
            others=_others(attempt, attempts, session=session, toolchain=toolchain, held=held),
        )  # fmt: skip
        proven = yard.prove(facts, floor)
    except (UsageError, RemoteError, TimedOutError) as e:
        attempt.trouble = e
        return
    attempt.rebased = dataclasses.replace(
        attempt.rebased, facts=msgspec.structs.replace(facts, floor=proven)
    )


def newest_green(
    places: Sequence[int], red: Callable[[int], str]
) -> tuple[int | None, tuple[int, str]]:
    """Return the newest of ``places`` that is green, and the one after it, with why it is red.

    Oldest first; ``red`` says why one is not green, or ''. None where the first is not.
    """
    good, bad, why = 0, len(places) - 1, red(places[-1])
    if not why:
        return places[-1], (places[-1], "")
    if bad == 0 or red(places[0]):
        return None, (places[-1], why)
    while bad - good > 1:
        middle = (good + bad) // 2
        said = red(places[middle])
        if said:
            bad, why = middle, said
        else:
            good = middle
    return places[good], (places[bad], why)


def _others(
    attempt: Attempt,
    attempts: list[Attempt],
    *,
    session: Session,
    toolchain: Toolchain,
    held: contextlib.ExitStack,
) -> tuple[Attempt, ...]:
    """Return what the stack is built on and what is built on it, lower ones first."""
    lower, found = below(attempt, attempts), []
    for other in attempts:
        if other is attempt or not (other in lower or attempt in below(other, attempts)):
            continue
        stands = other
        if other.stuck:
            stands = attempt_rebase(
                other.stack, chosen=False, session=session, aim=Aim(stay=True),
                toolchain=toolchain, held=held,
            )  # fmt: skip
        if stands.trouble is not None and other in lower:
            raise stands.trouble
        if not stands.stuck:
            found.append(stands)
    return tuple(found)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Yard:
    """Where one stack is tried on other commits, among its family."""

    attempt: Attempt
    repository: Repository
    others: tuple[Attempt, ...]
    session: Session
    toolchain: Toolchain
    wasmtime: Wasmtime

    def prove(self, facts: Rebase, floor: Floor) -> Floor:
        """Return the floor with its colour, or a lower one that is green."""
        stack = self.attempt.stack
        if not stack.policy.build:
            return _coloured(floor, Checked.RED, "nothing was built: stack.yaml names no build")
        with Workbench(self.repository) as bench:
            changes = recreate(stack, bench=bench, channel=facts.channel, base=facts.base)
            line = Line(
                stack, changes, channel=facts.channel, base=facts.base, onto=facts.onto,
                taken={o.name for o in facts.outcomes if o.fate is Fate.MERGED}, bench=bench,
            )  # fmt: skip
            known = self._known_green(changes)

            def red(at: int) -> str:
                return "" if at == 0 and known else self._red(line.place(at), facts)

            top = line.commits.index(floor.place.commit)
            places = [at for at in range(top + 1) if line.applies(at)]
            try:
                green, (next_one, why) = newest_green(places, red)
            except UnclearError as e:
                return _coloured(floor, Checked.NOT_ASKED, e.what)
            if green == top:
                return _coloured(floor, Checked.GREEN, "")
            if green is None:
                return _coloured(floor, Checked.RED, why)
            why = f"red at {line.place(next_one).label}: {why}"
            return _coloured(line.tell(green), Checked.GREEN, why)

    def _known_green(self, changes: tuple[Change, ...]) -> bool:
        """Whether the lock remembers that the stack is green on its base."""
        lock = self.attempt.stack.lock.channel(self.session.channel)
        if lock is None or lock.verdict is None or not changes:
            return False
        return lock.verdict.status == "green" and lock.result_tree == changes[-1].after

    def _red(self, place: Place, facts: Rebase) -> str:
        """Return why the stack is red on a commit, or ''; ``UnclearError`` when nobody knows."""
        stack = self.attempt.stack
        self.session.say(f"{stack.name}: does it build and run on {place.label}?")
        there = rebase(
            stack, repository=self.repository, channel=facts.channel, base=facts.base, onto=place,
            rustc=self.toolchain.version,
        )  # fmt: skip
        if there.facts.tip is None:
            raise AssertionError("a stack is tried only where it applies")
        members = self._members(dataclasses.replace(self.attempt, rebased=there))

        def found() -> Red | None:
            return red_of(
                try_out(
                    members, session=self.session, toolchain=self.toolchain,
                    wasmtime=self.wasmtime, first=stack.name,
                )
            )  # fmt: skip

        red = clear_red(found, say=self.session.say)
        return red.why if red is not None else ""

    def _members(self, moved: Attempt) -> tuple[Member, ...]:
        return tuple(member_of(a, self.session) for a in (*self.others, moved))


def _coloured(floor: Floor, verified: Checked, why: str) -> Floor:
    return msgspec.structs.replace(floor, verified=verified, why=why)
