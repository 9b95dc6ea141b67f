"""Upstream's first-parent line: what its branch was, commit after commit."""

from collections.abc import Iterable

from forkbot.git.workbench import Workbench
from forkbot.words import Oid


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
