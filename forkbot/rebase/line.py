"""Upstream's first-parent line: what its branch was, commit after commit, and who made them."""

import re
from collections.abc import Iterable

from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.model.upstream import UpstreamCommit
from forkbot.text import decode
from forkbot.words import Channel, Oid

_PULL = re.compile(r"\(#(\d+)\)\s*$|^Merge pull request #(\d+)\b")


def first_parents(bench: Workbench, old: Oid, new: Oid, paths: Iterable[bytes] | None) -> list[Oid]:
    """Return the first-parent commits in ``old..new``, oldest first; those touching ``paths``."""
    asked = [f"^{old}".encode(), new.encode()]
    if paths is not None:
        asked += [b"--", *sorted(paths)]
    said = bench.repository.git(
        "--literal-pathspecs", "rev-list", "--stdin",
        "--first-parent", "--full-history", "--reverse",
        stdin=b"\n".join(asked) + b"\n",
    )  # fmt: skip
    return [Oid(oid) for oid in said.stdout.decode().split()]


def arrivals(bench: Workbench, commit: Oid, new: Oid) -> list[Oid]:
    """Return the first-parent commits up to ``new`` that have ``commit``, oldest first.

    The first of them is the commit itself, or the merge that brought its branch.
    """
    said = bench.repository.git("rev-list", "--ancestry-path", f"^{commit}", new)
    having = {Oid(oid) for oid in said.stdout.decode().split()}
    line = first_parents(bench, commit, new, None)
    on_the_line = not line or bench.objects.parents(line[0])[0] == commit
    return [commit] * on_the_line + [oid for oid in line if oid in having]


def place(bench: Workbench, commit: Oid, *, crate: str, channel: Channel) -> Place:
    """Return a commit of the line with its name for people."""
    label = bench.repository.describe(commit, crate=crate)
    if channel is Channel.RELEASE:
        label = label.removeprefix("v")  # every commit there is a release, with its tag
    return Place(commit=commit, tree=bench.objects.tree(commit), label=label)


def upstream_commits(bench: Workbench, oids: Iterable[Oid]) -> dict[Oid, UpstreamCommit]:
    """Return who made each commit, when and under which words, in one question to git."""
    asked = list(dict.fromkeys(oids))
    if not asked:
        return {}
    said = bench.repository.git(
        "log", "--no-walk=unsorted", "--stdin", "-z", "--encoding=UTF-8",
        "--format=%H%x00%an%x00%as%x00%s",
        stdin="".join(f"{oid}\n" for oid in asked).encode(),
    ).stdout  # fmt: skip
    fields = [decode(field) for field in said.removesuffix(b"\0").split(b"\0")]
    rows = zip(*(fields[i::4] for i in range(4)), strict=True)
    return {
        Oid(oid): UpstreamCommit(
            commit=Oid(oid), author=author, date=date, subject=subject,
            pull_request=pull_request(subject),
        )
        for oid, author, date, subject in rows
    }  # fmt: skip


def pull_request(subject: str) -> int | None:
    """Return the number of the pull request that a subject names as GitHub writes it, or None."""
    found = _PULL.search(subject)
    return int(found[1] or found[2]) if found else None
