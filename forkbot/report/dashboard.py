"""The family at a glance: one issue with a row a stack, trouble first."""

from collections.abc import Collection, Mapping

from forkbot.model.artefact import KIND_LABELS, Artefact, Identity, Kind
from forkbot.model.fate import Rebase
from forkbot.model.publication import Move
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report import proofs
from forkbot.report.document import (
    Code,
    Document,
    Line,
    Link,
    Paragraph,
    Section,
    Strong,
    Table,
    Weight,
)
from forkbot.report.links import is_page
from forkbot.report.markdown import render_body
from forkbot.report.matter import LIMIT, Matter
from forkbot.report.neutral import title
from forkbot.report.phrases import clip, count, tally
from forkbot.words import Channel, StackName

_WELL = "up to date"
_SHOWN = 100
_FOOT: Line = (
    "forkbot keeps this current with each run over all stacks. Close it, and it stays closed. ",
    "What you write above or below it is kept.",
)


def dashboard_identity(channel: Channel) -> Identity:
    """Return which artefact it is: one a channel."""
    return Identity(kind=Kind.DASHBOARD, channel=channel, stack=None)


def dashboard(
    record: RunRecord, names: Collection[StackName], *, urls: Mapping[Identity, str]
) -> Artefact:
    """Return the issue that shows how the named stacks are; ``urls`` lead to what is told of each.

    Its verdict never changes: nobody wants a comment whenever a stack turns.
    """
    shown = sorted(
        ((stack, _state(stack, record)) for stack in record.stacks if stack.name in names),
        key=lambda row: (row[1][1] is None, row[1][0] == _WELL, row[0].name),
    )
    channel = " (release)" if record.channel is Channel.RELEASE else ""
    summary = f"{count(len(shown), 'stack')}: {tally(state for _, (state, _) in shown)}"
    ill = [row for row in shown if row[1][0] != _WELL]
    rest = f"And {count(len(ill) - _SHOWN, 'stack')} more in trouble." if ill[_SHOWN:] else ""
    table = Section(
        weight=Weight.MUST,
        blocks=(_table(shown, record, urls),),
        shorter=((_table(ill[:_SHOWN], record, urls), Paragraph((rest,))), ()),
    )
    top = Section(weight=Weight.MUST, blocks=(Paragraph((Strong(f"{summary}."),)),))
    document = Document(
        title="", sections=(top, table), origin=_FOOT, whole="forkbot run --all --dry-run"
    )
    return Artefact(
        identity=dashboard_identity(record.channel),
        title=title(f"forkbot: how the stacks are{channel}"),
        body=render_body(document, limit=LIMIT),
        facts="dashboard",
        verdict="The dashboard is kept current again.",
        labels=(KIND_LABELS[Kind.DASHBOARD],),
    )


def _table(
    shown: list[tuple[StackRecord, tuple[str, Kind | None]]],
    record: RunRecord,
    urls: Mapping[Identity, str],
) -> Table:
    return Table(
        head=("stack", "how it is", "sits on", "patches", "fork branch"),
        rows=tuple(
            (
                (Code(stack.name),), _told(stack, state, kind, record, urls), _place(stack),
                (_patches(stack),), _branch(stack),
            )
            for stack, (state, kind) in shown
        ),
    )  # fmt: skip


def _told(
    stack: StackRecord,
    state: str,
    kind: Kind | None,
    record: RunRecord,
    urls: Mapping[Identity, str],
) -> Line:
    if kind is None:
        return (state,)
    url = urls.get(Identity(kind=kind, channel=record.channel, stack=stack.name), "")
    return (Link(state, url),) if is_page(url) else (Strong(state),)


def _state(stack: StackRecord, record: RunRecord) -> tuple[str, Kind | None]:
    """Return how a stack is in a word or two, and which artefact tells more."""
    plan, rebase, with_it = stack.publication, stack.rebase, proofs.leader(stack, record)
    found = (
        (stack.paused, "paused", None),
        (plan is not None and plan.move is Move.REFUSED, "not published", Kind.PUBLISH_REFUSED),
        (stack.trouble is not None or rebase is None, "no answer", Kind.UNREACHABLE),
        (rebase is not None and rebase.conflict is not None, "in conflict", Kind.CONFLICT),
        (rebase is not None and rebase.unacknowledged, "suspicious", Kind.SUSPICIOUS),
        (isinstance(proofs.build(stack, record), Matter), "does not build", Kind.BUILD),
        (isinstance(proofs.smoke(stack, record), Matter), "does not run", Kind.SMOKE),
        (with_it != "", f"red with {with_it}", None),
        (plan is not None and plan.move is Move.HELD, "held back", None),
    )
    return next(((state, kind) for so, state, kind in found if so), (_WELL, None))


def _arrived(stack: StackRecord, rebase: Rebase) -> bool:
    """Whether the stack's files are at the rebase's end after this run: as the next will say."""
    return not rebase.moved or bool(stack.files_written or stack.files_to_write)


def _place(stack: StackRecord) -> Line:
    rebase = stack.rebase
    if rebase is None:
        return ("?",)
    return (clip((rebase.onto if _arrived(stack, rebase) else rebase.base).label, 60),)


def _patches(stack: StackRecord) -> str:
    rebase = stack.rebase
    if rebase is None:
        return "?"
    there = rebase.tip is not None and _arrived(stack, rebase)
    return f"{sum(o.fate.carried for o in rebase.outcomes) if there else len(rebase.outcomes)}"


def _branch(stack: StackRecord) -> Line:
    plan = stack.publication
    return (Code(f"{plan.repo} {plan.branch}"),) if plan is not None else ("",)
