"""What people said on the forge, and what became of it, in a line each."""

from collections.abc import Iterator

from forkbot.model.conflictbranch import BranchState, ConflictBranch
from forkbot.model.order import Given, Order
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report.phrases import clip, count, listed

_FILES_SHOWN = 5


def answer_lines(record: RunRecord) -> tuple[tuple[str, bool], ...]:
    """Return what became of conflicts on branches, and of orders; False: a person is to look."""
    return tuple(
        (f"{s.name}: {line}", well) for s in record.stacks for line, well in _of(s, record.dry_run)
    )


def _of(stack: StackRecord, dry_run: bool) -> Iterator[tuple[str, bool]]:  # noqa: FBT001
    for given in stack.orders:
        yield _order(given, stack), given.obeyed
    for branch in stack.answered:
        yield _answer(branch), True
    if stack.conflict_branch is not None:
        yield from _waiting(stack.conflict_branch, dry_run=dry_run)
    gone = [c for c in stack.cleared if c.done]
    if gone:
        kept = [c.recovery.removeprefix("refs/tags/") for c in gone if c.recovery]
        tags = f", and what people did there is kept as {listed(kept)}" if kept else ""
        yield f"{count(len(gone), 'branch', 'branches')} of what is over taken away{tags}", True


def _order(given: Given, stack: StackRecord) -> str:
    by = f" by {clip(given.by, 60)}" if given.by else ""
    if not given.obeyed:
        return f"told to {given.order.value}{by}, and does not: {clip(given.why, 300)}"
    match given.order:
        case Order.PAUSE:
            return f"paused{by}, and left as it stands: {given.url}"
        case Order.RETRY:
            return f"verified again, as told{by}: {given.url}"
        case Order.SKIP_PATCH:
            return f"{listed(stack.parked)} out of the series, as told{by}: {given.url}"


def _answer(branch: ConflictBranch) -> str:
    shown = [clip(path, 80) for path in branch.besides[:_FILES_SHOWN]]
    more = len(branch.besides) - len(shown)
    shown += [f"{more:,} more"] if more else []
    besides = f"; part of it besides the conflict: {listed(shown)}" if shown else ""
    return (
        f"patch {branch.patch} is as {clip(branch.author, 60)} has it on {branch.branch}{besides}"
    )


def _waiting(branch: ConflictBranch, *, dry_run: bool) -> Iterator[tuple[str, bool]]:
    if branch.why:
        yield f"{branch.branch}: {clip(branch.why, 400)}", False
    elif branch.state is BranchState.OPEN and branch.done:
        yield f"the conflict is laid out on {branch.branch} of {branch.repo}", True
    elif branch.state is BranchState.OPEN and not dry_run and branch.tip is not None:
        yield f"an answer is awaited on {branch.branch} of {branch.repo}", True


def answer_writes(stack: StackRecord) -> Iterator[str]:
    """Yield, for a dry run, each ref of a conflict that the same run would move."""
    branch = stack.conflict_branch
    if branch is not None and not branch.done:
        yield from (f"push {branch.repo} {write}" for write in branch.writes)
    for cleared in stack.cleared:
        if cleared.recovery:
            yield f"push {cleared.repo} {cleared.recovery}: keeps {cleared.tip[:12]}"
        yield f"delete {cleared.repo} {cleared.branch}: {cleared.tip[:12]}"
