"""The command that asks since when something is red: bisect."""

import shlex
from pathlib import Path

import click

from forkbot.bisect import bisect
from forkbot.buildbreaker.asking import THOROUGH, Limits
from forkbot.cli.go import aims, checked_aim, words_of
from forkbot.cli.surroundings import (
    channel_option,
    dry_run_option,
    json_option,
    opened,
    show_record,
    stacks_argument,
)
from forkbot.locate import Aim
from forkbot.text import redact
from forkbot.words import Channel

_MINUTE = 60.0


@click.command("bisect")
@stacks_argument
@channel_option(Channel.MAIN)
@click.option(
    "--probes", type=click.IntRange(1, 10_000), default=THOROUGH.probes, show_default=True,
    metavar="N", help="Make at most so many builds for it.",
)  # fmt: skip
@click.option(
    "--minutes", type=click.IntRange(1, 10_000), default=round(THOROUGH.seconds / _MINUTE),
    show_default=True, metavar="N", help="Begin no build after so many minutes.",
)  # fmt: skip
@aims
@dry_run_option
@json_option
@click.pass_obj
def bisect_command(
    root: Path | None, stacks: tuple[str, ...], *, channel: str, probes: int, minutes: int,
    base: str | None, onto: str | None, upstream: str | None, dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Find the upstream commit, and the patch, that turned something red.

    The named stacks, all when none is named, are taken to their newest upstream. The first red is
    looked for along upstream's commits since the base, and along the series: each time the stack is
    rebased in memory, and what was red is built and run. What a killed or a bounded search found
    out is not built again. The answer is in the run's report.
    """
    aim = checked_aim("bisect", stacks, Aim(base=base, onto=onto, upstream=upstream))
    words = ["forkbot", "bisect", *stacks]
    words += [] if channel == Channel.MAIN.value else ["--channel", channel]
    words += words_of(aim)
    words += ["--dry-run"] if dry_run else []
    with opened(root, channel=Channel(channel), dry_run=dry_run) as session:
        record = bisect(
            session, stacks, command=redact(shlex.join(words)), aim=aim,
            limits=Limits(probes=probes, seconds=minutes * _MINUTE),
        )  # fmt: skip
    return show_record(record, as_json=as_json)
