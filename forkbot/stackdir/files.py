"""What a rebase goes by in a stack's folder, and what it leaves there, as one step."""

from collections.abc import Collection, Mapping
from pathlib import Path

from forkbot.model.resolution import Resolution
from forkbot.model.stack import Lock, Patches, Stack
from forkbot.stackdir.acknowledged import FILE as ACKNOWLEDGED
from forkbot.stackdir.acknowledged import without_acknowledged
from forkbot.stackdir.load import POLICY
from forkbot.stackdir.lock import FILE as LOCK_FILE
from forkbot.stackdir.lock import render_lock
from forkbot.stackdir.reading import read_bytes, read_text
from forkbot.stackdir.resolutions import FOLDER as RESOLUTIONS
from forkbot.stackdir.resolutions import file_name, render_resolution
from forkbot.stackdir.series import PATCHES, patches_of, render_series
from forkbot.stackdir.update import content, write_files
from forkbot.words import Channel, PatchName

Changes = Mapping[str, bytes | None]  # file by file, from the stack's folder; None: it goes
_OWN = (POLICY, LOCK_FILE, ACKNOWLEDGED)
_PATCHES = (PATCHES, *(patches_of(channel) for channel in Channel))


def write_stack(
    folder: Path,
    *,
    old: Stack,
    patches: Patches,
    lock: Lock,
    apart: Mapping[Channel, Patches] | None = None,
    resolutions: tuple[Resolution, ...] | None = None,
    settled: Collection[str] = (),
    parked: Collection[PatchName] = (),
    dry_run: bool = False,
) -> tuple[str, ...]:
    """Bring a stack's files to what ``changes_of`` says; return the names of those that changed.

    With ``dry_run`` nothing is written: the names are of those that would change.
    """
    changes = changes_of(
        folder, old=old, patches=patches, lock=lock, apart=apart, resolutions=resolutions,
        settled=settled, parked=parked,
    )  # fmt: skip
    return tuple(sorted(changes)) if dry_run else write_files(folder, changes)


def changes_of(
    folder: Path,
    *,
    old: Stack,
    patches: Patches,
    lock: Lock,
    apart: Mapping[Channel, Patches] | None = None,
    resolutions: tuple[Resolution, ...] | None = None,
    settled: Collection[str] = (),
    parked: Collection[PatchName] = (),
) -> Changes:
    """Return what brings a stack's files to ``patches`` and ``lock``; nothing is written.

    ``patches`` are those that all channels share, ``apart`` those of channels that have their own
    (None: as they are).
    ``resolutions`` are those to keep (None: all), new ones among them; ``settled`` are the keys of
    acknowledgements to drop; the files of ``parked`` patches stay without a line in the series.
    """
    apart = old.apart if apart is None else apart
    files = _patch_files(folder, PATCHES, old.common, patches)
    for channel in Channel:
        files |= _patch_files(
            folder, patches_of(channel), old.apart.get(channel), apart.get(channel)
        )
    _keep_parked(files, parked, old=old, apart=apart)
    if resolutions is not None:
        files |= {file_name(r): None for r in old.resolutions}
        files |= {file_name(r): render_resolution(r) for r in resolutions}
    if not old.acknowledged.keys().isdisjoint(settled):
        left = without_acknowledged(read_text(folder / ACKNOWLEDGED), settled)
        files[ACKNOWLEDGED] = left.encode() or None
    files[LOCK_FILE] = render_lock(lock)
    return {n: data for n, data in files.items() if content(folder / n) != data}


def _keep_parked(
    files: dict[str, bytes | None],
    parked: Collection[PatchName],
    *,
    old: Stack,
    apart: Mapping[Channel, Patches],
) -> None:
    """Let the files of patches that leave a series stay: in their folder, or where that goes."""
    shared = f"{PATCHES}/{{}}.patch"
    for name in parked:
        if files.get(shared.format(name), b"") is None:
            del files[shared.format(name)]
        for channel, patches in old.apart.items():
            file = f"{patches_of(channel)}/{name}.patch"
            if files.get(file, b"") is not None:
                continue
            if channel in apart:
                del files[file]
            elif name not in {p.name for p in old.common}:
                files |= {shared.format(name): p.mail for p in patches if p.name == name}


def _patch_files(
    folder: Path, name: str, old: Patches | None, new: Patches | None
) -> dict[str, bytes | None]:
    """Return what a folder of patches becomes: None is a folder that is not there."""
    series = f"{name}/series"
    files: dict[str, bytes | None] = {f"{name}/{p.name}.patch": None for p in old or ()}
    files |= {f"{name}/{p.name}.patch": p.mail for p in new or ()}
    names = tuple(p.name for p in new or ())
    if new is None:
        files |= {series: None} if old is not None else {}
    elif old is None or names != tuple(p.name for p in old):
        text = read_text(folder / series) if old is not None else ""
        files[series] = render_series(text, names).encode()
    return files


def is_input(name: str) -> bool:
    """Return whether a rebase goes by the file of that name, or writes it.

    The components under ``smoke/`` are none: a check-out may filter them, and the verdict says of
    which it speaks.
    """
    folder, _, file = name.rpartition("/")
    if folder in _PATCHES:
        return file == "series" or file.endswith(".patch")
    if folder.startswith(f"{RESOLUTIONS}/"):
        return file.endswith(".yaml")
    return name in _OWN


def read_inputs(folder: Path) -> dict[str, bytes]:
    """Return the files that a rebase of the stack goes by, by their names in its folder."""
    paths = [folder / name for name in _OWN]
    paths += [path for name in (*_PATCHES, RESOLUTIONS) for path in (folder / name).rglob("*")]
    names = sorted(str(path.relative_to(folder)) for path in paths if path.is_file())
    return {name: read_bytes(folder / name) for name in names if is_input(name)}
