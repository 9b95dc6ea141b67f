"""Three-way merges of trees in memory: git's own ort strategy, no worktree, no index.

Why it exists: a rebase through a worktree pays for checkouts and an index at every patch. One
``merge-tree --stdin`` child answers in 2 to 5 ms (facts/git.md §4). What differs between gits is
kept here, with the version it was seen on:

* 2.39 has no ``--merge-base``: the base is given as the parent of two synthetic commits.
* from 2.45 on a request may name three trees, which saves writing those commits.
* 2.39 to 2.47 buffer their answers until stdin closes, so a dialogue would wait for ever;
  ``stdbuf -o0`` cures it. Without stdbuf there is one process a merge.
"""

import dataclasses
import re
import shutil
from collections.abc import Callable, Iterable, Iterator

from forkbot.errors import MachineError
from forkbot.git.objects import Objects
from forkbot.git.repository import Repository, git_version
from forkbot.git.trees import Entry, Trees
from forkbot.process import Conversation
from forkbot.words import Oid

_TREES_ON_STDIN = (2, 45)
# pinned, so that the answer does not depend on whose machine asks; ort's defaults otherwise
_PINNED = ("-c", "merge.conflictStyle=diff3", "-c", "merge.renames=true",
           "-c", "merge.directoryRenames=conflict", "-c", "merge.renameLimit=7000",
           "-c", "diff.algorithm=histogram")  # fmt: skip
_SYNTHETIC = b"forkbot <forkbot@localhost.invalid> 0 +0000"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """The merge worked out; this is its tree."""

    tree: Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """One stage of a conflicted path: 1 is the base, 2 the upstream side, 3 our side."""

    mode: str
    oid: Oid
    stage: int
    path: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What ort says of some paths: a stable short type and a sentence."""

    paths: tuple[bytes, ...]
    kind: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Conflicted:
    """The merge needs a person; ``tree`` holds diff3 markers where the sides disagree."""

    tree: Oid
    entries: tuple[IndexEntry, ...]
    messages: tuple[Message, ...]


Merge = Clean | Conflicted
Sides = tuple[Entry, Entry, Entry]  # of one file: base, upstream side, our side


def _fields(next_field: Callable[[], bytes]) -> Iterator[bytes]:
    """Yield fields up to the empty one that ends a section."""
    while field := next_field():
        yield field


def _parse_conflict(tree: Oid, next_field: Callable[[], bytes]) -> Conflicted:
    entries = []
    for field in _fields(next_field):
        info, _, path = field.partition(b"\t")
        mode, oid, stage = info.decode().split(" ")
        entries.append(IndexEntry(mode=mode, oid=Oid(oid), stage=int(stage), path=path))
    messages = []
    for count in _fields(next_field):
        paths = tuple(next_field() for _ in range(int(count)))
        kind = re.sub(r"^CONFLICT \((.*)\)$", r"\1", next_field().decode())
        text = next_field().decode(errors="backslashreplace").strip()
        if kind != "Auto-merging":
            messages.append(Message(paths=paths, kind=kind, text=text))
    return Conflicted(tree=tree, entries=tuple(entries), messages=tuple(messages))


def files_at_stake(
    *, base: Oid, upstream: Oid, ours: Oid, trees: Trees
) -> dict[bytes, Sides] | None:
    """Return base, upstream's and our entry of each file that our side edits, by path.

    None when our side does more than edit regular files that upstream still has where they were.
    Such a path is there on all three sides, so for ort it is neither end of a rename, no folder's
    rename moves it, and its merge is that of its three contents and modes alone.
    """
    stakes = {}
    for path, old, new in trees.changes(base, ours):
        there = trees.find(upstream, path)
        if old is None or new is None or there is None:
            return None
        if not (old.is_file and new.is_file and there.is_file):
            return None
        stakes[path] = (old, there, new)
    return stakes


class Merger:
    """Merges trees, one after the other, through one long-lived git where it can."""

    def __init__(
        self,
        repository: Repository,
        objects: Objects,
        *,
        trees: Trees | None = None,
        stream: bool = True,
    ) -> None:
        """Work in a quarantined repository; ``stream=False`` forces one process a merge.

        With ``trees``, no more than the files at stake is given to git, or nothing at all.
        """
        self._repository = repository
        self._objects = objects
        self._trees = trees
        self._env = {**repository.env, "GIT_DIR": str(repository.git_dir)}
        self._names_trees = git_version(repository.env) >= _TREES_ON_STDIN
        unbuffered = shutil.which("stdbuf", path=repository.env.get("PATH"))
        self._stream = stream and unbuffered is not None
        self._prefix = [unbuffered, "-o0"] if unbuffered is not None else []
        self._child: Conversation | None = None
        self._files: dict[Sides, Entry | None] = {}  # merges of single files, answered before

    def merge(self, *, base: Oid, upstream: Oid, ours: Oid) -> Merge:
        """Merge two trees that came from ``base``.

        Raises ``ProcessError`` when git could not do the merge at all (a missing object).
        """
        if upstream in (base, ours):
            return Clean(tree=ours)
        if base == ours:
            return Clean(tree=upstream)
        if self._trees is not None:
            small = self._merge_small(self._trees, base=base, upstream=upstream, ours=ours)
            if small is not None:
                return Clean(tree=small)
        return self._merge_whole(base=base, upstream=upstream, ours=ours)

    def _merge_whole(self, *, base: Oid, upstream: Oid, ours: Oid) -> Merge:
        request = self._request(base=base, upstream=upstream, ours=ours)
        self._objects.flush()
        return self._ask(request) if self._stream else self._run_once(request)

    def _merge_small(self, trees: Trees, *, base: Oid, upstream: Oid, ours: Oid) -> Oid | None:
        """Merge only the files at stake, in trees that hold nothing else; None: ask about all.

        In a large repository most of a merge is looking for renames that cannot matter here.
        """
        stakes = files_at_stake(base=base, upstream=upstream, ours=ours, trees=trees)
        if stakes is None:
            return None
        self._merge_files(stakes.values())
        result = {}
        for path, sides in stakes.items():
            merged = self._merge_file(sides)
            if merged is None:
                return None  # the whole merge has the names and labels to tell of it
            result[path] = merged
        return trees.edit(upstream, result)

    def torn(self, *, base: Oid, upstream: Oid, ours: Oid) -> frozenset[bytes] | None:
        """Return the paths in conflict, where the files at stake tell; None: merge to know."""
        if self._trees is None:
            return None
        stakes = files_at_stake(base=base, upstream=upstream, ours=ours, trees=self._trees)
        if stakes is None:
            return None
        self._merge_files(stakes.values())
        return frozenset(path for path, s in stakes.items() if self._merge_file(s) is None)

    def foresee(self, changes: Iterable[tuple[Oid, Oid]], *, upstream: Oid) -> None:
        """Merge beforehand, in one question, the files that several changes find in ``upstream``.

        Each change is the tree before and after it. What a later change finds is another file's
        merge only when an earlier one edits the same file; that one is asked for when it comes.
        """
        if self._trees is None:
            return
        met: dict[bytes, Sides] = {}
        for base, ours in changes:
            stakes = files_at_stake(base=base, upstream=upstream, ours=ours, trees=self._trees)
            met = {**(stakes or {}), **met}
        self._merge_files(met.values())

    def _merge_file(self, sides: Sides) -> Entry | None:
        """Return the merge of one file that was asked for before; None: it is in conflict."""
        old, there, new = sides
        return new if there in (old, new) else self._files[sides]

    def _merge_files(self, wanted: Iterable[Sides]) -> None:
        """Ask git, in one merge of flat trees, for those files that were not asked for before."""
        asked = list(
            dict.fromkeys(s for s in wanted if s[1] not in (s[0], s[2]) and s not in self._files)
        )
        if not asked or self._trees is None:
            return
        # the sides of the n-th file stand under the name n
        base, upstream, ours = (
            self._trees.write({b"%d" % n: sides[i] for n, sides in enumerate(asked)})
            for i in range(3)
        )
        merged = self._merge_whole(base=base, upstream=upstream, ours=ours)
        torn = set() if isinstance(merged, Clean) else {e.path for e in merged.entries}
        entries = self._trees.entries(merged.tree)
        for n, sides in enumerate(asked):
            self._files[sides] = None if b"%d" % n in torn else entries[b"%d" % n]

    def _commits(self, *, base: Oid, upstream: Oid, ours: Oid) -> tuple[Oid, Oid]:
        def commit(tree: Oid, *parents: Oid, name: bytes) -> Oid:
            return self._objects.write_commit(
                tree=tree, parents=parents, author=_SYNTHETIC, committer=_SYNTHETIC, message=name
            )

        root = commit(base, name=b"base")
        return commit(upstream, root, name=b"upstream"), commit(ours, root, name=b"patch")

    def _request(self, *, base: Oid, upstream: Oid, ours: Oid) -> str:
        if self._names_trees:
            return f"{base} -- {upstream} {ours}"
        return " ".join(self._commits(base=base, upstream=upstream, ours=ours))

    def close(self) -> None:
        """End the merging child. Safe to call twice."""
        if self._child is not None:
            self._child.close()

    def _ask(self, request: str) -> Merge:
        if self._child is None:
            self._child = Conversation(
                [*self._prefix, "git", *_PINNED, "merge-tree", "--write-tree", "--stdin", "-z"],
                env=self._env,
            )
        child = self._child
        child.send(f"{request}\n".encode())

        return _read_answer(lambda: child.read_until(b"\0"))

    def _run_once(self, request: str) -> Merge:
        # without --stdin there is no word for three trees before git 2.40: one request on stdin
        said = self._repository.git(
            *_PINNED, "merge-tree", "--write-tree", "--stdin", "-z", stdin=f"{request}\n".encode()
        )
        fields = iter(said.stdout.split(b"\0"))
        return _read_answer(lambda: next(fields, b""))


def _read_answer(next_field: Callable[[], bytes]) -> Merge:
    status, tree = next_field(), Oid(next_field().decode())
    if status == b"1":
        next_field()
        return Clean(tree=tree)
    if status != b"0":
        raise MachineError(f"git merge-tree answered {status!r}, which forkbot cannot read")
    return _parse_conflict(tree, next_field)
