"""The commands that only look: status, report."""

from pathlib import Path

import click
from rich import box
from rich.table import Table
from rich.text import Text

from forkbot.cli.connect import connected
from forkbot.cli.inert import echo_exactly
from forkbot.cli.surroundings import console, json_option, opened, print_json
from forkbot.errors import EXIT_DONE, MachineError, UsageError
from forkbot.report.terminal import show
from forkbot.rundir import RunDirectory, read_record
from forkbot.stackdir.load import load_family, select
from forkbot.status import standing
from forkbot.words import Channel

_FILES = {"markdown": "report.md", "html": "report.html"}


@click.command("status")
@click.argument("stacks", nargs=-1, metavar="[STACK]...")
@json_option
@click.pass_obj
def status_command(root: Path | None, stacks: tuple[str, ...], *, as_json: bool) -> int:
    """Show each stack: base, patches, verdict, fork branch.

    Reads the stacks' files and the forge; asks no upstream and changes nothing.
    """
    with opened(root) as session:
        forge = connected(session).forge
        chosen = select(load_family(session.root), stacks, root=session.root)
        found = [standing(s, channel, forge=forge) for s in chosen for channel in Channel]
        runs = RunDirectory(session.state / "runs").ids()
    if as_json:
        print_json(found)
        return EXIT_DONE
    out = console()
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("stack", "patches", "channel", "base", "verdict", "fork branch", ""):
        # a narrow terminal breaks these two, and leaves the rest whole
        table.add_column(name, no_wrap=name not in {"base", "fork branch"}, overflow="fold")
    for s in found:
        first = s.channel is Channel.MAIN
        cells = (s.stack if first else "", str(s.patches) if first else "", s.channel.value,
                 s.base or "-", s.verdict or "-", f"{s.repo} {s.branch}", s.published)  # fmt: skip
        table.add_row(*map(Text, cells))
    out.print(table)
    if runs:
        out.print(f"last run: {runs[-1]} (forkbot report)")
    return EXIT_DONE


@click.command("report")
@click.argument("run", required=False)
@click.option(
    "--format", "face", type=click.Choice(["terminal", "markdown", "html"]), default="terminal",
    show_default=True, help="How to show it.",
)  # fmt: skip
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write markdown or html there instead of to stdout.",
)  # fmt: skip
@json_option
@click.pass_obj
def report_command(
    root: Path | None, run: str | None, *, face: str, output: Path | None, as_json: bool
) -> int:
    """Show the report of a run, the newest by default.

    RUN is a run's id, or a path (with a `/` in it) to a record.json from anywhere. The report is
    made anew from the record, so it can be had in any form at any time.
    """
    if output is not None and (as_json or face == "terminal"):
        raise UsageError(
            "--output takes a page", hint="forkbot report --format html --output report.html"
        )
    with opened(root) as session:
        runs = RunDirectory(session.state / "runs")
        record = read_record(Path(run)) if run and "/" in run else runs.read(run)
    if as_json:
        print_json(record)
    elif face == "terminal":
        show(record, console())
    else:
        from forkbot.report.pages import pages  # noqa: PLC0415 - a terminal needs none of it

        _put(pages(record)[_FILES[face]], output)
    return EXIT_DONE


def _put(page: str, output: Path | None) -> None:
    if output is None:
        echo_exactly(page)
        return
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as e:
        raise MachineError(f"cannot write it: {e.strerror}", where=str(output)) from e
