"""What a record says, worked out once for every face: the headline, the rows, the next command."""

import dataclasses
import itertools
import shlex
from typing import assert_never

from forkbot.errors import EXIT_DONE
from forkbot.model.conflict import Conflict
from forkbot.model.fate import Fate, PatchOutcome, Rebase
from forkbot.model.publication import Move, Publication
from forkbot.model.record import RunRecord, StackRecord
from forkbot.model.verdict import Build, Colour, Smoke, Verdict
from forkbot.report.probes import probe_headline, was_probed
from forkbot.words import Channel


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
        return record.trouble.what.splitlines()[0]
    worst: list[str] = []
    for stack in record.stacks:
        if stack.trouble is not None:
            worst.append(f"{stack.name}: {stack.trouble.what.splitlines()[0]}")
        elif stack.rebase is not None and stack.rebase.conflict is not None:
            patch, onto = stack.rebase.conflict.patch, stack.rebase.onto.label
            worst.append(f"{stack.name}: patch {patch} is in conflict with {onto}")
        elif stack.publication is not None and stack.publication.move is Move.REFUSED:
            place = f"{stack.publication.repo} {stack.publication.branch}"
            worst.append(
                f"{stack.name}: a person's commits are on {place}, and it was left as it is"
            )
    if record.verdict is not None:
        worst += reds(record.verdict)
    if worst:
        more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
        return worst[0] + more
    return _all_is_well(record)


def summary(record: RunRecord) -> str:
    """Return how many stacks ended how, in one line: for where the causes are told already."""
    if record.exit_code == EXIT_DONE:
        return headline(record)
    ends: dict[str, int] = {}
    for stack in record.stacks:
        end = _end(stack, dry_run=record.dry_run)
        ends[end] = ends.get(end, 0) + 1
    count = len(record.stacks)
    told = ", ".join(f"{n} {end}" for end, n in ends.items())
    return f"{count} stack{'' if count == 1 else 's'} on {record.channel.value}: {told}"


def _end(stack: StackRecord, *, dry_run: bool) -> str:
    plan = stack.publication
    if stack.trouble is not None:
        return "without an answer" if stack.rebase is None else "failed"
    if stack.rebase is not None and stack.rebase.conflict is not None:
        return "in conflict"
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
    if was_probed(record):
        return probe_headline(record)
    done = sum(1 for s in record.stacks if s.publication and s.publication.done)
    count = len(record.stacks)
    stacks = f"{count} stack{'' if count == 1 else 's'}"
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
    if any(s.files_written for s in record.stacks):
        return f"{stacks} on {record.channel.value}: {verified}files updated"
    if any(s.files_to_write for s in record.stacks):
        return f"{stacks} on {record.channel.value}: {verified}files would be updated"
    moved = [s for s in record.stacks if s.rebase is not None and s.rebase.moved]
    if moved:
        return f"{stacks} on {record.channel.value}: {verified}{len(moved)} can move"
    return f"{stacks} on {record.channel.value}: {verified}nothing new"


def reds(verdict: Verdict) -> list[str]:
    """Return a line for each thing that verification found wrong."""
    if verdict.reused:
        return []
    lines = list(verdict.problems)
    same: dict[str, list[str]] = {}  # one cause often stops many builds: say it once
    for build in verdict.builds:
        if build.colour is Colour.RED:
            same.setdefault(cause(build), []).append(build.stack)
    for why, stacks in same.items():
        names = list(dict.fromkeys(stacks))
        lines.append(f"{', '.join(names)} {'does' if len(names) == 1 else 'do'} not build: {why}")
    for smoke in verdict.smokes:
        if smoke.colour is Colour.RED and not smoke.pristine:
            lines.append(f"{smoke.stack}'s {smoke.name} is red: {reason(smoke)}")
        elif smoke.colour is Colour.RED:
            lines.append(f"the control of {smoke.stack}'s {smoke.name}: {smoke.why}")
    return lines


def cause(build: Build) -> str:
    """Return why a build was red in one line, with the place where rustc names one."""
    error = next((d for d in build.diagnostics if d.level == "error"), None)
    if error is None:
        return _short(build.why)
    return f"{error.file}:{error.line}: {_short(error.message)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else f"{line[:200]} …"


def reason(smoke: Smoke) -> str:
    """Return why a component was red: what it said on its way out, or else its exit code."""
    lines = [line.strip() for line in smoke.output.splitlines()]
    # Rust says "thread … panicked at <place>:" and then, on the next line, the reason
    telling = [after for line, after in itertools.pairwise(lines) if "panicked at" in line]
    telling += [line for line in lines if line.lower().startswith("error:")]
    return f"{telling[0]} ({smoke.why})" if telling else smoke.why


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
    counts: dict[str, int] = {}
    for outcome in stack.rebase.outcomes:
        counts[outcome.fate.value] = counts.get(outcome.fate.value, 0) + 1
    if stack.left_out:
        counts["left out of the series"] = len(stack.left_out)
    if not counts:
        return "none (canary)"
    return ", ".join(f"{n} {fate}" for fate, n in counts.items())


def _verified(stack: StackRecord, verdict: Verdict | None) -> str:
    if verdict is None:
        return "not asked"
    builds = [b for b in verdict.builds if b.stack == stack.name]
    smokes = [s for s in verdict.smokes if s.stack == stack.name and not s.pristine]
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
            return f"{place}: up to date"
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


def meaning(outcome: PatchOutcome) -> str:
    """Return a fate in plain words."""
    match outcome.fate:
        case Fate.UNCHANGED:
            return "the same patch in the same place"
        case Fate.SHIFTED:
            return "the same file fits the new base exactly"
        case Fate.ADAPTED:
            return "merged cleanly; the patch file is rewritten"
        case Fate.EMPTY | Fate.MERGED | Fate.SUPERSEDED | Fate.DROPPED:
            return f"leaves the series: {outcome.evidence}"
        case Fate.CONFLICT:
            return "needs a person"
        case Fate.BLOCKED:
            return "stands behind the conflict; not tried"
        case _:
            assert_never(outcome.fate)


def next_steps(record: RunRecord) -> tuple[str, ...]:
    """Return what to type next, most urgent first; empty when there is nothing to do."""
    steps = []
    channel = f" --channel {record.channel.value}"
    for stack in record.stacks:
        if stack.trouble is not None and stack.trouble.hint:
            steps.append(stack.trouble.hint)
        elif stack.rebase is not None and stack.rebase.conflict is not None:
            patch = stack.rebase.conflict.patch
            onto = stack.rebase.onto
            rev = onto.label if record.channel is Channel.RELEASE else onto.commit
            steps.append(
                f"$EDITOR stacks/{stack.name}/patches/{patch}.patch  # until it fits {onto.label}"
            )
            steps.append(f"forkbot rebase {stack.name}{channel} --base {rev}")
        elif stack.publication is not None and stack.publication.move is Move.REFUSED:
            steps.append(_see_and_move(stack.publication))
    if record.verdict is not None and reds(record.verdict):
        steps.append(f"{record.command}  # again, once the red is mended")
    if record.dry_run and record.exit_code == 0 and writes(record):
        steps.append(record.command.replace(" --dry-run", ""))
    return tuple(dict.fromkeys(steps))


def _see_and_move(plan: Publication) -> str:
    return (
        f"git -C {shlex.quote(plan.place)} log {plan.branch}"
        "  # then take it into a patch, or move the branch away"
    )


def writes(record: RunRecord) -> tuple[str, ...]:
    """Return, for a dry run, each write that the same run would make; else nothing."""
    if not record.dry_run:
        return ()
    lines: list[str] = []
    for stack in record.stacks:
        plan = stack.publication
        if plan is not None and plan.writes and plan.new is not None:
            was = f"{plan.old[:12]} → " if plan.old else "new, "
            lines.append(f"push {plan.repo} {plan.branch}: {was}{plan.new[:12]}")
            if plan.old is not None:
                lines.append(f"push {plan.repo} {plan.recovery}: keeps {plan.old[:12]}")
        gone = {f"patches/{o.name}.patch" for o in stack.rebase.dropped} if stack.rebase else set()
        lines += [
            f"{'delete' if name in gone else 'write'} stacks/{stack.name}/{name}"
            for name in stack.files_to_write
        ]
    fresh = record.verdict is not None and not record.verdict.reused
    if lines or fresh or record.exit_code:
        lines.append(f"write .forkbot/runs/{record.id}/")
    return tuple(lines)


def builds_of(verdict: Verdict, stack: str) -> tuple[Build, ...]:
    """Return the builds that were tried for one stack."""
    return tuple(b for b in verdict.builds if b.stack == stack and b.package)


def features(build: Build) -> str:
    """Return a build's package and features as people write them."""
    parts = [] if build.default_features else ["no default features"]
    parts += [", ".join(build.features)] if build.features else []
    return f"{build.package} ({'; '.join(parts)})" if parts else build.package


def broken_by(conflict: Conflict, path: str) -> tuple[str, str] | None:
    """Return the upstream commit that broke a path, and what is to be said of it."""
    found = next((b for b in conflict.breakers if b.path == path), None)
    if found is None:
        return None
    name, text = found.commit[:12], f"of {found.date} by {found.author}: {found.subject}"
    if found.author == "forkbot":  # a release's commit is ours: its date and author say nothing
        name, text = found.subject, "(releases carry no finer history)"
    if found.earlier_names:
        text += f"; the file was {found.earlier_names[0]} before"
    if found.came_and_went:
        count = len(found.came_and_went)
        text += f"; the conflict had come or gone {count} time{'' if count == 1 else 's'} before"
    return name, text
