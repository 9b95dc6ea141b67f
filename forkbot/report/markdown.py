"""The report as Markdown: verdict and next command first, then evidence."""

from collections.abc import Iterator

from forkbot.model.conflict import Conflict, ConflictedPath, Hunk
from forkbot.model.publication import Move
from forkbot.model.record import RunRecord, StackRecord
from forkbot.model.verdict import Build, Colour, Smoke, Verdict
from forkbot.report.neutral import code, fenced, inline
from forkbot.report.probes import probed
from forkbot.report.view import (
    broken_by,
    builds_of,
    cause,
    features,
    headline,
    holds,
    meaning,
    next_steps,
    reds,
    rows,
    writes,
)

_HUNKS_SHOWN = 20


def render_markdown(record: RunRecord) -> str:
    """Return the whole report of a run."""
    return "\n".join(_lines(record)).rstrip() + "\n"


def _lines(record: RunRecord) -> Iterator[str]:
    yield f"# {inline(headline(record))}"
    yield ""
    yield from _next(record)
    yield "| stack | upstream | patches | verified | fork branch |"
    yield "|---|---|---|---|---|"
    for row in rows(record):
        cells = (row.name, row.upstream, row.patches, row.verified, row.branch)
        yield "| " + " | ".join(inline(cell) for cell in cells) + " |"
    yield ""
    yield from _held(record)
    yield from _writes(record)
    for stack in record.stacks:
        yield from _trouble(stack)
        if stack.rebase is not None and stack.rebase.conflict is not None:
            yield from _conflict(stack, stack.rebase.conflict)
    for stack in record.stacks:
        yield from probed(stack)
    if record.verdict is not None and not record.verdict.reused:
        yield from _verdict(record.verdict)
    for stack in record.stacks:
        yield from _fates(stack)
    yield from _origin(record)


def _next(record: RunRecord) -> Iterator[str]:
    steps = next_steps(record)
    if steps:
        yield "Next:"
        yield ""
        yield fenced("\n".join(steps), "sh")
        yield ""


def _held(record: RunRecord) -> Iterator[str]:
    lines = holds(record)
    if lines:
        yield "Held back:"
        yield ""
        yield from (f"- {inline(line)}" for line in lines)
        yield ""


def _writes(record: RunRecord) -> Iterator[str]:
    lines = writes(record)
    if lines:
        yield "## What would be written"
        yield ""
        yield fenced("\n".join(lines))
        yield ""


def _trouble(stack: StackRecord) -> Iterator[str]:
    if stack.trouble is not None:
        where = f"{stack.trouble.where}: " if stack.trouble.where else ""
        yield f"## {inline(stack.name)}: no answer"
        yield ""
        yield fenced(where + stack.trouble.what)
        yield ""
    plan = stack.publication
    if plan is not None and plan.move is Move.REFUSED:
        yield f"## {inline(stack.name)}: not published"
        yield ""
        yield fenced(plan.why)
        yield ""
        yield "Nothing was pushed; the stack's files are as they were."
        yield ""


def _conflict(stack: StackRecord, conflict: Conflict) -> Iterator[str]:
    assert stack.rebase is not None
    outcome = next(o for o in stack.rebase.outcomes if o.name == conflict.patch)
    yield f"## {inline(stack.name)}: conflict at patch {code(conflict.patch)}"
    yield ""
    base, onto = stack.rebase.base, stack.rebase.onto
    yield f"The patch: {inline(outcome.subject)}. It sits on {code(base.label)} and was to go onto"
    yield f"{code(onto.label)} ({code(onto.commit[:12])}). The fork branch was not touched."
    before = stack.rebase.outcomes.index(outcome)
    if before:
        those = "the patch" if before == 1 else f"the {before} patches"
        yield f"Upstream side below means {code(onto.label)} with {those} before this one."
    yield ""
    for path in conflict.paths:
        yield from _path(path, conflict)


def _path(path: ConflictedPath, conflict: Conflict) -> Iterator[str]:
    patch = conflict.patch
    count = len(path.hunks)
    hunks = f", {count} place{'' if count == 1 else 's'}" if count else ""
    yield f"### {code(path.path)}: {', '.join(inline(k) for k in path.kinds) or 'conflict'}{hunks}"
    yield ""
    culprit = broken_by(conflict, path.path)
    if culprit:
        yield f"Broken by {code(culprit[0])} {inline(culprit[1])}."
        yield ""
    sides = (("base", path.base), ("upstream side", path.upstream), (f"patch {patch}", path.ours))
    missing = [name for name, stage in sides if stage is None]
    if missing and not path.hunks:
        yield f"There is no such file in: {', '.join(inline(m) for m in missing)}."
        yield ""
    for number, hunk in enumerate(path.hunks[:_HUNKS_SHOWN], start=1):
        yield f"{number}. line {hunk.line} of the upstream side"
        yield ""
        yield fenced(_three_texts(hunk, patch))
        yield ""
    if count > _HUNKS_SHOWN:
        yield f"{count - _HUNKS_SHOWN} more places are in record.json."
        yield ""


def _three_texts(hunk: Hunk, patch: str) -> str:
    parts = (("upstream side", hunk.upstream), ("base", hunk.base), (f"patch {patch}", hunk.ours))
    return "\n".join(f"──── {n}\n{text.rstrip() or '(nothing)'}" for n, text in parts)


def _verdict(verdict: Verdict) -> Iterator[str]:
    wrong = reds(verdict)
    yield f"## Verification: {'red' if wrong else 'green'}"
    yield ""
    tools = (verdict.target, verdict.rustc, verdict.wasmtime)
    yield f"{code(tools[0])} with {code(tools[1])} and {code(tools[2])}."
    yield ""
    for line in wrong:
        yield f"- {inline(line)}"
    if wrong:
        yield ""
    yield "| stack | build | | |"
    yield "|---|---|---|---|"
    for stack in dict.fromkeys(b.stack for b in verdict.builds):
        for build in builds_of(verdict, stack):
            units = f"{build.units} of the family's crates compiled"
            cells = (features(build), build.colour.value, _note(build) or units)
            yield f"| {inline(stack)} | " + " | ".join(inline(c) for c in cells) + " |"
        for build in verdict.builds:
            if build.stack == stack and build.colour is Colour.HELD:
                yield f"| {inline(stack)} | not tried | held | {inline(build.why)} |"
    yield ""
    yield from _errors(verdict)
    for smoke in verdict.smokes:
        yield from _smoke(smoke)


def _note(build: Build) -> str:
    if build.colour is Colour.RED:
        return cause(build)
    warned = sum(d.level == "warning" for d in build.diagnostics)
    return f"{warned} warning{'' if warned == 1 else 's'}" if warned else ""


def _smoke(smoke: Smoke) -> Iterator[str]:
    where = "on pristine upstream, the control" if smoke.pristine else "with the stacks"
    did, must = "green" if smoke.ran_green else "red", "as it must be"
    if smoke.colour is Colour.RED:
        must = f"and it must be {'red' if smoke.ran_green else 'green'}"
    why = f": {smoke.why}" if smoke.why else ""
    yield f"**{inline(smoke.stack)}: {inline(smoke.name)}** {where}: {did}, {must}{inline(why)}"
    yield ""
    if smoke.output:
        yield fenced(smoke.output)
        yield ""


def _errors(verdict: Verdict) -> Iterator[str]:
    shown: set[str] = set()
    for build in verdict.builds:
        errors = [d for d in build.diagnostics if d.level == "error"]
        what = "\n".join(e.rendered for e in errors) or build.why
        if build.colour is not Colour.RED or what in shown:
            continue
        shown.add(what)
        yield f"### {inline(build.stack)}: {inline(features(build))} does not build"
        yield ""
        if not errors:
            yield fenced(build.why)
            yield ""
        for error in errors[:5]:
            yield fenced(error.rendered)
            yield ""
        if len(errors) > 5:
            yield f"{len(errors) - 5} more errors are in record.json."
            yield ""


def _fates(stack: StackRecord) -> Iterator[str]:
    if stack.left_out:
        files = ", ".join(code(file) for file in stack.left_out)
        yield f"{inline(stack.name)}: not applied, because the series does not name it: {files}."
        yield ""
    if stack.rebase is None or not stack.rebase.outcomes:
        return
    count = len(stack.rebase.outcomes)
    yield f"## {inline(stack.name)}: {count} patch{'' if count == 1 else 'es'}, each accounted for"
    yield ""
    yield "| patch | subject | fate | | upstream status | goes when |"
    yield "|---|---|---|---|---|---|"
    for outcome in stack.rebase.outcomes:
        yield (
            f"| {code(outcome.name, cell=True)} | {inline(outcome.subject)} "
            f"| **{outcome.fate.value}** | {inline(meaning(outcome))} "
            f"| {inline(outcome.upstream_status)} | {code(outcome.drop_when, cell=True)} |"
        )
    yield ""


def _origin(record: RunRecord) -> Iterator[str]:
    yield "---"
    yield ""
    dry = " Dry run: nothing was written." if record.dry_run else ""
    yield (
        f"{code(record.command)}, run {code(record.id)}, {record.seconds:.0f} s, "
        f"forkbot {inline(record.forkbot)}, git {inline(record.git)}.{dry}"
    )
