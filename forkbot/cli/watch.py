"""The command that watches over forkbot itself: watch."""

import datetime as dt
import re
from pathlib import Path

import click

from forkbot.cli.connect import connected
from forkbot.cli.surroundings import dry_run_option, opened
from forkbot.errors import EXIT_DONE, UsageError
from forkbot.watch import watch

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@click.command("watch")
@click.option(
    "--max-age", default="3d", show_default=True, metavar="AGE",
    help="How long it may be since the last good run: 36h, 3d, 2w.",
)  # fmt: skip
@click.option(
    "--workflow", default="rebase.yml", show_default=True, metavar="FILE", help="Its file's name."
)
@dry_run_option
@click.pass_obj
def watch_command(root: Path | None, *, max_age: str, workflow: str, dry_run: bool) -> int:
    """Tell, by one issue, when the bot's own cron did not run.

    Whether GitHub disabled it, or every run fails before it can tell what is wrong. The issue is in
    the stacks repository, and is closed when the workflow runs again.
    """
    most = parse_age(max_age)
    if not re.fullmatch(r"[\w.-]+\.ya?ml", workflow):
        raise UsageError(
            f"{workflow!r} is not the name of a workflow's file",
            where="--workflow", hint="forkbot watch --workflow rebase.yml",
        )  # fmt: skip
    with opened(root, dry_run=dry_run, anywhere=True) as session:
        matter, telling = watch(session, connected(session), workflow, most=most)
    click.echo(matter.verdict if matter else f"{workflow} runs")
    for write in telling.writes:
        click.echo(f"{'would' if dry_run else 'did'}: {write}")
    if telling.url:
        click.echo(telling.url)
    return EXIT_DONE


def parse_age(text: str) -> dt.timedelta:
    """Return a duration as people write it; ``UsageError`` for what is none."""
    found = re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", text.strip())
    if found is None:
        raise UsageError(
            f"{text!r} is not a duration", where="--max-age", hint="forkbot watch --max-age 3d"
        )
    return dt.timedelta(**{_UNITS[found[2]]: int(found[1])})
