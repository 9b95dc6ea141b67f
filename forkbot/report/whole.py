"""A whole report from a run's record: verdict and next command first, then the evidence."""

from collections.abc import Iterator

from forkbot.model.publication import Move
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report.alarms import drift_sections, suspicion_sections
from forkbot.report.answered import answer_lines
from forkbot.report.breakers import breaker_sections
from forkbot.report.conflict import conflict_sections, mending_section
from forkbot.report.document import (
    Block,
    Code,
    Document,
    Items,
    Line,
    Listing,
    Paragraph,
    Section,
    Strong,
    Table,
    Weight,
)
from forkbot.report.fates import (
    carry_over,
    fate_section,
    range_diff_sections,
    replay_section,
    to_read,
)
from forkbot.report.guilt import guilt_sections
from forkbot.report.neutrality import neutral_sections
from forkbot.report.outlook import outlook_sections, proposal_sections
from forkbot.report.overview import headline, holds, rows, summary, writes
from forkbot.report.phrases import clip
from forkbot.report.probes import probe_sections
from forkbot.report.steps import next_steps
from forkbot.report.told import told, untold
from forkbot.report.updated import update_lines
from forkbot.report.verified import verification_sections


def report(record: RunRecord) -> Document:
    """Return all there is to say about a run."""
    return Document(
        title=headline(record),
        sections=tuple(_sections(record)),
        origin=_origin(record),
        whole=f"forkbot report {record.id} --format html",
    )


def _sections(record: RunRecord) -> Iterator[Section]:
    yield _top(record)
    yield _overview(record)
    yield from guilt_sections(record)
    yield from _held(record)
    yield from _answered(record)
    yield from _updated(record)
    yield from _writes(record)
    yield from _told(record)
    for stack in record.stacks:
        yield from _trouble(stack)
        yield from conflict_sections(stack, record.channel)
        yield from outlook_sections(stack, record.channel)
        yield from mending_section(stack, record)
        yield from proposal_sections(stack, record.channel)
        yield from suspicion_sections(stack, record.channel)
        yield from replay_section(stack)
        yield from probe_sections(stack)
        yield from neutral_sections(stack)
    yield from breaker_sections(record)
    yield from verification_sections(record)
    for stack in record.stacks:
        yield from fate_section(stack)
        yield from drift_sections(stack, record.channel)
        yield from range_diff_sections(stack)


def _top(record: RunRecord) -> Section:
    steps = next_steps(record)
    blocks: tuple[Block, ...] = ()
    if steps:
        blocks = (Paragraph(("Next:",)), Listing(text="\n".join(steps), language="sh"))
    return Section(weight=Weight.MUST, blocks=blocks)


def _overview(record: RunRecord) -> Section:
    table = Table(
        head=("stack", "upstream", "patches", "verified", "fork branch"),
        rows=tuple(
            tuple((clip(c),) for c in (r.name, r.upstream, r.patches, r.verified, r.branch))
            for r in rows(record)
        ),
    )
    read = tuple(
        (f"{s.name}: ", Strong(carry_over(s.rebase)))
        for s in record.stacks
        if s.rebase is not None and to_read(s.rebase)
    )
    return Section(
        weight=Weight.MUST,
        blocks=(table, Items(read)) if read else (table,),
        shorter=((Paragraph((summary(record),)),),),
    )


def _held(record: RunRecord) -> Iterator[Section]:
    lines = holds(record)
    if lines:
        items = Items(tuple((clip(line, 600),) for line in lines))
        yield Section(weight=Weight.TROUBLE, blocks=(Paragraph(("Held back:",)), items))


def _updated(record: RunRecord) -> Iterator[Section]:
    lines = update_lines(record)
    if lines:
        items = Items(tuple((clip(line, 600),) for line, _ in lines))
        told = Paragraph(("The stacks repository:",))
        yield Section(weight=Weight.TROUBLE, blocks=(told, items))


def _answered(record: RunRecord) -> Iterator[Section]:
    lines = answer_lines(record)
    if lines:
        items = Items(tuple((clip(line, 600),) for line, _ in lines))
        said = Paragraph(("What people said on the forge:",))
        yield Section(weight=Weight.TROUBLE, blocks=(said, items))


def _writes(record: RunRecord) -> Iterator[Section]:
    lines = writes(record)
    if lines:
        listing = Listing(text="\n".join(lines))
        yield Section(title=("What would be written",), weight=Weight.STEPS, blocks=(listing,))


def _told(record: RunRecord) -> Iterator[Section]:
    for lead, weight, lines in (
        ("Not told on the forge:", Weight.TROUBLE, untold(record)),
        ("Told on the forge:", Weight.STEPS, told(record)),
    ):
        if lines:
            items = Items(tuple((clip(line, 600),) for line in lines))
            yield Section(weight=weight, blocks=(Paragraph((lead,)), items))


def _trouble(stack: StackRecord) -> Iterator[Section]:
    if stack.trouble is not None:
        where = f"{stack.trouble.where}: " if stack.trouble.where else ""
        yield Section(
            title=(f"{stack.name}: no answer",), weight=Weight.TROUBLE,
            blocks=(Listing(text=where + stack.trouble.what),),
        )  # fmt: skip
    plan = stack.publication
    if plan is not None and plan.move is Move.REFUSED:
        yield Section(
            title=(f"{stack.name}: not published",), weight=Weight.TROUBLE,
            blocks=(
                Listing(text=plan.why),
                Paragraph(("Nothing was pushed; the stack's files are as they were.",)),
            ),
        )  # fmt: skip


def _origin(record: RunRecord) -> Line:
    dry = " Dry run: nothing was written." if record.dry_run else ""
    return (
        Code(clip(record.command, 400)), ", run ", Code(record.id), f", {record.seconds:.0f} s, ",
        f"forkbot {record.forkbot}, git {record.git}.{dry}",
    )  # fmt: skip
