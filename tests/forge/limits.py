"""GitHub's limits as its documentation has them, by a clock that only the simulation moves.

"Rate limits for the REST API": 5,000 requests an hour with a person's token; 80 requests that make
content in a minute and 500 in an hour; 900 points a minute, where a question counts one and a write
five; no more than 100 at once. "Best practices": who goes on asking within the time it was told to
wait may be banned.
"""

import dataclasses
import email.utils
from collections import deque
from collections.abc import Callable

from tests.forge.gate import Answer, Asked

HOUR, MINUTE = 3_600.0, 60.0
BEGIN = 1_795_000_000


@dataclasses.dataclass(slots=True)
class Clock:
    """Seconds that pass where somebody sleeps, and with each answer."""

    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def read(self) -> float:
        """Return the seconds since the beginning."""
        return self.now


@dataclasses.dataclass(slots=True, kw_only=True)
class Limits:
    """What is counted, and what is refused because of it."""

    clock: Clock
    takes: float = 0.3  # seconds until an answer is there, as GitHub's take
    says_when: bool = True  # whether a refusal has Retry-After
    hour: int = 5_000
    refused: list[str] = dataclasses.field(default_factory=list)
    banned: list[str] = dataclasses.field(default_factory=list)
    most_a_minute: int = 0
    points_a_minute: int = 0
    _asked: deque[tuple[float, bool]] = dataclasses.field(default_factory=deque)
    _not_before: float = 0.0

    def judge(self, asked: Asked) -> Answer | None:
        """Count a request; return how GitHub refuses it, if it does."""
        now = self.clock.now
        self.clock.sleep(self.takes)
        if now < self._not_before:
            self.banned.append(f"{asked} {self._not_before - now:.0f} s too early")
        while self._asked and self._asked[0][0] <= now - HOUR:
            self._asked.popleft()
        self._asked.append((now, asked.writes))
        minute = [writes for when, writes in self._asked if when > now - MINUTE]
        self.most_a_minute = max(self.most_a_minute, sum(minute))
        self.points_a_minute = max(self.points_a_minute, len(minute) + 4 * sum(minute))
        if len(self._asked) > self.hour:
            return self._primary(self._asked[0][0] + HOUR)
        writes = sum(writes for _, writes in self._asked)
        over = len(minute) + 4 * sum(minute) > 900 or (
            asked.writes and (sum(minute) > 80 or writes > 500)
        )
        return self._secondary(asked) if over else None

    def _secondary(self, asked: Asked) -> Answer:
        self._asked.pop()  # what was refused made nothing
        self.refused.append(str(asked))
        self._not_before = self.clock.now + MINUTE
        return self._answer("You have exceeded a secondary rate limit.", self._told())

    def _told(self) -> dict[str, str]:
        return {"Retry-After": "60"} if self.says_when else {}

    def _primary(self, until: float) -> Answer:
        self.refused.append("primary")
        self._not_before = until
        reset = str(int(BEGIN + until) + 1)
        return self._answer(
            "API rate limit exceeded for user ID 1.",
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset},
        )

    def _answer(self, message: str, headers: dict[str, str]) -> Answer:
        date = email.utils.formatdate(BEGIN + self.clock.now, usegmt=True)
        return Answer(status=403, body={"message": message}, headers={**headers, "Date": date})


Judge = Callable[[Asked], Answer | None]
