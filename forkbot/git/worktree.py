"""A small repository with a work tree, for a person to resolve a conflict in.

It holds a copy of all it needs, so nothing that happens to a cache can harm it: upstream's commits
from base to onto, cut off before them, and what the merge made. Line ends, filters and the like are
off, so that a file on the disk is what is in git, to the byte.
"""

import contextlib
import dataclasses
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from forkbot import process
from forkbot.git.repository import Repository, quarantine
from forkbot.git.trees import Entry
from forkbot.words import Oid

BRANCH = "refs/heads/resolve"
_YOURS = "refs/heads/yours-"
_GONE = "0" * 40
_EXACT = b"* -text -ident -filter -working-tree-encoding\n"
_CONFIG = (
    ("core.autocrlf", "false"), ("merge.conflictStyle", "diff3"), ("rerere.enabled", "false"),
    ("core.quotePath", "false"), ("core.looseCompression", "1"), ("gc.auto", "0"),
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkTree:
    """A folder with a repository in it, spoken to in a sealed environment."""

    folder: Path
    env: process.Env

    @property
    def git_dir(self) -> Path:
        """Return the repository's own folder."""
        return self.folder / ".git"

    @contextlib.contextmanager
    def repository(self, *, scratch: Path | None = None) -> Iterator[Repository]:
        """Lend the repository to work in memory with; with ``scratch`` nothing of it stays."""
        own = Repository(git_dir=self.git_dir, env=self.env)
        if scratch is not None:
            with quarantine(own, scratch=scratch) as lent:
                yield lent
            return
        objects = {"GIT_OBJECT_DIRECTORY": str(self.git_dir / "objects")}
        yield dataclasses.replace(own, env={**self.env, **objects})

    def git(
        self, *args: str | Path, stdin: bytes | None = None, index: Path | None = None,
        repository: Repository | None = None,
    ) -> bytes:  # fmt: skip
        """Run one git command on the work tree and return what it said."""
        env = {"GIT_WORK_TREE": str(self.folder)}
        if index is not None:
            env["GIT_INDEX_FILE"] = str(index)
        own = repository or Repository(git_dir=self.git_dir, env=self.env)
        return own.git(*args, stdin=stdin, env=env).stdout

    def create(self, source: Repository, *, base: Oid, onto: Oid) -> None:
        """Make the repository, with upstream's commits from ``base`` to ``onto``."""
        process.run(
            ["git", "init", "--quiet", "--template=", "--initial-branch=resolve", self.folder],
            env=self.env, timeout=60,
        )  # fmt: skip
        said = source.git("rev-list", "--boundary", f"{base}..{onto}").stdout.decode().split()
        edge = sorted({base, *(line[1:] for line in said if line.startswith("-"))})
        wanted = [*(f"--shallow {oid}" for oid in edge), base, onto]
        pack = self.git_dir / "objects" / "pack" / "pack"
        pack.parent.mkdir(parents=True, exist_ok=True)
        source.git("pack-objects", "--quiet", "--revs", pack, stdin="\n".join(wanted).encode())
        (self.git_dir / "shallow").write_text("".join(f"{oid}\n" for oid in edge))
        (self.git_dir / "info").mkdir(exist_ok=True)
        (self.git_dir / "info" / "attributes").write_bytes(_EXACT)
        for key, value in _CONFIG:
            self.git("config", key, value)

    def lay_out(
        self, *, head: Oid, tree: Oid, sides: Mapping[bytes, Mapping[int, Entry]],
        tags: Mapping[str, Oid],
    ) -> tuple[str, ...]:  # fmt: skip
        """Put ``tree`` into the folder, on top of ``head``, with these paths in conflict.

        Returns files of the person's that stood in the way, where they lie now.
        """
        aside = tuple(self._step_aside(tree))
        for name, oid in tags.items():
            self.git("update-ref", f"refs/tags/{name}", oid)
        self.git("update-ref", "--no-deref", "-m", "forkbot resolve", BRANCH, head)
        self.git("symbolic-ref", "HEAD", BRANCH)
        self.git("read-tree", "--reset", "-u", tree)
        lines = []
        for path, stages in sides.items():
            if stages:
                lines.append(b"0 " + _GONE.encode() + b"\t" + path + b"\0")
            for stage, entry in sorted(stages.items()):
                lines.append(b"%06o %b %d\t%b\0" % (
                    int(entry.mode, 8), entry.oid.encode(), stage, path,
                ))  # fmt: skip
        self.git("update-index", "-z", "--index-info", stdin=b"".join(lines))
        return aside

    def _step_aside(self, tree: Oid) -> Iterator[str]:
        """Move the person's untracked files out of the way of tracked ones that are to come."""
        coming = set(_split(self.git("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree)))
        for name in coming.intersection(self.untracked(ignored=True)):
            path = self.folder / Path(_path(name))
            aside = path.with_name(f"{path.name}.yours")
            path.rename(aside)
            yield str(aside.relative_to(self.folder))

    def head(self) -> Oid:
        """Return the commit that is checked out."""
        return Oid(self.git("rev-parse", "HEAD").decode().strip())

    def save_commits(self, known: Oid) -> None:
        """Put a branch on what the person committed by hand, so that it stays when HEAD moves."""
        head = self.head()
        if head != known:
            number = len(self.saved_commits()) + 1
            self.git("update-ref", f"{_YOURS}{number}", head)

    def saved_commits(self) -> tuple[str, ...]:
        """Return the branches that hold what the person committed by hand."""
        said = self.git("for-each-ref", "--format=%(refname)", f"{_YOURS}*")
        return tuple(said.decode().split())

    def unmerged(self) -> frozenset[bytes]:
        """Return the paths that the index still has in conflict."""
        said = _split(self.git("ls-files", "-u", "-z"))
        return frozenset(line.partition(b"\t")[2] for line in said)

    def untracked(self, *, ignored: bool = False) -> tuple[bytes, ...]:
        """Return files that git does not know; with ``ignored`` also those it is told to ignore."""
        exclude = () if ignored else ("--exclude-standard",)
        return tuple(_split(self.git("ls-files", "--others", "-z", *exclude)))

    def snapshot(self, repository: Repository) -> Oid:
        """Return the tree of all tracked files as they lie in the folder; the index stays.

        ``repository`` is where new objects go.
        """
        with tempfile.TemporaryDirectory(prefix="forkbot-index-") as scratch:
            index = Path(scratch) / "index"
            shutil.copyfile(self.git_dir / "index", index)
            self.git("add", "--update", index=index, repository=repository)
            said = self.git("write-tree", index=index, repository=repository)
        return Oid(said.decode().strip())


def _split(said: bytes) -> Iterable[bytes]:
    return filter(None, said.split(b"\0"))


def _path(name: bytes) -> str:
    return name.decode(errors="surrogateescape")
