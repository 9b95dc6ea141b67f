"""The watchdog: whether forkbot's own workflow runs, told by one issue in the stacks repository."""

import datetime as dt

from forkbot.connection import Connection
from forkbot.errors import RemoteError, UsageError
from forkbot.model.artefact import Identity, Kind, Over, Telling
from forkbot.model.cron import Cron
from forkbot.report.matter import Matter, artefact_of
from forkbot.report.watch import silence
from forkbot.session import Session
from forkbot.tell import carry_out, plan_telling

_GOOD = "success"


def watch(
    session: Session, connection: Connection, workflow: str, *, most: dt.timedelta
) -> tuple[Matter | None, Telling]:
    """Tell, once, that the workflow is off or did not run well for longer than ``most``.

    The issue is closed when it runs again. Returns what is the matter, if anything, and what was
    told. Raises ``ForkbotError`` when the forge cannot be asked.
    """
    cron = _cron(connection, workflow)
    identity = Identity(kind=Kind.WATCH, channel=session.channel)
    matter = silence(cron, workflow, now=session.now, most=most)
    wish = (
        artefact_of(matter, identity)
        if matter
        else Over(identity=identity, reason=f"{workflow} runs again.")
    )
    forge, home = connection.forge, connection.home
    plan = plan_telling(wish, forge.artefacts(home), repo=home)
    return matter, plan.telling if session.dry_run else carry_out(plan, forge=forge)


def unfinished(connection: Connection, workflow: str) -> str:
    """Return how the workflow's last run failed, or ''.

    A run that was stopped may have published and told nobody: the next one has to look again, even
    where upstream has nothing new.
    """
    try:
        cron = _cron(connection, workflow)
    except RemoteError as e:
        return f"how the last run ended is not known: {e.what}"
    if cron.last is None or cron.last.conclusion == _GOOD:
        return ""
    return f"the last run ended with {cron.last.conclusion}: {cron.last.url}"


def _cron(connection: Connection, workflow: str) -> Cron:
    cron = connection.forge.cron(connection.home, workflow)
    if cron is None:
        raise UsageError(
            "this forge runs no workflow that could be watched",
            where=connection.forge.name,
            hint="export FORKBOT_TOKEN and FORKBOT_STACKS_REPO to watch one on GitHub",
        )
    return cron
