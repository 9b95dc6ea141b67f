"""The report as Markdown: verdict and next command first, then evidence."""

from collections.abc import Iterator

from forkbot.model.fate import Conflict, ConflictedPath, Hunk
from forkbot.model.record import RunRecord, StackRecord
from forkbot.model.verdict import Colour, Verdict
from forkbot.report.neutral import code, fenced, inline
from forkbot.report.view import (
    builds_of,
    features,
    headline,
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
    yield from _writes(record)
    for stack in record.stacks:
        yield from _trouble(stack)
        if stack.rebase is not None and stack.rebase.conflict is not None:
            yield from _conflict(stack, stack.rebase.conflict)
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


def _writes(record: RunRecord) -> Iterator[str]:
    lines = writes(record)
    if lines:
        yield "## What would be written"
        yield ""
        yield fenced("\n".join(lines))
        yield ""


def _trouble(stack: StackRecord) -> Iterator[str]:
    if stack.trouble is None:
        return
    yield f"## {stack.name}: no answer"
    yield ""
    where = f"{stack.trouble.where}: " if stack.trouble.where else ""
    yield fenced(where + stack.trouble.what)
    yield ""


def _conflict(stack: StackRecord, conflict: Conflict) -> Iterator[str]:
    assert stack.rebase is not None
    outcome = next(o for o in stack.rebase.outcomes if o.name == conflict.patch)
    yield f"## {stack.name}: conflict at patch {code(conflict.patch)}"
    yield ""
    base, onto = stack.rebase.base, stack.rebase.onto
    yield f"The patch is for: {inline(outcome.subject)}. Its base is {code(base.label)},"
    yield f"it was to go onto {code(onto.label)} ({code(onto.commit[:12])})."
    yield "The fork branch was not touched."
    yield ""
    for path in conflict.paths:
        yield from _path(path, conflict.patch)


def _path(path: ConflictedPath, patch: str) -> Iterator[str]:
    count = len(path.hunks)
    hunks = f", {count} place{'' if count == 1 else 's'}" if count else ""
    yield f"### {code(path.path)}: {', '.join(inline(k) for k in path.kinds) or 'conflict'}{hunks}"
    yield ""
    sides = (("base", path.base), ("upstream side", path.upstream), (f"patch {patch}", path.ours))
    missing = [name for name, stage in sides if stage is None]
    if missing and not path.hunks:
        yield f"Not there on: {', '.join(code(m) for m in missing)}."
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
    parts = (("upstream", hunk.upstream), ("base", hunk.base), (f"patch {patch}", hunk.ours))
    return "\n".join(f"──── {name}\n{text or '(nothing)'}" for name, text in parts)


def _verdict(verdict: Verdict) -> Iterator[str]:
    wrong = reds(verdict)
    yield f"## Verification: {'red' if wrong else 'green'}"
    yield ""
    yield f"{inline(verdict.target)} with {inline(verdict.rustc)} and {inline(verdict.wasmtime)}."
    yield ""
    for line in wrong:
        yield f"- {inline(line)}"
    if wrong:
        yield ""
    yield "| stack | built | | |"
    yield "|---|---|---|---|"
    for stack in dict.fromkeys(b.stack for b in verdict.builds):
        tried = builds_of(verdict, stack)
        for build in tried:
            warned = sum(d.level == "warning" for d in build.diagnostics)
            note = f"{warned} warnings" if warned else ""
            yield (
                f"| {stack} | {inline(features(build))} | {build.colour.value}, "
                f"{build.units} units of the family | {note} |"
            )
        for build in verdict.builds:
            if build.stack == stack and build.colour is Colour.HELD:
                yield f"| {stack} | not tried | held | {inline(build.why)} |"
    yield ""
    for smoke in verdict.smokes:
        where = "pristine upstream (control)" if smoke.pristine else "the stacks"
        did = "ran green" if smoke.ran_green else f"was red: {smoke.why}"
        yield (
            f"**{inline(smoke.stack)}: {inline(smoke.name)}** on {where} {inline(did)}; "
            f"that is {'as it must be' if smoke.colour is Colour.GREEN else 'wrong'}."
        )
        yield ""
        if smoke.output:
            yield fenced(smoke.output)
            yield ""
    yield from _errors(verdict)


def _errors(verdict: Verdict) -> Iterator[str]:
    for build in verdict.builds:
        errors = [d for d in build.diagnostics if d.level == "error"]
        if not errors:
            continue
        yield f"### {inline(build.stack)}: {inline(features(build))} does not build"
        yield ""
        for error in errors[:5]:
            yield fenced(error.rendered)
            yield ""
        if len(errors) > 5:
            yield f"{len(errors) - 5} more errors are in record.json."
            yield ""


def _fates(stack: StackRecord) -> Iterator[str]:
    if stack.rebase is None or not stack.rebase.outcomes:
        return
    yield f"## {stack.name}: {len(stack.rebase.outcomes)} in, every one accounted for"
    yield ""
    yield "| patch | for | fate | | upstream status | goes when |"
    yield "|---|---|---|---|---|---|"
    for outcome in stack.rebase.outcomes:
        yield (
            f"| {code(outcome.name)} | {inline(outcome.subject)} | **{outcome.fate.value}** "
            f"| {inline(meaning(outcome))} | {inline(outcome.upstream_status)} "
            f"| {code(outcome.drop_when)} |"
        )
    yield ""


def _origin(record: RunRecord) -> Iterator[str]:
    yield "---"
    yield ""
    dry = " Dry run: nothing was written." if record.dry_run else ""
    yield (
        f"{code(record.command)}, run {code(record.id)}, {record.seconds:.0f} s, "
        f"forkbot {record.forkbot}, git {record.git}.{dry}"
    )
