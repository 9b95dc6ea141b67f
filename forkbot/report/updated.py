"""What became of the stacks' own files on the forge, in a line or two."""

from forkbot.model.record import RunRecord
from forkbot.model.update import Update, Way
from forkbot.report.phrases import clip, count, listed

_LOCK = "stack.lock"


def update_lines(record: RunRecord) -> tuple[tuple[str, bool], ...]:
    """Return what became of the stacks' own files on the forge; True: nothing stands in the way.

    What is the same for several stacks is said once.
    """
    said: dict[tuple[str, bool], list[str]] = {}
    for stack in record.stacks:
        if stack.update is not None and (line := _line(stack.update, dry_run=record.dry_run)):
            said.setdefault((line, not stack.update.exit_code), []).append(stack.name)
    return tuple((f"{listed(names)}: {line}", well) for (line, well), names in said.items())


def _line(update: Update, *, dry_run: bool) -> str:
    what = "stack.lock" if update.files == (_LOCK,) else count(len(update.files), "file")
    if update.exit_code or update.way is Way.LEFT:
        return f"the stack's files were not updated: {clip(update.why, 400)}"
    if dry_run or update.way is Way.NOTHING:
        return ""  # the writes are listed
    if update.way is Way.PUSH:
        return f"{what} pushed to {update.base}"
    waits = "waits" if update.files == (_LOCK,) else "wait"
    return f"{what} {'proposed' if update.done else f'{waits} for a review'}: {update.url}"
