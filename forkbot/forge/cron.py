"""A workflow of GitHub Actions, asked for its state and its last runs."""

import datetime as dt

import msgspec

from forkbot.forge.api import Api, Query
from forkbot.model.cron import Cron, CronRun


class _Workflow(msgspec.Struct):
    state: str


class _Run(msgspec.Struct):
    html_url: str
    created_at: dt.datetime
    conclusion: str | None = None
    run_started_at: dt.datetime | None = None


class _Runs(msgspec.Struct):
    workflow_runs: tuple[_Run, ...]


def ask_cron(api: Api, *, at: str, page: str, workflow: str) -> Cron:
    """Return how a workflow, named by its file, fares in the repository ``at``, of this page."""
    path = f"{at}/actions/workflows/{workflow}"
    state = api.get(path, _Workflow).state

    def newest(status: str) -> CronRun | None:
        query: Query = {"status": status, "per_page": 1}
        runs = api.get(f"{path}/runs", _Runs, query=query).workflow_runs
        return _told(runs[0]) if runs else None

    return Cron(
        url=f"{page}/actions/workflows/{workflow}",
        state=state,
        last=newest("completed"),
        good=newest("success"),
    )


def _told(run: _Run) -> CronRun:
    began = run.run_started_at or run.created_at
    return CronRun(began=began, conclusion=run.conclusion or "unknown", url=run.html_url)
