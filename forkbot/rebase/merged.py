"""What upstream already took, on exact evidence only: these patches leave the series by themselves.

A patch is merged when its very commit on the fork branch is in upstream's history (``ancestor``).
Else a patch, or a contiguous range of the series squashed into one, is merged when both hold:

* its patch-id is that of an upstream commit since the base (``git patch-id --verbatim``: line
  numbers do not count, white space does), also long after upstream has moved on;
* two hops: on that commit's parent, our range gives the commit's very tree. Patch-ids alone would
  take the same edit at another place of the file for ours.

What upstream has taken back since is not merged: see ``takenback``. Likeness is no evidence here.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping

from forkbot.git.merge import Clean
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.rebase.ancestor import own_commits
from forkbot.rebase.line import arrivals, first_parents
from forkbot.rebase.recreate import Change
from forkbot.rebase.takenback import TakenBack
from forkbot.text import decode
from forkbot.words import Oid, PatchName

# ranges grow with the square of the series; a longer squash is found by its parts or not at all
LONGEST_RANGE = 40
_DIFF = (
    "-c", "diff.algorithm=histogram", "-c", "core.quotePath=false",
    "-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false",
)  # fmt: skip
_OPTIONS = ("-p", "--full-index", "--binary", "--no-renames", "--no-ext-diff", "--no-textconv",
            "--no-color")  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The upstream commit that has a range of the series, and the patches of the range."""

    commit: Oid
    subject: str
    together: tuple[PatchName, ...]
    arrival: tuple[Oid, str] | None = None  # of our own commit: what brought it, and its subject

    @property
    def evidence(self) -> str:
        """Return the evidence as a report says it."""
        if self.arrival is not None:
            commit, subject = self.arrival
            merged = "" if commit == self.commit else f", since {commit[:12]} ({subject})"
            return f"upstream's history has our own commit {self.commit[:12]}{merged}"
        with_others = f", squashed from {len(self.together)} patches" if self.together[1:] else ""
        return f"upstream took it in {self.commit[:12]} ({self.subject}){with_others}"


def find_merged(
    changes: tuple[Change, ...], *, base: Place, onto: Place, bench: Workbench
) -> dict[PatchName, Taken]:
    """Return what upstream took of a series between ``base`` and ``onto``, by patch.

    Longer ranges first, so that a squash of four is told as one.
    """
    if not changes or base.commit == onto.commit:
        return {}
    if not bench.repository.is_ancestor(base.commit, onto.commit):
        return {}
    history = _history(base, onto, bench)
    taken = _as_they_are(changes, history, base=base, onto=onto, bench=bench)
    return taken | _alike(changes, history, taken, base=base, onto=onto, bench=bench)


def suspects(
    changes: tuple[Change, ...], *, base: Place, onto: Place, bench: Workbench
) -> frozenset[Oid]:
    """Return the upstream commits that may hold a range of a series, by their ids or patch-ids.

    Where none of them arrives on upstream's line, ``find_merged`` finds no more than before.
    """
    history = _history(base, onto, bench)
    own = own_commits(changes, base=base, history=set(history), bench=bench)
    ranges = _ranges(changes)
    bench.objects.flush()
    ids = {commit for _, commit in own}
    upstream = _ids_of_commits(changes, ranges, history, base=base, onto=onto, bench=bench)
    if upstream:
        ours = set(_ids_of_ranges(changes, ranges, bench))
        ids |= {commit for patch_id, commit in upstream if patch_id in ours}
    return frozenset(ids)


def _history(base: Place, onto: Place, bench: Workbench) -> list[Oid]:
    """Return all of upstream since the base, oldest first, merged branches too."""
    order = bench.repository.git(
        "rev-list", "--reverse", "--topo-order", f"^{base.commit}", onto.commit
    )
    return [Oid(oid) for oid in order.stdout.decode().split()]


def _ranges(changes: tuple[Change, ...]) -> list[tuple[int, int]]:
    return [
        (start, end)
        for start, end in itertools.combinations_with_replacement(range(len(changes)), 2)
        if end - start < LONGEST_RANGE
    ]


def _as_they_are(
    changes: tuple[Change, ...], history: list[Oid], *, base: Place, onto: Place, bench: Workbench
) -> dict[PatchName, Taken]:
    taken = {}
    for change, commit in own_commits(changes, base=base, history=set(history), bench=bench):
        if not _taken_back(change, commit, onto, bench):
            arrival = arrivals(bench, commit, onto.commit)[0]
            taken[change.patch.name] = Taken(
                commit=commit, subject=change.patch.subject, together=(change.patch.name,),
                arrival=(arrival, _subject(arrival, bench)),
            )  # fmt: skip
    return taken


def _alike(
    changes: tuple[Change, ...],
    history: list[Oid],
    known: Mapping[PatchName, Taken],
    *,
    base: Place,
    onto: Place,
    bench: Workbench,
) -> dict[PatchName, Taken]:
    """Return what upstream took as commits of its own, beside what is ``known``."""
    ranges = _ranges(changes)
    bench.objects.flush()
    # the last commit of each patch-id
    upstream = dict(_ids_of_commits(changes, ranges, history, base=base, onto=onto, bench=bench))
    if not upstream:
        return {}
    ids = _ids_of_ranges(changes, ranges, bench)
    taken: dict[PatchName, Taken] = {}
    for number, (start, end) in sorted(enumerate(ranges), key=lambda r: r[1][0] - r[1][1]):
        names = tuple(c.patch.name for c in changes[start : end + 1])
        if any(name in taken or name in known for name in names):
            continue
        found = upstream.get(ids[number] or "")
        if found and _two_hops(found, changes[start], changes[end], bench):
            one = Taken(commit=found, subject=_subject(found, bench), together=names)
            taken |= {
                c.patch.name: one
                for c in changes[start : end + 1]
                if not _taken_back(c, found, onto, bench)
            }
    return taken


def _subject(commit: Oid, bench: Workbench) -> str:
    return decode(bench.repository.commit(commit).subject.encode())


def _two_hops(commit: Oid, first: Change, last: Change, bench: Workbench) -> bool:
    parents = bench.objects.parents(commit)
    if not parents:
        return False
    tree, before = bench.objects.tree(commit), bench.objects.tree(parents[0])
    merged = bench.merger.merge(base=first.before, upstream=before, ours=last.after)
    return isinstance(merged, Clean) and merged.tree == tree


def _taken_back(change: Change, commit: Oid, onto: Place, bench: Workbench) -> bool:
    """Whether upstream took a change in ``commit``, squashed with others perhaps, and undid it.

    At any time since: what it wrote on those lines after undoing ours is its own.
    """
    objects = bench.objects
    having = objects.tree(commit)
    # what the commit would be without this patch; where another patch of the squash edits the same
    # lines, that cannot be told, and the patch's own trees must do
    alone = bench.merger.merge(base=change.after, upstream=having, ours=change.before)
    if isinstance(alone, Clean):
        undone = TakenBack(without=alone.tree, having=having, bench=bench)
    else:
        undone = TakenBack(without=change.before, having=change.after, bench=bench)
    if not undone.paths:
        return False
    # a branch was merged later than its commits: only from then on can upstream take them back
    arrived = arrivals(bench, commit, onto.commit)
    touching = set(first_parents(bench, commit, onto.commit, undone.paths))
    since = [arrived[0], *(c for c in arrived if c in touching), onto.commit]
    return any(undone.at(objects.tree(later)) for later in since)


def _ids_of_ranges(
    changes: tuple[Change, ...], ranges: list[tuple[int, int]], bench: Workbench
) -> list[str | None]:
    """Return the patch-id of each range; None where it changes nothing."""
    asked = [(changes[a].before, changes[b].after) for a, b in ranges]
    said = bench.repository.git(
        *_DIFF, "diff-tree", "--stdin", *_OPTIONS,
        stdin="".join(f"{old} {new}\n" for old, new in asked).encode(),
    ).stdout  # fmt: skip
    # a pair that does not differ prints its header too: the n-th header is the n-th pair's
    numbers = itertools.count()
    lines = (
        b"commit %040x" % next(numbers) if _is_header(line) else line for line in said.split(b"\n")
    )
    ids = dict(_patch_ids(b"\n".join(lines), bench))
    return [ids.get(Oid(f"{number:040x}")) for number in range(len(asked))]


def _is_header(line: bytes) -> bool:
    return len(line) == 81 and line[40:41] == b" " and line[:1] in b"0123456789abcdef"


def _ids_of_commits(
    changes: tuple[Change, ...],
    ranges: list[tuple[int, int]],
    history: list[Oid],
    *,
    base: Place,
    onto: Place,
    bench: Workbench,
) -> list[tuple[str, Oid]]:
    """Return patch-id and commit, oldest first, of upstream's that change what a range changes.

    Each commit of the history, and each step of the first-parent line as a whole: a merged branch
    may be our range. Only those are read whole that change exactly the paths of some range.
    """
    wanted = {
        frozenset(p for p, _, _ in bench.trees.changes(changes[a].before, changes[b].after))
        for a, b in ranges
    }
    paths = sorted(frozenset().union(*wanted))
    asked = [f"^{base.commit}".encode(), onto.commit.encode(), b"--", *paths]
    parents = bench.objects.parents
    steps: dict[Oid, Oid] = {}
    for walk in (("--no-merges",), ("--first-parent", "--merges")):
        said = bench.repository.git(
            "--literal-pathspecs", "rev-list", "--stdin", "--full-history", *walk,
            stdin=b"\n".join(asked) + b"\n",
        ).stdout.decode()  # fmt: skip
        steps |= {Oid(c): parents(Oid(c))[0] for c in said.split() if parents(Oid(c))}
    names = bench.repository.git(
        "diff-tree", "--stdin", "-r", "-z", "--name-only", "--no-renames", stdin=_lines(steps)
    ).stdout
    alike = {c: steps[c] for c, paths in _by_commit(names, steps) if paths in wanted}
    if not alike:
        return []
    diffs = bench.repository.git(
        *_DIFF, "diff-tree", "--stdin", *_OPTIONS, stdin=_lines(alike)
    ).stdout
    ids = dict(_patch_ids(diffs, bench))
    return [(ids[oid], oid) for oid in history if oid in ids]


def _lines(steps: Mapping[Oid, Oid]) -> bytes:
    return "".join(f"{commit} {parent}\n" for commit, parent in steps.items()).encode()


def _by_commit(names: bytes, steps: Mapping[Oid, Oid]) -> Iterator[tuple[Oid, frozenset[bytes]]]:
    """Yield each commit of ``diff-tree --stdin -z --name-only`` with the paths it changes."""
    commit, paths = None, set[bytes]()
    known = {oid.encode(): oid for oid in steps}
    for field in names.split(b"\0"):
        if field in known:
            if commit is not None:
                yield commit, frozenset(paths)
            commit, paths = known[field], set()
        elif field:
            paths.add(field)
    if commit is not None:
        yield commit, frozenset(paths)


def _patch_ids(diffs: bytes, bench: Workbench) -> Iterator[tuple[Oid, str]]:
    """Yield commit and patch-id for each ``commit <oid>`` and its diff."""
    if not diffs.strip():
        return
    said = bench.repository.git("patch-id", "--verbatim", stdin=diffs).stdout.decode()
    for line in said.splitlines():
        patch_id, _, commit = line.partition(" ")
        yield Oid(commit), patch_id
