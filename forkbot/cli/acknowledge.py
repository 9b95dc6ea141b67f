"""The command by which a person answers a suspicion: acknowledge."""

from pathlib import Path

import click

from forkbot.acknowledge import acknowledge
from forkbot.cli.surroundings import dry_run_option, opened
from forkbot.errors import EXIT_DONE
from forkbot.stackdir.acknowledged import FILE


@click.command("acknowledge")
@click.argument("stack")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.option("--why", required=True, metavar="TEXT", help="Why the lines may be taken; one line.")
@dry_run_option
@click.pass_obj
def acknowledge_command(
    root: Path | None, stack: str, keys: tuple[str, ...], *, why: str, dry_run: bool
) -> int:
    """Say that suspicious lines are well, and why: the stack may be published.

    The report names each suspicion's key. The reason is kept in the stack's file `acknowledged`
    until the base has moved past the lines.
    """
    with opened(root, dry_run=dry_run) as session:
        fresh = acknowledge(session, stack, keys, why=why)
    said = "would be acknowledged" if dry_run else "acknowledged"
    for suspicion in fresh:
        where = f"{suspicion.path}:{suspicion.line}"
        click.echo(f"{said}: {suspicion.key} {suspicion.patch} {suspicion.kind.value} {where}")
    if not fresh:
        click.echo(f"nothing new: stacks/{stack}/{FILE} says so already")
    elif not dry_run:
        click.echo(f"next: forkbot run {stack}")
    return EXIT_DONE
