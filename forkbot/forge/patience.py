"""How long, and how often: every wait has an end, every run a number of writes it may make."""

import dataclasses
import math
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from forkbot.errors import RemoteError

T = TypeVar("T")
ASKING = "forkbot asks"  # the name of a thread that does


class EnoughError(RemoteError):
    """Nothing more is asked of the forge in this run; the next one goes on where it ended.

    GitHub bans who goes on asking within the time it told to wait: where a run of many stacks
    meets this once, it is at its end with the forge, and says so once.
    """


@dataclasses.dataclass(kw_only=True)
class Budget:
    """How many writes one run may make.

    GitHub takes 80 that make content in a minute and 500 in an hour, from all who share a token;
    so another run in the same hour, or a person at work with it, is not locked out by this one.
    """

    limit: int = 400
    used: int = 0

    def spend(self, what: str) -> None:
        """Count one write; ``EnoughError`` before the first that is too many."""
        if self.used >= self.limit:
            raise EnoughError(
                f"this run has made the {self.limit:,} writes it may",
                where=what,
                hint="run the same command again in an hour: it goes on where this one ended",
            )
        self.used += 1


class Patience:
    """The waits of one run: each answer in ``answer`` seconds, no pause over ``pause``, and sums.

    A library's own timeout counts from byte to byte, so a server that drips holds it for ever; a
    thread that nobody waits for any more does not. It may still be about to send, so after that
    nothing more is asked here: a later write could be undone by an earlier one. Nor is anything
    asked after a pause that was too long: it would come before GitHub wants to be asked again.
    """

    def __init__(
        self,
        *,
        answer: float = 90.0,
        pause: float = 120.0,
        total: float = 600.0,  # of all pauses
        whole: float = 3_600.0,  # of all answers
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answer = answer
        self._longest = pause
        self._left = total
        self._whole = self._unanswered = whole
        self._sleep = sleep
        self._clock = clock
        self._until = 0.0
        self._asked = self._wrote = -math.inf
        self._enough: EnoughError | None = None

    def pause(self, seconds: float) -> None:
        """Sleep; ``EnoughError`` at once instead of a pause that is too long."""
        if seconds > min(self._longest, self._left):
            self._enough = EnoughError(
                f"GitHub asks to wait for {seconds:,.0f} s, and forkbot waits for at most "
                f"{self._longest:,.0f} s at once and {self._left:,.0f} s more in this run",
                hint="run the same command again later: it goes on where this one ended",
            )
            raise self._enough
        self._left -= seconds
        self._until += seconds
        self._sleep(seconds)

    def end(self, why: RemoteError) -> EnoughError:
        """Ask nothing more, because of an answer that no waiting changed."""
        self._enough = EnoughError(why.what, where=why.where, hint=why.hint)
        return self._enough

    def space(self, pace: float, *, writes: bool) -> None:
        """Wait until ``pace`` seconds after the last write, a quarter of it after a question."""
        due = max(self._asked + pace / 4, self._wrote + pace if writes else -math.inf)
        if (rest := due - self._clock()) > 0:
            self._sleep(rest)
        self._asked = self._clock()
        self._wrote = self._asked if writes else self._wrote

    def ask(self, question: Callable[[], T]) -> T:
        """Return the answer, or raise its error; ``EnoughError`` when there is none in time."""
        if self._enough is not None:
            raise _again(self._enough)
        answers: list[T] = []
        errors: list[BaseException] = []
        done = threading.Event()

        def work() -> None:
            try:
                answers.append(question())
            except BaseException as e:  # raised again where it was asked
                errors.append(e)
            finally:
                done.set()

        began, paused = time.monotonic(), self._left
        self._until = began + min(self._answer, self._unanswered)
        threading.Thread(target=work, name=ASKING, daemon=True).start()
        while not done.wait(max(0.0, self._until - time.monotonic())):
            if time.monotonic() >= self._until:  # else it paused meanwhile
                self._enough = self._no_answer()
                raise self._enough
        self._unanswered -= max(0.0, time.monotonic() - began - (paused - self._left))
        if errors:
            raise errors[0]
        return answers[0]

    def _no_answer(self) -> EnoughError:
        if self._unanswered < self._answer:
            what = f"GitHub took {self._whole:,.0f} s in all to answer this run"
        else:
            what = f"GitHub gave no whole answer in {self._answer:.0f} s"
        return EnoughError(
            f"{what}; nothing more was asked",
            hint="run the same command again later: it goes on where this one ended",
        )


def _again(e: EnoughError) -> EnoughError:
    """Return the same error to be raised at another place."""
    return EnoughError(e.what, where=e.where, hint=e.hint)
