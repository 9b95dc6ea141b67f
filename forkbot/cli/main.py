"""``forkbot``: commands by name, loaded only when called; every failure told the same way."""

import contextlib
import errno
import importlib
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from forkbot import __version__
from forkbot.cli.inert import make_inert
from forkbot.errors import (
    EXIT_DONE,
    EXIT_FAULT,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    ForkbotError,
)

# name → module, and the first line of its help: `forkbot --help` loads none of them
COMMANDS = {
    "status": ("forkbot.cli.look", "Show each stack: base, patches, verdict, fork branch."),
    "run": ("forkbot.cli.go", "Rebase, verify and publish: the whole way. What cron calls."),
    "plan": (
        "forkbot.cli.plan",
        "Say which stacks have news, and in which legs they are to be proven.",
    ),
    "rebase": ("forkbot.cli.go", "Rebase stacks onto upstream and update their files."),
    "resolve": ("forkbot.cli.resolve", "Resolve a conflict by hand, and keep the answer."),
    "verify": ("forkbot.cli.go", "Build and run stacks for wasm32-wasip2 as their files say."),
    "publish": ("forkbot.cli.go", "Push verified stacks to their fork branches."),
    "tell": ("forkbot.cli.go", "Bring issues and pull requests to how the stacks are now."),
    "acknowledge": (
        "forkbot.cli.acknowledge",
        "Say that suspicious lines are well, and why: the stack may be published.",
    ),
    "bisect": (
        "forkbot.cli.bisect",
        "Find the upstream commit, and the patch, that turned something red.",
    ),
    "probe": ("forkbot.cli.probe", "Find out what each patch is there for, by leaving it out."),
    "neutral": (
        "forkbot.cli.neutral",
        "Prove that stacks change nothing on the machine that builds them.",
    ),
    "patch": ("forkbot.cli.patch", "Change the series of a stack: drop."),
    "report": ("forkbot.cli.look", "Show the report of a run, the newest by default."),
    "cargo-patch": (
        "forkbot.cli.cargo_patch",
        "Print the [patch.crates-io] table that uses the forks, and what proves it.",
    ),
    "toolchain": ("forkbot.cli.tools", "Find or get a rustc for wasm32-wasip2, and wasmtime."),
    "watch": ("forkbot.cli.watch", "Tell, by one issue, when the bot's own cron did not run."),
    "doctor": ("forkbot.cli.doctor", "Check everything forkbot needs, and say what to do."),
    "init-repo": (
        "forkbot.cli.make",
        "Make a repository one for stacks: workflows, defaults, an example.",
    ),
    "new": ("forkbot.cli.make", "Begin a stack: a folder with a stack.yaml."),
    "import": ("forkbot.cli.make", "Make the commits of a branch the patches of a stack."),
}


class Commands(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names, in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return one command, loaded now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        found = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="forkbot")
@click.option(
    "-C", "root", type=click.Path(path_type=Path), metavar="DIR",
    help="Work in this stacks repository instead of the one around the current folder.",
)  # fmt: skip
@click.pass_context
def cli(ctx: click.Context, root: Path | None) -> None:
    """Keep forks alive: upstream plus an ordered stack of patches, rebased, built, run, published.

    Exit codes: 0 done or nothing to do, 1 a fault of forkbot or the machine, 2 usage or
    configuration, 3 conflict or suspicion, 4 build or smoke failure, 5 network or forge, 6 refused
    because a person's work or another run is in the way, 130 interrupted.
    """
    ctx.obj = root


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the code of DESIGN §7."""
    # Actions' cancel and systemd's stop: end as at Ctrl-C, children and scratch with us
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        make_inert()
    sys.exit(run_cli(argv))


def run_cli(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every failure is told on stderr."""
    try:
        code = cli.main(args=argv, prog_name="forkbot", standalone_mode=False)
    except ForkbotError as e:
        _say_error(e)
        return e.exit_code
    except click.exceptions.NoArgsIsHelpError as e:
        click.echo(e.ctx.get_help(), err=True)
        return EXIT_USAGE
    except click.ClickException as e:
        e.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; nothing is half done: run the same command again", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # the reader has enough (`forkbot report | head`)
        with contextlib.suppress(OSError):
            sys.stdout.close()
        return EXIT_DONE
    except Exception as e:
        return _fault(e)
    return code if isinstance(code, int) else EXIT_DONE


def _say_error(error: ForkbotError) -> None:
    where = f"{error.where}: " if error.where else ""
    click.echo(f"{click.style('error', fg='red', bold=True)}: {where}{error.what}", err=True)
    if error.hint:
        click.echo(f"{click.style('hint', fg='cyan')}: {error.hint}", err=True)


def _fault(error: Exception) -> int:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}no space left on the disk; nothing is half done", err=True)
        click.echo("hint: free some space, then run the same command again", err=True)
        return EXIT_FAULT
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="forkbot-fault-", suffix=".log", delete=False
        ) as log:
            log.write(f"forkbot {__version__}\npython {sys.version}\n\n{text}")
        click.echo(f"error: a fault of forkbot's: {type(error).__name__}: {error}", err=True)
        click.echo(f"hint: please report it with {log.name}", err=True)
    except OSError:
        click.echo(text, err=True)
    return EXIT_FAULT
