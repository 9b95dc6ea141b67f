"""Matters of a rebase that went through: what a person should see, or may decide, all the same."""

from forkbot.model.fate import Rebase
from forkbot.model.judgement import ProposalKind
from forkbot.model.publication import Move
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report.alarms import drift_sections, suspicion_sections
from forkbot.report.document import Listing, Paragraph
from forkbot.report.fates import fate_section, range_diff_sections, replay_section
from forkbot.report.matter import Matter
from forkbot.report.outlook import may_go, proposal_sections, proposals
from forkbot.report.phrases import clip, count, listed
from forkbot.report.steps import acknowledge, drop
from forkbot.report.troubles import AS_IT_WAS, went, whole


def suspicious(stack: StackRecord, record: RunRecord) -> Matter | str | None:
    """Return what is to be told of a clean rebase that undoes what upstream added."""
    rebase = stack.rebase
    if rebase is None or rebase.conflict is not None:
        return None
    odd = rebase.unacknowledged
    if not odd and (unread := _unread(stack, rebase, record)):
        return unread
    if not odd:
        said = [s.acknowledged for s in rebase.suspicions if s.acknowledged]
        if said:
            return f"A person has looked: {clip(said[0], 200)}"
        return "No patch undoes what upstream added since the base any more"
    patches = list(dict.fromkeys(s.patch for s in odd))
    does = "undoes" if len(patches) == 1 else "undo"
    where = count(len(odd), "place")
    return Matter(
        verdict=f"clean, but {listed(patches, most=3)} {does} what upstream added, in {where}",
        facts=tuple(sorted(s.key for s in odd)),
        lead=(Paragraph((*went(stack, rebase, record.channel), AS_IT_WAS)),),
        steps=(acknowledge(rebase, odd),),
        typed="If that is meant, in a clone of the stacks repository; else change the patch:",
        sections=(
            *suspicion_sections(stack, record.channel),
            *fate_section(stack),
            *drift_sections(stack, record.channel),
            *range_diff_sections(stack),
        ),
        whole=whole(stack, record),
    )


def _unread(stack: StackRecord, rebase: Rebase, record: RunRecord) -> Matter | None:
    """Return what is to be told of a patch that a tool merged, and that waits for a reader."""
    plan = stack.publication
    if plan is None or plan.move is not Move.HELD or not plan.unread:
        return None
    return Matter(
        verdict=f"clean, but patch {plan.unread} was merged by a tool, and nobody has read it",
        facts=(f"{plan.unread} unread",),
        lead=(
            Paragraph((*went(stack, rebase, record.channel), AS_IT_WAS)),
            Listing(text=plan.why),
        ),
        sections=(
            *replay_section(stack),
            *fate_section(stack),
            *range_diff_sections(stack),
        ),
        whole=whole(stack, record),
    )


def droppable(stack: StackRecord, record: RunRecord) -> Matter | str | None:
    """Return what is to be told of patches that upstream, or a condition, has made needless."""
    rebase = stack.rebase
    if rebase is None:
        return None
    found = [
        (outcome, [p for p in proposals(outcome) if p.kind is not ProposalKind.PARTLY])
        for outcome in rebase.outcomes
    ]
    found = [(outcome, why) for outcome, why in found if why]
    if not found:
        # behind a conflict not every patch was looked at
        return None if rebase.conflict else "No patch of the series seems needless now"
    names = [o.name for o, _ in found]
    because = f": {may_go(found[0][1][0])}" if len(found) == 1 else ""
    patches = "patch" if len(names) == 1 else "patches"
    return Matter(
        verdict=f"{patches} {listed(names, most=3)} may go{because}",
        facts=tuple(
            sorted(
                f"{o.name} {p.kind.value} {' '.join(c.commit for c in p.commits)}"
                for o, why in found
                for p in why
            )
        ),
        lead=(Paragraph(("That is no proof: nothing was dropped, and a person decides.",)),),
        steps=tuple(drop(rebase, o) for o, _ in found),
        typed="If upstream does what it is for, in a clone of the stacks repository:",
        sections=tuple(proposal_sections(stack, record.channel)),
        orders=(),
        whole=whole(stack, record),
    )
