"""The command that takes a conflict to a person and the answer back: resolve."""

from collections.abc import Iterator
from pathlib import Path

import click

from forkbot.cli.go import aims, from_anywhere
from forkbot.cli.surroundings import (
    channel_option,
    dry_run_option,
    json_option,
    opened,
    print_json,
    show_record,
)
from forkbot.errors import EXIT_CONFLICT, EXIT_DONE, UsageError
from forkbot.locate import Aim
from forkbot.model.judgement import Replay
from forkbot.model.resolving import OpenConflict, Resolved
from forkbot.resolve import abort, go_on, resolve
from forkbot.text import visible
from forkbot.words import Channel


@click.command("resolve")
@click.argument("stack")
@click.option("--continue", "go", is_flag=True, help="Take the folder as the answer, and go on.")
@click.option("--empty", is_flag=True, help="With --continue: let a patch go that is left empty.")
@click.option("--abort", "give_up", is_flag=True, help="Leave everything as it was.")
@channel_option(Channel.MAIN)
@aims
@dry_run_option
@json_option
@click.pass_obj
def resolve_command(
    root: Path | None, stack: str, *, go: bool, empty: bool, give_up: bool, channel: str,
    base: str | None, onto: str | None, upstream: str | None, dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Resolve a conflict by hand, and keep the answer.

    Opens a folder with the conflict in it; edit with any tool. With --continue the patch is
    refreshed, the answer recorded under resolutions/ of the stack, and the next conflict laid out,
    if there is one. Called again, it says how things stand. Exit code 3 while a conflict is open.
    """
    aim = from_anywhere(Aim(base=base, onto=onto, upstream=upstream))
    if (go and give_up) or (empty and not go) or ((go or give_up) and aim != Aim()):
        raise UsageError(
            "--continue and --abort are alone; --empty goes with --continue",
            hint=f"forkbot resolve {stack} --continue",
        )
    with opened(root, channel=Channel(channel), dry_run=dry_run) as session:
        if give_up:
            return _say_aborted(stack, abort(session, stack), dry_run=dry_run)
        outcome = go_on(session, stack, empty=empty) if go else resolve(session, stack, aim=aim)
    if as_json:
        print_json(outcome)
    elif isinstance(outcome, OpenConflict):
        _say_open(outcome, dry_run=dry_run, brief=go and bool(outcome.undecided))
    else:
        _say_done(outcome)
    if isinstance(outcome, OpenConflict):
        return EXIT_CONFLICT
    return outcome.record.exit_code if outcome.record else EXIT_DONE


def _say_aborted(stack: str, kept: str, *, dry_run: bool) -> int:
    would = "would be " if dry_run else ""
    click.echo(f"{stack}: the conflict {would or 'is '}closed, and everything is as it was")
    if kept:
        click.echo(f"what you did lies in {kept}")
    return EXIT_DONE


def _channel(channel: Channel) -> str:
    return "" if channel is Channel.MAIN else f" --channel {channel.value}"


def _say_open(open_: OpenConflict, *, dry_run: bool, brief: bool) -> None:
    click.echo(
        f"conflict: {open_.stack}, patch {open_.patch} ({open_.number} of {open_.patches}), "
        f"going onto {visible(open_.onto.label)}"
    )
    for line in () if brief else _open_lines(open_, dry_run=dry_run):
        click.echo(visible(line))
    for missing in open_.undecided:
        click.secho("not yet", fg="red", nl=False)
        click.echo(visible(f": {missing.where}: {missing.what}"))
        click.echo(visible(f"  {missing.hint}"))
    command = f"forkbot resolve {open_.stack}{_channel(open_.channel)}"
    if dry_run:
        click.echo(f"next: {command}")
        return
    click.echo(f"next: {command} --continue  # when the files are as they should be")
    click.echo(f"next: {command} --abort  # to leave everything as it was")


def _open_lines(open_: OpenConflict, *, dry_run: bool) -> Iterator[str]:
    for path in open_.paths:
        yield f"  {path.path}: {path.what}"
        if path.filled:
            regions = "region is" if path.filled == 1 else "regions are"
            yield f"    {path.filled} {regions} as a recorded resolution says"
        if path.todo:
            yield f"    {path.todo}"
    for breaker in open_.conflict.breakers:
        who = f"{breaker.commit[:12]} of {breaker.date} by {breaker.author}"
        yield f"  {breaker.path}: broken by {who}: {breaker.subject}"
    yield from (f"  {_replayed(r)}" for r in open_.replays)
    if dry_run:
        return
    yield f"folder: {open_.folder}"
    yield (
        f"  upstream is {open_.onto.label} with the patches before this one (git show HEAD), "
        f"base is what the patch was made on, patch {open_.patch} is ours (git show patch)"
    )
    for name in open_.aside:
        yield f"  moved out of the way: {name}"
    if open_.untracked:
        names = ", ".join(open_.untracked[:8]) + (" …" if len(open_.untracked) > 8 else "")
        yield f"  not part of the answer unless you git add them: {names}"


def _replayed(replay: Replay) -> str:
    if replay.tool:
        return f"{replay.path}: merged by {replay.tool}; nobody has read it"
    return f"{replay.path}: resolution {replay.key} of {replay.date} by {replay.author}, replayed"


def _say_done(done: Resolved) -> None:
    if done.record is None:
        click.echo(f"{done.stack}: nothing to resolve")
        for replay in done.replays:
            click.echo(visible(f"  {_replayed(replay)}"))
        click.echo(f"next: forkbot rebase {done.stack}{_channel(done.channel)}")
        return
    show_record(done.record, as_json=False)
    for name in done.resolutions:
        click.echo(f"recorded: stacks/{done.stack}/{name}")
    if done.kept:
        click.echo(f"what you did besides lies in {done.kept}")
    if not done.record.exit_code:
        click.echo(f"next: forkbot verify {done.stack}{_channel(done.channel)}")
