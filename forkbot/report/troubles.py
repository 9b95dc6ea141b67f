"""A stack's part of a run, kind by kind: a matter to tell, the reason why it is over, or neither.

Neither, None, is said of what a run did not look at: a stack in conflict was not built, so an issue
about its build stays as it is.
"""

from forkbot.errors import EXIT_REFUSED, EXIT_REMOTE
from forkbot.model.conflictbranch import BranchState, ConflictBranch
from forkbot.model.fate import Fate, Rebase
from forkbot.model.order import Order
from forkbot.model.publication import Move, Publication
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report.conflict import conflict_sections, mending_section
from forkbot.report.document import Block, Code, Items, Line, Listing, Paragraph
from forkbot.report.fates import carry_over, fate_section, range_diff_sections, replay_section
from forkbot.report.links import Web
from forkbot.report.matter import Matter, steady
from forkbot.report.outlook import outlook_sections, proposal_sections
from forkbot.report.overview import broke_it, superseded_by
from forkbot.report.phrases import clip, count, listed
from forkbot.report.steps import mend, see_and_move
from forkbot.words import Channel

_UNDECIDED_SHOWN = 20
_MANY_LOST = 4
_LOST_SHOWN = 100
_WAITS = "The fork stays where it is until a person says what the patch shall be."
AS_IT_WAS = "The fork branch and the stack's files are as they were."


def whole(stack: StackRecord, record: RunRecord) -> str:
    """Return the command that shows all there is, from anywhere with the stacks."""
    return f"forkbot run {stack.name}{_channel(record)} --dry-run"


def _channel(record: RunRecord) -> str:
    return " --channel release" if record.channel is Channel.RELEASE else ""


def went(stack: StackRecord, rebase: Rebase, channel: Channel) -> Line:
    """Return from where to where the stack was taken, leading to what upstream did between."""
    web = Web.of(stack, channel)
    if not rebase.moved:
        return ("The stack sits on ", Code(clip(rebase.onto.label)), ". ")
    many = count(rebase.upstream_commits, "commit") if rebase.upstream_commits else ""
    far = (", ", web.between(rebase.base.commit, rebase.onto.commit, many)) if many else ()
    return (
        "The stack sits on ", Code(clip(rebase.base.label)), ", and was taken to ",
        Code(clip(rebase.onto.label)), *far, ". ",
    )  # fmt: skip


def conflict(stack: StackRecord, record: RunRecord) -> Matter | str | None:
    """Return what is to be told of a patch that does not apply."""
    rebase, branch = stack.rebase, stack.conflict_branch
    if rebase is None or stack.trouble is not None:  # what people did about it is not known
        return None
    if rebase.conflict is None:
        if branch is not None:
            return _taken(branch, stack, rebase, record)
        return _settled(stack, rebase)
    outcome = next(o for o in rebase.outcomes if o.conflict is not None)
    paths = rebase.conflict.paths
    if outcome.fate is Fate.SUPERSEDED:
        by = superseded_by(outcome) or "a change of upstream's"
        verdict = f"patch {outcome.name} looks superseded by {by}: drop it, or resolve"
    else:
        by = broke_it(rebase.conflict)
        where = count(len(paths), "file")
        verdict = f"patch {outcome.name} is in conflict in {where}"
        verdict += f", broken by {by}" if by else ""
    breakers = {b.path: b.commit for b in rebase.conflict.breakers}
    return Matter(
        verdict=verdict,
        state=_sentence(branch.why) if branch and branch.state is not BranchState.OPEN else "",
        facts=(
            f"{outcome.name} {outcome.fate.value}",
            *sorted(f"{p.path} {p.kind.value} {breakers.get(p.path, '')}" for p in paths),
        ),
        lead=(Paragraph((_WAITS,)), *_on_its_branch(branch, len(paths))),
        steps=tuple(mend(rebase, record)),
        typed=f"{'Or' if branch and branch.tip else 'To answer it'}, in a clone of the stacks "
        "repository, with any editor:",
        sections=(
            *conflict_sections(stack, record.channel),
            *outlook_sections(stack, record.channel),
            *mending_section(stack, record),
            *proposal_sections(stack, record.channel),
            *replay_section(stack),
            *fate_section(stack),
            *range_diff_sections(stack),
        ),
        orders=(Order.SKIP_PATCH, Order.PAUSE),
        whole=whole(stack, record),
    )


def _settled(stack: StackRecord, rebase: Rebase) -> str:
    """Return how a conflict came to its end."""
    end = f"the series applies to {clip(rebase.onto.label)}: {carry_over(rebase)}"
    if stack.parked:
        return f"Without {listed(stack.parked)}, which a person had skipped, {end}"
    taken = [b for b in stack.answered if b.author]
    if taken:
        who = clip(taken[0].author, 60)
        return f"The answer of {who} is in patch {taken[0].patch} now, and {end}"
    return f"T{end[1:]}"


def _taken(branch: ConflictBranch, stack: StackRecord, rebase: Rebase, record: RunRecord) -> Matter:
    """Return what is to be told of an answer that is taken while the stack still waits."""
    return Matter(
        verdict=f"patch {branch.patch} is answered, and the stack not yet published with it",
        state=_sentence(branch.why),
        facts=(f"{branch.patch} taken", branch.tip or ""),
        lead=(
            Paragraph((*went(stack, rebase, record.channel), AS_IT_WAS)),
            *_besides(branch),
        ),
        sections=tuple(fate_section(stack)),
        whole=whole(stack, record),
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}." if text else ""


def _on_its_branch(branch: ConflictBranch | None, files: int) -> tuple[Block, ...]:
    """Return how to answer where the conflict lies, and what still stands in the way there."""
    if branch is None or branch.tip is None:
        return ()
    blocks: list[Block] = [
        Paragraph(("To answer it in the browser:",)),
        Items((
            ("Edit the ", count(files, "file"), " in conflict on the branch ",
             Code(branch.branch), ", this pull request's: under “Files changed”, each file's menu ",
             "has “Edit file”. The conflict lies there as it is, between ", Code("<<<<<<<"),
             " and ", Code(">>>>>>>"), "."),
            ("Leave each file as it shall be, with no such line in it, and commit to that ",
             "branch, as often as you like. A clone and a push will do as well."),
            ("The next run takes the answer into the patch, records it with your name, goes on ",
             "with the series, and closes this."),
        )),
    ]  # fmt: skip
    if branch.undecided:
        lines: list[Line] = [
            (Code(clip(u.where)), f": {clip(u.what, 300)} ({clip(u.hint, 300)})")
            for u in branch.undecided[:_UNDECIDED_SHOWN]
        ]
        more = len(branch.undecided) - _UNDECIDED_SHOWN
        lines += [(count(more, "place") + " more",)] * (more > 0)
        blocks += [Paragraph(("Still to decide there:",)), Items(tuple(lines))]
    return (*blocks, *_besides(branch))


def _besides(branch: ConflictBranch) -> tuple[Block, ...]:
    """Return what a person changed there that the conflict did not ask about."""
    if not branch.besides:
        return ()
    names = listed([clip(name, 120) for name in branch.besides], most=_UNDECIDED_SHOWN)
    return (Paragraph((f"Changed there besides, and part of the patch then: {names}.",)),)


def unreachable(stack: StackRecord, record: RunRecord) -> Matter | str | None:
    """Return what is to be told of a question that got no answer, from upstream or the fork."""
    trouble = stack.trouble
    if trouble is None:
        return "All that was asked was answered again"
    if _refused(stack):
        return None
    who = "upstream" if stack.rebase is None else "the fork"
    # the words of a network are others each time, the rest is said as it is
    remote = trouble.exit_code == EXIT_REMOTE
    if remote and _outage(record):
        return None
    what = clip(steady(trouble.what), 200)
    where = f"{trouble.where}: " if trouble.where else ""
    return Matter(
        verdict=f"{who} gives no answer" if remote else f"no result: {what}",
        facts=(who, trouble.where) if remote else (trouble.where, what),
        lead=(
            Listing(text=steady(f"{where}{trouble.what}")),
            Paragraph((f"{AS_IT_WAS} Each run tries again.",)),
        ),
        steps=(trouble.hint,) if trouble.hint else (),
        whole=whole(stack, record),
    )


def outage(record: RunRecord) -> Matter | str:
    """Return what is told once of many stacks that get no answer: the net is out, not they."""
    lost = _outage(record)
    if not lost:
        return "All that was asked was answered again"
    lines: list[Line] = []
    for stack in lost[:_LOST_SHOWN]:
        assert stack.trouble is not None
        where = f"{clip(stack.trouble.where, 200)}: " if stack.trouble.where else ""
        lines.append((Code(stack.name), f": {where}{clip(steady(stack.trouble.what), 300)}"))
    if len(lost) > _LOST_SHOWN:
        lines.append((f"and {count(len(lost) - _LOST_SHOWN, 'stack')} more",))
    hint = lost[0].trouble.hint if lost[0].trouble else ""
    return Matter(
        verdict="many stacks get no answer",
        facts=("outage",),
        lead=(Paragraph((f"{AS_IT_WAS} Each run tries again.",)), Items(tuple(lines))),
        steps=(hint,) if hint else (),
        orders=(),
        whole=f"forkbot run --all{_channel(record)} --dry-run",
    )


def _outage(record: RunRecord) -> list[StackRecord]:
    """Return the stacks without an answer, where they are too many for it to be theirs."""
    lost = [s for s in record.stacks if s.trouble and s.trouble.exit_code == EXIT_REMOTE]
    return lost if len(lost) >= _MANY_LOST else []


def _refused(stack: StackRecord) -> bool:
    trouble = stack.trouble
    return stack.rebase is not None and trouble is not None and trouble.exit_code == EXIT_REFUSED


def publish_refused(stack: StackRecord, record: RunRecord) -> Matter | str | None:
    """Return what is to be told of a fork branch that was not moved, and may not be."""
    plan, trouble = stack.publication, stack.trouble
    if trouble is not None and _refused(stack):
        what = clip(steady(trouble.what), 200)
        where = f"{trouble.where}: " if trouble.where else ""
        return Matter(
            verdict=f"not published: {what}",
            facts=(trouble.where, what),
            lead=(Listing(text=steady(f"{where}{trouble.what}")), Paragraph((AS_IT_WAS,))),
            steps=(trouble.hint,) if trouble.hint else (),
            whole=whole(stack, record),
        )
    if plan is None or trouble is not None:
        return None
    if plan.move is Move.REFUSED:
        # who was quicker is for the next run to see: another run is no trouble
        return None if plan.outrun else _declined(plan, stack, record)
    if plan.done or plan.move is Move.NOTHING or (record.dry_run and plan.writes):
        return f"{plan.repo} {plan.branch} is published again"
    return None


def _declined(plan: Publication, stack: StackRecord, record: RunRecord) -> Matter:
    """Return what is to be told of a person's commits in the way, or of a push that was refused."""
    place = f"{plan.repo} {plan.branch}"
    if plan.hint:
        verdict, facts = f"{place} was not published: {clip(plan.why, 200)}", plan.why
        lead = AS_IT_WAS
    else:
        verdict, facts = f"a person's commits are on {place}, and it was left alone", plan.old or ""
        lead = (
            f"{AS_IT_WAS} What a person committed is never overwritten: take it into a patch, or "
            "move it to a branch of its own, and the next run publishes."
        )
    return Matter(
        verdict=verdict,
        facts=(place, facts),
        lead=(Listing(text=plan.why), Paragraph((lead,))),
        steps=(plan.hint or see_and_move(plan),),
        sections=tuple(fate_section(stack)),
        whole=whole(stack, record),
    )
