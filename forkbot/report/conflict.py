"""A conflict told: who broke what, and for each path why, whose lines they are, and the texts."""

from collections.abc import Iterator
from typing import assert_never

from forkbot.model.conflict import (
    Breaker,
    Conflict,
    ConflictClass,
    ConflictedPath,
    Effort,
    Hunk,
    Owner,
    Stage,
)
from forkbot.model.fate import Fate, PatchOutcome, Rebase
from forkbot.model.judgement import Proposal, ProposalKind
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report.document import (
    Block,
    Code,
    Folded,
    Items,
    Line,
    Listing,
    Paragraph,
    Section,
    Strong,
    Table,
    ThreeTexts,
    Weight,
)
from forkbot.report.links import Web
from forkbot.report.overview import superseded_by
from forkbot.report.phrases import clip, count, listed, tally
from forkbot.report.steps import mend, reproduce
from forkbot.words import Channel

_EFFORTS = tuple(Effort)
_TURNS_SHOWN = 6
_SHAPES = {  # git's modes
    "100644": "a file",
    "100755": "an executable file",
    "120000": "a symbolic link",
    "160000": "a submodule",
}


def by_effort(conflict: Conflict) -> tuple[ConflictedPath, ...]:
    """Return the paths of a conflict, easy ones first."""
    return tuple(sorted(conflict.paths, key=lambda p: (_EFFORTS.index(p.effort), p.path)))


def breaker_of(conflict: Conflict, path: str) -> Breaker | None:
    """Return the upstream commit that broke a path, where it is known."""
    return next((b for b in conflict.breakers if b.path == path), None)


def explained(kind: ConflictClass, moved_to: str, *, whole: bool) -> str:
    """Return a class in plain words: what upstream did, and what the patch has to do about it.

    ``whole``: the file itself is at stake, not lines of it.
    """
    lines = "this file" if whole else "these lines"
    match kind:
        case ConflictClass.ALREADY_THERE:
            return "Upstream says the same already, or that and more; look, and take upstream's."
        case ConflictClass.BLANKS:
            return f"Upstream changed only the white space of {lines}; make the same edit in them."
        case ConflictClass.CONTEXT:
            return "Upstream changed only the neighbouring lines; both edits can stand."
        case ConflictClass.MOVED:
            where = f" to {moved_to}" if moved_to else ""
            return f"Upstream moved {lines}{where}; the patch's edit has to follow."
        case ConflictClass.BOTH_ADDED:
            where = "both add this file" if whole else "both add lines in the same place"
            return f"Upstream and the patch {where}; decide what stands, and in which order."
        case ConflictClass.BOTH_EDITED:
            return f"Upstream and the patch both changed {lines}; the edit has to be made anew."
        case ConflictClass.DELETED:
            return f"Upstream deleted {lines}; see whether the patch's edit still has a place."
        case ConflictClass.SHAPE:
            return "There are no lines to compare (a mode, a link, binary content, a folder)."
        case _:
            assert_never(kind)


def came_and_went(breaker: Breaker, web: Web) -> Line:
    """Return how the same conflict came and went before it stayed; nothing when it did not."""
    turns = breaker.came_and_went
    if not turns:
        return ()
    line: Line = ("The conflict was there before: it ",)
    for n, oid in enumerate(turns[:_TURNS_SHOWN]):
        line = (*line, ", " if n else "", f"{'went' if n % 2 else 'came'} with ", web.commit(oid))
    more = len(turns) - _TURNS_SHOWN
    return (*line, f", and turned {more} times more." if more > 0 else ".")


def owned(owners: tuple[Owner, ...], web: Web) -> tuple[Line, ...]:
    """Return whose the lines at stake are now, and who removed what the patch knew."""
    lines: list[Line] = []
    for owner in owners[:4]:
        who = web.told(owner.by)
        if owner.removed:
            what = (
                count(owner.lines, "line of the base", "lines of the base") if owner.lines else "it"
            )
            lines.append((f"Upstream removed {what} in ", *who, "."))
        else:
            many = count(owner.lines, "line") if owner.lines else "this"
            now = "belongs" if owner.lines <= 1 else "belong"
            lines.append((f"Of upstream's text {many} now {now} to ", *who, "."))
    if len(owners) > 4:
        lines.append((f"{count(len(owners) - 4, 'commit')} more own lines here.",))
    return tuple(lines)


def conflict_sections(stack: StackRecord, channel: Channel) -> Iterator[Section]:
    """Yield what stopped a stack: first the table of culprits, then each path, easy ones first."""
    rebase = stack.rebase
    if rebase is None or rebase.conflict is None:
        return
    web = Web.of(stack, channel)
    outcome = next(o for o in rebase.outcomes if o.conflict is not None)
    conflict = rebase.conflict
    yield _opening(stack, rebase, outcome, conflict, web)
    for path in by_effort(conflict):
        yield _path(path, conflict, web)


def title_of(stack: StackRecord, outcome: PatchOutcome) -> Line:
    """Return the headline of a conflict; one that upstream seems to have made needless differs."""
    if outcome.fate is Fate.SUPERSEDED:
        by = superseded_by(outcome) or "a change of upstream's"
        return (f"{stack.name}: ", Code(outcome.name), f" looks superseded by {by}")
    return (f"{stack.name}: conflict at ", Code(outcome.name))


def _opening(
    stack: StackRecord, rebase: Rebase, outcome: PatchOutcome, conflict: Conflict, web: Web
) -> Section:
    lead: tuple[Block, ...] = (
        Paragraph((Strong("What it is for: "), *_purpose(outcome))),
        *_superseded(outcome, web),
        Paragraph(_way(rebase, outcome, web)),
    )
    # what might have answered without a person: a merge driver, cargo for its lock file
    told = clip(outcome.evidence, 300) if outcome.fate is Fate.CONFLICT else ""
    tried = (Paragraph((f"Tried: {told}.",)),) if told else ()
    table = Table(
        head=("path", "why", "effort", "broken by"),
        rows=tuple(_culprit(path, conflict, web) for path in by_effort(conflict)),
    )
    return Section(
        title=title_of(stack, outcome), weight=Weight.MUST, blocks=(*lead, *tried, table),
        shorter=((*lead, *_culprits_counted(conflict, web)),),
    )  # fmt: skip


def _purpose(outcome: PatchOutcome) -> Line:
    subject = clip(outcome.subject)
    if not outcome.purpose:
        return (subject,)
    return (subject, ". " if subject[-1:].isalnum() else " ", clip(outcome.purpose, 1_000))


def _superseded(outcome: PatchOutcome, web: Web) -> tuple[Block, ...]:
    if outcome.fate is not Fate.SUPERSEDED:
        return ()
    found = [p for p in outcome.proposals if p.kind is not ProposalKind.PARTLY]
    why = "; ".join(_reason(p) for p in found)
    commits = tuple(web.told(commit) for proposal in found for commit in proposal.commits[:8])
    rule = "drop the patch if upstream now does what it is for, else resolve the conflict"
    lead: Line = (f"{why[:1].upper()}{why[1:]}. That is no proof: {rule}.",)
    return (Paragraph(lead), Items(commits)) if commits else (Paragraph(lead),)


def _reason(proposal: Proposal) -> str:
    evidence = f" ({clip(proposal.evidence, 400)})" if proposal.evidence else ""
    if proposal.kind is ProposalKind.SUPERSEDED:
        return f"upstream seems to deliver it by another change{evidence}"
    return f"{proposal.kind.value}{evidence}"


def _way(rebase: Rebase, outcome: PatchOutcome, web: Web) -> Line:
    base, onto = rebase.base, rebase.onto
    far = f", {count(rebase.upstream_commits, 'commit')} further" if rebase.upstream_commits else ""
    before = rebase.outcomes.index(outcome)
    those = "the patch" if before == 1 else f"the {before} patches"
    side = f" “Upstream side” below is there with {those} before this one." if before else ""
    return (
        "The stack sits on ", Code(clip(base.label)), " and was to go to ", Code(clip(onto.label)),
        " (", web.commit(onto.commit), f"){far}. ",
        f"The fork branch and the stack's files are as they were.{side}",
    )  # fmt: skip


def _culprit(path: ConflictedPath, conflict: Conflict, web: Web) -> tuple[Line, ...]:
    found = breaker_of(conflict, path.path)
    broken: Line = web.told(found) if found else ("not known",)
    return ((Code(clip(path.path)),), (path.kind.value,), (path.effort.value,), broken)


def _culprits_counted(conflict: Conflict, web: Web) -> tuple[Block, ...]:
    """Return the culprits of a conflict with more paths than a page can show."""
    counts: dict[str, list[Breaker]] = {}
    for breaker in conflict.breakers:
        counts.setdefault(breaker.commit, []).append(breaker)
    most = sorted(counts.values(), key=len, reverse=True)
    lines = [(f"{count(len(found), 'path')}: ", *web.told(found[0])) for found in most[:8]]
    rest = len(conflict.paths) - sum(len(found) for found in most[:8])
    if rest > 0:
        lines.append((f"{count(rest, 'path')}: other commits, or not known",))
    efforts = tally(p.effort.value for p in by_effort(conflict))
    return (
        Paragraph((f"{count(len(conflict.paths), 'path')} in conflict ({efforts}), broken by:",)),
        Items(tuple(lines)),
    )


def _path(path: ConflictedPath, conflict: Conflict, web: Web) -> Section:
    whole = not path.hunks
    lead: list[Block] = [Paragraph(_told(path, whole=whole))]
    found = breaker_of(conflict, path.path)
    story: list[Line] = []
    if found is not None:
        if found.earlier_names:
            names = listed([clip(n) for n in found.earlier_names], most=4)
            story.append((f"Upstream renamed the file meanwhile; it was {names}.",))
        elif path.upstream and path.base and path.base.path != path.upstream.path:
            story.append((f"Upstream renamed the file; it was {clip(path.base.path)}.",))
        if found.brought is not None:
            story.append(("What that merge brought: ", *web.told(found.brought), "."))
        if turns := came_and_went(found, web):
            story.append(turns)
    owners = (o for o in path.owners if found is None or o.by.commit != found.commit)
    story += owned(tuple(owners), web)
    broken: Line = (", broken by ", web.brief(found)) if found else ()
    if story:
        lead.append(Items(tuple(story)))
    return Section(
        title=(Code(clip(path.path)), f": {path.kind.value}, needs {path.effort.value}", *broken),
        level=3,
        weight=Weight.CONFLICT,
        blocks=(*lead, *_texts(path, conflict, web)),
        shorter=(tuple(lead),),
    )


def _told(path: ConflictedPath, *, whole: bool) -> Line:
    line = explained(path.kind, clip(path.moved_to), whole=whole)
    if path.kind is ConflictClass.SHAPE and path.upstream and path.ours:
        line = _shapes(path.upstream, path.ours)
    sides = (("base", path.base), ("upstream side", path.upstream), ("patch", path.ours))
    missing = [name for name, stage in sides if stage is None]
    if not missing or not whole:
        return (line,)
    kinds = f" (git: {listed(path.kinds)})" if path.kinds else ""
    return (f"{line} It is not there in the {listed(missing)}{kinds}.",)


def _shapes(upstream: Stage, ours: Stage) -> str:
    there, here = (_SHAPES.get(stage.mode, f"mode {stage.mode}") for stage in (upstream, ours))
    if there == here:
        return "Both sides changed it, and it has no lines that could be merged; choose one."
    return f"Upstream has {there} there, the patch {here}; decide which it is to be."


def _texts(path: ConflictedPath, conflict: Conflict, web: Web) -> tuple[Block, ...]:
    if not path.hunks:
        return ()
    blocks: list[Block] = []
    hunks = sorted(path.hunks, key=lambda h: (_EFFORTS.index(h.effort), h.line))
    for hunk in hunks:
        blocks += _hunk(hunk, path, conflict, web)
    many = count(len(hunks), "place")
    where = listed([str(h.line) for h in hunks], most=8)
    lines = "line" if len(hunks) == 1 else "lines"
    summary = f"{many}, {lines} {where} of the upstream side: what each side says"
    return (Folded(summary=(summary,), blocks=tuple(blocks), shown=True),)


def _hunk(hunk: Hunk, path: ConflictedPath, conflict: Conflict, web: Web) -> Iterator[Block]:
    why = explained(hunk.kind, clip(hunk.moved_to or path.moved_to), whole=False)
    yield Paragraph((
        Strong(f"Line {hunk.line}: {hunk.kind.value}, needs {hunk.effort.value}."),
        f" {why}" if hunk.kind is not path.kind or hunk.moved_to else "",
    ))  # fmt: skip
    if lines := owned(hunk.owners, web):
        yield Items(lines)
    yield ThreeTexts(
        path=path.path, line=hunk.line, patch=conflict.patch, base=hunk.base,
        upstream=hunk.upstream, ours=hunk.ours, above=hunk.above, below=hunk.below,
    )  # fmt: skip


def mending_section(stack: StackRecord, record: RunRecord) -> Iterator[Section]:
    """Yield how to mend a conflict, how to see it again, and what was tried before it was told."""
    rebase = stack.rebase
    if rebase is None or rebase.conflict is None:
        return
    yield Section(
        title=(f"{stack.name}: to mend it, to see it again, and what was tried",),
        weight=Weight.STEPS,
        blocks=(
            Listing(text="\n".join(mend(rebase, record)), language="sh"),
            Paragraph(("The same conflict, again:",)),
            Listing(text="\n".join(reproduce(stack, record)), language="sh"),
            Paragraph((_tried(rebase),)),
        ),
    )


def _tried(rebase: Rebase) -> str:
    many = count(rebase.upstream_commits, "upstream commit") if rebase.upstream_commits else ""
    looked = f"In {many}, forkbot looked" if many else "Forkbot looked"
    return (
        f"{looked} for the patches themselves (as ancestors; by patch-id, each alone and every "
        "run of neighbours squashed into one; each hit proven by merging on both sides of it), "
        "for what is empty once merged, for changes alike, and for a recorded resolution. Then "
        "it merged the series onto upstream's commits to find where each conflict began; a "
        "breaker named here is in conflict, and its parent is not."
    )
