"""That forkbot itself does not run as it should, as one matter to tell."""

import datetime as dt

from forkbot.model.cron import Cron
from forkbot.report.document import Code, Items, Line, Link, Paragraph
from forkbot.report.links import is_page
from forkbot.report.matter import Matter
from forkbot.report.phrases import clip

_DISABLED = {
    "disabled_inactivity": "GitHub disabled it, as it does where nothing happened for 60 days",
    "disabled_manually": "somebody disabled it",
    "disabled_fork": "GitHub disables workflows in a fork until somebody enables them",
    "deleted": "its file is gone from the default branch",
}
_ACTIVE = "active"


def silence(cron: Cron, workflow: str, *, now: dt.datetime, most: dt.timedelta) -> Matter | None:
    """Return what is to be told of a workflow that is off, or did not run well for too long.

    A run is well when it came to its end: what it found of the stacks is told by itself.
    """
    late = cron.good is None or now - cron.good.began > most
    if cron.state == _ACTIVE and not late:
        return None
    good = f"since {cron.good.began:%Y-%m-%d}" if cron.good else "yet"
    off = cron.state != _ACTIVE
    verdict = f"{workflow} is disabled" if off else f"{workflow} has not run well {good}"
    lines: list[Line] = []
    if off:
        why = _DISABLED.get(cron.state, f"GitHub says {clip(cron.state)}")
        lines.append((f"{why}. ", _link("Enable it", cron.url), "."))
    if cron.good:
        day = f"{cron.good.began:%Y-%m-%d}"
        lines.append(("It last ran well on ", _link(day, cron.good.url), "."))
    else:
        lines.append(("It never ran well.",))
    if cron.last and cron.last != cron.good and not off:
        # which of the failed ones is the last changes every night; what went wrong seldom does
        lines.append((
            f"Its last run ended with {clip(cron.last.conclusion)}: ",
            _link("its runs", cron.url), " have the logs.",
        ))  # fmt: skip
    meanwhile = "Meanwhile no fork is rebased, and no trouble is told. To begin a run by hand: "
    command = f"forkbot watch --workflow {workflow}"
    return Matter(
        verdict=verdict,
        facts=(cron.state, f"{cron.good.began:%Y-%m-%d}" if cron.good else ""),
        lead=(
            Items(tuple(lines)),
            Paragraph((meanwhile, Code(f"gh workflow run {workflow}"))),
        ),
        orders=(),
        whole=command,
    )  # fmt: skip


def _link(name: str, url: str) -> Link | str:
    return Link(name, url) if is_page(url) else name
