"""The commands that take stacks along the road: run, rebase, verify, publish."""

import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from forkbot.buildbreaker.asking import NIGHTLY
from forkbot.cli.connect import connected
from forkbot.cli.surroundings import (
    channel_option,
    dry_run_option,
    json_option,
    opened,
    show_record,
    stacks_argument,
)
from forkbot.errors import UsageError
from forkbot.git.remote import is_path
from forkbot.locate import FLOOR, Aim
from forkbot.model.plan import Plan
from forkbot.run import Step, run
from forkbot.rundir import Records, RunDirectory, read_plan, read_records
from forkbot.session import Session
from forkbot.text import redact
from forkbot.words import Channel, parse_git_url

F = TypeVar("F", bound=Callable[..., object])


plan_option = click.option(
    "--plan",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Go where a plan goes (what forkbot plan --json printed), though upstream moved since.",
)


probes_option = click.option(
    "--probes",
    type=click.IntRange(0, 1000),
    default=NIGHTLY.probes,
    show_default=True,
    metavar="N",
    help="On a red, make at most so many builds to find what broke it; forkbot bisect makes more.",
)


def aims(function: F) -> F:
    """Add ``--base``, ``--onto`` and ``--upstream``."""
    for option in (
        click.option(
            "--base", metavar="REV", help="Take this as the base instead of what stack.lock says."
        ),
        click.option(
            "--onto",
            metavar="REV",
            help="Go to this revision, tag or version, or to `floor`: as far as all patches apply.",
        ),
        click.option(
            "--upstream", metavar="URL", help="Fetch upstream from this URL or path, this once."
        ),
    ):
        function = option(function)
    return function


def checked_aim(command: str, stacks: tuple[str, ...], aim: Aim) -> Aim:
    """Return the aim of a command for its stacks, its upstream as it holds in any folder."""
    several = len(stacks) != 1
    if several and (aim.base or aim.onto not in (None, FLOOR) or aim.upstream):
        raise UsageError(
            "--base, --onto and --upstream speak of one upstream, so they need one stack",
            hint=f"forkbot {command} tokio --onto …",
        )
    return from_anywhere(aim)


def words_of(aim: Aim) -> list[str]:
    """Return the options that say an aim."""
    given = (("base", aim.base), ("onto", aim.onto), ("upstream", aim.upstream))
    return [word for name, value in given if value for word in (f"--{name}", value)]


def from_anywhere(aim: Aim) -> Aim:
    """Return the aim with its upstream checked, and a path made one that holds in any folder."""
    if aim.upstream is None:
        return aim
    url = parse_git_url(aim.upstream, where="--upstream")
    return dataclasses.replace(aim, upstream=str(Path(url).absolute()) if is_path(url) else url)


def _go(
    command: str,
    root: Path | None,
    stacks: tuple[str, ...],
    *,
    channel: str,
    steps: Step,
    aim: Aim,
    as_json: bool,
    dry_run: bool = False,
    again: bool = False,
    verified: tuple[Path, ...] = (),
    newest: bool = False,
    plan: Path | None = None,
    probes: int = 0,
) -> int:
    aim = checked_aim(command, stacks, aim)
    words = ["forkbot", command, *(stacks or (["--all"] if command == "run" else []))]
    words += [] if channel == Channel.MAIN.value else ["--channel", channel]
    words += words_of(aim)
    words += ["--newest"] if newest else []
    words += ["--again"] if again else []
    words += ["--plan", str(plan)] if plan else []
    words += [word for path in verified for word in ("--verified", str(path))]
    if Step.GROUND in steps:
        words += ["--verify" if command == "rebase" else "--verify-floor"]
    words += ["--dry-run"] if dry_run else []
    with opened(root, channel=Channel(channel), dry_run=dry_run) as session:
        record = run(
            session, stacks, command=redact(shlex.join(words)), steps=steps, aim=aim,
            connection=connected(session), again=again,
            proofs=_proofs(command, verified, session),
            plan=_plan_for(session, plan) if plan else None,
            search=dataclasses.replace(NIGHTLY, probes=probes) if probes else None,
        )  # fmt: skip
    return show_record(record, as_json=as_json)


def _plan_for(session: Session, path: Path) -> Plan:
    """Return the plan in a file; ``UsageError`` when it is of the other channel."""
    plan = read_plan(path)
    if plan.channel is not session.channel:
        raise UsageError(
            f"this plan is of the {plan.channel.value} channel",
            where=str(path),
            hint=f"add --channel {plan.channel.value}",
        )
    return plan


def _proofs(command: str, verified: tuple[Path, ...], session: Session) -> Records | None:
    """Return what is believed of builds: what was named; else, for tell, the newest run here."""
    if not verified and command == "tell":
        verified = RunDirectory(session.state / "runs").newest_verdict()
    return read_records(verified) if verified else None


@click.command("run")
@stacks_argument
@click.option("--all", "every", is_flag=True, help="All stacks.")
@channel_option(Channel.MAIN)
@click.option("--again", is_flag=True, help="Verify even what was found green before.")
@click.option(
    "--verify-floor", is_flag=True, help="On a conflict, find out how far all is still green."
)
@click.option(
    "--verified",
    multiple=True,
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Build nothing: take the verdict on the same commits from a record, or a folder of them.",
)
@plan_option
@probes_option
@aims
@dry_run_option
@json_option
@click.pass_obj
def run_command(
    root: Path | None, stacks: tuple[str, ...], *, every: bool, channel: str, again: bool,
    verify_floor: bool, verified: tuple[Path, ...], plan: Path | None, probes: int,
    base: str | None, onto: str | None, upstream: str | None, dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Rebase, verify and publish: the whole way. What cron calls.

    Name stacks, or say --all. Nothing is published unless it was built and run. With nothing new,
    nothing is written. With --verified no code of upstream's runs here, so a token may be near:
    each rebase is computed again, and what no record proves is held.
    """
    if plan and (base or onto or upstream):
        raise UsageError(
            "--plan says where to go, and so do --base, --onto and --upstream",
            hint="leave one of them out",
        )
    if verified and (again or verify_floor):
        raise UsageError(
            "--verified builds nothing, and --again and --verify-floor would",
            hint="leave one of them out",
        )
    if every == bool(stacks):
        raise UsageError("name stacks, or say --all (not both)", hint="forkbot run --all")
    steps = Step.VERIFY | Step.PUBLISH | Step.WRITE | Step.UPDATE | Step.TELL
    return _go(
        "run", root, stacks, channel=channel, steps=steps | Step.GROUND if verify_floor else steps,
        aim=Aim(base=base, onto=onto, upstream=upstream), as_json=as_json, dry_run=dry_run,
        again=again, verified=verified, plan=plan, probes=probes,
    )  # fmt: skip


@click.command("rebase")
@stacks_argument
@channel_option(Channel.MAIN)
@click.option(
    "--verify",
    "verified",
    is_flag=True,
    help="Build and run the result; on a conflict, find out how far all is still green.",
)
@aims
@dry_run_option
@json_option
@click.pass_obj
def rebase_command(
    root: Path | None, stacks: tuple[str, ...], *, channel: str, verified: bool, base: str | None,
    onto: str | None, upstream: str | None, dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Rebase stacks onto upstream and update their files.

    All stacks when none is named. Builds nothing unless --verify says so, and never publishes. On
    a conflict, or a suspicion that nobody acknowledged, the stack's files stay as they are, and the
    exit code is 3.
    """
    steps = Step.REBASE | Step.WRITE
    return _go(
        "rebase", root, stacks, channel=channel,
        steps=steps | Step.VERIFY | Step.GROUND if verified else steps,
        aim=Aim(base=base, onto=onto, upstream=upstream), as_json=as_json, dry_run=dry_run,
    )  # fmt: skip


@click.command("verify")
@stacks_argument
@channel_option(Channel.MAIN)
@click.option("--again", is_flag=True, help="Verify even what was found green before.")
@click.option(
    "--newest",
    is_flag=True,
    help="As they are on the newest upstream; only the run record is written.",
)
@plan_option
@probes_option
@dry_run_option
@json_option
@click.pass_obj
def verify_command(
    root: Path | None, stacks: tuple[str, ...], *, channel: str, again: bool, newest: bool,
    plan: Path | None, probes: int, dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Build and run stacks for wasm32-wasip2 as their files say.

    All stacks when none is named; what they depend on is built with them. The verdict is kept in
    stack.lock; with --newest in the run record alone, for forkbot run --verified. With --plan they
    are also as people answered and ordered on the forge, where the plan heard of it.
    """
    newest = newest or plan is not None
    return _go(
        "verify", root, stacks, channel=channel,
        steps=Step.VERIFY | (Step.HEAR if newest else Step.WRITE), aim=Aim(stay=not newest),
        as_json=as_json, again=again, dry_run=dry_run, newest=newest, plan=plan, probes=probes,
    )  # fmt: skip


@click.command("publish")
@stacks_argument
@channel_option(Channel.MAIN)
@dry_run_option
@json_option
@click.pass_obj
def publish_command(
    root: Path | None, stacks: tuple[str, ...], *, channel: str, dry_run: bool, as_json: bool
) -> int:
    """Push verified stacks to their fork branches.

    All stacks when none is named. Only what stack.lock calls green is pushed, with an exact lease;
    the old tip stays under a recovery tag.
    """
    return _go(
        "publish", root, stacks, channel=channel, steps=Step.PUBLISH | Step.WRITE,
        aim=Aim(stay=True), as_json=as_json, dry_run=dry_run,
    )  # fmt: skip


@click.command("tell")
@stacks_argument
@channel_option(Channel.MAIN)
@click.option(
    "--verified",
    multiple=True,
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Take the verdict from this record, or a folder of them, instead of the newest run here.",
)
@dry_run_option
@json_option
@click.pass_obj
def tell_command(
    root: Path | None, stacks: tuple[str, ...], *, channel: str, verified: tuple[Path, ...],
    dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Bring issues and pull requests to how the stacks are now.

    All stacks when none is named. Each is rebased in memory; of builds a run's verdict is believed,
    where it is about the very same commits, and else nothing is said of them. Publishes nothing and
    changes no file; only a conflict is laid out on its branch. One artefact a stack and kind; when:
    in stack.yaml says which.
    """
    return _go(
        "tell", root, stacks, channel=channel, steps=Step.REBASE | Step.TELL, aim=Aim(),
        as_json=as_json, dry_run=dry_run, verified=verified,
    )  # fmt: skip
