"""The commands that begin a stack: new, import."""

from pathlib import Path

import click

from forkbot.begin import import_branch, new_stack
from forkbot.cli.surroundings import opened
from forkbot.errors import EXIT_DONE
from forkbot.stackdir.load import STACKS


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
