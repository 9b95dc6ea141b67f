"""What a plan heard on the forge, done once more where no token is to hear it with."""

import contextlib
import dataclasses

import msgspec

from forkbot.attempt import Attempt
from forkbot.browser.parking import park
from forkbot.errors import UsageError
from forkbot.locate import Aim
from forkbot.model.plan import News, Plan
from forkbot.model.stack import Stack
from forkbot.session import Session


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How stacks are to be rebased: as a plan says, else as a person asked."""

    aim: Aim
    plan: Plan | None = None

    def aim_of(self, stack: Stack) -> Aim:
        """Return where a stack goes: to the very commit that was planned, though upstream moved."""
        news = self._news(stack)
        return Aim(onto=news.onto, planned=True) if news and news.onto else self.aim

    def follow(
        self, attempts: list[Attempt], *, session: Session, held: contextlib.ExitStack
    ) -> bool:
        """Bring each stack to what the plan made of it; return whether to verify again."""
        again = False
        for attempt in attempts:
            news = self._news(attempt.stack)
            if news is not None and attempt.chosen and attempt.trouble is None:
                again |= news.again
                _follow(attempt, news, session=session, held=held)
        return again

    def _news(self, stack: Stack) -> News | None:
        told = self.plan.stacks if self.plan is not None else ()
        return next((n for n in told if n.stack == stack.name), None)


def news_of_people(attempt: Attempt, *, new: str, release: bool, again: bool) -> News:
    """Return what a plan tells of a stack, so that it can be followed."""
    onto = attempt.rebased.facts.onto if attempt.rebased is not None else None
    return News(
        stack=attempt.stack.name,
        new=new,
        onto="" if onto is None else onto.label if release else onto.commit,
        answers=attempt.said.answers,
        parked=attempt.said.parked,
        again=again,
    )


def _follow(attempt: Attempt, news: News, *, session: Session, held: contextlib.ExitStack) -> None:
    for patch in news.parked:
        if why := park(attempt, patch, session=session, held=held):
            attempt.trouble = UsageError(f"the plan lets {patch} go, and here {why}")
            return
    if news.answers:
        assert attempt.again is not None
        assert attempt.rebased is not None
        stack = msgspec.structs.replace(attempt.stack, resolutions=news.answers)
        attempt.rebased = attempt.again(stack, attempt.rebased.facts.onto)
