"""1,000 stacks, all with news, under the limits that GitHub documents, by a clock of its own.

What is simulated is time, and how GitHub counts; each request is made, checked and answered.
"""

import dataclasses
import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkbot.connection import Connection
from forkbot.errors import EXIT_USAGE
from forkbot.forge.auth import parse_token
from forkbot.forge.github import GitHubForge
from forkbot.forge.patience import Budget, Patience
from forkbot.model.artefact import Act
from forkbot.model.record import RunRecord, StackRecord, Trouble
from forkbot.model.stack import ForkPolicy, Lock, Policy, Stack, UpstreamPolicy, WhenPolicy
from forkbot.report.told import untold
from forkbot.session import Session
from forkbot.telling import tell
from forkbot.words import BranchName, Channel, StackName
from tests.forge.conftest import CACHE
from tests.forge.emulator import OUR_TOKEN, US, Emulator, emulator
from tests.forge.gate import Gate
from tests.forge.limits import HOUR, Clock, Limits
from tests.forge.places import GitHubPlace
from tests.get_emulate import home
from tests.report.records import record


@dataclasses.dataclass(slots=True, kw_only=True)
class Run:
    """What one run came to."""

    record: RunRecord
    seconds: int
    asked: int
    writes: int

    @property
    def told(self) -> int:
        """Return how many stacks are told all there is to tell."""
        return sum(s.untold is None for s in self.record.stacks)


class Many:
    """A stacks repository of many stacks, on a GitHub that counts."""

    def __init__(self, place: GitHubPlace, folder: Path, count: int) -> None:
        self.place = place
        self.clock = Clock()
        self.limits = Limits(clock=self.clock)
        self.names = [StackName(f"stack-{n:04}") for n in range(count)]
        self._family = tuple(map(_stack, self.names))
        self._folder = folder
        place.gate.refusal = self.limits.judge

    def run(
        self, word: str, *, limit: int = 400, dry_run: bool = False, pause: float = HOUR
    ) -> Run:
        """Let every stack have that trouble, and tell it: a while after whatever was before."""
        self.clock.sleep(pause)
        self.place.gate.asked.clear()
        session = Session(
            root=self._folder, cache=self._folder, ambient={}, channel=Channel.RELEASE,
            now=dt.datetime.now(dt.UTC), say=lambda _: None, dry_run=dry_run,
        )  # fmt: skip
        forge = GitHubForge(
            parse_token(OUR_TOKEN, where="a test"), owner=US, ambient=dict(os.environ),
            api=self.place.gate.url, web=self.place.gate.url, budget=Budget(limit=limit),
            patience=Patience(sleep=self.clock.sleep, clock=self.clock.read), pace=1.0,
        )  # fmt: skip
        began = self.clock.now
        told = tell(
            record(*(_ill(n, word) for n in self.names), code=EXIT_USAGE, dry_run=dry_run),
            self._family, whole=True, session=session,
            connection=Connection(forge=forge, home=self.place.repo),
        )  # fmt: skip
        return Run(
            record=told, seconds=round(self.clock.now - began),
            asked=len(self.place.gate.asked), writes=len(self.place.gate.writes),
        )  # fmt: skip

    def standing(self, word: str) -> int:
        """Return how many issues say a word."""
        # past the gate, in pages as emulate gives them
        pages = (
            self.place.emulator.ask(
                "GET", f"{self.place.at}/issues?state=open&per_page=100&page={n}"
            )
            for n in range(1, len(self.names) // 100 + 2)
        )
        titles = [e["title"] for page in pages if isinstance(page, list) for e in page]
        return sum(f"no result: {word}" in title for title in titles)


def _stack(name: StackName) -> Stack:
    policy = Policy(
        crate=name, upstream=UpstreamPolicy(git="https://example.invalid/x"),
        fork=ForkPolicy(repo=name, branches={Channel.MAIN: BranchName("wasip2")}),
        when=WhenPolicy(dashboard="issue"),
    )  # fmt: skip
    return Stack(name=name, policy=policy, patches=(), lock=Lock(), smoke_digest="")


def _ill(name: StackName, word: str) -> StackRecord:
    return StackRecord(
        name=name, crate=name, about="", trouble=Trouble(what=word, exit_code=EXIT_USAGE)
    )


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gate, Emulator]]:
    """Lend an emulate that nobody else asks: it counts 5,000 requests an hour itself."""
    if not home(CACHE).is_dir():
        pytest.skip("npm's emulate is not here: make emulate")
    scratch = tmp_path_factory.mktemp("counted")
    with (
        Gate().opened() as gate,
        emulator(home(CACHE), scratch, advertised=gate.url) as there,
    ):
        gate.behind = there.port
        yield gate, there
        assert gate.wrong == []


@pytest.fixture
def place(counted: tuple[Gate, Emulator]) -> GitHubPlace:
    """Return a repository there."""
    counted[0].fresh()
    return GitHubPlace(*counted)


def told_why(run: Run) -> str:
    """Return the one reason why something was not told, without the stacks' names."""
    reasons = {line.partition(": ")[2] for line in untold(run.record)}
    assert len(reasons) == 1, reasons
    return reasons.pop()


def test_a_thousand_stacks_are_told_in_three_runs(place: GitHubPlace, tmp_path: Path) -> None:
    many = Many(place, tmp_path, 1_000)
    plan = many.run("a", dry_run=True)
    planned = [t for s in plan.record.stacks for t in s.tellings]
    assert [t.act for t in planned] == [Act.OPEN] * 1_000
    assert (plan.writes, plan.asked) == (0, 3)
    first, second, third = (many.run("a") for _ in range(3))
    # beside them two labels, and the dashboard: at first without its links, each time with more
    assert [r.writes for r in (first, second, third)] == [400, 400, 203]
    assert [r.told for r in (first, second, third)] == [397, 797, 1_000]
    assert many.standing("a") == 1_000
    still = many.run("a")
    assert (still.writes, still.told, still.asked) == (0, 1_000, 13)
    # at no moment is GitHub asked for more than it gives: 80 writes and 900 points a minute
    assert (many.limits.refused, many.limits.banned) == ([], [])
    assert (many.limits.most_a_minute, many.limits.points_a_minute) == (60, 304)
    assert [r.seconds for r in (first, second, third, still)] == [402, 404, 209, 4]
    assert [r.asked for r in (first, second, third, still)] == [410, 416, 226, 13]
    assert told_why(second) == (
        "this run has made the 400 writes it may; 203 artefacts of 603 not told"
    )


def test_news_each_night_reach_every_stack(place: GitHubPlace, tmp_path: Path) -> None:
    """More than a night may write: the next night begins with what waited longest."""
    many = Many(place, tmp_path, 300)
    many.run("a")
    for night in "bcdef":
        run = many.run(night, limit=130)
        assert run.writes == 130
        assert told_why(run) == (
            "this run has made the 130 writes it may; 235 artefacts of 300 not told"
        )
    assert many.standing("a") == 0
    assert [many.standing(night) for night in "bcdef"] == [40, 65, 65, 65, 65]
    assert (many.limits.refused, many.limits.banned) == ([], [])


@pytest.mark.parametrize("says_when", [True, False], ids=["with a time", "without"])
def test_without_a_budget_github_ends_the_run(
    says_when: bool,  # noqa: FBT001
    place: GitHubPlace,
    tmp_path: Path,
) -> None:
    """A refusal that lasts is waited for four times, and then no more is asked."""
    many = Many(place, tmp_path, 600)
    many.limits.says_when = says_when
    run = many.run("a", limit=10_000)
    assert many.limits.refused == [f"POST {place.at}/issues"] * 4
    assert told_why(run) == (
        "GitHub's limit is reached, for 60 s more: You have exceeded a secondary rate limit; "
        "103 artefacts of 601 not told"
    )
    rest = many.run("a", limit=10_000)
    assert many.standing("a") == 600
    assert (run.told, rest.told) == (497, 600)
    assert many.limits.banned == []


def test_a_primary_limit_ends_the_run_at_once(place: GitHubPlace, tmp_path: Path) -> None:
    many = Many(place, tmp_path, 400)
    many.limits.hour = 100
    run = many.run("a")
    assert many.limits.refused == ["primary"]
    assert (run.asked, many.limits.banned) == (101, [])
    assert told_why(run) == (
        "GitHub asks to wait for 3,506 s, and forkbot waits for at most 120 s at once and 600 s "
        "more in this run; 308 artefacts of 401 not told"
    )
