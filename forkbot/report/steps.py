"""What to type: the next commands of a run, and for each trouble the one that mends it."""

import itertools
import shlex
from collections.abc import Sequence

from forkbot.model.buildbreaker import BuildBreaker
from forkbot.model.fate import Fate, PatchOutcome, Rebase
from forkbot.model.judgement import Floor, Suspicion
from forkbot.model.place import Place
from forkbot.model.publication import Move, Publication
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report.overview import superseded_by, writes
from forkbot.report.phrases import clip
from forkbot.report.verified import reds
from forkbot.words import Channel

_SHOWN = 12


def next_steps(record: RunRecord) -> tuple[str, ...]:
    """Return what to type next, most urgent first; empty when there is nothing to do."""
    steps = []
    for stack in record.stacks:
        steps += _stack(stack, record)
    if record.verdict is not None and reds(record.verdict):
        on = [search_on(b, record) for b in record.breakers if b.unfinished]
        steps += [f"{command}  # goes on where the search ended" for command in on[-1:]]
        steps.append(f"{record.command}  # again, once the red is mended")
    if record.dry_run and record.exit_code == 0 and writes(record):
        steps.append(record.command.replace(" --dry-run", ""))
    steps = list(dict.fromkeys(steps))
    if len(steps) > _SHOWN:
        more = len(steps) - _SHOWN
        steps[_SHOWN:] = [f"forkbot report {record.id}  # and {more} more, each told there"]
    return tuple(steps)


def _stack(stack: StackRecord, record: RunRecord) -> list[str]:
    rebase = stack.rebase
    if stack.trouble is not None:
        return [stack.trouble.hint] if stack.trouble.hint else []
    if rebase is None:
        return []
    if rebase.conflict is not None:
        return mend(rebase, record)
    if stack.publication is not None and stack.publication.move is Move.REFUSED:
        return [stack.publication.hint or see_and_move(stack.publication)]
    if rebase.unacknowledged:
        return [acknowledge(rebase, rebase.unacknowledged)]
    update = stack.update
    return [f"{update.hint}  # {stack.name}"] if update and update.exit_code and update.hint else []


def mend(rebase: Rebase, record: RunRecord) -> list[str]:
    """Return what to type at a conflict: resolve it, or drop what looks superseded."""
    stopped = next(o for o in rebase.outcomes if o.conflict is not None)
    aims = _aims(record.command, "--base", "--onto", "--upstream")
    resolve = f"forkbot resolve {rebase.stack}{_channel(rebase)}{aims}"
    if stopped.fate is not Fate.SUPERSEDED:
        return [resolve]
    by = superseded_by(stopped)
    return [
        f"{drop(rebase, stopped)}  # if {by or 'upstream'} does what it is for",
        f"{resolve}  # if it does not",
    ]


def drop(rebase: Rebase, outcome: PatchOutcome) -> str:
    """Return the command that takes a patch out of the series."""
    return f"forkbot patch drop {rebase.stack} {outcome.name}"


def acknowledge(rebase: Rebase, suspicions: Sequence[Suspicion]) -> str:
    """Return the command by which a person says that suspicious lines are well."""
    return f'forkbot acknowledge {rebase.stack} {" ".join(s.key for s in suspicions)} --why "…"'


def build_again(rebase: Rebase) -> str:
    """Return the command that builds and runs the same result, and writes nothing."""
    return f"forkbot rebase {rebase.stack}{_channel(rebase)} --verify --dry-run"


def search_on(breaker: BuildBreaker, record: RunRecord) -> str:
    """Return the command that goes on with a search that was bounded."""
    more = " --channel release" if record.channel is Channel.RELEASE else ""
    aims = _aims(record.command, "--base", "--onto", "--upstream")
    return f"forkbot bisect {breaker.stack}{more}{aims}"


def go_to(rebase: Rebase, floor: Floor) -> tuple[str, ...]:
    """Return the commands that take the stack to its floor: its files alone, and published."""
    onto = f"{rebase.stack}{_channel(rebase)} --onto {rev(rebase, floor.place)}"
    return (f"forkbot rebase {onto}  # its files only", f"forkbot run {onto}  # the whole way")


def rev(rebase: Rebase, place: Place) -> str:
    """Return what ``--onto`` takes for a place: a release by its version."""
    if rebase.channel is Channel.RELEASE:
        return shlex.quote(place.label)
    return place.commit[:12]


def reproduce(stack: StackRecord, record: RunRecord) -> tuple[str, ...]:
    """Return the commands that show a conflict again: forkbot's own, then git's alone.

    The patches apply to their base, and there git's rebase makes the very same merges. A release's
    commits are forkbot's, so there is no git repository to clone them from.
    """
    rebase = stack.rebase
    assert rebase is not None
    onto = rev(rebase, rebase.onto)
    asked = f"{_channel(rebase)}{_aims(record.command, '--base', '--upstream')}"
    lines = [f"forkbot rebase {stack.name}{asked} --onto {onto} --dry-run"]
    if rebase.channel is Channel.RELEASE or not stack.upstream_url:
        return tuple(lines)
    stopped = next(n for n, o in enumerate(rebase.outcomes) if o.conflict is not None)
    series = [o.name for o in rebase.outcomes[: stopped + 1]]
    return (
        *lines,
        "# or with git alone, from the folder of the stacks:",
        f"patches=$PWD/stacks/{stack.name}/patches",
        f"git clone {shlex.quote(stack.upstream_url)} /tmp/{stack.name}-conflict",
        f"cd /tmp/{stack.name}-conflict",
        f"git checkout --detach {rebase.base.commit}",
        f'for name in {" ".join(series)}; do git am "$patches/$name.patch"; done',
        f"git rebase --onto {rebase.onto.commit} {rebase.base.commit}",
    )


def _aims(command: str, *options: str) -> str:
    """Return what a run was told of upstream on its command line: the next step needs it too."""
    try:
        words = shlex.split(command)
    except ValueError:  # a quote was redacted away
        return ""
    kept = [
        word
        for option, value in itertools.pairwise(words)
        if option in options
        for word in (option, value)
    ]
    return f" {shlex.join(kept)}" if kept else ""


def _channel(rebase: Rebase) -> str:
    return " --channel release" if rebase.channel is Channel.RELEASE else ""


def see_and_move(plan: Publication) -> str:
    """Return the command that shows whose commits are on a fork branch."""
    place, branch = shlex.quote(clip(plan.place, 400)), shlex.quote(plan.branch)
    look = f"git -C {place} log {branch}"
    if "://" in place:
        look = f"git fetch {place} {branch} && git log FETCH_HEAD"
    return f"{look}  # then take it into a patch, or move the branch away"
