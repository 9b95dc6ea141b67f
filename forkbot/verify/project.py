"""A consumer's project in a copy: its workspace and the folders it names, as they lie.

```
<folder>/.cargo/config.toml   the patch table; cargo takes it before any in a Cargo.toml
<folder>/project/…            the project, its folders as they lie to each other
```
"""

import dataclasses
import os
import shutil
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from forkbot.cargo import Cargo, CargoError, Outline
from forkbot.errors import MachineError, UsageError
from forkbot.model.cargopatch import CargoPatch

_LIMIT = 120.0
_LEFT = {".git", ".hg", ".jj", ".forkbot", "node_modules"}
_CACHE = "CACHEDIR.TAG"  # cargo puts one into every target folder


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A copied project: where it lies, what it builds, and whether it has a table of its own."""

    top: Path  # all that was copied
    root: Path  # its workspace
    manifest: Path
    packages: tuple[str, ...]
    has_table: Literal["yes", "no", "another"]


def copy_project(manifest: Path, *, patch: CargoPatch, folder: Path, cargo: Cargo) -> Project:
    """Copy the project of a ``Cargo.toml`` under ``folder``, and lay the table beside it.

    Raises ``UsageError`` for what is no project of cargo's.
    """
    manifest = manifest.absolute()
    if not manifest.is_file():
        raise UsageError("there is no such manifest", where=str(manifest))
    outline = _outline(manifest, cargo)
    roots = _folders(outline, cargo)
    above = Path(os.path.commonpath(roots))
    top = folder / "project"
    shutil.rmtree(top, ignore_errors=True)
    try:
        for root in roots:
            shutil.copytree(
                root, top / root.relative_to(above), ignore=_uninteresting, dirs_exist_ok=True,
                ignore_dangling_symlinks=True,
            )  # fmt: skip
        (folder / ".cargo").mkdir(parents=True, exist_ok=True)
        (folder / ".cargo" / "config.toml").write_text(patch.table, encoding="utf-8")
    except (OSError, shutil.Error) as e:
        raise MachineError(f"cannot copy the project: {e}", where=str(manifest.parent)) from e
    return Project(
        top=top,
        root=top / outline.workspace_root.relative_to(above),
        manifest=top / manifest.relative_to(above),
        packages=_packages(outline, manifest),
        has_table=_has_table(outline.workspace_root / "Cargo.toml", patch),
    )


def _outline(manifest: Path, cargo: Cargo) -> Outline:
    try:
        return cargo.outline(manifest, cwd=manifest.parent, timeout=_LIMIT)
    except CargoError as e:
        raise UsageError(f"cargo cannot read it: {e.last_words}", where=str(manifest)) from e


def _folders(outline: Outline, cargo: Cargo) -> list[Path]:
    """Return the folders to copy: the workspace, and those outside that its manifests name."""
    roots, queue = [outline.workspace_root], [outline]
    for one in queue:
        wanted = {r.path for p in one.packages for r in p.dependencies if r.path is not None}
        for path in sorted(wanted):
            if not any(path.is_relative_to(root) for root in roots):
                # of a workspace of its own, perhaps, whose manifest it needs
                other = _outline(path / "Cargo.toml", cargo)
                roots.append(other.workspace_root)
                queue.append(other)
    return roots


def _uninteresting(folder: str, names: Iterable[str]) -> set[str]:
    return {n for n in names if n in _LEFT or Path(folder, n, _CACHE).is_file()}


def _packages(outline: Outline, manifest: Path) -> tuple[str, ...]:
    """Return what is built: the manifest's own package, or a workspace's default ones."""
    own = tuple(p.name for p in outline.packages if p.manifest_path == manifest)
    names = {p.id: p.name for p in outline.packages}
    return own or tuple(names[i] for i in outline.workspace_default_members if i in names)


def _has_table(manifest: Path, patch: CargoPatch) -> Literal["yes", "no", "another"]:
    """Return whether the manifest holds the entries of the table, and just as they are there."""
    there = _patches(manifest.read_text(encoding="utf-8"))
    wanted = _patches(patch.table)
    if all(there.get(crate) == entry for crate, entry in wanted.items()):
        return "yes"
    return "another" if wanted.keys() & there.keys() else "no"


def _patches(text: str) -> dict[str, object]:
    table = tomllib.loads(text).get("patch", {})
    found = table.get("crates-io", {}) if isinstance(table, dict) else {}
    return dict(found) if isinstance(found, dict) else {}
