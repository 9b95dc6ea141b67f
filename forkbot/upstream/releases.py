"""The channel ``release``: a crate's published versions as a git history, one commit a release.

Oldest first, each a tag ``v<version>``, the newest also the branch ``release``; yanked versions and
unasked pre-releases are left out. The crate lies under the stack's ``subdir``, so a patch written
for upstream's repository finds its files on both channels.

*Same releases, same ids.* Nothing but the releases, their order, ``subdir`` and the files goes into
a commit, so two machines agree. A release that is yanked, or a backport that is published between
two others, changes the ids of all after it; a base is then refound by its version: ``at``. Crates
vendored into a folder lack some files (``cargo vendor`` drops ``.gitattributes`` and its like), so
their ids are not those of a registry; nor are those of a first run offline, which sees only what
cargo has.

*Which manifest.* ``Cargo.toml`` is the one cargo normalised: no workspace to inherit from, no path
dependencies, so the result builds alone, as anybody who depends on the release builds it. The
original lies beside it as ``Cargo.toml.orig``, as packaged. A patch that touches the manifest was
written for the original. Applied to the normalised text it would fail for a reason that is none of
upstream's, or worse, apply in the wrong table; applied to the original it would build nothing. So
it is refused, with words: ``manifest_refusal``. A packaged Cargo.lock stays as it is.
"""

import contextlib
import dataclasses
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from forkbot import process
from forkbot.cargo import Cargo
from forkbot.errors import MachineError, ProcessError, TimedOutError, UsageError
from forkbot.git.repository import Repository, disk_trouble, init_bare
from forkbot.upstream.packaged import File, Packaged, read_package
from forkbot.upstream.published import Fetched, Registry, Unresolved, crate_name
from forkbot.words import Oid, Subdir, Version

_WHO = b"forkbot <forkbot@localhost.invalid>"
_EPOCH = 1_153_704_088  # the date cargo gives every file it packages; a second more a release
_BRANCH = "refs/heads/release"
_TAG = "refs/tags/v"
_UNFINISHED = "refs/forkbot/unfinished"
_LOCK_PATIENCE = 1800.0  # seconds to wait for another forkbot that builds the same history

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One published version and the commit that holds its files."""

    version: Version
    commit: Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHistory:
    """The releases of a crate, oldest first, and the repository that holds them."""

    git_dir: Path
    releases: tuple[Release, ...]

    def at(self, version: Version) -> Release | None:
        """Return the release of that version, if it is still one."""
        return next((r for r in self.releases if r.version == version), None)


def release_history(
    crate: str,
    *,
    since: Version,
    subdir: Subdir,
    cargo: Cargo,
    cache: Path,
    git_env: process.Env,
    prereleases: Sequence[Version] = (),
    say: Say,
) -> ReleaseHistory:
    """Bring the history of ``crate`` in ``cache`` up to date and return it.

    ``prereleases`` are taken in besides, each by its exact version; those before ``since`` are not.
    With nothing new this takes one call of cargo. Runs beside each other wait for one another.
    Raises ``UsageError`` when the crate, ``since`` or a pre-release is not to be had, and
    ``RemoteError`` when cargo cannot reach its registry.
    """
    folder = cache / "releases"
    store = _Store(
        repository=Repository(git_dir=folder / f"{crate_name(crate)}.git", env=git_env),
        registry=Registry(cargo=cargo, scratch=folder),
        crate=crate,
        subdir=subdir,
        say=say,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / f"{crate}.lock", crate, say):
            return store.bring_up(since=since, asked=prereleases)
    except OSError as e:
        raise MachineError(f"cannot keep the releases: {e.strerror}", where=str(folder)) from e


def releases_at_hand(
    crate: str, oid: Oid, *, cache: Path, git_env: process.Env
) -> Repository | None:
    """Return the history of ``crate`` as it is when it has ``oid``; cargo is not asked."""
    git_dir = cache / "releases" / f"{crate_name(crate)}.git"
    repository = Repository(git_dir=git_dir, env=git_env)
    return repository if git_dir.exists() and repository.has(oid) else None


def manifest_refusal(paths: Iterable[bytes], *, subdir: Subdir) -> str | None:
    """Return why a patch that touches ``paths`` cannot be carried on this channel; None if it can.

    The manifests in question are the crate's own and, above it, the one of its workspace, from
    which the crate inherits.
    """
    own = PurePosixPath(subdir, "Cargo.toml")
    above = {parent / "Cargo.toml" for parent in own.parent.parents}
    touched = {PurePosixPath(os.fsdecode(path)) for path in paths}
    if own in touched:
        what = (
            f"touches {own}, which a release carries as cargo rewrote it, not as upstream wrote it"
        )
    elif workspace := sorted(above & touched):
        what = f"touches {workspace[0]}, the workspace's manifest, which no release carries"
    else:
        return None
    return (
        f"{what}; do without that change, or take `release:` out of stack.yaml to follow main alone"
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """A release's commit as it stands in the repository."""

    commit: Oid
    tree: Oid
    parent: str  # empty for the first
    when: int
    message: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Store:
    """One crate's repository, and where its releases come from."""

    repository: Repository
    registry: Registry
    crate: str
    subdir: Subdir
    say: Say

    def bring_up(self, *, since: Version, asked: Sequence[Version]) -> ReleaseHistory:
        """Make the repository hold just the releases there are; mend it when it is damaged."""
        try:
            return self._bring_up(since=since, asked=asked)
        except ProcessError as e:  # git's: cargo's have become words of ours
            if disk_trouble(e):
                raise MachineError("the disk is full", where=str(self.repository.git_dir)) from e
            self.say(f"{self.crate}: the release history is damaged: making it anew")
            self._discard()
            return self._bring_up(since=since, asked=asked)

    def _bring_up(self, *, since: Version, asked: Sequence[Version]) -> ReleaseHistory:
        git_dir = self.repository.git_dir
        if not (git_dir / "HEAD").is_file():
            self._discard()
            init_bare(git_dir, env=self.repository.env)
            self.repository.git("symbolic-ref", "HEAD", _BRANCH)
        refs, stored = self._read()
        versions = self.registry.versions(self.crate, since=since, asked=asked, known=stored)
        releases = self._chain(versions, stored)
        self._point(refs, releases)
        return ReleaseHistory(git_dir=git_dir, releases=releases)

    def _chain(
        self, versions: Sequence[Version], stored: dict[Version, _Stored]
    ) -> tuple[Release, ...]:
        """Return the commits, each on the one before it; what is there already is not written."""
        kept = {v: old for v, old in stored.items() if old.message.endswith(self._layout())}
        releases: list[Release] = []
        with self._fetching([v for v in versions if v not in kept]) as fetching:
            for version in versions:
                parent = releases[-1].commit if releases else ""
                when = _EPOCH + len(releases)
                old = kept.get(version)
                if old is not None and (old.parent, old.when) == (parent, when):
                    commit = old.commit
                elif old is not None:
                    whole = f'M 040000 {old.tree} ""\n'.encode()
                    commit = self._commit([whole], message=old.message, parent=parent, when=when)
                elif package := self._package(version, fetching[version].result(), versions[0]):
                    files = _files(package.files, self.subdir)
                    message = self._message(version, package.upstream)
                    commit = self._commit(files, message=message, parent=parent, when=when)
                else:
                    continue
                releases.append(Release(version=version, commit=commit))
        return tuple(releases)

    @contextlib.contextmanager
    def _fetching(
        self, versions: Sequence[Version]
    ) -> Iterator[dict[Version, Future[Fetched | Unresolved]]]:
        """Let cargo fetch while we write: it waits for the network most of the time."""
        if versions:
            self.say(f"{self.crate}: fetching {len(versions)} releases, up to {versions[-1]}")
        pool = ThreadPoolExecutor(max_workers=2)
        try:
            yield {v: pool.submit(self.registry.fetch, self.crate, v) for v in versions}
        except KeyboardInterrupt:
            process.end_all()  # or the pool would wait for a registry that may never answer
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _package(
        self, version: Version, fetched: Fetched | Unresolved, first: Version
    ) -> Packaged | None:
        """Return the release's files; None, and say so, for one that nobody can build."""
        if isinstance(fetched, Fetched):
            return read_package(fetched)
        if version == first:
            raise UsageError(
                f"the first release does not resolve any more: {fetched.reason}",
                where=f"{self.crate} {version}",
                hint="name a later one in `release: since:` in stack.yaml",
            )
        self.say(f"{self.crate} {version}: left out, nobody can build it: {fetched.reason}")
        return None

    def _layout(self) -> bytes:
        """Return the line that says where the crate lies: a commit laid out else is not reused."""
        return f"\nSubdir: {self.subdir or '.'}\n".encode()

    def _message(self, version: Version, upstream: Oid | None) -> bytes:
        origin = f"\nUpstream-Commit: {upstream}" if upstream else ""
        return f"{self.crate} {version}\n{origin}".encode() + self._layout()

    def _commit(self, changes: Iterable[bytes], *, message: bytes, parent: str, when: int) -> Oid:
        """Write one commit with just ``changes`` (in fast-import's language) in its tree."""
        signature = _WHO + b" %d +0000\n" % when
        stream = [
            f"commit {_UNFINISHED}\nmark :1\n".encode(),
            b"author " + signature,
            b"committer " + signature,
            _data(message),
            f"from {parent}\n".encode() if parent else b"",
            b"deleteall\n",
            *changes,
            b"get-mark :1\ndone\n",
        ]
        said = self.repository.git(
            # always a pack: git syncs those to disk, and loose objects not
            "-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--force", "--done",
            stdin=b"".join(stream),
        )  # fmt: skip
        return Oid(said.stdout.decode().strip())

    def _read(self) -> tuple[dict[str, str], dict[Version, _Stored]]:
        """Return the refs, and the commits that the tags name, every file of theirs present."""
        self.repository.git("fsck", "--connectivity-only", "--no-dangling", "--no-progress")
        fields = ("refname", "objectname", "tree", "parent", "committerdate:unix", "contents")
        form = "".join(f"%({field})%00" for field in fields)
        said = self.repository.git("for-each-ref", f"--format={form}", "refs/").stdout
        values = said.split(b"\0")[:-1]
        refs: dict[str, str] = {}
        stored: dict[Version, _Stored] = {}
        for start in range(0, len(values), len(fields)):
            ref, oid, tree, parent, when = (v.decode().strip() for v in values[start : start + 5])
            refs[ref] = oid
            if ref.startswith(_TAG):
                stored[Version(ref.removeprefix(_TAG))] = _Stored(
                    commit=Oid(oid),
                    tree=Oid(tree),
                    parent=parent,
                    when=int(when),
                    message=values[start + 5],
                )
        return refs, stored

    def _point(self, refs: dict[str, str], releases: Sequence[Release]) -> None:
        """Move all refs at once, or none; write nothing when they stand right."""
        wanted = {f"{_TAG}{r.version}": r.commit for r in releases}
        wanted[_BRANCH] = releases[-1].commit
        if refs == wanted:
            return
        moves = [f"update {ref} {oid}\n" for ref, oid in wanted.items()]
        moves += [f"delete {ref}\n" for ref in (*refs, _UNFINISHED) if ref not in wanted]
        self.repository.git("update-ref", "--stdin", stdin="".join(moves).encode())

    def _discard(self) -> None:
        git_dir = self.repository.git_dir
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(git_dir)


def _files(files: Iterable[File], subdir: Subdir) -> Iterator[bytes]:
    folder = f"{subdir}/".encode() if subdir else b""
    for file in files:
        path = (folder + file.path).replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        yield b'M %s inline "%s"\n' % (file.mode.encode(), path.replace(b"\n", b"\\n"))
        yield _data(file.data)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


@contextlib.contextmanager
def _locked(path: Path, crate: str, say: Say) -> Iterator[None]:
    with path.open("w") as handle:
        deadline = time.monotonic() + _LOCK_PATIENCE
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    say(f"{crate}: another forkbot is at its releases: waiting for it")
                told = True
            if time.monotonic() > deadline:
                raise TimedOutError(f"another forkbot holds {path} for too long")
            time.sleep(0.05)
        yield
