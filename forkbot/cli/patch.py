"""The commands that change a stack's series: patch drop."""

import shlex
from pathlib import Path

import click

from forkbot.cli.surroundings import opened
from forkbot.drop import drop
from forkbot.errors import EXIT_DONE
from forkbot.stackdir.load import STACKS
from forkbot.text import visible


@click.group("patch")
def patch_command() -> None:
    """Change the series of a stack: drop."""


@patch_command.command("drop")
@click.argument("stack")
@click.argument("patches", nargs=-1, required=True, metavar="PATCH...")
@click.option("--why", metavar="TEXT", default="", help="Why it may go, for the commit's message.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be written.")
@click.pass_obj
def drop_command(
    root: Path | None, stack: str, patches: tuple[str, ...], *, why: str, dry_run: bool
) -> int:
    """Take patches out of a stack for good.

    What is left is proven to apply on the base of each channel; files that have to change for that
    are written anew. Refused when a later patch does not stand without them.
    """
    with opened(root, dry_run=dry_run) as session:
        done = drop(session, stack, patches)
    would = "would be " if dry_run else ""
    for name in done.dropped:
        click.echo(f"{stack}: patch {name} {would}dropped")
    for name in done.rewritten:
        click.echo(f"{stack}: patch {name} {would}rewritten, to fit without")
    on = " and ".join(channel.value for channel in done.channels)
    click.echo(f"{stack}: what is left applies on {on}; nothing is verified of it yet")
    gone = {f"patches/{name}.patch" for name in done.dropped}
    for file in done.files:
        what = "deleted" if file in gone else "written"
        click.echo(f"{would}{what}: {STACKS}/{stack}/{file}")
    if not dry_run:
        names = ", ".join(done.dropped)
        message = f"{stack}: drop {names}" + (f": {visible(why)}" if why else "")
        click.echo(f"next: git commit -m {shlex.quote(message)} {STACKS}/{stack}")
        click.echo(f"next: forkbot run {stack}")
    return EXIT_DONE
