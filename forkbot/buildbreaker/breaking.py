"""The build's breaker on both axes: the first upstream commit that turns a red on, and the patch.

The other stacks of the family stay as they are in this run; one stack is rebased, in memory, onto
commit after commit of upstream's line, and then on its new base given patch after patch. Both ends
of what is said were built and run: the commit is red, and the one before it is not.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from forkbot.attempt import Attempt
from forkbot.buildbreaker.asking import NIGHTLY, Asker, Limits, built_together, same
from forkbot.buildbreaker.kept import Kept
from forkbot.buildbreaker.search import Found, seek
from forkbot.errors import RemoteError, TimedOutError, UsageError
from forkbot.git.workbench import Workbench
from forkbot.model.buildbreaker import BuildBreaker, Ended, Spot, Turn
from forkbot.model.fate import Rebase
from forkbot.model.place import Place
from forkbot.model.probe import Red, RedKind
from forkbot.model.upstream import UpstreamCommit
from forkbot.rebase.line import first_parents, place, upstream_commits
from forkbot.red import UnclearError
from forkbot.session import Session
from forkbot.verification import member_of
from forkbot.verify.family import Member
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import find_wasmtime
from forkbot.words import Oid, PatchName, Pin, StackName

Dependencies = Mapping[StackName, tuple[Pin, ...]]

_NONE: Dependencies = MappingProxyType({})
_NOT_ASKED = Turn(ended=Ended.NOTHING, why="it was not asked")


def break_build(
    attempt: Attempt,
    attempts: list[Attempt],
    red: Red,
    *,
    session: Session,
    toolchain: Toolchain,
    limits: Limits = NIGHTLY,
    dependencies: Dependencies = _NONE,
) -> BuildBreaker:
    """Return which upstream commit and which patch of ``attempt``'s stack made ``red`` what it is.

    ``attempts`` are the family as this run rebased it, on which ``red`` was found with these
    ``dependencies`` (a verdict's); the stack is one that goes into what is red. Killed, the same
    call goes on where it was. A question that gets no answer, as when the registry is out of reach
    or cargo is killed, ends the search, which says so.
    """
    assert attempt.rebased is not None
    facts = attempt.rebased.facts
    members = built_together(red, attempts)
    if attempt not in members:
        raise AssertionError(f"{attempt.stack.name} has no part in {red.stack}")
    asker = Asker(
        red=red, about=attempt, members=members, session=session, toolchain=toolchain,
        wasmtime=find_wasmtime(env=session.ambient, cache=session.cache, say=session.say),
        limits=limits,
        kept=Kept(session.state / "build" / session.channel.value / "answers", now=session.now),
        pins=tuple(sorted({p for a in members for p in dependencies.get(a.stack.name, ())})),
    )  # fmt: skip
    assert facts.tip is not None
    upstream, series = _Upstream(asker, facts), _Series(asker, facts)
    turned, now, patches, unsteady = _NOT_ASKED, None, _NOT_ASKED, ""
    try:
        asker.left_for_later = min(len(series.tips).bit_length() + 1, limits.probes // 3)
        turned = upstream.turned()
        now = upstream.turned_as_now(turned)
        unsteady = upstream.look_again(now or turned)
        asker.left_for_later = 0
        patches = series.turned()
    except (RemoteError, TimedOutError, UnclearError, UsageError) as e:
        stopped = Turn(ended=Ended.STOPPED, why=e.what.splitlines()[0])
        turned, patches = (stopped if t is _NOT_ASKED else t for t in (turned, patches))
    return BuildBreaker(
        stack=attempt.stack.name, tip=facts.tip, red=red, base=facts.base.label,
        onto=facts.onto.label, upstream=turned, now=now, patches=patches, probes=asker.probes,
        remembered=asker.remembered, seconds=round(time.monotonic() - asker.began, 1),
        unsteady=unsteady,
    )  # fmt: skip


class _Upstream:
    """Upstream's line from the base to onto: the stack rebased onto its commits, one at a time."""

    def __init__(self, asker: Asker, facts: Rebase) -> None:
        self._asker, self._facts = asker, facts
        repository = asker.about.repository
        assert repository is not None
        self._repository = repository
        self._reds: dict[int, Red | None] = {}
        self._members: dict[int, Member | None] = {}
        self.line: tuple[Oid, ...] = ()
        if repository.is_ancestor(facts.base.commit, facts.onto.commit):
            with Workbench(repository) as bench:
                way = first_parents(bench, facts.base.commit, facts.onto.commit, None)
            self.line = (facts.base.commit, *way)

    def turned(self) -> Turn:
        """Return where it turned from green to red."""
        if len(self.line) < 2:
            why = "upstream did not move" if self.line else "no line leads from the base to there"
            return Turn(ended=Ended.NOTHING, why=why)
        seen = self._asker.kept.commits(self._asker.about.stack.name)
        known = {
            n: self._ask(n) is not None
            for n, oid in enumerate(self.line)
            if oid in seen and (member := self._member(n)) and self._asker.knows(member)
        }
        found = seek(0, len(self.line) - 1, self._is_red, more=self._asker.more, known=known)
        return self._tell(found)

    def turned_as_now(self, first: Turn) -> Turn | None:
        """Return where it turned to be red as it is now; None where it was so from the first."""
        found = first.ended in (Ended.FOUND, Ended.UNTRIED, Ended.EVERYWHERE)
        if not found or first.bad is None or first.bad.red is None:
            return None
        if same(first.bad.red, self._asker.red):
            return None
        start = next(n for n in sorted(self._reds) if self._spot(n) == first.bad)
        known = {n: self._as_now(red) for n, red in self._reds.items() if n >= start}
        return self._tell(
            seek(
                start, len(self.line) - 1, self._is_red_as_now, more=self._asker.more,
                known=known, look_around=False,
            )
        )  # fmt: skip

    def look_again(self, turn: Turn) -> str:
        """Return which end of a turn says otherwise when it is run again; builds always agree."""
        if turn.ended is not Ended.FOUND or self._asker.red.kind is not RedKind.SMOKE:
            return ""
        for n in sorted(n for n in self._reds if self._spot(n) in (turn.good, turn.bad)):
            if not self._asker.more():
                return ""
            before = self._reds[n]
            again = self._ask(n, anew=True)
            if (before is None) != (again is None):
                said = [f"red ({red.why})" if red else "green" for red in (before, again)]
                return f"{self._place(n).label} was {said[0]}, and run again it is {said[1]}"
        return ""

    def _is_red(self, at: int) -> bool | None:
        return None if self._member(at) is None else self._ask(at) is not None

    def _is_red_as_now(self, at: int) -> bool | None:
        return None if self._member(at) is None else self._as_now(self._ask(at))

    def _as_now(self, red: Red | None) -> bool:
        return red is not None and same(red, self._asker.red)

    def _ask(self, at: int, *, anew: bool = False) -> Red | None:
        if at not in self._reds or anew:
            member = self._member(at)
            assert member is not None
            self._reds[at] = self._asker.ask(
                member, label=self._place(at).label, commit=self.line[at], anew=anew
            )
        return self._reds[at]

    def _member(self, at: int) -> Member | None:
        """Return the stack on the commit at an index; None where it does not apply there."""
        if at not in self._members:
            attempt = self._asker.about
            assert attempt.again is not None
            there = attempt.again(attempt.stack, self._place(at))
            moved = dataclasses.replace(attempt, rebased=there)
            applies = there.facts.tip is not None
            self._members[at] = member_of(moved, self._asker.session) if applies else None
        return self._members[at]

    def _place(self, at: int) -> Place:
        if at == 0:
            return self._facts.base
        if at == len(self.line) - 1:
            return self._facts.onto
        crate, channel = self._asker.about.stack.policy.crate, self._facts.channel
        with Workbench(self._repository) as bench:
            return place(bench, self.line[at], crate=crate, channel=channel)

    def _spot(self, at: int) -> Spot:
        return Spot(label=self._place(at).label, commit=self._commit(at), red=self._reds[at])

    def _commit(self, at: int) -> UpstreamCommit | None:
        if at == 0:
            return None
        with Workbench(self._repository) as bench:
            return upstream_commits(bench, (self.line[at],))[self.line[at]]

    def _tell(self, found: Found) -> Turn:
        return tell(found, self._spot)


class _Series:
    """The series on its new base, applied up to one patch after the other."""

    def __init__(self, asker: Asker, facts: Rebase) -> None:
        self._asker, self._facts = asker, facts
        self._reds: dict[int, Red | None] = {}
        self.tips = [(o.name, o.commit) for o in facts.outcomes if o.commit is not None]

    def turned(self) -> Turn:
        """Return up to which patch it is not red as it is with all of them.

        Red for want of a later patch, as pristine upstream may well be, is another red.
        """
        if not self.tips:
            return Turn(ended=Ended.NOTHING, why="no patch is in the series")
        found = seek(
            0, len(self.tips), self._is_red_as_now, more=self._asker.more, look_around=False
        )
        return tell(found, self._spot)

    def _is_red_as_now(self, at: int) -> bool:
        red = self._reds[at] = self._asker.ask(
            self._member(at), label=self._label(at), commit=self._facts.onto.commit
        )
        return red is not None and same(red, self._asker.red)

    def _member(self, at: int) -> Member:
        whole = member_of(self._asker.about, self._asker.session)
        tip = self.tips[at - 1][1] if at else self._facts.onto.commit
        tree = whole.repository.commit(tip).tree
        return dataclasses.replace(whole, tip=tip, tree=tree)

    def _patch(self, at: int) -> PatchName | None:
        return self.tips[at - 1][0] if at else None

    def _label(self, at: int) -> str:
        onto, patch = self._facts.onto.label, self._patch(at)
        return f"{onto} with the patches up to {patch}" if patch else f"{onto} without a patch"

    def _spot(self, at: int) -> Spot:
        return Spot(label=self._label(at), patch=self._patch(at), red=self._reds[at])


def tell(found: Found, spot: Callable[[int], Spot]) -> Turn:
    """Return what a search found, as facts."""
    good, bad = found.good_end, found.bad_end
    low = found.first - 1 if good is None else good
    high = found.last + 1 if bad is None else bad
    return Turn(
        ended=found.ended,
        good=spot(good) if good is not None else None,
        bad=spot(bad) if bad is not None else None,
        asked=len(found.bad),
        places=found.last - found.first + 1,
        between=len(found.unknown(low, high)),
        untried=sum(low < n < high for n in found.untried),
        came_and_went=tuple(spot(n) for n in found.turns),
    )
