"""What a probe found: each patch, what misses it, and what to do about those that nothing does."""

from collections.abc import Iterator

from forkbot.model.probe import ProbeAnswer, Red, RedKind
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report.document import (
    Block,
    Code,
    Listing,
    Paragraph,
    Section,
    Strong,
    Table,
    Weight,
)
from forkbot.report.phrases import clip, count, listed

_NOTHING = "nothing that is built and run here misses it"
_ALONE = "Each {kind} was left out alone: of two that stand in for each other, neither is missed."


def was_probed(record: RunRecord) -> bool:
    """Whether a run answered what its patches are there for."""
    return any(stack.probes for stack in record.stacks)


def probe_headline(record: RunRecord) -> str:
    """Return what a probe found in one line."""
    answers = [a for s in record.stacks for a in s.probes]
    needed = sum(a.needed for a in answers)
    if any(a.hunk for a in answers):
        return _hunks_headline(record, answers)
    patches = f"{len(answers)} patch{'' if len(answers) == 1 else 'es'}"
    return (
        f"{patches} on {record.channel.value}: {needed} needed, "
        f"{sum(map(_is_spare, answers))} not needed by anything that is built and run here"
        f"{_more(answers)}"
    )


def _hunks_headline(record: RunRecord, answers: list[ProbeAnswer]) -> str:
    missed, excused = sum(a.needed for a in answers), sum(bool(a.excuse) for a in answers)
    rest = sum(map(_is_spare, answers))
    patches = len({(s.name, a.patch) for s in record.stacks for a in s.probes})
    return (
        f"{count(len(answers), 'hunk')} of {count(patches, 'patch', 'patches')} on "
        f"{record.channel.value}: {missed} missed by what is built and run here, {excused} that "
        f"nothing can miss, {rest} that nothing misses{_more(answers)}"
    )


def _more(answers: list[ProbeAnswer]) -> str:
    unknown = sum(bool(a.unknown) for a in answers)
    before = ", known before" if all(a.remembered for a in answers) else ""
    return f", {unknown} unknown" if unknown else before


def _is_spare(answer: ProbeAnswer) -> bool:
    """Whether nothing misses it, for no reason that anybody knows of."""
    return not (answer.needed or answer.excuse or answer.unknown)


def advice(record: RunRecord) -> tuple[str, ...]:
    """Return what to do about the patches that nothing misses."""
    return tuple(
        f"{' and '.join(names)} of {stack.name}: drop {'it' if len(names) == 1 else 'one'} and "
        f"probe again, or add a component to stacks/{stack.name}/smoke that is red without it"
        for stack in record.stacks
        if (names := [named(a) for a in stack.probes if _is_spare(a)])
    )


def named(answer: ProbeAnswer) -> str:
    """Return what was left out: a patch, or its hunk."""
    return f"{answer.patch} {answer.hunk}".rstrip()


def reason_of(answer: ProbeAnswer) -> str:
    """Return in one line why a patch is needed, or that nothing misses it."""
    if answer.needed:
        return answer.why
    if answer.unknown:
        return f"tried twice, and no compiler says why: {answer.unknown}"
    if answer.excuse:
        return f"nothing can miss it: {answer.excuse}"
    if answer.without:
        return f"{_NOTHING}, nor {', '.join(answer.without)}, which cannot do without it"
    return _NOTHING


def probe_writes(record: RunRecord) -> tuple[str, ...]:
    """Return, for a dry run, each write that the same probe would make."""
    files = (f"stacks/{s.name}/{name}" for s in record.stacks for name in s.files_to_write)
    fresh = record.dry_run and record.verdict is not None
    return tuple(f"write {file}" for file in (*files, *([f".forkbot/runs/{record.id}/"] * fresh)))


def probe_sections(stack: StackRecord) -> Iterator[Section]:
    """Yield what each patch of a stack is there for, then what the tools said without it."""
    if not stack.probes:
        return
    hunks = any(a.hunk for a in stack.probes)
    kind, kinds = ("hunk", "hunks") if hunks else ("patch", "patches")
    table = Table(
        head=(kind, "", "without it", ""),
        rows=tuple(
            ((Code(named(a)),), (Strong(word(a)),), (clip(reason_of(a), 400),), (_took(a),))
            for a in stack.probes
        ),
    )
    spare = [named(a) for a in stack.probes if _is_spare(a)]
    unknown = [named(a) for a in stack.probes if a.unknown]
    after = (Paragraph((_ALONE.format(kind=kind),)),) if spare else ()
    of = f"Of {count(len(stack.probes), kind, kinds)}"
    told = [f"{of} not needed: {listed(spare)}."] if spare else []
    told += [f"{of} unknown: {listed(unknown)}."] if unknown else []
    counted = Paragraph((" ".join(told) or "All are needed.",))
    yield Section(
        title=(f"{stack.name}: what each {kind} is there for",), weight=Weight.MUST,
        blocks=(table, *after), shorter=((counted,),),
    )  # fmt: skip
    for answer in stack.probes:
        if answer.red is not None and (answer.red.errors or answer.red.output):
            yield _said(answer, answer.red)


def word(answer: ProbeAnswer) -> str:
    """Return the answer in a word or two."""
    if answer.excuse or answer.unknown:
        return "excused" if answer.excuse else "unknown"
    return "needed" if answer.needed else "not needed"


def _took(answer: ProbeAnswer) -> str:
    if answer.needed_by:
        return ""
    return "known before" if answer.remembered else f"{answer.seconds:.0f} s"


def _said(answer: ProbeAnswer, red: Red) -> Section:
    """Return what the tools said without a patch: the reason that it exists."""
    who = f"{red.stack}'s {red.name}" if red.kind is RedKind.SMOKE else f"building {red.name}"
    blocks: list[Block] = [Listing(text=e.rendered or e.message) for e in red.errors]
    if red.more_errors:
        blocks.append(Paragraph((f"And {count(red.more_errors, 'more error')}.",)))
    if red.output:
        blocks.append(Listing(text=red.output))
    return Section(
        title=("Without ", Code(named(answer)), f", {clip(who)} said"), level=3,
        weight=Weight.VERIFICATION, blocks=tuple(blocks),
    )  # fmt: skip
