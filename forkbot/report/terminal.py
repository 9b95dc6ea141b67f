"""The report in a terminal: the same view as the Markdown, in a table."""

from collections.abc import Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from forkbot.model.fate import Fate, Rebase
from forkbot.model.publication import Move
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report.probes import show_probes, was_probed
from forkbot.report.view import broken_by, holds, next_steps, reds, rows, summary, writes
from forkbot.text import visible


def show(record: RunRecord, console: Console) -> None:
    """Print a run: overview, conflicts, reds, the headline, and what to type next."""

    def say(text: str, style: str = "") -> None:
        # unwrapped: a command broken over two lines cannot be copied
        console.print(Text(visible(text), style=style), soft_wrap=True)

    if was_probed(record):
        show_probes(record, console)
        return
    console.print(_overview(record))
    for stack in record.stacks:
        for line, style in _stack(stack):
            say(line, style)
    wrong = reds(record.verdict) if record.verdict else []
    for line in wrong:
        say(f"red: {line}", "red")
    for line in holds(record):
        say(f"held back: {line}")
    for line in writes(record):
        say(f"would {line}")
    if wrong and not record.dry_run:
        say(f"all that was said: .forkbot/runs/{record.id}/report.md")
    say(summary(record), "bold green" if record.exit_code == 0 else "bold red")
    for step in next_steps(record):
        say(f"next: {step}", "cyan")


def _stack(stack: StackRecord) -> Iterator[tuple[str, str]]:
    if stack.trouble is not None:
        where = f"{stack.trouble.where}: " if stack.trouble.where else ""
        yield f"error: {where}{stack.trouble.what}", "red"
    if stack.rebase is not None:
        for o in stack.rebase.dropped:
            what = f"patch {o.name} leaves the series, {o.fate.value}"
            yield f"{stack.name}: {what}: {o.evidence}", ""
        for line in _conflict(stack.rebase):
            yield line, "red"
    plan = stack.publication
    if plan is not None and plan.move is Move.REFUSED:
        yield f"refused: {stack.name}: {plan.why}", "red"


def _overview(record: RunRecord) -> RenderableType:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("stack", "upstream", "patches", "verified", "fork branch"):
        table.add_column(name, overflow="fold")
    for row in rows(record):
        cells = (row.name, row.upstream, row.patches, row.verified, row.branch)
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


def _conflict(rebase: Rebase) -> Iterator[str]:
    conflict = rebase.conflict
    if conflict is None:
        return
    yield f"conflict: {rebase.stack}, patch {conflict.patch}, going onto {rebase.onto.label}"
    for path in conflict.paths:
        lines = [str(h.line) for h in path.hunks[:8]]
        where = f", upstream line{'' if len(lines) == 1 else 's'} {', '.join(lines)}"
        yield f"  {path.path}: {', '.join(path.kinds)}{where if lines else ''}"
        if culprit := broken_by(conflict, path.path):
            yield f"    broken by {culprit[0]} {culprit[1]}"
    blocked = [o.name for o in rebase.outcomes if o.fate is Fate.BLOCKED]
    if blocked:
        were = "patch behind it was" if len(blocked) == 1 else "patches behind it were"
        yield f"  {len(blocked)} {were} not tried: {', '.join(blocked)}"
