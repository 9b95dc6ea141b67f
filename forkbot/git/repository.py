"""One bare repository, spoken to through git's plumbing in a sealed environment.

Sealed: no system, global or attribute configuration, no prompts, no replace refs, so that equal
inputs give equal trees on every machine. Only ``forkbot.git.remote`` lets the user's own git
configuration in, because proxies, mirrors and credentials live there.
"""

import contextlib
import dataclasses
import functools
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from forkbot import process
from forkbot.errors import MachineError, ProcessError, UsageError
from forkbot.words import Oid

SEAL = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_A_DAY = 86_400  # seconds
OLDEST_GIT = (2, 39)  # merge-tree --write-tree --stdin, and what forkbot is tested on


def sealed_env(ambient: process.Env) -> dict[str, str]:
    """Return the environment in which git computes: the same on every machine."""
    return {**process.allow(ambient), **SEAL}


@functools.cache
def _version(path: str) -> tuple[int, ...]:
    said = process.run(["git", "version"], env={"PATH": path, "LC_ALL": "C"}, timeout=30)
    found = re.search(rb"(\d+)\.(\d+)(?:\.(\d+))?", said.stdout)
    if found is None:
        raise MachineError(f"`git version` said {said.stdout!r}")
    return tuple(int(part or 0) for part in found.groups())


def git_version(env: process.Env) -> tuple[int, ...]:
    """Return git's version as numbers; ``MachineError`` when it is too old for forkbot."""
    version = _version(env.get("PATH", ""))
    if version < OLDEST_GIT:
        shown = ".".join(map(str, version))
        raise MachineError(f"git {shown} is too old", hint="install git 2.39 or newer")
    return version


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CommitInfo:
    """The parts of a commit that a rebase needs."""

    oid: Oid
    tree: Oid
    committed: int  # seconds since 1970
    subject: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A git directory and the sealed environment it is used in."""

    git_dir: Path
    env: process.Env

    def git(
        self,
        *args: str | Path,
        stdin: bytes | None = None,
        ok: Sequence[int] | None = (0,),
        env: process.Env | None = None,
        timeout: float = 300,
    ) -> process.Completed:
        """Run one git command here; ``ok`` lists the exit codes that are answers."""
        return process.run(
            ["git", *args],
            env={**self.env, "GIT_DIR": str(self.git_dir), **(env or {})},
            stdin=stdin,
            ok=ok,
            timeout=timeout,
        )

    def resolve(self, rev: str) -> Oid:
        """Return the commit that ``rev`` names; ``UsageError`` when there is none."""
        found = self.git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}", ok=None
        )
        if found.code != 0:
            raise UsageError(f"there is no commit {rev!r}", where=str(self.git_dir))
        return Oid(found.stdout.decode().strip())

    def has(self, oid: Oid) -> bool:
        """Return whether the object is here."""
        return self.git("cat-file", "-e", oid, ok=None).code == 0

    def commit(self, oid: Oid) -> CommitInfo:
        """Return what a rebase needs to know of a commit."""
        said = self.git("show", "-s", "--format=%H%n%T%n%ct%n%s", "--end-of-options", oid)
        full, tree, when, subject = said.stdout.decode(errors="replace").split("\n", 3)
        return CommitInfo(
            oid=Oid(full), tree=Oid(tree), committed=int(when), subject=subject.strip()
        )

    def is_ancestor(self, older: Oid, newer: Oid) -> bool:
        """Return whether ``newer`` has ``older`` in its history."""
        return self.git("merge-base", "--is-ancestor", older, newer, ok=(0, 1)).code == 0

    def refs(self, *prefixes: str) -> dict[str, Oid]:
        """Return the refs under ``prefixes`` and the objects they name."""
        said = self.git("for-each-ref", "--format=%(refname) %(objectname)", *prefixes)
        pairs = (line.rpartition(" ") for line in said.stdout.decode().splitlines())
        return {name: Oid(oid) for name, _, oid in pairs}

    def describe(self, oid: Oid, *, crate: str) -> str:
        """Return a name for people: ``crate``'s nearest tag and distance, else date and short id.

        A repository of several crates has tags for each: ``v1.2.3`` and ``crate-1.2.3`` are ours.
        """
        ours = [f"--match={crate}-{v}[0-9]*" for v in ("", "v")]
        said = self.git(
            "describe", "--tags", "--abbrev=9", "--match=v[0-9]*", *ours, "--end-of-options", oid,
            ok=None,
        )  # fmt: skip
        if said.code == 0:
            return said.stdout.decode().strip()
        dated = self.git("show", "-s", "--format=%cs %h", "--abbrev=9", "--end-of-options", oid)
        return dated.stdout.decode().strip()


@contextlib.contextmanager
def quarantine(repository: Repository, *, scratch: Path) -> Iterator[Repository]:
    """Lend ``repository`` with a folder of its own for new objects.

    Everything written vanishes with the block; what is there already stays readable. A push or a
    bundle made from the lent repository carries the new objects along.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    _sweep(scratch)
    folder = Path(tempfile.mkdtemp(prefix="objects-", dir=scratch))
    try:
        own = str(repository.git_dir / "objects")
        if any(c in own for c in ':"\n'):  # git reads the list colon-separated, C-quoted
            own = '"' + own.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        env = {
            **repository.env,
            "GIT_OBJECT_DIRECTORY": str(folder),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": own,
        }
        yield dataclasses.replace(repository, env=env)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(scratch: Path) -> None:
    """Take away what killed runs left: no run lasts a day."""
    for left in scratch.glob("objects-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _A_DAY:
                shutil.rmtree(left, ignore_errors=True)


def init_bare(git_dir: Path, *, env: process.Env) -> Repository:
    """Return the bare repository at ``git_dir``, made when missing, whole or not at all."""
    repository = Repository(git_dir=git_dir, env=env)
    if (git_dir / "HEAD").is_file():
        return repository
    git_dir.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{git_dir.name}-", dir=git_dir.parent))
    try:
        process.run(
            ["git", "init", "--quiet", "--bare", "--template=", "--initial-branch=main", building],
            env=env,
            timeout=60,
        )
        try:
            building.rename(git_dir)
        except OSError:  # somebody else was quicker: theirs is as good
            if not (git_dir / "HEAD").is_file():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return repository


def disk_trouble(error: Exception) -> bool:
    """Return whether a failure says that the disk is full."""
    return says_full(error.last_words if isinstance(error, ProcessError) else str(error))


def says_full(text: str) -> bool:
    """Return whether a tool's last words are those of a full disk."""
    return "No space left" in text or "Disk quota exceeded" in text
