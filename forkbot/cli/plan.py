"""The command that says what is new, for a run on several machines: plan."""

import os
from pathlib import Path
from typing import Literal

import click
import msgspec

from forkbot.cli.connect import connected
from forkbot.cli.surroundings import channel_option, json_option, opened, print_json
from forkbot.connection import Connection
from forkbot.errors import EXIT_DONE, MachineError
from forkbot.forge.local import LocalForge
from forkbot.model.plan import Plan
from forkbot.planning import MOST_LEGS, plan
from forkbot.text import visible
from forkbot.watch import unfinished
from forkbot.words import Channel


@click.command("plan")
@channel_option(Channel.MAIN)
@click.option("--all", "every", is_flag=True, help="There is something to do in any case.")
@click.option(
    "--legs", "most", type=click.IntRange(1, MOST_LEGS), default=MOST_LEGS, show_default=True,
    metavar="N", help="How many machines may build at once.",
)  # fmt: skip
@click.option(
    "--outputs", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Append `legs` and `news` to this file, as the outputs of a step of Actions.",
)  # fmt: skip
@click.option(
    "--keep", "kept", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan there too, for the --plan of forkbot verify and of forkbot run.",
)  # fmt: skip
@json_option
@click.pass_obj
def plan_command(
    root: Path | None, *, channel: str, every: bool, most: int, outputs: Path | None,
    kept: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Say which stacks have news, and in which legs they are to be proven.

    Rebases every stack in memory, and asks cargo which dependencies it would take; builds nothing,
    needs no token. With one that may read, what people answered and ordered on the forge is part of
    the plan. A leg is a whole family: forkbot verify --plan proves it, and forkbot run --verified
    believes that.
    """
    with opened(root, channel=Channel(channel)) as session:
        connection = connected(session)
        found = plan(session, connection=connection, most=most)
        found = msgspec.structs.replace(found, unfinished=_unfinished(connection, every=every))
    if kept is not None:
        _write(kept, "w", msgspec.json.encode(found).decode())
    if outputs is not None:
        _put(found, outputs)
    if as_json:
        print_json(found)
        return EXIT_DONE
    for stack in found.stacks:
        click.echo(visible(f"{stack.stack}: {stack.new or 'nothing new'}"))
    if found.unfinished:
        click.echo(f"to look at again: {visible(found.unfinished)}")
    for leg in found.legs:
        more = "" if channel == Channel.MAIN.value else f" --channel {channel}"
        click.echo(f"to prove: forkbot verify {' '.join(leg.stacks)} --newest{more}")
    return EXIT_DONE


def _unfinished(connection: Connection, *, every: bool) -> str:
    """Return why there is something to do even with nothing new, or ''."""
    if every:
        return "everything was asked for"
    # octo/stacks/.github/workflows/rebase.yml@refs/heads/main: the one that calls, when called
    workflow = os.environ.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].rpartition("/")[2]
    if not workflow or isinstance(connection.forge, LocalForge):
        return ""
    return unfinished(connection, workflow)


def _put(found: Plan, outputs: Path) -> None:
    """Append what the next jobs need; JSON of msgspec's is one line, whatever is in it."""
    legs = msgspec.json.encode(found.legs).decode()
    _write(outputs, "a", f"legs={legs}\nnews={'true' if found.news else 'false'}\n")


def _write(path: Path, how: Literal["a", "w"], text: str) -> None:
    try:
        with path.open(how, encoding="utf-8") as file:
            file.write(text)
    except OSError as e:
        raise MachineError(f"cannot write it: {e.strerror}", where=str(path)) from e
