"""What a rebase leaves behind in a stack's folder: patches, series and lock, as one step."""

from collections.abc import Collection
from pathlib import Path

from forkbot.model.resolution import Resolution
from forkbot.model.stack import Lock, Patch, Stack
from forkbot.stackdir.acknowledged import FILE as ACKNOWLEDGED
from forkbot.stackdir.acknowledged import without_acknowledged
from forkbot.stackdir.lock import FILE as LOCK_FILE
from forkbot.stackdir.lock import render_lock
from forkbot.stackdir.reading import read_text
from forkbot.stackdir.resolutions import file_name, render_resolution
from forkbot.stackdir.series import render_series
from forkbot.stackdir.update import content, write_files


def write_stack(
    folder: Path,
    *,
    old: Stack,
    patches: tuple[Patch, ...],
    lock: Lock,
    resolutions: tuple[Resolution, ...] | None = None,
    settled: Collection[str] = (),
    dry_run: bool = False,
) -> tuple[str, ...]:
    """Bring a stack's files to ``patches`` and ``lock``; return the names of those that changed.

    ``resolutions`` are those to keep (None: all), new ones among them; ``settled`` are the keys of
    acknowledgements to drop. With ``dry_run`` nothing is written: the names are of those that would
    change.
    """
    series = folder / "patches" / "series"
    names = tuple(p.name for p in patches)
    files: dict[str, bytes | None] = {f"patches/{p.name}.patch": p.mail for p in patches}
    files |= {f"patches/{p.name}.patch": None for p in old.patches if p.name not in names}
    if names != tuple(p.name for p in old.patches):
        files["patches/series"] = render_series(read_text(series), names).encode()
    if resolutions is not None:
        files |= {file_name(r): None for r in old.resolutions}
        files |= {file_name(r): render_resolution(r) for r in resolutions}
    if not old.acknowledged.keys().isdisjoint(settled):
        left = without_acknowledged(read_text(folder / ACKNOWLEDGED), settled)
        files[ACKNOWLEDGED] = left.encode() or None
    files[LOCK_FILE] = render_lock(lock)
    if dry_run:
        return tuple(sorted(n for n, data in files.items() if content(folder / n) != data))
    return write_files(folder, files)
