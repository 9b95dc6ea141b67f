"""What a forge knows of the workflow that runs forkbot, for whoever watches over it."""

import datetime as dt

from forkbot.model.base import Fact


class CronRun(Fact, frozen=True, kw_only=True):
    """One run of the workflow that is over."""

    began: dt.datetime
    conclusion: str  # success, failure, cancelled, timed_out, startup_failure, …
    url: str


class Cron(Fact, frozen=True, kw_only=True):
    """A workflow: whether the forge starts it at all, its last run, and its last good one."""

    url: str
    state: str  # active, disabled_inactivity, disabled_manually, …
    last: CronRun | None = None
    good: CronRun | None = None
