"""What is odd although all applied: upstream's new lines that a patch undoes, and drift."""

from collections.abc import Iterator

from forkbot.model.fate import Rebase
from forkbot.model.judgement import Suspicion, SuspicionKind
from forkbot.model.record import StackRecord
from forkbot.report.document import (
    Block,
    Code,
    Items,
    Line,
    Listing,
    Paragraph,
    Section,
    Strong,
    Table,
    Weight,
)
from forkbot.report.links import Web, short
from forkbot.report.phrases import clip, count, listed
from forkbot.report.steps import acknowledge
from forkbot.words import Channel


def suspicious(suspicion: Suspicion) -> str:
    """Return in one line what a patch does to upstream's new lines."""
    many = count(len(suspicion.lines.splitlines()) or 1, "line")
    by = listed([short(c) for c in suspicion.by], most=3)
    does = "removes" if suspicion.kind is SuspicionKind.REMOVES else "gates out"
    where = f"{clip(suspicion.path)}:{suspicion.line}"
    return (
        f"{suspicion.patch} {does} {many} that upstream added{f' in {by}' if by else ''} ({where})"
    )


def suspicion_sections(stack: StackRecord, channel: Channel) -> Iterator[Section]:
    """Yield each place where a clean patch undoes what upstream added; acknowledged ones last."""
    rebase = stack.rebase
    if rebase is None:
        return
    web = Web.of(stack, channel)
    open_ = rebase.unacknowledged
    if open_:
        many = count(len(open_), "place")
        yield Section(
            title=(f"{stack.name}: clean, but suspicious in {many}",),
            weight=Weight.ALARM,
            blocks=(
                Paragraph((
                    "Everything applied, and yet lines that upstream added since the base are ",
                    "gone from the build again. That may be meant, or a feature is lost in ",
                    "silence; so nothing is published until a person has looked. If it is well, ",
                    "say why, once.",
                )),
            ),
        )  # fmt: skip
    for suspicion in open_:
        yield _suspicion(rebase, suspicion, web)
    known = [s for s in rebase.suspicions if s.acknowledged]
    if known:
        lines: tuple[Line, ...] = tuple(
            (f"{suspicious(s)}: ", Strong(clip(s.acknowledged, 300))) for s in known
        )
        yield Section(
            title=(f"{stack.name}: suspicious, and acknowledged",), weight=Weight.DRIFT,
            blocks=(Items(lines),),
        )  # fmt: skip


def _suspicion(rebase: Rebase, suspicion: Suspicion, web: Web) -> Section:
    does = "removes" if suspicion.kind is SuspicionKind.REMOVES else "gates out"
    facts: list[Line] = [("Upstream added it in ", *web.told(c)) for c in suspicion.by[:6]]
    if suspicion.gate:
        facts.append(("What now stands over it: ", Code(clip(suspicion.gate, 300))))
    lead: tuple[Block, ...] = (Items(tuple(facts)),) if facts else ()
    do = Listing(text=acknowledge(rebase, (suspicion,)), language="sh")
    where = f"{clip(suspicion.path)}:{suspicion.line}"
    sign = "-" if suspicion.kind is SuspicionKind.REMOVES else " "
    lines = "\n".join(f"{sign}{line}" for line in suspicion.lines.splitlines())
    return Section(
        title=(Code(suspicion.patch), f" {does} upstream's ", Code(where)),
        level=3, weight=Weight.ALARM, blocks=(*lead, Listing(text=lines, language="diff"), do),
        shorter=((*lead, do),),
    )  # fmt: skip


def drift_sections(stack: StackRecord, channel: Channel) -> Iterator[Section]:
    """Yield what upstream added beside the stack's own lines: an alarm, it holds nothing back."""
    if stack.rebase is None or not stack.rebase.drifts:
        return
    web = Web.of(stack, channel)
    drifts = stack.rebase.drifts
    yield Section(
        title=(f"{stack.name}: drift in {count(len(drifts), 'place')}",),
        weight=Weight.DRIFT,
        blocks=(
            Paragraph((
                "Upstream added platform-bound code in modules that the stack touches, and no ",
                "patch covers it. It holds nothing back; see whether the port needs it too.",
            )),
            Table(
                head=("where", "kind", "line", "by", "beside"),
                rows=tuple(
                    (
                        (Code(f"{clip(d.path)}:{d.line}"),), (d.kind.value,), (Code(clip(d.text)),),
                        web.told(d.by), (Code(d.patch),),
                    )
                    for d in drifts
                ),
            ),
        ),
    )  # fmt: skip
