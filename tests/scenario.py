"""Stories on real repositories: histories and stacks written as data.

base = upstream.commit("one", {"src/lib.rs": "a\\nb\\n"})
stack = make_stack(upstream, base, {"fix": {"src/lib.rs": "a\\nB\\n"}})
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from forkbot.git.repository import Repository, init_bare, quarantine
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.model.stack import (
    ForkPolicy,
    Lock,
    Patch,
    Policy,
    Stack,
    UpstreamPolicy,
    UpstreamStatus,
)
from forkbot.rebase import export
from forkbot.rebase.engine import Rebased, rebase
from forkbot.rebase.recreate import Change
from forkbot.words import BranchName, Channel, Oid, PatchName, StackName

Content = str | bytes | None | tuple[str, bytes]  # text, bytes, deletion, (mode, bytes)
DATE = 1_790_000_000
AUTHOR = "An Upstream Dev <dev@example.invalid>"


class HasPlaces(Protocol):
    """A repository that a stack can be made for."""

    repository: Repository
    path: Path

    def place(self, oid: Oid) -> Place:
        """Return a commit as the engine takes it."""
        ...


class Upstream:
    """A bare repository whose history a test writes one commit at a time."""

    def __init__(self, git_dir: Path, *, env: Mapping[str, str]) -> None:
        self.repository = init_bare(git_dir, env=env)
        self.path = git_dir
        self.tip: Oid | None = None
        self._files: dict[bytes, tuple[str, bytes]] = {}
        self._count = 0

    def commit(
        self,
        subject: str,
        files: Mapping[str | bytes, Content],
        *,
        branch: str = "main",
        merging: tuple[Oid, ...] = (),
    ) -> Oid:
        """Add a commit that changes ``files`` on top of the last one; return its id.

        ``merging`` are further parents; what they bring must be among ``files``.
        """
        changed = {k.encode() if isinstance(k, str) else k: v for k, v in files.items()}
        self._files = with_files(self._files, changed)
        tree = write_tree(self.repository, self._files)
        self._count += 1
        self.tip = commit_tree(
            self.repository,
            tree=tree,
            parents=(*((self.tip,) if self.tip else ()), *merging),
            message=subject,
            when=DATE + 60 * self._count,
        )
        self.repository.git("update-ref", f"refs/heads/{branch}", self.tip)
        return self.tip

    def go_to(self, oid: Oid) -> None:
        """Let the next commit stand on ``oid``."""
        self.tip, self._files = oid, read_files(self.repository, oid)

    def tag(self, name: str) -> None:
        """Tag the tip."""
        assert self.tip
        self.repository.git("tag", name, self.tip)

    def place(self, oid: Oid) -> Place:
        """Return a commit as the engine takes it."""
        return Place(commit=oid, tree=self.repository.commit(oid).tree, label=oid[:7])


def with_files(
    files: Mapping[bytes, tuple[str, bytes]], changed: Mapping[bytes, Content]
) -> dict[bytes, tuple[str, bytes]]:
    """Return ``files`` with some changed; None deletes; text and bytes are plain files."""
    result = dict(files)
    for path, content in changed.items():
        match content:
            case None:
                result.pop(path, None)
            case str():
                result[path] = ("100644", content.encode())
            case bytes():
                result[path] = ("100644", content)
            case (mode, data):
                result[path] = (mode, data)
    return result


def write_tree(repository: Repository, files: Mapping[bytes, tuple[str, bytes]]) -> Oid:
    """Write a tree of (mode, content) by path, through git itself."""
    index = repository.git_dir / "scenario-index"
    index.unlink(missing_ok=True)
    env = {"GIT_INDEX_FILE": str(index)}
    lines = []
    for path, (mode, data) in files.items():
        said = repository.git("hash-object", "-w", "--stdin", stdin=data)
        lines.append(mode.encode() + b" " + said.stdout.strip() + b"\t" + path + b"\0")
    repository.git("update-index", "-z", "--index-info", stdin=b"".join(lines), env=env)
    return Oid(repository.git("write-tree", env=env).stdout.decode().strip())


def commit_tree(
    repository: Repository, *, tree: Oid, parents: tuple[Oid, ...], message: str, when: int
) -> Oid:
    """Write a commit with a fixed author and the given date."""
    name, _, email = AUTHOR.partition(" <")
    who = {"NAME": name, "EMAIL": email.rstrip(">"), "DATE": f"@{when} +0000"}
    env = {f"GIT_{role}_{key}": v for role in ("AUTHOR", "COMMITTER") for key, v in who.items()}
    args = [arg for parent in parents for arg in ("-p", parent)]
    said = repository.git("commit-tree", tree, *args, "-m", message, env=env)
    return Oid(said.stdout.decode().strip())


def make_patch(
    repository: Repository, name: str, *, before: Oid, after: Oid, why: str = "Because."
) -> Patch:
    """Return the patch that turns one tree into another, as forkbot itself writes it."""
    draft = Patch(
        name=PatchName(name),
        author_name="A Maintainer",
        author_email="maintainer@example.invalid",
        author_date=dt.datetime(2026, 11, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        message=header(name, why),
        upstream_status=UpstreamStatus.PENDING,
        upstream_reference="",
        drop_when="green-without",
        diff=b"",
        paths=(),
        mail=b"",
    )
    with (
        quarantine(repository, scratch=repository.git_dir / "scratch") as lent,
        Workbench(lent) as bench,
    ):
        return export.make_patch(draft, before=before, after=after, bench=bench)


def header(name: str, why: str) -> str:
    """Return a patch's message with the trailers that every patch needs."""
    return (
        f"{name}: make it so\n\n{why}\n\n"
        f"Patch-Name: {name}\nUpstream-Status: Pending\nDrop-When: green-without\n"
    )


def make_stack(
    upstream: HasPlaces,
    base: Oid,
    patches: Mapping[str, Mapping[str | bytes, Content]],
    *,
    why: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Stack, tuple[Change, ...]]:
    """Return a stack whose patches make the given changes on ``base``, and its trees.

    ``why`` says what patches are for, where the story turns on it.
    """
    repository = upstream.repository
    files = read_files(repository, base)
    before = upstream.place(base).tree
    made, changes = [], []
    for name, change in patches.items():
        changed = {k.encode() if isinstance(k, str) else k: v for k, v in change.items()}
        files = with_files(files, changed)
        after = write_tree(repository, files)
        patch = make_patch(
            repository, name, before=before, after=after, why=why.get(name, "Because.")
        )
        made.append(patch)
        changes.append(Change(patch=patch, before=before, after=after))
        before = after
    branches = {Channel.MAIN: BranchName("wasip2"), Channel.RELEASE: BranchName("wasip2-release")}
    policy = Policy(
        crate="demo",
        upstream=UpstreamPolicy(git=str(upstream.path)),
        fork=ForkPolicy(repo="demo", branches=branches),
    )
    stack = Stack(
        name=StackName("demo"), policy=policy, patches=tuple(made), lock=Lock(), smoke_digest=""
    )
    return stack, tuple(changes)


def carried(
    stack: Stack,
    upstream: Upstream,
    base: Oid,
    folder: Path,
    *,
    onto: Oid | None = None,
    channel: Channel = Channel.MAIN,
) -> Rebased:
    """Rebase a stack from ``base`` to upstream's tip, or to ``onto``."""
    target = onto or upstream.tip
    assert target
    with quarantine(upstream.repository, scratch=folder / "scratch") as lent:
        return rebase(
            stack, repository=lent, channel=channel, base=upstream.place(base),
            onto=upstream.place(target),
        )  # fmt: skip


def read_files(repository: Repository, commit: Oid) -> dict[bytes, tuple[str, bytes]]:
    """Return a commit's files as (mode, content) by path."""
    files = {}
    listing = repository.git("ls-tree", "-r", "-z", "--full-tree", commit).stdout
    for entry in filter(None, listing.split(b"\0")):
        info, _, path = entry.partition(b"\t")
        mode, _, oid = info.decode().split(" ")
        files[path] = (mode, repository.git("cat-file", "blob", oid).stdout)
    return files
