"""The command for consumers of the forks: cargo-patch."""

import shlex
from pathlib import Path

import click

from forkbot.cargopatch import cargo_patch, check_project
from forkbot.cli.connect import connected
from forkbot.cli.inert import echo_exactly
from forkbot.cli.surroundings import (
    channel_option,
    json_option,
    opened,
    print_json,
    stacks_argument,
)
from forkbot.errors import EXIT_BUILD, EXIT_DONE
from forkbot.model.cargopatch import By, CargoPatchAnswer
from forkbot.report.cargopatch import told_check, told_unproven
from forkbot.text import visible
from forkbot.words import Channel


@click.command("cargo-patch")
@stacks_argument
@channel_option(Channel.MAIN)
@click.option(
    "--by", type=click.Choice([p.value for p in By]), default=By.REVISION.value,
    show_default=True, help="What each fork is held at: its commit, its branch, or a tag there.",
)  # fmt: skip
@click.option(
    "--check", "project", metavar="CARGO_TOML", type=click.Path(path_type=Path),
    help="Resolve and build this project with the table, in a copy, and say what is not patched.",
)  # fmt: skip
@json_option
@click.pass_obj
def cargo_patch_command(
    root: Path | None, stacks: tuple[str, ...], *, channel: str, by: str, project: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Print the [patch.crates-io] table that uses the forks, and what proves it.

    For all stacks when none is named; what they are built on comes along. Only what is green, was
    proven just as it is, and is published gets into the table; else the exit code is 4, and what is
    missing is said. What a later run here found red of the same commits, as after a release of a
    dependency's, is told beside the table. With --check it is 4, too, where a project needs a fork
    and does not get it, or does not build.
    """
    words = ["forkbot", "cargo-patch", *stacks]
    words += [] if channel == Channel.MAIN.value else ["--channel", channel]
    words += [] if by == By.REVISION.value else ["--by", by]
    with opened(root, channel=Channel(channel)) as session:
        patch = cargo_patch(
            session, stacks, by=By(by), connection=connected(session), command=shlex.join(words)
        )
        check = None
        if project is not None and not patch.unproven:
            check = check_project(session, project, patch=patch)
    if as_json:
        print_json(CargoPatchAnswer(patch=patch, check=check))
    elif patch.unproven:
        for line in told_unproven(patch):
            click.echo(line, err=True)
    elif check is not None:
        for line in told_check(check, patch.target):
            click.echo(line)
    else:
        echo_exactly(patch.table)
    if patch.red_since and not as_json:
        click.echo(f"red since, on the same commits: {visible(patch.red_since)}", err=True)
        click.echo("next: forkbot report", err=True)
    return EXIT_DONE if patch.proven and (check is None or check.green) else EXIT_BUILD
