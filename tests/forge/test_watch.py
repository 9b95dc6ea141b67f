"""The watchdog: a cron that GitHub disabled, or that does not run well, is told by one issue."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from forkbot.connection import Connection
from forkbot.errors import UsageError
from forkbot.forge.local import LocalForge
from forkbot.model.artefact import Act, Identity, Kind
from forkbot.model.cron import Cron, CronRun
from forkbot.model.plan import Plan
from forkbot.report.matter import artefact_of
from forkbot.report.watch import silence
from forkbot.session import Session
from forkbot.watch import unfinished, watch
from forkbot.words import Channel
from tests.e2e.world import NOW
from tests.forge.gate import Answer, Asked, Lost
from tests.forge.hosted import Hosted
from tests.forge.openapi import example
from tests.forge.places import GitHubPlace

TODAY = dt.datetime.fromtimestamp(NOW, tz=dt.UTC)
MOST = dt.timedelta(days=3)
FILE = "rebase.yml"


class Cronned:
    """A repository whose workflow fares as a test says."""

    def __init__(self, place: GitHubPlace) -> None:
        self.place = place
        self.state = "active"
        self.good: dt.timedelta | None = dt.timedelta(days=1)  # ago
        self.last = "success"
        place.gate.refusal = self._answer
        self.connection = Connection(forge=place.forge, home=place.repo)

    def _answer(self, asked: Asked) -> Answer | None:
        if asked.path == f"{self.place.at}/actions/workflows/{FILE}":
            return Answer(status=200, body=example("workflow", state=self.state))
        if asked.path != f"{self.place.at}/actions/workflows/{FILE}/runs":
            return None
        run = None
        if asked.query["status"] == ["completed"]:
            run = self._run(self.last, dt.timedelta(hours=5))
        elif self.good is not None:
            run = self._run("success", self.good)
        runs = [run] if run else []
        return Answer(status=200, body={"total_count": len(runs), "workflow_runs": runs})

    def _run(self, conclusion: str, ago: dt.timedelta) -> dict[str, object]:
        began = f"{TODAY - ago:%Y-%m-%dT%H:%M:%SZ}"
        page = "https://github.com/forkbot/demo/actions/runs/1"
        return example(
            "workflow-run", conclusion=conclusion, run_started_at=began, html_url=page,
            display_title="nightly @ann closes #1",
        )  # fmt: skip

    def watch(self, *, dry_run: bool = False) -> tuple[str, Act]:
        """Let the watchdog look."""
        session = Session(
            root=Path("/nowhere"), cache=Path("/nowhere"), ambient={}, channel=Channel.MAIN,
            now=TODAY, say=lambda _: None, dry_run=dry_run,
        )  # fmt: skip
        matter, telling = watch(session, self.connection, FILE, most=MOST)
        return matter.verdict if matter else "", telling.act


@pytest.fixture
def cronned(github: GitHubPlace) -> Cronned:
    """Return one that runs."""
    return Cronned(github)


def test_a_cron_that_runs_is_no_news(cronned: Cronned) -> None:
    assert cronned.watch() == ("", Act.NOTHING)
    cronned.last = "failure"  # one bad night is none either
    assert cronned.watch() == ("", Act.NOTHING)
    assert cronned.place.gate.writes == []


def test_one_issue_tells_that_it_does_not_run_and_is_closed_when_it_does(cronned: Cronned) -> None:
    cronned.good, cronned.last = dt.timedelta(days=4), "failure"
    said = "rebase.yml has not run well since 2026-11-14"
    assert cronned.watch(dry_run=True) == (said, Act.OPEN)
    assert cronned.place.gate.writes == []
    assert cronned.watch() == (said, Act.OPEN)
    (seen,) = cronned.place.seen()
    assert (seen.title, seen.labels) == (f"forkbot: {said}", ("forkbot: not running",))
    cronned.place.gate.asked.clear()
    cronned.good = dt.timedelta(days=4, hours=1)  # the same day
    assert cronned.watch() == (said, Act.NOTHING)
    assert cronned.place.gate.writes == []
    cronned.good = dt.timedelta(hours=2)
    assert cronned.watch() == ("", Act.CLOSE)
    (seen,) = cronned.place.seen()
    assert not seen.open


def test_a_person_who_closes_it_hears_no_more_until_it_is_another_trouble(cronned: Cronned) -> None:
    cronned.good = dt.timedelta(days=9)
    cronned.watch()
    (seen,) = cronned.place.seen()
    cronned.place.person_turns(seen.number, open=False)
    assert cronned.watch()[1] is Act.LEFT_CLOSED
    cronned.state = "disabled_inactivity"
    assert cronned.watch() == ("rebase.yml is disabled", Act.REOPEN)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (
            "disabled_inactivity",
            "GitHub disabled it, as it does where nothing happened for 60 days",
        ),
        ("disabled_manually", "somebody disabled it"),
        ("deleted", "its file is gone from the default branch"),
    ],
)
def test_a_workflow_that_is_off_is_told_although_it_ran(
    cronned: Cronned, state: str, why: str
) -> None:
    cronned.state = state
    assert cronned.watch() == ("rebase.yml is disabled", Act.OPEN)
    (seen,) = cronned.place.seen()
    assert why in seen.text


def test_the_issue_says_since_when_why_and_what_to_do() -> None:
    def run(days: int, conclusion: str) -> CronRun:
        began = TODAY - dt.timedelta(days=days)
        url = f"https://github.com/octo/stacks/actions/runs/{days}"
        return CronRun(began=began, conclusion=conclusion, url=url)

    page = "https://github.com/octo/stacks/actions/workflows/rebase.yml"
    cron = Cron(url=page, state="active", last=run(0, "failure"), good=run(9, "success"))
    assert silence(cron, FILE, now=TODAY, most=dt.timedelta(days=10)) is None
    matter = silence(cron, FILE, now=TODAY, most=MOST)
    assert matter is not None
    body = artefact_of(matter, Identity(kind=Kind.WATCH, channel=Channel.MAIN)).body
    web = "https://redirect.github.com/octo/stacks/actions"
    assert body.partition("\n\n---\n")[0] == (
        f"- It last ran well on [2026-11-09]({web}/runs/9).\n"
        f"- Its last run ended with failure: [its runs]({web}/workflows/rebase.yml) have the logs."
        "\n\nMeanwhile no fork is rebased, and no trouble is told. "
        "To begin a run by hand: `gh workflow run rebase.yml`"
    )
    matter = silence(Cron(url=page, state="active"), FILE, now=TODAY, most=MOST)
    assert matter is not None
    assert matter.verdict == "rebase.yml has not run well yet"


def test_a_run_that_did_not_end_well_is_looked_at_again(cronned: Cronned) -> None:
    assert unfinished(cronned.connection, FILE) == ""
    cronned.last = "cancelled"
    page = "https://github.com/forkbot/demo/actions/runs/1"
    assert unfinished(cronned.connection, FILE) == f"the last run ended with cancelled: {page}"
    cronned.place.gate.breaks(lambda _: True, *[Lost(after=False)] * 9)
    said = unfinished(cronned.connection, FILE)
    assert said.startswith("how the last run ended is not known: ")


def ending(hosted: Hosted, conclusion: str) -> dict[str, str]:
    """Let the last run have ended so; return the surroundings of a job of the next one."""

    def asked(part: str) -> Callable[[Asked], bool]:
        return lambda a: a.path.endswith(f"/actions/workflows/{FILE}{part}")

    run = example("workflow-run", conclusion=conclusion, html_url="https://github.com/o/r/runs/1")
    runs = {"total_count": 1, "workflow_runs": [run]}
    gate = hosted.hub.gate
    gate.breaks(asked(""), Answer(status=200, body=example("workflow", state="active")))
    gate.breaks(asked("/runs"), *[Answer(status=200, body=runs)] * 2)
    name = f"{hosted.hub.owner}/stacks/.github/workflows/{FILE}@refs/heads/main"
    return {"GITHUB_WORKFLOW_REF": name}


@pytest.mark.parametrize(
    ("conclusion", "unfinished", "news"),
    [
        ("success", "", "false"),
        ("cancelled", "the last run ended with cancelled: https://github.com/o/r/runs/1", "true"),
    ],
)
def test_a_plan_asks_how_the_last_night_ended(
    hosted: Hosted, conclusion: str, unfinished: str, news: str
) -> None:
    env = ending(hosted, conclusion)
    outputs = hosted.place / "outputs"
    said = hosted.forkbot("plan", "--json", "--outputs", str(outputs), env=env)
    assert msgspec.json.decode(said.out, type=Plan).unfinished == unfinished
    assert outputs.read_text() == f"legs=[]\nnews={news}\n"
    assert hosted.hub.writes == []


def test_the_command_watches_from_any_folder(hosted: Hosted) -> None:
    ending(hosted, "success")
    hosted.root = hosted.place / "home"  # no stacks there
    said = hosted.forkbot("watch", "--max-age", "2w", "--dry-run")
    # the run is of the day that the world's clock shows
    assert (said.out, hosted.hub.writes) == (f"{FILE} runs\n", [])
    said = hosted.forkbot("watch", "--max-age", "soon", code=2)
    assert said.err.startswith("error: --max-age: 'soon' is not a duration\n")


def test_where_no_workflow_runs_there_is_none_to_watch(tmp_path: Path) -> None:
    connection = Connection(forge=LocalForge(tmp_path, ambient={}), home="stacks")
    with pytest.raises(UsageError, match="runs no workflow") as told:
        unfinished(connection, FILE)
    assert told.value.hint == "export FORKBOT_TOKEN and FORKBOT_STACKS_REPO to watch one on GitHub"
