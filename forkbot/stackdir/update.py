"""All of a stack's files change, or none: a kill at any point is finished or undone next time.

The new files are first written whole into ``.forkbot-update.new``; renaming that folder to
``.forkbot-update`` is the moment it counts. From then on any reader moves the files into place.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from forkbot.errors import MachineError

_PENDING = ".forkbot-update"
_DRAFT = ".forkbot-update.new"
_GONE = "gone.json"


def write_files(folder: Path, files: Mapping[str, bytes | None]) -> tuple[str, ...]:
    """Replace files in ``folder`` (None deletes), as one step; return those that changed.

    Raises ``MachineError`` when the disk says no; then nothing was changed.
    """
    finish_update(folder)
    changed = {name: data for name, data in files.items() if _differs(folder / name, data)}
    if not changed:
        return ()
    draft = folder / _DRAFT
    try:
        shutil.rmtree(draft, ignore_errors=True)
        (draft / "files").mkdir(parents=True)
        for name, data in changed.items():
            if data is not None:
                target = draft / "files" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
        gone = [name for name, data in changed.items() if data is None]
        (draft / _GONE).write_text(json.dumps(gone))
        draft.rename(folder / _PENDING)
    except OSError as e:
        shutil.rmtree(draft, ignore_errors=True)
        raise MachineError(
            f"cannot write the stack's files: {e.strerror}; nothing was changed", where=str(folder)
        ) from e
    finish_update(folder)
    return tuple(sorted(changed))


def finish_update(folder: Path) -> None:
    """Move a pending update into place, if one was interrupted. Safe to repeat."""
    shutil.rmtree(folder / _DRAFT, ignore_errors=True)
    pending = folder / _PENDING
    if not pending.is_dir():
        return
    try:
        staged = pending / "files"
        for source in sorted(p for p in staged.rglob("*") if p.is_file()):
            target = folder / source.relative_to(staged)
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        for name in json.loads((pending / _GONE).read_text()):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(pending)
    except OSError as e:
        raise MachineError(
            f"cannot finish an interrupted update: {e.strerror}",
            where=str(pending),
            hint="free space or mend permissions, then run the same command again",
        ) from e


def _differs(path: Path, data: bytes | None) -> bool:
    if data is None:
        return path.exists()
    try:
        return path.read_bytes() != data
    except FileNotFoundError:
        return True
