"""The report in a terminal: the same words as on the pages, in the fewest lines that say it."""

from collections.abc import Iterable, Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from forkbot.model.conflict import Conflict, ConflictedPath
from forkbot.model.fate import Fate, Rebase
from forkbot.model.publication import Move
from forkbot.model.record import RunRecord, StackRecord
from forkbot.model.verdict import Verdict
from forkbot.report.alarms import suspicious
from forkbot.report.answered import answer_lines
from forkbot.report.breakers import found_out
from forkbot.report.conflict import breaker_of, by_effort, came_and_went
from forkbot.report.document import plain
from forkbot.report.fates import carry_over, to_read
from forkbot.report.guilt import guilt_lines
from forkbot.report.links import Web
from forkbot.report.neutrality import found, neutral_headline, was_compared
from forkbot.report.outlook import floor_line, may_go, proposals, rest
from forkbot.report.overview import holds, rows, stopped, summary, writes
from forkbot.report.phrases import clip, count, listed
from forkbot.report.probes import (
    advice,
    named,
    probe_headline,
    probe_writes,
    reason_of,
    was_probed,
    word,
)
from forkbot.report.smoke import component_rows, news
from forkbot.report.steps import go_to, next_steps
from forkbot.report.told import told, untold
from forkbot.report.updated import update_lines
from forkbot.report.verified import reds
from forkbot.text import visible

_PATHS_SHOWN = 12
Said = tuple[str, str]  # a line and its style


def show(record: RunRecord, console: Console) -> None:
    """Print a run: overview, what is wrong and why, the headline, and what to type next."""

    def say(text: str, style: str = "") -> None:
        # unwrapped: a command broken over two lines cannot be copied
        console.print(Text(visible(text), style=style), soft_wrap=True)

    if was_compared(record):
        lines: Iterable[Said] = _compared(record)
    elif was_probed(record):
        console.print(_probes(record))
        lines = _probed(record)
    else:
        console.print(_overview(record))
        if record.verdict is not None:
            _components(record.verdict, console)
        lines = _told(record)
    for line, style in lines:
        say(line, style)


def _told(record: RunRecord) -> Iterator[Said]:
    for stack in record.stacks:
        yield from _stack(stack, record)
    if record.verdict is not None and record.verdict.dependencies_said:
        yield clip(record.verdict.dependencies_said, 300), "yellow"
    yield from _reds(record)
    for line in holds(record):
        yield f"held back: {line}", ""
    for line, well in (*answer_lines(record), *update_lines(record)):
        yield line, "" if well else "red"
    for line in writes(record):
        yield f"would {line}", ""
    for line in untold(record):
        yield f"not told: {line}", "red"
    for line in told(record):
        yield f"told: {line}", ""
    if record.kept and _more_to_read(record):
        yield f"the whole report: .forkbot/runs/{record.id}/report.html", ""
    yield summary(record), "bold green" if record.exit_code == 0 else "bold red"
    for step in next_steps(record):
        yield f"next: {step}", "cyan"


def _reds(record: RunRecord) -> Iterator[Said]:
    for line, still_red in guilt_lines(record):
        yield f"whose fault: {line}", "bold red" if still_red else "yellow"
    for line in reds(record.verdict) if record.verdict else []:
        yield f"red: {line}", "red"
    for line in news(record.verdict) if record.verdict else []:
        yield f"news: {line}", "yellow"
    for line in found_out(record):
        yield f"since when: {line}", "red"


def _more_to_read(record: RunRecord) -> bool:
    """Whether the page has more to say than these lines."""
    rebases = (stack.rebase for stack in record.stacks if stack.rebase is not None)
    return any(r.conflict is not None or r.unacknowledged for r in rebases) or bool(
        record.verdict and reds(record.verdict)
    )


def _probed(record: RunRecord) -> Iterator[Said]:
    yield probe_headline(record), "bold green" if record.exit_code == 0 else "bold red"
    for line in probe_writes(record):
        yield f"would {line}", ""
    for line in advice(record):
        yield line, "cyan"


def _compared(record: RunRecord) -> Iterator[Said]:
    for answer in (s.neutrality for s in record.stacks if s.neutrality):
        yield f"{answer.stack}: {found(answer)}", "" if answer.neutral else "red"
        for line in (*answer.changed, *answer.api_changed):
            yield f"  {line}", "red"
    yield neutral_headline(record), "bold green" if record.exit_code == 0 else "bold red"


def _overview(record: RunRecord) -> RenderableType:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("stack", "upstream", "patches", "verified", "fork branch"):
        table.add_column(name, overflow="fold")
    for row in rows(record):
        cells = (row.name, row.upstream, row.patches, row.verified, row.branch)
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


def _components(verdict: Verdict, console: Console) -> None:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("component", "with the stacks", "on pristine upstream"):
        table.add_column(name, overflow="fold")
    for row in component_rows(verdict):
        table.add_row(*(Text(visible(cell)) for cell in row))
    if table.rows:
        console.print(table)


def _stack(stack: StackRecord, record: RunRecord) -> Iterator[Said]:
    if stack.trouble is not None:
        where = f"{stack.trouble.where}: " if stack.trouble.where else ""
        yield f"error: {where}{stack.trouble.what}", "red"
    if stack.rebase is not None:
        yield from _gone(stack.rebase)
        yield from _conflict(stack, stack.rebase, record)
        yield from _notes(stack.rebase)
    plan = stack.publication
    if plan is not None and plan.move is Move.REFUSED:
        yield f"refused: {stack.name}: {plan.why}", "red"


def _gone(rebase: Rebase) -> Iterator[Said]:
    for o in rebase.dropped:
        what = f"patch {o.name} leaves the series, {o.fate.value}"
        yield f"{rebase.stack}: {what}: {o.evidence}", ""


def _conflict(stack: StackRecord, rebase: Rebase, record: RunRecord) -> Iterator[Said]:
    conflict = rebase.conflict
    if conflict is None:
        return
    outcome = next(o for o in rebase.outcomes if o.conflict is not None)
    yield f"conflict: {rebase.stack}: {stopped(rebase)}", "bold red"
    yield f"  it is for: {clip(outcome.purpose or outcome.subject, 240)}", ""
    if outcome.evidence:
        yield f"  {clip(outcome.evidence, 300)}", ""
    web = Web.of(stack, record.channel)
    paths = by_effort(conflict)
    for path in paths[:_PATHS_SHOWN]:
        yield from _path(path, conflict, web)
    if len(paths) > _PATHS_SHOWN:
        yield f"  and {count(len(paths) - _PATHS_SHOWN, 'path')} more in the report", ""
    if rebase.without is not None and rebase.without.later:
        yield f"  behind it: {rest(rebase.without)}", ""
    else:
        blocked = [o.name for o in rebase.outcomes if o.fate is Fate.BLOCKED]
        if blocked:
            yield f"  behind it, not tried: {listed(blocked)}", ""
    if rebase.floor is not None:
        yield f"  floor: {floor_line(rebase, rebase.floor)}", ""
        if rebase.floor.place.commit != rebase.base.commit:
            yield f"    {go_to(rebase, rebase.floor)[0]}", "cyan"


def _path(path: ConflictedPath, conflict: Conflict, web: Web) -> Iterator[Said]:
    lines = [f"{h.line:,}" for h in path.hunks]
    where = f", line{'' if len(lines) == 1 else 's'} {listed(lines, most=8)}" if lines else ""
    yield f"  {path.path}: {path.kind.value}, needs {path.effort.value}{where}", "red"
    found = breaker_of(conflict, path.path)
    if found is not None:
        yield f"    broken by {plain(web.told(found))}", ""
        if turns := plain(came_and_went(found, web)):
            yield f"    {turns}", ""


def _notes(rebase: Rebase) -> Iterator[Said]:
    """Yield what is to be known of patches that are no trouble yet, or no more."""
    if rebase.floor is not None and rebase.conflict is None:
        yield f"{rebase.stack}: {floor_line(rebase, rebase.floor)}", ""
    for outcome in rebase.outcomes:
        for replay in outcome.replays:
            if replay.tool:
                told = f"{clip(replay.path)} merged by {clip(replay.tool, 60)}; nobody has read it"
                yield f"{rebase.stack}: patch {outcome.name}: {told}", "yellow"
                continue
            by = f"{clip(replay.author, 60)} of {replay.date}"
            told = f"{clip(replay.path)} resolved as recorded by {by}"
            yield f"{rebase.stack}: replayed: patch {outcome.name}: {told}", ""
        if outcome.evidence and outcome.fate.carried:
            yield f"{rebase.stack}: patch {outcome.name}: {clip(outcome.evidence, 300)}", ""
        for proposal in proposals(outcome):
            yield f"{rebase.stack}: may {outcome.name} go? {may_go(proposal)}", "yellow"
    for suspicion in rebase.unacknowledged:
        yield f"suspicious: {rebase.stack}: {suspicious(suspicion)}", "yellow"
    if rebase.drifts:
        places = listed([f"{clip(d.path)}:{d.line}" for d in rebase.drifts], most=4)
        kinds = listed(list(dict.fromkeys(d.kind.value for d in rebase.drifts)))
        yield f"drift: {rebase.stack}: upstream added {kinds} beside the patches ({places})", ""
    if to_read(rebase):
        yield f"{rebase.stack}: {carry_over(rebase)}", ""


def _probes(record: RunRecord) -> RenderableType:
    table = Table(box=box.SIMPLE, pad_edge=False)
    hunks = any(answer.hunk for stack in record.stacks for answer in stack.probes)
    for name in ("stack", "hunk" if hunks else "patch", "", "why"):
        table.add_column(name, overflow="fold", no_wrap=not name)
    for stack in record.stacks:
        for answer in stack.probes:
            cells = (stack.name, named(answer), word(answer), reason_of(answer))
            table.add_row(*(Text(visible(cell)) for cell in cells))
    return table
