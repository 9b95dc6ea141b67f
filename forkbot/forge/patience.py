"""How long, and how often: every wait has an end, every run a number of writes it may make."""

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from forkbot.errors import RemoteError

T = TypeVar("T")
ASKING = "forkbot asks"  # the name of a thread that does


@dataclasses.dataclass(kw_only=True)
class Budget:
    """How many writes one run may make.

    GitHub takes 80 that make content in a minute and 500 in an hour, from all who share a token.
    """

    limit: int = 400
    used: int = 0

    def spend(self, what: str) -> None:
        """Count one write; ``RemoteError`` before the first that is too many."""
        if self.used >= self.limit:
            raise RemoteError(
                f"this run has made its {self.limit} writes: not done is {what}",
                hint="run the same command again in an hour: it goes on where this one ended",
            )
        self.used += 1


class Patience:
    """The waits of one run: each answer in ``answer`` seconds, no pause over ``pause``, and a sum.

    A library's own timeout counts from byte to byte, so a server that drips holds it for ever; a
    thread that nobody waits for any more does not. It may still be about to send, so after that
    nothing more is asked here: a later write could be undone by an earlier one.
    """

    def __init__(
        self,
        *,
        answer: float = 90.0,
        pause: float = 120.0,
        total: float = 600.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._answer = answer
        self._longest = pause
        self._left = total
        self._sleep = sleep
        self._until = 0.0
        self._lost = False

    def pause(self, seconds: float) -> None:
        """Sleep; ``RemoteError`` at once instead of a pause that is too long."""
        if seconds > min(self._longest, self._left):
            raise RemoteError(
                f"GitHub asks to wait for {seconds:,.0f} s, and forkbot waits for at most "
                f"{self._longest:,.0f} s at once and {self._left:,.0f} s more in this run",
                hint="run the same command again later: it goes on where this one ended",
            )
        self._left -= seconds
        self._until += seconds
        self._sleep(seconds)

    def ask(self, question: Callable[[], T]) -> T:
        """Return the answer, or raise its error; ``RemoteError`` when there is none in time."""
        if self._lost:
            raise self._no_answer()
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

        self._until = time.monotonic() + self._answer
        threading.Thread(target=work, name=ASKING, daemon=True).start()
        while not done.wait(max(0.0, self._until - time.monotonic())):
            if time.monotonic() >= self._until:  # else it paused meanwhile
                self._lost = True
                raise self._no_answer()
        if errors:
            raise errors[0]
        return answers[0]

    def _no_answer(self) -> RemoteError:
        return RemoteError(
            f"GitHub gave no whole answer in {self._answer:.0f} s; nothing more was asked",
            hint="run the same command again later: it goes on where this one ended",
        )
