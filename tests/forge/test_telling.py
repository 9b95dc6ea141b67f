"""A whole run told: issues in the stacks' own repository, a pull request in the fork, one each."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from forkbot.connection import Connection
from forkbot.errors import EXIT_DONE, EXIT_REMOTE
from forkbot.forge.base import Draft, Edition, Forge
from forkbot.git.remote import Remote
from forkbot.model.artefact import Act, Label, Told
from forkbot.model.cron import Cron
from forkbot.model.record import RunRecord
from forkbot.model.stack import ForkPolicy, Lock, Policy, Stack, UpstreamPolicy, WhenPolicy
from forkbot.session import Session
from forkbot.telling import tell
from forkbot.words import CrateName, StackName
from tests.forge.gate import Answer
from tests.forge.places import GitHubPlace, LocalPlace, Place, Seen
from tests.report.judged import JUDGED
from tests.report.records import RECORDS
from tests.report.test_artefact import BRANCH, HALF, with_branch

WHEN = WhenPolicy(dashboard="issue")
NIGHTS = ("conflict", "red-build", "red-smoke", "unused-patch", "a-persons-commits", "unreachable")


class Desk:
    """A forge with the stacks' repository and the fork of tokio, and runs that are told there."""

    def __init__(self, home: Place, fork: Place, root: Path) -> None:
        self.home, self.fork, self.root = home, fork, root
        self.when = WHEN
        self.said: list[str] = []

    def tell(
        self, record: RunRecord, *, whole: bool = True, dry_run: bool = False,
        forge: Forge | None = None,
    ) -> RunRecord:  # fmt: skip
        """Tell a run."""
        names = dict.fromkeys([s.name for s in record.stacks] + [StackName("mio")])
        session = Session(
            root=self.root, cache=self.root, ambient={}, channel=record.channel,
            now=dt.datetime(2026, 11, 22, tzinfo=dt.UTC), say=self.said.append, dry_run=dry_run,
        )  # fmt: skip
        return tell(
            replace(self._here(record), dry_run=dry_run),
            tuple(self._stack(name) for name in names), whole=whole, session=session,
            connection=Connection(forge=forge or self.home.forge, home=self.home.repo),
        )  # fmt: skip

    def _here(self, record: RunRecord) -> RunRecord:
        """Return a record whose conflict lies on a branch of the fork that is here."""
        return replace(
            record,
            stacks=tuple(
                replace(
                    s,
                    conflict_branch=s.conflict_branch
                    and replace(s.conflict_branch, repo=self.fork.repo),
                    answered=tuple(replace(b, repo=self.fork.repo) for b in s.answered),
                )
                for s in record.stacks
            ),
        )

    def _stack(self, name: StackName) -> Stack:
        policy = Policy(
            crate=CrateName(name), upstream=UpstreamPolicy(git="https://example.invalid/it"),
            fork=ForkPolicy(repo=name), when=self.when,
        )  # fmt: skip
        return Stack(name=name, policy=policy, patches=(), lock=Lock(), smoke_digest="")

    def seen(self) -> list[Seen]:
        """Return all that there is, at home and then in the fork."""
        return [*self.home.seen(), *self.fork.seen()]

    def open(self) -> list[str]:
        """Return the titles of all that is open."""
        return sorted(s.title for s in self.seen() if s.open)


@pytest.fixture
def desk(place: Place, tmp_path: Path) -> Desk:
    """Return a desk on one forge, then on the other."""
    if isinstance(place, GitHubPlace):
        fork: Place = GitHubPlace(place.gate, place.emulator)
        fork.forge = place.forge
    else:
        fork = LocalPlace(tmp_path / "forge", "tokio")
    fork.branch(BRANCH.branch)
    fork.branch(BRANCH.base_branch)
    return Desk(place, fork, tmp_path)


def acts(record: RunRecord) -> dict[tuple[str | None, str], Act]:
    """Return what was done to each artefact, by stack and kind."""
    told = [*record.tellings, *(t for s in record.stacks for t in s.tellings)]
    return {(t.identity.stack, t.identity.kind.value): t.act for t in told}


def test_every_night_is_told_once_and_the_next_one_closes_what_is_over(desk: Desk) -> None:
    """One artefact for each trouble; again, and nothing is written; all well, and all is closed."""
    for name in NIGHTS:
        first = desk.tell(RECORDS[name])
        assert first.untold is None
        assert Act.OPEN in acts(first).values()
        there = desk.seen()
        again = desk.tell(RECORDS[name])
        assert acts(again) == {}
        assert desk.seen() == there
    desk.tell(RECORDS["published"])
    board, *others = [s for s in desk.home.seen() if s.open]
    assert board.title == "forkbot: how the stacks are (release)"
    # of these two the last run said nothing: hyper-util was not in it
    assert {s.title.partition(" ")[0] for s in others} <= {"hyper-util"}
    for seen in desk.home.seen():
        if not seen.open:
            assert len(seen.comments) >= 1, seen.title
    assert len({s.title for s in desk.seen()}) == len(desk.seen())


def test_what_a_dry_run_would_write_is_what_the_run_writes(desk: Desk) -> None:
    would = desk.tell(RECORDS["conflict"], dry_run=True)
    assert desk.seen() == []
    assert [t.done for t in would.tellings] == [0] * len(would.tellings)
    did = desk.tell(RECORDS["conflict"])

    def writes(record: RunRecord) -> list[tuple[str, ...]]:
        return [
            t.writes for t in (*record.tellings, *(t for s in record.stacks for t in s.tellings))
        ]

    assert writes(would) == writes(did)
    assert all(
        t.done == len(t.writes) > 0
        for t in (*did.tellings, *(t for s in did.stacks for t in s.tellings))
    )


def test_a_conflict_moves_to_its_branch_and_ends_there(desk: Desk) -> None:
    """First an issue; then its pull request in the fork, and only there; half an answer; over."""
    record = JUDGED["judged-conflict"]
    desk.tell(record)
    title = (
        "tokio: patch wasi-inline-lookup is in conflict in 6 files, broken by #\u20607933, "
        "#\u20607055 and 2 more"
    )
    assert next(s.title for s in desk.home.seen() if s.open) == title
    moved = desk.tell(with_branch(BRANCH))
    assert acts(moved)["tokio", "conflict"] in (Act.CLOSE, Act.OPEN)
    issue, board = desk.home.seen()
    (pull,) = desk.fork.seen()
    assert (issue.open, board.open, pull.open) == (False, True, True)
    assert "Told in a pull request from now on." in issue.comments[-1]
    assert (pull.title, pull.head) == (title, BRANCH.branch)
    assert "To answer it in the browser:" in pull.text
    assert acts(desk.tell(with_branch(BRANCH))) == {}

    desk.tell(with_branch(HALF))
    (pull,) = desk.fork.seen()
    assert "A Person has begun an answer" in pull.comments[-1]
    assert "`tokio/src/net/addr.rs:207`: a conflict marker is left (leave the lines" in pull.text
    assert acts(desk.tell(with_branch(HALF))) == {}

    well = JUDGED["judged-probe"]
    answered = replace(
        well,
        stacks=tuple(replace(s, answered=(replace(BRANCH, author="Ada"),)) for s in well.stacks),
    )
    desk.tell(answered)
    (pull,) = desk.fork.seen()
    assert not pull.open
    assert "The answer of Ada is in patch wasi-inline-lookup now" in pull.comments[-1]
    assert desk.open() == ["forkbot: how the stacks are"]


def test_who_wants_no_pull_request_gets_an_issue(desk: Desk) -> None:
    desk.tell(with_branch(BRANCH))
    assert [s.open for s in desk.fork.seen()] == [True]
    desk.when = replace(WHEN, conflict="issue")
    desk.tell(with_branch(BRANCH))
    (pull,) = desk.fork.seen()
    assert not pull.open
    assert "Told in an issue from now on." in pull.comments[-1]
    assert any("wasi-inline-lookup" in title for title in desk.open())
    assert acts(desk.tell(with_branch(BRANCH))) == {}


def test_a_stack_that_is_gone_leaves_nothing_open(desk: Desk) -> None:
    desk.tell(RECORDS["red-smoke"])
    assert any(title.startswith("tokio (release)") for title in desk.open())
    only = replace(RECORDS["published"], stacks=RECORDS["published"].stacks[:1])
    desk.tell(only, whole=False)  # a run over some says nothing of the others
    assert any(title.startswith("tokio (release)") for title in desk.open())
    desk.tell(only)
    assert desk.open() == ["forkbot: how the stacks are (release)"]
    closed = next(s for s in desk.home.seen() if s.title.startswith("tokio"))
    assert "There is no such stack here any more." in closed.comments[-1]


def test_a_run_over_some_stacks_leaves_the_familys_artefacts_alone(desk: Desk) -> None:
    desk.tell(RECORDS["unused-patch"])
    there = {s.title: s.text for s in desk.seen()}
    desk.tell(RECORDS["conflict"], whole=False)
    now = {s.title: s.text for s in desk.seen()}
    assert {title: now[title] for title in there} == there


def test_the_dashboard_follows_in_silence_and_stays_closed(desk: Desk) -> None:
    def board() -> Seen:
        return next(s for s in desk.home.seen() if s.title.startswith("forkbot:"))

    desk.tell(RECORDS["published"])
    before = board()
    desk.tell(RECORDS["conflict"])
    assert board().text != before.text
    assert board().comments == ()
    desk.home.person_turns(before.number, open=False)
    desk.tell(RECORDS["published"])
    assert not board().open
    assert "forkbot: closed by a person" in board().labels
    text = board().text
    desk.tell(RECORDS["conflict"])
    assert (board().open, board().text) == (False, text)


def test_nobody_asks_for_a_dashboard_any_more(desk: Desk) -> None:
    desk.tell(RECORDS["published"])
    desk.when = replace(WHEN, dashboard="none")
    desk.tell(RECORDS["published"])
    assert desk.open() == []
    assert acts(desk.tell(RECORDS["published"])) == {}


def test_what_a_person_closed_is_told_again_when_the_facts_are_others(desk: Desk) -> None:
    desk.tell(RECORDS["red-smoke"])
    (number,) = [s.number for s in desk.home.seen() if s.title.startswith("tokio")]
    desk.home.person_turns(number, open=False)
    assert acts(desk.tell(RECORDS["red-smoke"]))["tokio", "smoke"] is Act.LEFT_CLOSED
    assert acts(desk.tell(RECORDS["green-control"]))["tokio", "smoke"] is Act.REOPEN


@pytest.mark.parametrize("what", ["looking", "writing"])
def test_a_forge_that_fails_is_stated_and_the_rest_is_told(
    what: str, github: GitHubPlace, tmp_path: Path
) -> None:
    """What cannot be told is on record with its exit code, and the next run tells it."""
    fork = GitHubPlace(github.gate, github.emulator)
    for branch in (BRANCH.branch, BRANCH.base_branch):
        fork.branch(branch)
    desk = Desk(github, fork, tmp_path)
    broken = f"{fork.at}/pulls"
    github.gate.breaks(
        lambda a: a.path == broken and a.writes is (what == "writing"),
        *[Answer(status=403, body={"message": "Resource not accessible"})] * 20,
    )
    record = with_branch(BRANCH)
    told = desk.tell(record)
    (stack,) = told.stacks
    assert stack.untold is not None
    assert "Resource not accessible" in stack.untold.what
    assert (record.exit_code, told.exit_code) == (3, EXIT_REMOTE)
    assert told.kept
    assert [s.title for s in github.seen()] == ["forkbot: how the stacks are"]
    github.gate.fresh()
    told = desk.tell(record)
    assert told.stacks[0].untold is None
    assert told.exit_code == 3
    assert [s.open for s in fork.seen()] == [True]


def test_an_issue_stays_open_until_its_pull_request_is(github: GitHubPlace, tmp_path: Path) -> None:
    fork = GitHubPlace(github.gate, github.emulator)
    for branch in (BRANCH.branch, BRANCH.base_branch):
        fork.branch(branch)
    desk = Desk(github, fork, tmp_path)
    desk.tell(JUDGED["judged-conflict"])
    broken = f"{fork.at}/pulls"
    github.gate.breaks(
        lambda a: a.path == broken and a.writes, Answer(status=403, body={"message": "no"})
    )
    desk.tell(with_branch(BRANCH))
    assert any("in conflict" in title for title in desk.open())
    github.gate.fresh()
    desk.tell(with_branch(BRANCH))
    assert [s.open for s in fork.seen()] == [True]
    assert desk.open() == sorted(["forkbot: how the stacks are", fork.seen()[0].title])


class Killed(BaseException):
    """The process is gone."""


class Dying:
    """A forge on which the process dies before its write of a number, or after it."""

    def __init__(self, forge: Forge, at: int, *, after: bool) -> None:
        self._forge, self._left, self._after = forge, at, after
        self.name = forge.name

    def _write(self, write: Callable[[], Told | None]) -> Told | None:
        if self._left == 0 and not self._after:
            raise Killed
        made = write()
        if self._left == 0:
            raise Killed
        self._left -= 1
        return made

    def remote(self, repo: str) -> Remote:
        """Return where git reaches it."""
        return self._forge.remote(repo)

    def exists(self, repo: str) -> bool:
        """Return whether it is there."""
        return self._forge.exists(repo)

    def create(self, repo: str) -> None:
        """Make it."""
        self._forge.create(repo)

    def artefacts(self, repo: str) -> tuple[Told, ...]:
        """Return all of ours."""
        return self._forge.artefacts(repo)

    def make_labels(self, repo: str, labels: Sequence[Label]) -> None:
        """See that they are there."""
        self._forge.make_labels(repo, labels)

    def cron(self, repo: str, workflow: str) -> Cron | None:
        """Return how it fares."""
        return self._forge.cron(repo, workflow)

    def open_artefact(self, repo: str, draft: Draft) -> Told:
        """Open one."""
        made = self._write(lambda: self._forge.open_artefact(repo, draft))
        assert made is not None
        return made

    def rewrite(self, repo: str, told: Told, edition: Edition) -> None:
        """Make one anew."""
        self._write(lambda: self._forge.rewrite(repo, told, edition))

    def comment(self, repo: str, told: Told, text: str, *, turn: int) -> None:
        """Comment."""
        self._write(lambda: self._forge.comment(repo, told, text, turn=turn))

    def label(self, repo: str, told: Told, labels: Sequence[Label]) -> None:
        """Add labels."""
        self._write(lambda: self._forge.label(repo, told, labels))

    def unlabel(self, repo: str, told: Told, label: Label) -> None:
        """Take one off."""
        self._write(lambda: self._forge.unlabel(repo, told, label))

    def who_labelled(self, repo: str, told: Told, label: Label) -> str | None:
        """Return who did."""
        return self._forge.who_labelled(repo, told, label)

    def may_write(self, repo: str, login: str) -> bool:
        """Return whether they may."""
        return self._forge.may_write(repo, login)


STORY = (
    RECORDS["red-build"], JUDGED["judged-conflict"], with_branch(BRANCH), with_branch(HALF),
    RECORDS["a-persons-commits"], RECORDS["published"], RECORDS["unused-patch"],
)  # fmt: skip


def test_killed_between_any_two_writes_the_next_run_makes_what_one_run_makes(
    tmp_path: Path,
) -> None:
    """Every point of a story of nights, before and after the write: nothing twice, nothing lost."""
    points = 0
    for night, record in enumerate(STORY):
        ends = []
        for after in (False, True):
            for at in range(100):
                folder = tmp_path / f"{night}-{at}-{after}"
                desk = Desk(LocalPlace(folder, "stacks"), LocalPlace(folder, "tokio"), folder)
                for before in STORY[:night]:
                    desk.tell(before)
                dying = Dying(desk.home.forge, at, after=after)
                try:
                    desk.tell(record, forge=dying)
                except Killed:
                    points += 1
                    desk.tell(record)
                    ends.append(desk.seen())
                    assert acts(desk.tell(record)) == {}
                    continue
                ends.append(desk.seen())
                break
            else:
                pytest.fail("a night with a hundred writes")
        assert all(end == ends[0] for end in ends)
    assert points >= 30


def test_the_least_is_asked(github: GitHubPlace, tmp_path: Path) -> None:
    """All well: the stacks' repository is listed once, and no fork is asked for anything."""
    fork = GitHubPlace(github.gate, github.emulator)
    desk = Desk(github, fork, tmp_path)
    desk.when = WhenPolicy()
    desk.tell(RECORDS["published"])
    github.gate.fresh()
    github.forge = github.client()
    assert desk.tell(RECORDS["published"]).exit_code == EXIT_DONE
    paths = [str(a) for a in github.gate.asked]
    assert sorted(paths) == [f"GET {github.at}/issues", f"GET {github.at}/pulls", "GET /user"]
