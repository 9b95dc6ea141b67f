"""The command that asks what patches are there for: probe."""

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
from forkbot.probe import probe
from forkbot.words import Channel


@click.command("probe")
@stacks_argument
@channel_option(Channel.MAIN)
@click.option("--hunks", is_flag=True, help="Leave out each hunk of each patch instead.")
@click.option("--again", is_flag=True, help="Ask even what stack.lock knows.")
@dry_run_option
@json_option
@click.pass_obj
def probe_command(
    root: Path | None, stacks: tuple[str, ...], *, channel: str, hunks: bool, again: bool,
    dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Find out what each patch is there for, by leaving it out.

    All stacks when none is named. Everything that is built with them or on them is built and run
    without each patch, up to the first red: that is what the patch is needed for. A patch without
    which all stays green may go, or lacks a smoke component. The answers are kept in stack.lock,
    unless one is unknown: cargo failed twice, and no compiler said why.

    With --hunks it is each hunk of each patch: one that nothing misses shows where the components
    do not look. What nothing can miss, comments for example, is told apart; say of others why in
    stack.yaml, under `unmissed`.
    """
    words = ["forkbot", "probe", *stacks]
    words += [] if channel == Channel.MAIN.value else ["--channel", channel]
    words += ["--hunks"] if hunks else []
    words += ["--again"] if again else []
    words += ["--dry-run"] if dry_run else []
    with opened(root, channel=Channel(channel), dry_run=dry_run) as session:
        record = probe(session, stacks, command=shlex.join(words), again=again, hunks=hunks)
    code = show_record(record, as_json=as_json)
    if record.trouble is not None and not as_json:
        click.echo(record.trouble.what)
    return code
