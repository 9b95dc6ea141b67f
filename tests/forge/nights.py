"""The nights that the tests break: what is there before each, and how its run ends."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.forge.hosted import HOME, Hosted
from tests.forge.story import answer, easy_news, founded, hard_news
from tests.scenario import Upstream

RUN = ("run", "--all")
CONFLICT = "forkbot/demo/conflict-fix"
UPDATE = "forkbot/update/demo"
Tools = tuple[Toolchain, Wasmtime]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A night: what happened before it, to a stack that is on GitHub, and its exit code."""

    name: str
    before: Callable[[Hosted, Upstream], None]
    code: int = 0

    def begin(self, hosted: Hosted, proofs: Path, tools: Tools) -> None:
        """Let all happen that comes before."""
        self.before(hosted, founded(hosted, proofs, tools))

    def run(self, hosted: Hosted) -> None:
        """Let the night pass undisturbed."""
        hosted.forkbot(*RUN, code=self.code)

    def __str__(self) -> str:
        """Name it in a test's id."""
        return self.name


def _easy(hosted: Hosted, upstream: Upstream) -> None:
    hosted.forkbot(*RUN)
    hosted.next_night()
    easy_news(upstream)


def _hard(hosted: Hosted, upstream: Upstream) -> None:
    hosted.forkbot(*RUN)
    hosted.next_night()
    hard_news(upstream)


def _over(hosted: Hosted, upstream: Upstream) -> None:
    _hard(hosted, upstream)
    hosted.forkbot(*RUN, code=3)
    hosted.next_night()
    easy_news(upstream)


def _answered(hosted: Hosted, upstream: Upstream) -> None:
    hosted.forkbot(*RUN)
    hosted.next_night()
    easy_news(upstream)
    hard_news(upstream)
    hosted.forkbot(*RUN, code=3)
    hosted.person_pushes("demo", CONFLICT, answer, why="keep both")
    hosted.next_night()


def _merged(hosted: Hosted, upstream: Upstream) -> None:
    _answered(hosted, upstream)
    hosted.forkbot(*RUN)
    hosted.person_merges(HOME, UPDATE)
    hosted.next_night()


FIRST = Night(name="nothing is published yet", before=lambda _, __: None)
EASY = Night(name="upstream went on", before=_easy)
HARD = Night(name="upstream came into the way", before=_hard, code=3)
OVER = Night(name="upstream is out of the way again", before=_over)
ANSWERED = Night(name="a person has answered", before=_answered)
MERGED = Night(name="a person merged the answered patch", before=_merged)
NIGHTS = (FIRST, EASY, HARD, OVER, ANSWERED, MERGED)
