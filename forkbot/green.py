"""What was green before, and whether it is green still: cargo would take the same dependencies.

All else that goes into a verdict is in its key. What a registry released or withdrew since is not,
and that breaks a fork for its users as surely as a commit of upstream's does.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from forkbot.attempt import Attempt, cargo_of
from forkbot.cargo import CargoError
from forkbot.errors import TimedOutError
from forkbot.rundir import RunDirectory
from forkbot.session import Session
from forkbot.verify.dependencies import Dependencies, difference, would_take
from forkbot.verify.family import Member
from forkbot.verify.toolchain import Toolchain
from forkbot.words import Channel, StackName

_READ = 10  # run records, the newest


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Green:
    """A green answer that is on record; a stack is not among ``dependencies`` where none knows."""

    dependencies: Dependencies
    judged_at: dt.datetime | None = None
    # of canaries
    news: Mapping[StackName, tuple[str, ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The green answers to one question, the newest first; and whether a red one came after."""

    greens: Sequence[Green]
    red_since: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """The answer that holds still, and what is to be said of the dependencies, if anything."""

    green: Green | None = None
    said: str = ""


def answers_to(
    key: str, attempts: list[Attempt], *, channel: Channel, runs: RunDirectory
) -> Answers:
    """Return what was answered to a question: by runs here, and by the locks."""
    verdicts = [record.verdict for record in runs.newest(_READ)]
    said = [v for v in verdicts if v is not None and not v.reused and v.key == key]
    greens = [
        Green(dependencies=v.dependencies, judged_at=v.judged_at, news=v.news)
        for v in said
        if v.green
    ]
    if _locks_say(attempts, key, channel):
        greens.append(in_locks(attempts, channel))
    return Answers(greens=greens, red_since=bool(said) and not said[0].green)


def in_locks(attempts: Iterable[Attempt], channel: Channel) -> Green:
    """Return the answer that the locks of ``attempts`` hold, all of which are green."""
    locks = {a.stack.name: a.stack.lock.channel(channel) for a in attempts}
    return Green(
        dependencies={
            name: lock.proven.dependencies
            for name, lock in locks.items()
            if lock is not None and lock.proven is not None
        },
        news={n: k.verdict.news for n, k in locks.items() if k and k.verdict and k.verdict.news},
    )


def _locks_say(attempts: list[Attempt], key: str, channel: Channel) -> bool:
    """Whether every lock remembers a green answer to this question, and nothing is to be done."""
    for attempt in attempts:
        lock = attempt.stack.lock.channel(channel)
        if lock is None or lock.verdict is None:
            return False
        if lock.verdict.key != key or lock.verdict.status != "green":
            return False
        if attempt.publication is not None and attempt.publication.writes:
            return False
    return True


def still_green(
    answers: Answers,
    members: tuple[Member, ...],
    *,
    session: Session,
    toolchain: Toolchain,
) -> Belief:
    """Return which green answer holds still; none where cargo would take other dependencies.

    Where the registry is silent the newest one is believed unless a red one came after it, and
    that is said.
    """
    session.say("looking at the dependencies")
    try:
        now = would_take(
            members, cargo=cargo_of(toolchain, session), cwd=session.root, scratch=session.scratch
        )
    except TimedOutError as e:
        return _unseen(e.what, answers)
    except CargoError as e:
        if e.code < 0:
            return _unseen(f"cargo was ended by signal {-e.code}", answers)
        if e.silent:
            return _unseen(f"cargo cannot reach its registry: {e.last_words}", answers)
        return Belief(said=f"cargo resolves the family no longer: {e.last_words}")
    for green in answers.greens:
        if all(green.dependencies.get(stack) == pins for stack, pins in now.items()):
            return Belief(green=green)
    known = (g for g in answers.greens if g.dependencies.keys() >= now.keys())
    was = next(known, None)
    if was is None:
        return Belief(said="it is not known with which dependencies the family was green")
    told = difference(was.dependencies, now)
    return Belief(said=f"the family takes other dependencies than when it was green: {told}")


def _unseen(why: str, answers: Answers) -> Belief:
    green = None if answers.red_since else answers.greens[0]
    return Belief(green=green, said=f"the dependencies were not looked at: {why}")
