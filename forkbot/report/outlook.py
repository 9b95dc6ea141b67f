"""What still works beside a conflict, and which patches may go if a person says so."""

from collections.abc import Iterator

from forkbot.model.fate import Fate, PatchOutcome, Rebase
from forkbot.model.judgement import (
    Checked,
    Floor,
    Later,
    LaterState,
    Proposal,
    ProposalKind,
    Without,
)
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
from forkbot.report.steps import drop, go_to
from forkbot.words import Channel

_COMMITS_SHOWN = 8


def rest(without: Without) -> str:
    """Return in one line what the patches behind a conflicted one do without it."""
    parts = []
    for state, one, many in (
        (LaterState.INDEPENDENT, "goes on without it", "go on without it"),
        (LaterState.NEEDS, "needs it", "need it"),
        (
            LaterState.CONFLICT,
            "is in conflict with upstream too",
            "are in conflict with upstream too",
        ),
    ):
        names = [later.patch for later in without.later if later.state is state]
        if names:
            parts.append(f"{listed(names)} {one if len(names) == 1 else many}")
    return "; ".join(parts) or "no patch is behind it"


def floor_line(rebase: Rebase, floor: Floor) -> str:
    """Return in one line how far the whole stack can go."""
    by = f" ({short(floor.blocked_by)})" if floor.blocked_by else ""
    if floor.place.commit == rebase.base.commit:
        far = f"no further than it is: the next commit after its base{by} is in the way"
    else:
        behind = count(floor.behind, "commit")
        far = f"as far as {clip(floor.place.label)}, {behind} behind; the next{by} is in the way"
    checked = {
        Checked.GREEN: "; built and run there: green"
        + (f"; {clip(floor.why)}" if floor.why else ""),
        Checked.RED: f"; red there: {clip(floor.why)}",
        Checked.NOT_ASKED: f"; whether it is green there is not known: {clip(floor.why)}"
        if floor.why
        else "",
    }[floor.verified]
    return f"the whole stack goes {far}{checked}"


def outlook_sections(stack: StackRecord, channel: Channel) -> Iterator[Section]:
    """Yield what would be left without the conflicted patch, and how far the whole stack goes."""
    rebase = stack.rebase
    if rebase is None:
        return
    web = Web.of(stack, channel)
    if rebase.without is not None and rebase.without.later:
        yield _without(stack, rebase.without, web)
    if rebase.floor is not None:
        yield _floor(stack, rebase, rebase.floor, web)


def _without(stack: StackRecord, without: Without, web: Web) -> Section:
    left = len(without.series)
    result: Line = (
        f"Without it the series would be {count(left, 'patch', 'patches')}",
        f": {listed(without.series, most=40)}." if without.series else ".",
    )
    blocks: tuple[Block, ...] = (Paragraph(result),)
    short_form = (Paragraph((f"{_capital(rest(without))}.",)), *blocks)
    if without.later:
        table = Table(
            head=("patch", "without the conflicted one", ""),
            rows=tuple(_later(later, web) for later in without.later),
        )
        blocks = (table, *blocks)
    return Section(
        title=(f"{stack.name}: the stack without ", Code(without.patch)),
        weight=Weight.OUTLOOK, blocks=blocks, shorter=(short_form,),
    )  # fmt: skip


def _later(later: Later, web: Web) -> tuple[Line, ...]:
    why: Line = ()
    if later.state is LaterState.NEEDS and later.needs:
        why = (f"edits lines of {listed(later.needs)}",)
    elif later.breakers:
        first = later.breakers[0]
        more = len({b.commit for b in later.breakers}) - 1
        why = (Code(clip(first.path)), ": ", *web.told(first))
        why = (*why, f", and {count(more, 'commit')} more" if more else "")
    elif later.needs:
        why = (f"edits lines of {listed(later.needs)}, which stay",)
    return (Code(later.patch),), (later.state.value,), why


def _floor(stack: StackRecord, rebase: Rebase, floor: Floor, web: Web) -> Section:
    blocks: list[Block] = [Paragraph((f"{_capital(floor_line(rebase, floor))}.",))]
    if floor.blocked_by is not None:
        blocks.append(Paragraph(("In the way: ", *web.told(floor.blocked_by), ".")))
    if floor.place.commit not in (rebase.base.commit, rebase.onto.commit):
        blocks.append(Paragraph(("To go there meanwhile:",)))
        blocks.append(Listing(text="\n".join(go_to(rebase, floor)), language="sh"))
    return Section(title=(f"{stack.name}: the floor",), weight=Weight.OUTLOOK, blocks=tuple(blocks))


def may_go(proposal: Proposal) -> str:
    """Return in one line why a patch may go, wholly or in part."""
    by = f" by {listed([short(c) for c in proposal.commits], most=3)}" if proposal.commits else ""
    like = (
        "" if proposal.likeness is None else f", {proposal.likeness:.0%} of its new lines are there"
    )
    match proposal.kind:
        case ProposalKind.SUPERSEDED:
            return f"superseded{by}{like}"
        case ProposalKind.PARTLY:
            if proposal.hunks == 0:
                return f"partly taken{by}{like}"
            return f"partly taken{by}: {proposal.taken} of {count(proposal.hunks, 'hunk')}{like}"
        case ProposalKind.CONDITION | ProposalKind.STATUS:
            return f"{proposal.kind.value}{by}"


def proposals(outcome: PatchOutcome) -> tuple[Proposal, ...]:
    """Return a patch's proposals but for those that its conflict is told by already."""
    told = outcome.fate is Fate.SUPERSEDED
    return tuple(p for p in outcome.proposals if p.kind is ProposalKind.PARTLY or not told)


def proposal_sections(stack: StackRecord, channel: Channel) -> Iterator[Section]:
    """Yield, patch by patch, what upstream seems to have; nothing of it was acted on."""
    rebase = stack.rebase
    if rebase is None:
        return
    web = Web.of(stack, channel)
    for outcome in rebase.outcomes:
        found = proposals(outcome)
        if not found:
            continue
        blocks = [block for proposal in found for block in _proposal(proposal, web)]
        if all(p.kind is ProposalKind.PARTLY for p in found):
            blocks.append(Paragraph(("Nothing was dropped; what upstream has can leave it.",)))
        else:
            blocks.append(Paragraph(("Nothing was dropped. If upstream does what it is for:",)))
            blocks.append(Listing(text=drop(rebase, outcome), language="sh"))
        yield Section(
            title=(f"{stack.name}: may ", Code(outcome.name), " go?"),
            weight=Weight.PROPOSAL, blocks=tuple(blocks),
        )  # fmt: skip


def _proposal(proposal: Proposal, web: Web) -> Iterator[Block]:
    yield Paragraph((Strong(f"{_capital(may_go(proposal))}. "), clip(proposal.evidence, 600)))
    if proposal.commits:
        shown = [web.told(c) for c in proposal.commits[:_COMMITS_SHOWN]]
        if len(proposal.commits) > _COMMITS_SHOWN:
            shown.append((f"{count(len(proposal.commits) - _COMMITS_SHOWN, 'commit')} more",))
        yield Items(tuple(shown))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
