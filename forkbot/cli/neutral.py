"""The command that asks whether stacks change anything for this machine itself: neutral."""

import shlex
from pathlib import Path

import click

from forkbot.cli.surroundings import (
    channel_option,
    dry_run_option,
    json_option,
    opened,
    show_record,
    stacks_argument,
)
from forkbot.neutral import neutral
from forkbot.words import Channel


@click.command("neutral")
@stacks_argument
@channel_option(Channel.MAIN)
@dry_run_option
@json_option
@click.pass_obj
def neutral_command(
    root: Path | None, stacks: tuple[str, ...], *, channel: str, dry_run: bool, as_json: bool
) -> int:
    """Prove that stacks change nothing on the machine that builds them.

    All stacks with `native` in their stack.yaml when none is named. Each crate's own tests are
    run on pristine upstream and with the stacks, and must answer the same; its public API, out of
    rustdoc's JSON, must be the same item by item.
    """
    words = ["forkbot", "neutral", *stacks]
    words += [] if channel == Channel.MAIN.value else ["--channel", channel]
    words += ["--dry-run"] if dry_run else []
    with opened(root, channel=Channel(channel), dry_run=dry_run) as session:
        record = neutral(session, stacks, command=shlex.join(words))
    return show_record(record, as_json=as_json)
