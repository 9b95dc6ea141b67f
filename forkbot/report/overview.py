"""What a run comes to, worked out once for every face: the headline, the rows, the writes."""

import dataclasses
from typing import assert_never

from forkbot.errors import EXIT_DONE
from forkbot.model.conflict import Conflict
from forkbot.model.fate import Fate, PatchOutcome, Rebase
from forkbot.model.judgement import ProposalKind
from forkbot.model.publication import Move, Publication
from forkbot.model.record import RunRecord, StackRecord
from forkbot.model.verdict import Colour, Verdict
from forkbot.report.answered import answer_writes
from forkbot.report.links import short
from forkbot.report.neutrality import neutral_headline, was_compared
from forkbot.report.phrases import clip, count, listed, tally
from forkbot.report.probes import probe_headline, was_probed
from forkbot.report.told import telling_writes, untold
from forkbot.report.verified import reds


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One stack in the overview."""

    name: str
    upstream: str
    patches: str
    verified: str
    branch: str


def headline(record: RunRecord) -> str:
    """Return the verdict on the whole run in one line."""
    if record.trouble is not None:
        return clip(record.trouble.what, 300)
    worst = [line for stack in record.stacks for line in _worst(stack)]
    if record.verdict is not None:
        worst += reds(record.verdict)
    worst += [f"not told: {line}" for line in untold(record)]
    if worst:
        more = f" (and {len(worst) - 1:,} more)" if len(worst) > 1 else ""
        return clip(worst[0], 300) + more
    return _all_is_well(record)


def _worst(stack: StackRecord) -> list[str]:
    """Return what is to be said first of a stack that did not go through."""
    plan = stack.publication
    if stack.trouble is not None:
        return [f"{stack.name}: {clip(stack.trouble.what)}"]
    if stack.rebase is None:
        return []
    if stack.rebase.conflict is not None:
        return [f"{stack.name}: {stopped(stack.rebase)}"]
    if plan is not None and plan.move is Move.REFUSED:
        place = f"{plan.repo} {plan.branch}"
        if plan.hint:
            return [f"{stack.name}: {place} was not published: {clip(plan.why)}"]
        return [f"{stack.name}: a person's commits are on {place}, and it was left as it is"]
    odd = stack.rebase.unacknowledged
    if odd:
        names = listed(list(dict.fromkeys(s.patch for s in odd)), most=3)
        does = "undoes" if len({s.patch for s in odd}) == 1 else "undo"
        many = count(len(odd), "place")
        return [f"{stack.name}: clean, but {names} {does} what upstream added, in {many}"]
    return []


def stopped(rebase: Rebase) -> str:
    """Return in one line which patch stopped the series, and who broke it."""
    outcome = next(o for o in rebase.outcomes if o.conflict is not None)
    if outcome.fate is Fate.SUPERSEDED:
        by = superseded_by(outcome) or "a change of upstream's"
        return f"patch {outcome.name} looks superseded by {by}: drop it, or resolve"
    conflict = rebase.conflict
    assert conflict is not None
    by = broke_it(conflict)
    broken = f", broken by {by}" if by else ""
    where = count(len(conflict.paths), "file")
    onto = clip(rebase.onto.label, 60)
    return f"patch {outcome.name} is in conflict with {onto} in {where}{broken}"


def superseded_by(outcome: PatchOutcome) -> str:
    """Return the upstream changes that seem to deliver a patch, by their shortest names."""
    found = [
        short(commit)
        for proposal in outcome.proposals
        if proposal.kind is not ProposalKind.PARTLY
        for commit in proposal.commits
    ]
    return listed(list(dict.fromkeys(found)), most=3)


def broke_it(conflict: Conflict) -> str:
    """Return the upstream changes that broke a patch by their shortest names, '' if unknown."""
    return listed(list(dict.fromkeys(short(b) for b in conflict.breakers)), most=3)


def summary(record: RunRecord) -> str:
    """Return how many stacks ended how, in one line: for where the causes are told already."""
    if record.exit_code == EXIT_DONE:
        return headline(record)
    told = tally(
        "paused" if stack.paused else _end(stack, dry_run=record.dry_run) for stack in record.stacks
    )
    return f"{count(len(record.stacks), 'stack')} on {record.channel.value}: {told}"


def _end(stack: StackRecord, *, dry_run: bool) -> str:
    plan = stack.publication
    if stack.trouble is not None:
        return "without an answer" if stack.rebase is None else "failed"
    if stack.rebase is not None and stack.rebase.conflict is not None:
        return "in conflict"
    if stack.rebase is not None and stack.rebase.unacknowledged:
        return "suspicious"
    if plan is None:
        return "rebased"
    match plan.move:
        case Move.NOTHING:
            return "up to date"
        case Move.CREATE | Move.UPDATE:
            return "would be published" if dry_run else "published"
        case Move.REFUSED:
            return "refused"
        case Move.HELD:
            return "held back"
        case _:
            assert_never(plan.move)


def holds(record: RunRecord) -> tuple[str, ...]:
    """Return why branches were held back, once for each reason."""
    why: dict[str, list[str]] = {}
    for stack in record.stacks:
        if stack.publication is not None and stack.publication.move is Move.HELD:
            why.setdefault(stack.publication.why, []).append(stack.name)
    return tuple(f"{', '.join(names)}: {reason}" for reason, names in why.items())


def _all_is_well(record: RunRecord) -> str:
    if was_probed(record) or was_compared(record):
        return probe_headline(record) if was_probed(record) else neutral_headline(record)
    done = sum(1 for s in record.stacks if s.publication and s.publication.done)
    stacks = count(len(record.stacks), "stack")
    verified = ""
    if record.verdict is not None and (record.verdict.reused or record.verdict.green):
        verified = "verified green before, " if record.verdict.reused else "built and run, "
    if done:
        return f"{stacks} on {record.channel.value}: {verified}{done} published"
    pending = sum(1 for s in record.stacks if s.publication and s.publication.writes)
    if record.dry_run and pending:
        return f"{stacks} on {record.channel.value}: {verified}{pending} would be published"
    held = [s for s in record.stacks if s.publication and s.publication.move is Move.HELD]
    if held:
        return f"{stacks} on {record.channel.value}: {verified}{len(held)} held back"
    if any(s.files_written or (s.update and s.update.done) for s in record.stacks):
        return f"{stacks} on {record.channel.value}: {verified}files updated"
    if any(s.files_to_write or (s.update and s.update.writes) for s in record.stacks):
        return f"{stacks} on {record.channel.value}: {verified}files would be updated"
    moved = [s for s in record.stacks if s.rebase is not None and s.rebase.moved]
    if moved:
        return f"{stacks} on {record.channel.value}: {verified}{len(moved)} can move"
    return f"{stacks} on {record.channel.value}: {verified}nothing new"


def rows(record: RunRecord) -> tuple[Row, ...]:
    """Return the overview, one row a stack."""
    return tuple(
        Row(
            name=s.name,
            upstream=_upstream(s.rebase),
            patches=_patches(s),
            verified=_verified(s, record.verdict),
            branch=_branch(s.publication, dry_run=record.dry_run),
        )
        for s in record.stacks
    )


def _upstream(rebase: Rebase | None) -> str:
    if rebase is None:
        return "?"
    if not rebase.moved:
        return rebase.onto.label
    return f"{rebase.base.label} → {rebase.onto.label}"


def _patches(stack: StackRecord) -> str:
    if stack.rebase is None:
        return "not rebased"
    ends = [outcome.fate.value for outcome in stack.rebase.outcomes]
    ends += ["left out of the series" for _ in stack.left_out]
    return tally(ends) or "none (canary)"


def _verified(stack: StackRecord, verdict: Verdict | None) -> str:
    if verdict is None:
        return "not asked"
    builds = [b for b in verdict.builds if b.stack == stack.name]
    ran = [s for s in verdict.smokes if s.stack == stack.name and not s.pristine]
    smokes = [s for s in ran if not s.canary]
    if any(b.colour is Colour.HELD for b in builds):
        return "held"
    if verdict.reused:
        return "green (before)"
    if not builds:
        return "nothing to build"
    ok = sum(b.colour is Colour.GREEN for b in builds)
    text = f"{ok} of {len(builds)} built"
    if smokes:
        text += f", {sum(s.colour is Colour.GREEN for s in smokes)} of {len(smokes)} ran"
    return text


def _branch(plan: Publication | None, *, dry_run: bool) -> str:
    if plan is None:
        return "not asked"
    place = f"{plan.repo} {plan.branch}"
    instead = "would be" if dry_run else "not"
    match plan.move:
        case Move.NOTHING:
            return f"{place}: up to date" + (f", {plan.why}" if plan.why else "")
        case Move.CREATE:
            return f"{place}: created" if plan.done else f"{place}: {instead} created"
        case Move.UPDATE:
            return f"{place}: updated" if plan.done else f"{place}: {instead} updated"
        case Move.REFUSED:
            return f"{place}: refused"
        case Move.HELD:
            return f"{place}: held back"
        case _:
            assert_never(plan.move)


def writes(record: RunRecord) -> tuple[str, ...]:
    """Return, for a dry run, each write that the same run would make; else nothing."""
    if not record.dry_run:
        return ()
    lines: list[str] = []
    for stack in record.stacks:
        plan = stack.publication
        if plan is not None and plan.writes and plan.new is not None:
            was = f"{plan.old[:12]} → " if plan.old else "new, "
            files = count(plan.left_out, "workflow file")
            bare = f", without {files} of upstream's" if plan.left_out else ""
            lines.append(f"push {plan.repo} {plan.branch}: {was}{plan.new[:12]}{bare}")
            if plan.old is not None:
                lines.append(f"push {plan.repo} {plan.recovery}: keeps {plan.old[:12]}")
            lines += [f"delete {plan.repo} {tag.ref}: {tag.oid[:12]}" for tag in plan.retired]
        gone = {f"patches/{o.name}.patch" for o in stack.rebase.dropped} if stack.rebase else set()
        lines += [
            f"{'delete' if name in gone else 'write'} stacks/{stack.name}/{name}"
            for name in stack.files_to_write
        ]
        lines += stack.update.writes if stack.update else ()
        lines += answer_writes(stack)
    lines += telling_writes(record)
    # one push may bring the files of several stacks
    lines = list(dict.fromkeys(lines))
    fresh = record.verdict is not None and not record.verdict.reused
    if lines or fresh or record.exit_code:
        lines.append(f"write .forkbot/runs/{record.id}/")
    return tuple(lines)
