"""The commands that begin something: init-repo, new, import."""

from pathlib import Path

import click

from forkbot.begin import import_branch, new_stack
from forkbot.cli.connect import connected
from forkbot.cli.surroundings import dry_run_option, opened
from forkbot.errors import EXIT_DONE, MachineError
from forkbot.forge.local import LocalForge
from forkbot.initrepo import (
    LABELS,
    label,
    parse_source,
    plan_beginning,
    write_beginning,
)
from forkbot.stackdir.load import STACKS


@click.command("init-repo")
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--forkbot", "source", required=True, metavar="OWNER/NAME@COMMIT",
    help="Where the workflows take forkbot from: its repository, at one commit.",
)  # fmt: skip
@dry_run_option
@click.pass_obj
def init_repo_command(root: Path | None, folder: Path, *, source: str, dry_run: bool) -> int:
    """Make a repository one for stacks: workflows, defaults, an example.

    Writes nothing over anything that is there. With a token, the labels that the bot uses are made
    in the stacks repository too.
    """
    chosen = (root or Path()) / folder
    beginning = plan_beginning(chosen, parse_source(source, where="--forkbot"))
    if not dry_run:
        try:
            chosen.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise MachineError(f"cannot make it: {e.strerror}", where=str(chosen)) from e
        write_beginning(chosen, beginning)
    for name in beginning.kept:
        click.echo(f"kept {name}")
    for name in beginning.files:
        click.echo(f"{'would write' if dry_run else 'wrote'} {name}")
    with opened(chosen if chosen.is_dir() else None, dry_run=dry_run, anywhere=True) as session:
        connection = connected(session)
        if not isinstance(connection.forge, LocalForge):
            if not dry_run:
                label(connection)
            what = "would see to" if dry_run else "saw to"
            click.echo(f"{what} {len(LABELS)} labels in {connection.home}")
    click.echo("next: forkbot new NAME --git URL; then forkbot doctor")
    return EXIT_DONE


@click.command("new")
@click.argument("name")
@click.option("--crate", help="The crate's name.  [default: the stack's]")
@click.option("--git", "url", required=True, metavar="URL", help="Upstream's repository.")
@click.option("--branch", default="main", show_default=True, help="Upstream's branch.")
@click.option("--subdir", default="", help="The crate's folder in that repository.")
@click.option("--since", metavar="VERSION", help="First release of the release channel, if wanted.")
@click.option("--fork", "repo", metavar="REPO", help="The fork's repository.  [default: NAME]")
@click.pass_obj
def new_command(
    root: Path | None, name: str, *, crate: str | None, url: str, branch: str, subdir: str,
    since: str | None, repo: str | None,
) -> int:  # fmt: skip
    """Begin a stack: a folder with a stack.yaml.

    Then add patches (forkbot import), and say what to build in stack.yaml.
    """
    with opened(root) as session, session.alone():
        folder = new_stack(
            session, name, crate=crate or name, url=url, branch=branch, subdir=subdir,
            since=since, repo=repo,
        )  # fmt: skip
    click.echo(f"made {folder.relative_to(session.root)}/stack.yaml")
    click.echo(f"next: forkbot import {name} --from <your clone> --base <upstream commit>")
    return EXIT_DONE


@click.command("import")
@click.argument("name")
@click.option(
    "--from", "source", required=True, metavar="DIR", help="A clone with the branch.",
    type=click.Path(path_type=Path, file_okay=False),
)  # fmt: skip
@click.option("--base", required=True, metavar="REV", help="The upstream commit it stands on.")
@click.option("--tip", default="HEAD", show_default=True, metavar="REV", help="The branch.")
@click.option("--dry-run", is_flag=True, help="Write nothing; list the patches.")
@click.pass_obj
def import_command(
    root: Path | None, name: str, *, source: Path, base: str, tip: str, dry_run: bool
) -> int:
    """Make the commits of a branch the patches of a stack.

    Each commit becomes a patch; its header gets Patch-Name, Upstream-Status and Drop-When where
    they are missing. Every patch is proven to give its commit's tree.
    """
    with opened(root, dry_run=dry_run) as session:
        _, patches, files = import_branch(session, name, source=source, base=base, tip=tip)
    for patch in patches:
        click.echo(f"{patch.name}: {patch.subject}")
    if dry_run:
        click.echo(f"{len(patches)} patches would be written to {STACKS}/{name}/patches")
    else:
        click.echo(f"{len(patches)} patches, {len(files)} files in {STACKS}/{name}; trees equal")
        click.echo("next: say in each header why the patch exists and when it may go (Drop-When)")
    return EXIT_DONE
