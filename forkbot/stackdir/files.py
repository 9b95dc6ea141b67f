"""What a rebase leaves behind in a stack's folder: patches, series and lock, as one step."""

from pathlib import Path

from forkbot.model.stack import Lock, Patch, Stack
from forkbot.stackdir.lock import FILE as LOCK_FILE
from forkbot.stackdir.lock import render_lock
from forkbot.stackdir.patches import render_series
from forkbot.stackdir.update import write_files


def write_stack(
    folder: Path,
    *,
    old: Stack,
    patches: tuple[Patch, ...],
    lock: Lock,
    dry_run: bool = False,
) -> tuple[str, ...]:
    """Bring a stack's files to ``patches`` and ``lock``; return the names of those that changed.

    With ``dry_run`` nothing is written: the names are of those that would change.
    """
    series = folder / "patches" / "series"
    names = tuple(p.name for p in patches)
    files: dict[str, bytes | None] = {f"patches/{p.name}.patch": p.mail for p in patches}
    for patch in old.patches:
        if patch.name not in names:
            files[f"patches/{patch.name}.patch"] = None
    if names != tuple(p.name for p in old.patches):
        files["patches/series"] = render_series(series.read_text(), names).encode()
    files[LOCK_FILE] = render_lock(lock)
    if dry_run:
        return tuple(sorted(n for n, data in files.items() if _content(folder / n) != data))
    return write_files(folder, files)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
