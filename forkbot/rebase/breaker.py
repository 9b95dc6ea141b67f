"""Which upstream commit broke a patch, for each conflicted path, checked on both sides.

The prefix of the series is merged onto each upstream commit that touches a path at stake, oldest
first, and the patch on top of it: the same in-memory merges as the rebase, a few milliseconds each.
A path's breaker is where its present conflict began: it is in conflict on the commit, and not on
the commit's own parent, whatever that one touched. Scanning instead of bisecting shows conflicts
that come and go; past ``SCAN_LIMIT`` commits there is a bisection for each path (the loop keeps
git-imerge's invariant: clean at one end, conflicting at the other).
"""

import dataclasses
from collections.abc import Sequence

from forkbot.git.merge import Clean, Conflicted
from forkbot.git.workbench import Workbench
from forkbot.model.conflict import Breaker
from forkbot.model.place import Place
from forkbot.rebase.leaveout import leave_out
from forkbot.rebase.line import first_parents, upstream_commits
from forkbot.rebase.recreate import Change
from forkbot.rebase.torn import torn_paths
from forkbot.text import decode
from forkbot.words import Oid

SCAN_LIMIT = 500

# the paths in conflict; None where an earlier patch hides the answer: it is in conflict itself, and
# the patch in question stands on it
State = frozenset[bytes] | None


@dataclasses.dataclass(slots=True, kw_only=True)
class _Probe:
    """Asks what a commit does to the last of ``changes``, and remembers."""

    changes: tuple[Change, ...]
    bench: Workbench
    base: Oid  # tree
    known: dict[Oid, State] = dataclasses.field(default_factory=dict)
    needed: dict[Change, bool] = dataclasses.field(default_factory=dict)

    def at(self, commit: Oid) -> State:
        tree = Oid(self.bench.objects.tree(commit))
        if tree not in self.known:
            self.known[tree] = self._merge(tree)
        return self.known[tree]

    def _merge(self, tree: Oid) -> State:
        *prefix, last = self.changes
        for change in prefix:
            merged = change.put(tree, bench=self.bench)
            if isinstance(merged, Clean):
                tree = merged.tree
            elif self._needs(change):
                return None
        torn = self.bench.merger.torn(base=last.before, upstream=tree, ours=last.after)
        if torn is not None:
            return torn
        merged = last.put(tree, bench=self.bench)
        return torn_paths(merged) if isinstance(merged, Conflicted) else frozenset()

    def _needs(self, earlier: Change) -> bool:
        """Whether the last patch cannot be put on the base without an ``earlier`` one."""
        if earlier not in self.needed:
            name, last = earlier.patch.name, self.changes[-1].patch.name
            left = leave_out(self.changes, (name,), base=self.base, bench=self.bench)
            self.needed[earlier] = last in left.fallen
        return self.needed[earlier]


def find_breakers(
    changes: tuple[Change, ...], *, base: Place, onto: Place, bench: Workbench
) -> tuple[Breaker, ...]:
    """Return the breaker of each path on which the last of ``changes`` conflicts with ``onto``.

    ``changes`` is the series up to the conflicted patch, on ``base``, an ancestor of ``onto``;
    those before it apply to ``onto``. Paths whose breaker cannot be told are left out.
    """
    probe = _Probe(changes=changes, bench=bench, base=base.tree)
    paths = probe.at(onto.commit)
    if not paths:
        return ()
    touched = {p for c in changes for p in c.patch.paths} | paths
    line = [base.commit, *first_parents(bench, base.commit, onto.commit, touched)]
    if line[-1] != onto.commit:
        line.append(onto.commit)
    found = (_trace(path, line, probe=probe, bench=bench) for path in sorted(paths))
    return tuple(b for b in found if b is not None)


def _trace(path: bytes, line: Sequence[Oid], *, probe: _Probe, bench: Workbench) -> Breaker | None:
    """Return where the present conflict of ``path`` began; renames of it are followed back."""
    name, end, known_as = path, len(line) - 1, [path]
    while True:
        bad = _began(name, line[: end + 1], probe)
        if bad == 0:
            return None  # in conflict on the base itself: that is no upstream commit's doing
        commit = _exact(name, good=line[bad - 1], bad=line[bad], probe=probe, bench=bench)
        if commit is None:
            return None
        parent = _parent(bench, commit)
        before, after = probe.at(parent), probe.at(commit)
        if before is None or after is None:
            return None  # not to be checked on both sides
        moved = sorted(before - after)
        if len(moved) != 1 or moved[0] in known_as or len(after - before) != 1:
            break
        # one conflict went and one came: upstream renamed the file, the conflict is older
        name, end = moved[0], bad - 1
        known_as.append(name)
    came_and_went = _earlier(name, line[:bad], probe) if len(line) <= SCAN_LIMIT else ()
    brought = _brought(name, commit, probe=probe, bench=bench)
    who = upstream_commits(bench, (commit, brought) if brought else (commit,))
    found = who[commit]
    return Breaker(
        path=decode(path),
        commit=commit,
        parent=parent,
        author=found.author,
        date=found.date,
        subject=found.subject,
        pull_request=found.pull_request,
        earlier_names=tuple(decode(n) for n in known_as[1:]),
        came_and_went=came_and_went,
        brought=who[brought] if brought else None,
    )


def _began(path: bytes, line: Sequence[Oid], probe: _Probe) -> int:
    """Return the index in ``line`` where the conflict of ``path`` that holds at its end began."""

    def conflicts(at: int) -> bool:
        state = probe.at(line[at])
        return state is not None and path in state

    if len(line) <= SCAN_LIMIT:
        at = len(line) - 1
        while at > 0 and (conflicts(at - 1) or probe.at(line[at - 1]) is None):
            at -= 1
        # do not begin on a commit where an earlier patch hid the answer
        while probe.at(line[at]) is None:
            at += 1
        return at
    good, bad = 0, len(line) - 1
    if conflicts(good):
        return 0
    while bad - good > 1:
        middle = (good + bad) // 2
        if conflicts(middle):
            bad = middle
        else:
            good = middle
    return bad


def _exact(path: bytes, *, good: Oid, bad: Oid, probe: _Probe, bench: Workbench) -> Oid | None:
    """Return the commit in ``good..bad`` that conflicts while its own parent does not.

    ``line`` only holds commits that touch the paths at stake by name; the parent of one may be in
    conflict already, through a commit that touched another name.
    """
    state = probe.at(_parent(bench, bad))
    if state is not None and path not in state:
        return bad
    every = [good, *first_parents(bench, good, bad, None)]
    at = _began(path, every[-SCAN_LIMIT:], probe)
    return every[-SCAN_LIMIT:][at] if at else None


def _earlier(path: bytes, line: Sequence[Oid], probe: _Probe) -> tuple[Oid, ...]:
    """Return the commits before the breaker at which the same conflict came or went."""
    turns, was = [], False
    for commit in line:
        state = probe.at(commit)
        if state is not None and (path in state) != was:
            was = not was
            turns.append(commit)
    return tuple(turns)


def _parent(bench: Workbench, commit: Oid) -> Oid:
    return bench.objects.parents(commit)[0]


def _brought(path: bytes, merge: Oid, *, probe: _Probe, bench: Workbench) -> Oid | None:
    """Return the commit that broke ``path`` on a branch that ``merge`` merged; None: no single one.

    It is in conflict there and not on any of its own parents.
    """
    first, *others = bench.objects.parents(merge)
    if not others:
        return None
    said = bench.repository.git("rev-list", "--topo-order", *others, f"^{first}")
    branch = [Oid(oid) for oid in said.stdout.decode().split()]  # newest first
    for commit in branch[:SCAN_LIMIT]:
        states = [probe.at(oid) for oid in (commit, *bench.objects.parents(commit))]
        here, before = states[0], states[1:]
        if here and path in here and all(s is not None and path not in s for s in before):
            return commit
    return None
