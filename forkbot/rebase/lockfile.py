"""Cargo.lock in conflict: made anew by cargo, never merged and never a person's question (law 3).

It begins as upstream has it, and cargo brings it to what the merged manifests say: what upstream
locked stays locked. ``cargo update --workspace`` runs no build script. cargo is called from outside
the tree, so that no configuration in it counts.
"""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

from forkbot.cargo import Cargo, read_lock
from forkbot.errors import ForkbotError
from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.words import Oid, PatchName

_NAME = b"Cargo.lock"
_TIMEOUT = 600.0  # seconds, for an index that has to be fetched first


def is_lockfile(path: bytes) -> bool:
    """Return whether cargo writes the file at this path."""
    return path.rpartition(b"/")[2] == _NAME


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Remade:
    """A tree whose Cargo.lock files fit its manifests, and which cargo saw to that."""

    tree: Oid
    by: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lockfiles:
    """Makes lock files anew. ``find`` is asked for a cargo only when there is a conflict in one."""

    find: Callable[[], Cargo]
    trouble: dict[PatchName, str] = dataclasses.field(default_factory=dict)  # why it could not be

    def remake(
        self, tree: Oid, paths: tuple[bytes, ...], *, patch: PatchName, bench: Workbench
    ) -> Remade | None:
        """Return ``tree`` with these lock files made anew; None when cargo cannot."""
        try:
            cargo = self.find()
            with tempfile.TemporaryDirectory(prefix="forkbot-lock-") as folder:
                return _remake(tree, paths, cargo=cargo, folder=Path(folder), bench=bench)
        except ForkbotError as e:
            names = ", ".join(p.decode(errors="backslashreplace") for p in paths)
            self.trouble[patch] = f"{names} is made anew, not merged, and cargo could not: {e.what}"
            return None


def _remake(
    tree: Oid, paths: tuple[bytes, ...], *, cargo: Cargo, folder: Path, bench: Workbench
) -> Remade:
    said = cargo.run(["--version"], cwd=folder, timeout=60).stdout.decode()
    top = folder / "tree"
    top.mkdir()
    env = {"GIT_INDEX_FILE": str(folder / "index"), "GIT_WORK_TREE": str(top)}
    bench.objects.flush()
    bench.repository.git("read-tree", tree, env=env)
    bench.repository.git("checkout-index", "--all", "--quiet", env=env)
    changes: dict[bytes, Entry | None] = {}
    for path in paths:
        entry = bench.trees.find(tree, path)
        if entry is None or not entry.is_file:
            continue
        lock = top / path.decode(errors="surrogateescape")
        lock.write_bytes(bench.objects.read(entry.oid)[1])  # no filter of git's in between
        manifest = lock.with_name("Cargo.toml")
        cargo.run(
            ["update", "--workspace", "--quiet", "--manifest-path", manifest],
            cwd=folder, timeout=_TIMEOUT,
        )  # fmt: skip
        read_lock(lock)
        changes[path] = Entry(entry.mode, bench.objects.write("blob", lock.read_bytes()))
    made = bench.trees.edit(tree, changes)
    assert made is not None  # files in the place of files
    return Remade(tree=made, by=" ".join(said.split()[:2]))
