"""The command that says what is new, for a run on several machines: plan."""

from pathlib import Path

import click

from forkbot.cli.surroundings import channel_option, json_option, opened, print_json
from forkbot.errors import EXIT_DONE
from forkbot.planning import MOST_LEGS, plan
from forkbot.words import Channel


@click.command("plan")
@channel_option(Channel.MAIN)
@click.option(
    "--legs", "most", type=click.IntRange(1, MOST_LEGS), default=MOST_LEGS, show_default=True,
    metavar="N", help="How many machines may build at once.",
)  # fmt: skip
@json_option
@click.pass_obj
def plan_command(root: Path | None, *, channel: str, most: int, as_json: bool) -> int:
    """Say which stacks have news, and in which legs they are to be proven.

    Rebases every stack in memory; builds nothing, writes nothing, needs no token. A leg is a whole
    family: forkbot verify --newest proves it, and forkbot run --verified believes that.
    """
    with opened(root, channel=Channel(channel)) as session:
        found = plan(session, most=most)
    if as_json:
        print_json(found)
        return EXIT_DONE
    for stack in found.stacks:
        click.echo(f"{stack.stack}: {stack.new or 'nothing new'}")
    for leg in found.legs:
        more = "" if channel == Channel.MAIN.value else f" --channel {channel}"
        click.echo(f"to prove: forkbot verify {' '.join(leg.stacks)} --newest{more}")
    return EXIT_DONE
