"""Reads the environment into a session: folders, the clock, the terminal. Secrets stay out."""

import contextlib
import datetime as dt
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import click
import msgspec
from rich.console import Console

from forkbot.cli.inert import echo_exactly
from forkbot.errors import UsageError
from forkbot.model.record import RunRecord
from forkbot.process.seclusion import hide_memory
from forkbot.session import Say, Session
from forkbot.stackdir.load import find_root
from forkbot.text import visible
from forkbot.words import Channel

F = TypeVar("F", bound=Callable[..., object])

SECRETS = ("FORKBOT_TOKEN", "FORKBOT_APP_KEY", "GITHUB_TOKEN", "GH_TOKEN")  # only `connect` reads

_EVERY = 10  # seconds
_COUNTED = re.compile(r"(?P<of>[^:(]*)[:(].*?\b(?P<number>\d+) of \d")


def channel_option(default: Channel) -> Callable[[F], F]:
    """Return the ``--channel`` option."""
    return click.option(
        "--channel",
        type=click.Choice([c.value for c in Channel]),
        default=default.value,
        show_default=True,
        help="Which line of upstream: its branch, or its published releases.",
    )


def json_option(function: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")(
        function
    )


def stacks_argument(function: F) -> F:
    """Take the names of stacks; none is all of them."""
    return click.argument("stacks", nargs=-1, metavar="[STACK]...")(function)


def dry_run_option(function: F) -> F:
    """Add ``--dry-run``."""
    return click.option(
        "--dry-run",
        is_flag=True,
        help="Write nothing (builds aside); print each write that would be made.",
    )(function)


def cache_folder() -> Path:
    """Return forkbot's cache: FORKBOT_CACHE, else the user's cache folder."""
    if own := os.environ.get("FORKBOT_CACHE"):
        return Path(own).absolute()
    shared = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(shared).absolute() / "forkbot"


def ambient() -> dict[str, str]:
    """Return the environment, to be narrowed by whoever starts a child; no token is in it."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}


def now() -> dt.datetime:
    """Return the time; SOURCE_DATE_EPOCH stands in for it where a build must be repeatable."""
    if fixed := os.environ.get("SOURCE_DATE_EPOCH"):
        try:
            return dt.datetime.fromtimestamp(int(fixed), tz=dt.UTC)
        except ValueError as e:
            raise UsageError(f"SOURCE_DATE_EPOCH is not a number: {fixed!r}") from e
    return dt.datetime.now(tz=dt.UTC)


@contextlib.contextmanager
def opened(
    root: Path | None,
    *,
    channel: Channel = Channel.MAIN,
    dry_run: bool = False,
    anywhere: bool = False,
) -> Iterator[Session]:
    """Lend a session on the stacks repository around here, with progress on stderr.

    ``anywhere`` takes the folder as it is, whether there are stacks in it or not.
    """
    start = root.absolute() if root else Path.cwd()
    if not start.is_dir():
        raise UsageError("there is no such folder", where=str(start))
    with progress() as say:
        held = tuple(name for name in SECRETS if os.environ.get(name))
        if held:
            hide_memory()
        yield Session(
            root=start if anywhere else find_root(start),
            cache=cache_folder(),
            ambient=ambient(),
            channel=channel,
            now=now(),
            say=say,
            dry_run=dry_run,
            secrets=held,
        )


class _Log:
    """Tells a log what is going on; of steps that are counted ("3 of 80") one every so often."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[int, float]] = {}  # of what: the step told last, and when

    def say(self, text: str) -> None:
        if step := _COUNTED.match(text):
            of, number, now = step["of"], int(step["number"]), time.monotonic()
            last, at = self._told.get(of, (number, now))
            if number > last and now < at + _EVERY:
                return
            self._told[of] = number, now
        sys.stderr.write(f"forkbot: {visible(text)}\n")


@contextlib.contextmanager
def progress() -> Iterator[Say]:
    """Lend a way to say what is going on: one live line on a terminal, plain lines elsewhere."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _Log().say
        return
    with console.status("") as status:

        def live(text: str) -> None:
            status.update(visible(text).replace("[", r"\["))

        yield live


def console() -> Console:
    """Return stdout for tables: a terminal has its width, a log has room for each line."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 1000)


def print_json(value: object) -> None:
    """Print facts as JSON on stdout."""
    echo_exactly(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def show_record(record: RunRecord, *, as_json: bool) -> int:
    """Print a run and return its exit code."""
    if as_json:
        print_json(record)
    else:
        from forkbot.report.terminal import show  # noqa: PLC0415 - JSON needs none of it

        show(record, console())
    return record.exit_code
