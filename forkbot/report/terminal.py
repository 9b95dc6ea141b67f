"""The report in a terminal: the same view as the Markdown, in a table."""

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from forkbot.model.fate import Conflict
from forkbot.model.record import RunRecord
from forkbot.report.view import headline, meaning, next_steps, reds, rows, writes
from forkbot.text import visible


def show(record: RunRecord, console: Console) -> None:
    """Print a run: overview, conflicts, reds, the headline, and what to type next."""
    console.print(_overview(record))
    for stack in record.stacks:
        if stack.trouble is not None:
            where = f"{stack.trouble.where}: " if stack.trouble.where else ""
            console.print(Text(f"error: {visible(where + stack.trouble.what)}", style="red"))
        if stack.rebase is not None:
            gone = [o for o in stack.rebase.outcomes if not o.fate.carried]
            for outcome in gone:
                text = f"{stack.name}: {outcome.name} is {outcome.fate.value}: {meaning(outcome)}"
                console.print(Text(visible(text)))
            if stack.rebase.conflict is not None:
                console.print(_conflict(stack.rebase.conflict))
    wrong = reds(record.verdict) if record.verdict else []
    for line in wrong:
        console.print(Text(f"red: {visible(line)}", style="red"))
    for line in writes(record):
        console.print(Text(visible(f"would {line}")))
    style = "bold green" if record.exit_code == 0 else "bold red"
    console.print(Text(visible(headline(record)), style=style))
    for step in next_steps(record):
        console.print(Text(f"next: {visible(step)}", style="cyan"))


def _overview(record: RunRecord) -> RenderableType:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("stack", "upstream", "patches", "verified", "fork branch"):
        table.add_column(name, overflow="fold")
    for row in rows(record):
        cells = (row.name, row.upstream, row.patches, row.verified, row.branch)
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


def _conflict(conflict: Conflict) -> RenderableType:
    lines = [Text(f'conflict: patch "{conflict.patch}"', style="red")]
    for path in conflict.paths:
        where = ", ".join(str(h.line) for h in path.hunks[:8])
        places = f", upstream lines {where}" if where else ""
        lines.append(Text(visible(f"  {path.path}: {', '.join(path.kinds)}{places}")))
    return Group(*lines)
