"""The newest upstream commit on which a whole stack still applies, when it does not further on.

Conflicts come and go, so the line is scanned from its newest commit back, skipping what is as its
parent (``touching``); past ``SCAN_LIMIT`` commits it is bisected, which finds *a* commit that
applies before one that does not. Either way both ends are checked, next to each other on the
unrestricted line. What upstream has taken by a commit is left out there, by the rules of a rebase.
"""

import bisect
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from forkbot.git.merge import Conflicted
from forkbot.git.workbench import Workbench
from forkbot.model.fate import Fate
from forkbot.model.judgement import Floor
from forkbot.model.place import Place
from forkbot.model.stack import Stack
from forkbot.rebase.breaker import SCAN_LIMIT
from forkbot.rebase.case import Case
from forkbot.rebase.line import arrivals, first_parents, place, upstream_commits
from forkbot.rebase.merged import find_merged, suspects
from forkbot.rebase.recreate import Change
from forkbot.rebase.replay import settler
from forkbot.rebase.touching import touching
from forkbot.words import Channel, Oid, PatchName


def find_floor(case: Case, *, bench: Workbench) -> Floor | None:
    """Return where the stack of a stopped rebase applies; None where no line leads from its base.

    That is the base itself at the worst.
    """
    if case.stopped is None or not case.linear:
        return None
    line = Line(
        case.stack, case.changes, channel=case.channel, base=case.base, onto=case.onto,
        taken={p.patch.name for p in case.pushed if p.fate is Fate.MERGED}, bench=bench,
    )  # fmt: skip
    return line.tell(line.floor())


class Line:
    """Upstream's line from the base on, and whether a stack applies at each of its commits."""

    def __init__(
        self,
        stack: Stack,
        changes: tuple[Change, ...],
        *,
        channel: Channel,
        base: Place,
        onto: Place,
        taken: AbstractSet[PatchName],
        bench: Workbench,
    ) -> None:
        """Take a stack's changes on ``base``, which ``onto`` has in its history.

        ``taken`` is what upstream has of them on ``onto``.
        """
        self._changes, self._base, self._bench = changes, base, bench
        self._crate, self._channel = stack.policy.crate, channel
        self.commits = (base.commit, *first_parents(bench, base.commit, onto.commit, None))
        self._settle = settler(stack, bench=bench)
        self._resolved = {r.patch for r in stack.resolutions}
        self._taking = _Taking(
            changes, self.commits, base=base, onto=onto, taken=taken, bench=bench
        )
        matter = touching(changes, base=base, onto=onto, bench=bench)
        # the parent of the first commit is not the base where that was merged in from a branch
        self._candidates = [n for n, oid in enumerate(self.commits) if n <= 1 or oid in matter]

    def place(self, at: int) -> Place:
        """Return the commit at an index, with its name for people."""
        if at == 0:
            return self._base
        return place(self._bench, self.commits[at], crate=self._crate, channel=self._channel)

    def tell(self, at: int) -> Floor:
        """Return the commit at an index as a floor; there is one after it, which is in the way."""
        blocked_by = self.commits[at + 1]
        return Floor(
            place=self.place(at),
            behind=len(self.commits) - 1 - at,
            blocked_by=upstream_commits(self._bench, (blocked_by,))[blocked_by],
        )

    def floor(self) -> int:
        """Return the index of the newest commit on which the stack applies."""
        good, bad = self._scan() if len(self._candidates) <= SCAN_LIMIT else self._bisect()
        # those in between are as `good` is; should they not be, the line itself tells
        return next((n for n in range(bad - 1, good, -1) if self.applies(n)), good)

    def _scan(self) -> tuple[int, int]:
        bad = len(self.commits) - 1
        for good in reversed(self._candidates):
            if self.applies(good):
                return good, bad
            bad = good
        return 0, 1

    def _bisect(self) -> tuple[int, int]:
        good, bad = 0, len(self._candidates) - 1
        while bad - good > 1:
            middle = (good + bad) // 2
            if self.applies(self._candidates[middle]):
                good = middle
            else:
                bad = middle
        return self._candidates[good], self._candidates[bad]

    def applies(self, at: int) -> bool:
        """Return whether the whole stack applies to the commit at an index."""
        if at == 0:
            return True
        taken = self._taking.at(at)
        tree = self._bench.objects.tree(self.commits[at])
        for change in self._changes:
            if change.patch.name in taken:
                continue
            after = self._put(change, tree)
            if after is None:
                return False
            tree = after
        return True

    def _put(self, change: Change, tree: Oid) -> Oid | None:
        """Return the tree with the change, resolved perhaps; None: it is in conflict there."""
        name, merger = change.patch.name, self._bench.merger
        # the cheaper question, where it has an answer
        if name not in self._resolved and merger.torn(
            base=change.before, upstream=tree, ours=change.after
        ):
            return None
        merged = change.put(tree, bench=self._bench)
        if isinstance(merged, Conflicted):
            settled = self._settle(change.patch, merged)
            return settled.tree if settled is not None else None
        return merged.tree


class _Taking:
    """What upstream has taken by each commit of its line.

    That is dear to find out, and changes at few commits: more is taken only where a commit arrives
    that may hold some of ours; from there to the next such one, some may be taken back.
    """

    def __init__(
        self,
        changes: tuple[Change, ...],
        line: Sequence[Oid],
        *,
        base: Place,
        onto: Place,
        taken: AbstractSet[PatchName],
        bench: Workbench,
    ) -> None:
        self._changes, self._line, self._base, self._bench = changes, line, base, bench
        self._known = {len(line) - 1: frozenset(taken)}
        index = {oid: n for n, oid in enumerate(line)}
        ours = suspects(changes, base=base, onto=onto, bench=bench)
        came = (arrivals(bench, oid, onto.commit)[0] for oid in ours)
        self._turns = sorted({0, *(index[oid] for oid in came)})

    def at(self, index: int) -> frozenset[PatchName]:
        """Return the patches that a rebase onto the commit at ``index`` leaves out."""
        turn = bisect.bisect(self._turns, index)
        if turn == 1:
            return frozenset()  # before anything came
        low = self._turns[turn - 1]
        high = self._turns[turn] - 1 if turn < len(self._turns) else len(self._line) - 1
        while self._ask(low) != self._ask(high):
            middle = (low + high) // 2
            low, high = (low, middle) if index <= middle else (middle + 1, high)
        return self._ask(low)

    def _ask(self, index: int) -> frozenset[PatchName]:
        if index not in self._known:
            commit = self._line[index]
            there = Place(commit=commit, tree=self._bench.objects.tree(commit), label="")
            taken = find_merged(self._changes, base=self._base, onto=there, bench=self._bench)
            self._known[index] = frozenset(taken)
        return self._known[index]
