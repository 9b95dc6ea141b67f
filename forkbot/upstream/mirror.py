"""Upstream's branch in a bare mirror in the cache: shared by parallel runs, mended when broken."""

import contextlib
import fcntl
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from forkbot import process
from forkbot.errors import ForkbotError, MachineError, ProcessError, RemoteError
from forkbot.git.remote import Remote
from forkbot.git.repository import Repository, disk_trouble, init_bare, sealed_env
from forkbot.words import BranchName, GitUrl, Oid


class Mirror:
    """One upstream URL in the cache. Objects are only ever added, so readers need no lock."""

    def __init__(self, url: GitUrl, *, cache: Path, ambient: process.Env) -> None:
        name = re.sub(r"[^A-Za-z0-9]+", "-", url.rstrip("/").removesuffix(".git"))[-40:].strip("-")
        digest = hashlib.sha256(url.encode()).hexdigest()[:12]
        self.url = url
        self._path = cache / "mirrors" / f"{name}-{digest}.git"
        self._remote = Remote(url, ambient=ambient)
        self._env = sealed_env(ambient)

    def update(self, branch: BranchName, *, say: Callable[[str], None]) -> tuple[Repository, Oid]:
        """Fetch the branch and the tags; return the mirror and the branch's tip.

        Raises ``RemoteError`` when upstream is out of reach, ``UsageError`` when it is a shallow
        clone, ``MachineError`` on a full disk.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked(say):
                return self._update(branch, say=say)
        except OSError as e:
            raise MachineError(f"cannot keep a mirror: {e.strerror}", where=str(self._path)) from e

    def at_hand(self, oid: Oid) -> Repository | None:
        """Return the mirror as it is when it has ``oid``; no network is asked."""
        repository = Repository(git_dir=self._path, env=self._env)
        return repository if self._path.exists() and repository.has(oid) else None

    def _update(self, branch: BranchName, *, say: Callable[[str], None]) -> tuple[Repository, Oid]:
        first = not self._path.exists()
        if first:
            say(f"mirroring {self._remote.shown} (the first time takes a while)")
        try:
            return self._fetch(branch)
        except ForkbotError as e:
            if first or disk_trouble(e) or self._is_sound():
                raise
            say(f"the mirror of {self._remote.shown} is damaged: making it anew")
            self._discard()
            return self._fetch(branch)

    def mend(self, *, say: Callable[[str], None]) -> bool:
        """Take a damaged mirror away, so that the next update makes it anew; False: it is sound."""
        with self._locked(say):
            if self._is_sound():
                return False
            say(f"the mirror of {self._remote.shown} is damaged: making it anew")
            self._discard()
            return True

    def _fetch(self, branch: BranchName) -> tuple[Repository, Oid]:
        if self._path.exists() and not (self._path / "HEAD").is_file():
            self._discard()
        repository = init_bare(self._path, env=self._env)
        ref = f"refs/heads/{branch}"
        self._remote.fetch(repository, f"+{ref}:{ref}", "+refs/tags/*:refs/tags/*")
        tip = repository.refs(ref).get(ref)
        if tip is None:
            raise RemoteError(
                f"upstream has no branch {branch}",
                where=self._remote.shown,
                hint=f"git ls-remote --heads {self._remote.shown}",
            )
        repository.git("cat-file", "-e", f"{tip}^{{tree}}")
        return repository, tip

    def _is_sound(self) -> bool:
        """Return whether every object that the mirror's refs need can be read."""
        repository = Repository(git_dir=self._path, env=self._env)
        try:
            repository.git("fsck", "--no-dangling", "--no-progress", "--no-reflogs", timeout=1800)
        except ProcessError:
            return False
        return True

    def _discard(self) -> None:
        aside = self._path.with_suffix(".damaged")
        shutil.rmtree(aside, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            self._path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self, say: Callable[[str], None]) -> Iterator[None]:
        with self._path.with_suffix(".lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"another forkbot is fetching {self._remote.shown}: waiting for it")
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
