"""Every patch accounted for: its fate in plain words, and what is to be read again of the stack."""

from collections.abc import Iterator
from typing import assert_never

from forkbot.model.fate import Fate, PatchOutcome, Rebase
from forkbot.model.record import StackRecord
from forkbot.report.document import (
    Block,
    Code,
    Folded,
    Line,
    Listing,
    Paragraph,
    Section,
    Strong,
    Table,
    Weight,
)
from forkbot.report.overview import superseded_by
from forkbot.report.phrases import clip, count, listed, tally
from forkbot.words import PatchName

# what a line of the compact table may list before it only counts
_NAMED = 400


def meaning(outcome: PatchOutcome) -> str:
    """Return a fate in plain words."""
    match outcome.fate:
        case Fate.UNCHANGED:
            return "the same patch in the same place"
        case Fate.SHIFTED:
            return "the same file fits the new base exactly"
        case Fate.ADAPTED:
            how = clip(outcome.evidence, 300) or "merged cleanly"
            return f"{how}; the patch file is rewritten"
        case Fate.EMPTY | Fate.MERGED | Fate.DROPPED:
            return f"leaves the series: {clip(outcome.evidence, 300)}"
        case Fate.SUPERSEDED:
            by = superseded_by(outcome) or "another change of upstream's"
            return f"in conflict, and {by} seems to deliver it: a person decides"
        case Fate.CONFLICT:
            return "needs a person"
        case Fate.BLOCKED:
            return "stands behind the conflict; not tried"
        case _:
            assert_never(outcome.fate)


def to_read(rebase: Rebase) -> tuple[PatchName, ...]:
    """Return the carried patches that say something else than when they were last reviewed."""
    suspicious = {s.patch for s in rebase.unacknowledged}
    return tuple(
        o.name
        for o in rebase.outcomes
        if o.fate.carried and (o.fate is Fate.ADAPTED or o.replays or o.name in suspicious)
    )


def carry_over(rebase: Rebase) -> str:
    """Return what a reviewer who knew the stack has to read again, every patch counted.

    As reviewed is what the same patch file still says, in the same place or another.
    """
    carried = [o for o in rebase.outcomes if o.fate.carried]
    read = to_read(rebase)
    same = len(carried) - len(read)
    others = [o for o in rebase.outcomes if not o.fate.carried]
    total = len(rebase.outcomes)
    if same + len(read) + len(others) != total:
        raise AssertionError("every patch in, exactly one word about it")
    text = f"{same} of {count(total, 'patch', 'patches')} as reviewed"
    if same == total:
        text = f"{count(total, 'patch', 'patches')}, as reviewed"
    if read:
        text += f"; read {listed(read)}"
    if others:
        text += f"; besides: {tally(o.fate.value for o in others)}"
    return text


def fate_section(stack: StackRecord) -> Iterator[Section]:
    """Yield the table of all patches; for a monstrous series a list of names, or numbers."""
    rebase = stack.rebase
    if rebase is None or not (rebase.outcomes or stack.left_out or stack.lacking):
        return
    outcomes = rebase.outcomes
    if len({o.name for o in outcomes}) != len(outcomes):
        raise AssertionError("one patch, one fate")
    lead = _lead(stack, rebase)
    table = Table(
        head=("patch", "fate", "what became of it", "subject", "upstream status", "goes when"),
        rows=tuple(_row(o) for o in outcomes),
    )
    yield Section(
        title=(f"{stack.name}: {count(len(outcomes), 'patch', 'patches')}, each accounted for",),
        weight=Weight.MUST,
        blocks=(*lead, table) if outcomes else lead,
        shorter=(
            (*lead, *_names(outcomes, most=len(outcomes))),
            (*lead, *_names(outcomes, most=_NAMED)),
            (*lead, *_names(outcomes, most=4)),
        ),
    )


def _lead(stack: StackRecord, rebase: Rebase) -> tuple[Block, ...]:
    lines: list[Line] = [(Strong(carry_over(rebase)), ".")] if rebase.outcomes else []
    if stack.left_out:
        files = listed([clip(f, 80) for f in stack.left_out])
        lines.append((f"Not applied, because the series does not name it: {files}.",))
    if stack.lacking:
        names = listed([clip(n, 80) for n in stack.lacking])
        lines.append((f"In patches/, and not among the patches that this channel has: {names}.",))
    return tuple(Paragraph(line) for line in lines)


def _row(outcome: PatchOutcome) -> tuple[Line, ...]:
    goes: Line = (Code(clip(outcome.drop_when)),)
    check = outcome.drop_check
    if check is not None:
        state = {True: "met", False: "not met", None: "not known"}[check.met]
        goes = (*goes, f" ({state}: {clip(check.evidence)})" if check.evidence else f" ({state})")
    tools = {clip(r.tool, 60) for r in outcome.replays if r.tool}
    how = ["replayed"] if any(not r.tool for r in outcome.replays) else []
    how += [f"merged by {listed(sorted(tools), most=2)}"] if tools else []
    fate = outcome.fate.value + (f" ({', '.join(how)})" if how else "")
    return (
        (Code(outcome.name),), (Strong(fate),), (meaning(outcome),), (clip(outcome.subject),),
        (clip(outcome.upstream_status),), goes,
    )  # fmt: skip


def _names(outcomes: tuple[PatchOutcome, ...], *, most: int) -> tuple[Block, ...]:
    """Return the names by fate; of more than ``most`` the first, and how many there are."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.fate.value, []).append(outcome.name)
    return tuple(
        Paragraph((
            Strong(f"{len(names):,} {fate}"),
            f": {', '.join(names[:most])}"
            + (f" … {names[-1]}, {len(names):,} in all" if len(names) > most else ""),
        ))
        for fate, names in found.items()
    )  # fmt: skip


def replay_section(stack: StackRecord) -> Iterator[Section]:
    """Yield which conflicts were answered by what a person recorded before."""
    if stack.rebase is None:
        return
    rows = tuple(
        (
            (Code(o.name),), (Code(clip(r.path)),),
            (f"{clip(r.author, 60)}, {r.date}",), (Code(r.key),),
        )
        for o in stack.rebase.outcomes
        for r in o.replays
        if not r.tool
    )  # fmt: skip
    yield from _merged_section(stack.name, stack.rebase)
    if not rows:
        return
    many = count(len(rows), "conflict")
    told: Line = (
        f"The same conflict was resolved before, in the same patch, path and texts; so {many} ",
        "found an answer on record. Read the outcome as you would read a new resolution.",
    )
    head = ("patch", "path", "resolved by", "resolution")
    yield Section(
        title=(f"{stack.name}: replayed resolutions",), weight=Weight.PROPOSAL,
        blocks=(Paragraph(told), Table(head=head, rows=rows)), shorter=((Paragraph(told),),),
    )  # fmt: skip


def range_diff_sections(stack: StackRecord) -> Iterator[Section]:
    """Yield for each adapted patch the old one against the new one."""
    if stack.rebase is None:
        return
    for outcome in stack.rebase.outcomes:
        if outcome.range_diff:
            listing = Listing(text=outcome.range_diff, language="diff")
            yield Section(
                title=(f"{stack.name}: what changed in ", Code(outcome.name)),
                weight=Weight.RANGE_DIFF,
                blocks=(Folded(summary=("the old patch against the new one",), blocks=(listing,)),),
            )


def _merged_section(name: str, rebase: Rebase) -> Iterator[Section]:
    """Yield which conflicts a tool merged, which no person has read."""
    rows = tuple(
        ((Code(o.name),), (Code(clip(r.path)),), (f"{clip(r.tool, 60)}, {r.date}",))
        for o in rebase.outcomes
        for r in o.replays
        if r.tool
    )
    if not rows:
        return
    told: Line = (
        "These files were in conflict, and a tool merged them, as stack.yaml allows. forkbot ",
        "found no added line lost and no item there twice; more is not known. Read them.",
    )
    head = ("patch", "path", "merged by")
    yield Section(
        title=(f"{name}: merged by a tool",), weight=Weight.PROPOSAL,
        blocks=(Paragraph(told), Table(head=head, rows=rows)), shorter=((Paragraph(told),),),
    )  # fmt: skip
