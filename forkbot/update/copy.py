"""The stacks repository as the forge has it, in a scratch copy: its trees, its branches of ours."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from forkbot import process
from forkbot.errors import UsageError
from forkbot.git.remote import Remote
from forkbot.git.repository import init_bare, sealed_env
from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.rebase.export import COMMITTER
from forkbot.stackdir.files import is_input
from forkbot.stackdir.load import STACKS
from forkbot.words import BranchName, Channel, Oid, StackName

Files = Mapping[str, Oid]  # of one stack, by their names in its folder
_PREFIX = {Channel.MAIN: "forkbot/update/", Channel.RELEASE: "forkbot/update-release/"}
_BRANCHES = tuple(f"refs/heads/{prefix}*" for prefix in _PREFIX.values())
_FILE = b"100644"


def update_branch(stack: StackName, channel: Channel) -> BranchName:
    """Return the branch by which a stack's files are proposed."""
    return BranchName(f"{_PREFIX[channel]}{stack}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the repository's branches are: each a lease."""

    base: BranchName  # its own, the default one
    tip: Oid
    branches: Mapping[BranchName, Oid]  # ours


class Copy:
    """A scratch copy; nothing of it reaches the forge but by a push."""

    def __init__(self, remote: Remote, bench: Workbench, *, under: str) -> None:
        """``under`` is the folder that holds ``stacks/``, '' for the repository's root."""
        self.remote = remote
        self.repository = bench.repository
        self._bench = bench
        self._under = under

    def listed(self) -> Standing:
        """Return where the branches are, and fetch nothing."""
        base, refs = self.remote.head(*_BRANCHES)
        if base is None:
            raise UsageError(
                "the stacks repository has no commit on its default branch",
                where=self.remote.shown,
                hint="commit the stacks and push them there",
            )
        return _standing(base, refs)

    def fetched(self, base: BranchName) -> Standing:
        """Return where the branches are, with all that they hold here to read."""
        head = f"refs/heads/{base}"
        refspecs = (f"+{ref}:{ref}" for ref in (head, *_BRANCHES))
        self.remote.fetch(self.repository, *refspecs)
        return _standing(base, self.repository.refs(head, *_BRANCHES))

    def files(self, commit: Oid, stack: StackName) -> Files:
        """Return the files of a stack that a rebase goes by, as they are in a commit."""
        trees = self._bench.trees
        folder = trees.find(self._bench.objects.tree(commit), self._path(stack))
        if folder is None or not folder.is_tree:
            return {}
        found = trees.changes(trees.write({}), folder.oid)
        named = ((path.decode(errors="surrogateescape"), entry) for path, _, entry in found)
        return {name: entry.oid for name, entry in named if entry and is_input(name)}

    def store(self, content: Mapping[str, bytes]) -> Files:
        """Return files as they would be in a commit."""
        return {name: self._bench.objects.write("blob", data) for name, data in content.items()}

    def meeting(self, one: Oid, other: Oid) -> Oid | None:
        """Return the newest commit that both have in their history."""
        said = self.repository.git("merge-base", one, other, ok=(0, 1))
        return Oid(said.stdout.decode().strip()) if said.code == 0 else None

    def merges(self, one: Oid, other: Oid) -> bool:
        """Return whether two commits can be merged as a button does it."""
        said = self.repository.git("merge-tree", "--write-tree", one, other, ok=(0, 1))
        return said.code == 0

    def foreign(self, branch: Oid, *, but: Oid) -> tuple[Oid, ...]:
        """Return the commits below ``branch``, and not below ``but``, that forkbot did not make."""
        said = self.repository.git("log", "--format=%H %cn <%ce>", branch, "--not", but)
        lines = (li.partition(" ") for li in said.stdout.decode(errors="replace").splitlines())
        return tuple(Oid(oid) for oid, _, who in lines if who != COMMITTER)

    def commit(
        self, *parents: Oid, files: Mapping[StackName, Files], message: str, when: int
    ) -> Oid:
        """Write a commit with the first parent's tree, in which the stacks have these files.

        It is the same for the same parents, files and message: its date is that of the newest of
        its parents, or ``when``, if that is newer.
        """
        objects, trees = self._bench.objects, self._bench.trees
        entries: dict[bytes, Entry | None] = {}
        for stack, wanted in files.items():
            there = self.files(parents[0], stack)
            for name in sorted(there.keys() | wanted.keys()):
                if there.get(name) != wanted.get(name):
                    entry = Entry(_FILE, wanted[name]) if name in wanted else None
                    entries[self._path(stack, name)] = entry
        tree = trees.edit(objects.tree(parents[0]), entries)
        if tree is None:
            raise UsageError(
                "a file stands where a stack's folder should be",
                where=self.remote.shown,
                hint="move it out of the way, and push that",
            )
        date = max(when, *(objects.committed(p) for p in parents))
        who = f"{COMMITTER} {date} +0000".encode()
        commit = objects.write_commit(
            tree=tree, parents=parents, author=who, committer=who, message=message.encode()
        )
        objects.flush()
        return commit

    def _path(self, stack: StackName, name: str = "") -> bytes:
        parts = (self._under, STACKS, stack, name)
        return "/".join(filter(None, parts)).encode(errors="surrogateescape")


@contextlib.contextmanager
def copied(remote: Remote, *, under: str, scratch: Path, ambient: process.Env) -> Iterator[Copy]:
    """Lend an empty copy of the repository at ``remote``; it vanishes with the block."""
    scratch.mkdir(parents=True, exist_ok=True)
    # by this name a later run clears away what a kill leaves
    with tempfile.TemporaryDirectory(prefix="objects-home-", dir=scratch) as folder:
        own = init_bare(Path(folder) / "home.git", env=sealed_env(ambient))
        objects = {"GIT_OBJECT_DIRECTORY": str(own.git_dir / "objects")}
        lent = dataclasses.replace(own, env={**own.env, **objects})
        with Workbench(lent) as bench:
            yield Copy(remote, bench, under=under)


def place_in_repository(root: Path) -> str:
    """Return where a stacks folder lies in its git repository, '' for its root or for none.

    Found without git, which refuses to say so in a repository of somebody else's.
    """
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            return "" if folder == root else root.relative_to(folder).as_posix()
    return ""


def _standing(base: BranchName, refs: Mapping[str, Oid]) -> Standing:
    heads = {BranchName(ref.removeprefix("refs/heads/")): oid for ref, oid in refs.items()}
    prefixes = tuple(_PREFIX.values())
    ours = {name: oid for name, oid in heads.items() if name.startswith(prefixes)}
    return Standing(base=base, tip=heads[base], branches=ours)
