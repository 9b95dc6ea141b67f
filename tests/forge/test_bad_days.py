"""A whole run while GitHub is not well: it ends soon, says what is not done, and does no harm."""

import email.utils
import time
from collections.abc import Mapping

import pytest

from tests.forge.gate import Answer, Fault, Lost
from tests.forge.hosted import Hosted
from tests.forge.test_calls import FORKS, NEWS, upstream
from tests.scenario import Upstream

__all__ = ["upstream"]
pytestmark = pytest.mark.wasm
DATE = email.utils.formatdate(1_795_000_000, usegmt=True)
DAYS: Mapping[str, tuple[Fault, str]] = {
    "a limit for an hour": (
        Answer(
            status=403,
            body={"message": "API rate limit exceeded for user ID 1."},
            headers={
                "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795003600", "Date": DATE,
            },
        ),
        ("GitHub asks to wait for 3,601 s, and forkbot waits for at most 120 s at once"),
    ),
    "a token that is refused": (
        Answer(status=401, body={"message": "Bad credentials"}),
        "GitHub refuses the token: Bad credentials",
    ),
    "a page for people": (
        Answer(status=200, body=b"<html>We are back soon</html>"),
        "GitHub's answer",
    ),
    "what is not described": (Answer(status=200, body=b"[[[]]]"), "GitHub's answer"),
    "a line that breaks": (Lost(after=False), "GitHub's answer did not come"),
}  # fmt: skip


@pytest.mark.parametrize("day", DAYS)
def test_a_bad_day_is_told_and_over_soon(day: str, hosted: Hosted, upstream: Upstream) -> None:
    fault, told = DAYS[day]
    upstream.commit("news", {"src/lib.rs": NEWS})
    before = hosted.standing()
    gate = hosted.hub.gate
    gate.asked.clear()
    gate.breaks(lambda _: True, *[fault] * 500)
    began = time.monotonic()
    said = hosted.forkbot("run", "--all", code=5)
    assert time.monotonic() - began < 120
    assert told in said.out
    assert len(gate.asked) <= 40
    assert gate.writes == []
    assert hosted.standing() == before
    gate.fresh()
    hosted.next_night()
    hosted.forkbot("run", "--all", code=3)
    titles = [s.title for name in FORKS for s in hosted.standing()[name].artefacts]
    assert len(titles) == len(FORKS)


def test_a_limit_in_the_midst_of_telling_leaves_the_rest_to_the_next_run(
    hosted: Hosted, upstream: Upstream
) -> None:
    upstream.commit("news", {"src/lib.rs": NEWS})
    gate = hosted.hub.gate
    opening = [False]

    def second_pull(path: str, verb: str) -> bool:
        met = verb == "POST" and path.endswith("/pulls") and opening[0]
        opening[0] |= verb == "POST" and path.endswith("/pulls")
        return met

    gate.breaks(lambda a: second_pull(a.path, a.verb), DAYS["a limit for an hour"][0])
    said = hosted.forkbot("run", "--all", code=5)
    assert "told: demo0, conflict: opened" in said.out
    assert "not told: demo1: GitHub asks to wait for 3,601 s" in said.out
    gate.fresh()
    hosted.next_night()
    said = hosted.forkbot("run", "--all", code=3)
    assert "told: demo1, conflict: opened" in said.out
    assert "not told" not in said.out
    gate.fresh()
    hosted.next_night()
    hosted.forkbot("run", "--all", code=3)
    assert gate.writes == []
