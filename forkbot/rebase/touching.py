"""Which commits of upstream's line can change how a series applies: all others are as their parent.

A commit matters when it touches a path of the series, by whatever name upstream has it by then; and
when files come or go in a folder where the series makes files come or go, for ort follows renamed
folders, too.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.rebase.line import first_parents
from forkbot.rebase.recreate import Change
from forkbot.words import Oid


def touching(
    changes: tuple[Change, ...], *, base: Place, onto: Place, bench: Workbench
) -> frozenset[Oid]:
    """Return the commits of the first-parent line ``base..onto`` that can matter to a series."""
    steps = [s for c in changes for s in bench.trees.changes(c.before, c.after)]
    names = {path for path, _, _ in steps}
    folders = {path.rpartition(b"/")[0] for path, old, new in steps if not (old and new)} - {b""}
    known = _later_names(names, base=base, onto=onto, bench=bench)
    found = set(first_parents(bench, base.commit, onto.commit, known)) if known else set()
    if folders:
        found |= set(_where_files(folders, "AD", base=base, onto=onto, bench=bench))
    return frozenset(found)


def _later_names(
    names: AbstractSet[bytes], *, base: Place, onto: Place, bench: Workbench
) -> frozenset[bytes]:
    """Return the names, and those that upstream gave the same files since."""
    known, fresh = frozenset(names), frozenset(names)
    while fresh:
        gone = _where_files(fresh, "D", base=base, onto=onto, bench=bench)
        steps = [(commit, bench.objects.parents(commit)[0]) for commit in gone]
        if steps:
            steps.append((onto.commit, base.commit))  # step by step, a copy is no rename
        fresh = frozenset(new for old, new in _renames(steps, bench) if old in known) - known
        known |= fresh
    return known


def _where_files(
    paths: Iterable[bytes], how: str, *, base: Place, onto: Place, bench: Workbench
) -> list[Oid]:
    """Return the commits of the line where files under ``paths`` come (A) or go (D)."""
    asked = [f"^{base.commit}".encode(), onto.commit.encode(), b"--", *sorted(paths)]
    said = bench.repository.git(
        "--literal-pathspecs", "log", "--stdin", "--first-parent", "--full-history",
        "--no-renames", f"--diff-filter={how}", "--format=%H",
        stdin=b"\n".join(asked) + b"\n",
    )  # fmt: skip
    return [Oid(oid) for oid in said.stdout.decode().split()]


def _renames(steps: list[tuple[Oid, Oid]], bench: Workbench) -> list[tuple[bytes, bytes]]:
    """Return the old and new name of each file that a step (commit, what it came from) renames."""
    if not steps:
        return []
    said = bench.repository.git(
        "diff-tree", "--stdin", "--no-commit-id", "-r", "-z", "-M", "-l7000",
        "--diff-filter=R", "--name-status",
        stdin="".join(f"{new} {old}\n" for new, old in steps).encode(),
    )  # fmt: skip
    fields = said.stdout.split(b"\0")[:-1]
    return list(zip(fields[1::3], fields[2::3], strict=True))
