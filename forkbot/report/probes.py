"""What a probe found, as Markdown and in a terminal: each patch, and what misses it."""

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forkbot.model.probe import ProbeAnswer, RedKind
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report.neutral import code, fenced, inline
from forkbot.text import visible

_NOTHING = "nothing that is built and run here misses it"
_ALONE = "Each patch was left out alone: of two that stand in for each other, neither is missed."


def was_probed(record: RunRecord) -> bool:
    """Whether a run answered what its patches are there for."""
    return any(stack.probes for stack in record.stacks)


def show_probes(record: RunRecord, console: Console) -> None:
    """Print what a probe found."""

    def say(text: str, style: str = "") -> None:
        console.print(Text(visible(text), style=style), soft_wrap=True)

    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("stack", "patch", "", "why"):
        table.add_column(name, overflow="fold", no_wrap=not name)
    for stack in record.stacks:
        for answer in stack.probes:
            cells = (stack.name, answer.patch, _word(answer), reason_of(answer))
            table.add_row(*(Text(visible(cell)) for cell in cells))
    console.print(table)
    say(probe_headline(record), "bold green")
    for line in _writes(record):
        say(line)
    for line in advice(record):
        say(line, "cyan")


def probe_headline(record: RunRecord) -> str:
    """Return what a probe found in one line."""
    answers = [a for s in record.stacks for a in s.probes]
    needed = sum(a.needed for a in answers)
    patches = f"{len(answers)} patch{'' if len(answers) == 1 else 'es'}"
    before = ", known before" if all(a.remembered for a in answers) else ""
    return (
        f"{patches} on {record.channel.value}: {needed} needed, "
        f"{len(answers) - needed} not needed by anything that is built and run here{before}"
    )


def advice(record: RunRecord) -> tuple[str, ...]:
    """Return what to do about the patches that nothing misses."""
    return tuple(
        f"{' and '.join(names)} of {stack.name}: drop {'it' if len(names) == 1 else 'one'} and "
        f"probe again, or add a component to stacks/{stack.name}/smoke that is red without it"
        for stack in record.stacks
        if (names := [a.patch for a in stack.probes if not a.needed])
    )


def reason_of(answer: ProbeAnswer) -> str:
    """Return in one line why a patch is needed, or that nothing misses it."""
    if answer.needed:
        return answer.why
    if answer.without:
        return f"{_NOTHING}, nor {', '.join(answer.without)}, which cannot do without it"
    return _NOTHING


def _word(answer: ProbeAnswer) -> str:
    return "needed" if answer.needed else "not needed"


def _writes(record: RunRecord) -> Iterator[str]:
    for stack in record.stacks:
        for name in stack.files_to_write:
            yield f"would write stacks/{stack.name}/{name}"
    if record.dry_run and record.verdict is not None:
        yield f"would write .forkbot/runs/{record.id}/"


def probed(stack: StackRecord) -> Iterator[str]:
    """Yield a stack's probe as lines of Markdown; none when it was not probed."""
    if not stack.probes:
        return
    yield f"## {inline(stack.name)}: what each patch is there for"
    yield ""
    yield "| patch | | without it | |"
    yield "|---|---|---|---|"
    for answer in stack.probes:
        took = "known before" if answer.remembered else f"{answer.seconds:.0f} s"
        yield (
            f"| {code(answer.patch, cell=True)} | **{_word(answer)}** "
            f"| {inline(reason_of(answer))} | {'' if answer.needed_by else took} |"
        )
    yield ""
    if any(not answer.needed for answer in stack.probes):
        yield _ALONE
        yield ""
    for answer in stack.probes:
        yield from _errors(answer)


def _errors(answer: ProbeAnswer) -> Iterator[str]:
    """Yield what the tools said without a patch: the reason that it exists."""
    red = answer.red
    if red is None or not (red.errors or red.output):
        return
    who = f"{red.stack}'s {red.name}" if red.kind is RedKind.SMOKE else f"building {red.name}"
    yield f"Without {code(answer.patch)}, {inline(who)} said:"
    yield ""
    for error in red.errors:
        yield fenced(error.rendered or error.message)
        yield ""
    if red.more_errors:
        yield f"And {red.more_errors} more error{'' if red.more_errors == 1 else 's'}."
        yield ""
    if red.output:
        yield fenced(red.output)
        yield ""
