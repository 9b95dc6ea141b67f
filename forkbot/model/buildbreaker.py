"""Where a build or a component turned red: the upstream commit, and the patch of the series."""

import enum

from forkbot.model.base import Fact
from forkbot.model.probe import Red
from forkbot.model.upstream import UpstreamCommit
from forkbot.words import Oid, PatchName, StackName


class Ended(enum.Enum):
    """How a search along one line ended."""

    FOUND = "found"  # two neighbours, both built and run: this one is not red, the next one is
    BOUNDED = "bounded"  # it ran out of probes or time: what is asked about lies in between
    UNTRIED = "untried"  # what is asked about lies among places on which the stack does not apply
    EVERYWHERE = "everywhere"  # red from the beginning: nothing along this line is to blame
    GREEN = "green"  # asked again where it was red, it is green: it comes and goes by itself
    STOPPED = "stopped"  # a question got no answer
    NOTHING = "nothing"  # there is no line: upstream did not move, the series has no patch


class Spot(Fact, frozen=True, kw_only=True):
    """A place of a line that was built and run, and what was red there."""

    label: str  # upstream's name for the commit, or up to which patch the series was applied
    commit: UpstreamCommit | None = None  # None on the base, and for patches
    patch: PatchName | None = None  # the last one applied; None on upstream's line, or without any
    red: Red | None = None  # None: green


class Turn(Fact, frozen=True, kw_only=True):
    """Between which two places of a line something turned red; neighbours, where it was found."""

    ended: Ended
    why: str = ""  # of an end that needs one, in one line
    good: Spot | None = None  # the newest place that is not red
    bad: Spot | None = None  # the oldest one after it that is
    asked: int = 0  # places of the line that have an answer
    places: int = 0  # places of the line
    between: int = 0  # places between the two that nobody asked
    untried: int = 0  # and those on which the stack does not apply
    came_and_went: tuple[Spot, ...] = ()  # red before `good`, or green after a red: oldest first


class BuildBreaker(Fact, frozen=True, kw_only=True):
    """What was found of one red along one stack's upstream and along its series."""

    stack: StackName  # whose upstream and whose series were searched
    tip: Oid  # the stack's result on which it was asked
    red: Red  # what was asked about, as it is on ``onto`` with all patches
    base: str  # labels
    onto: str
    upstream: Turn  # from green to red, whatever was red there first
    now: Turn | None = None  # where it began to be red as it is now, when it first was otherwise
    patches: Turn  # up to which patch it is not red as it is now
    probes: int = 0  # builds that were made for this
    remembered: int = 0  # answers that an earlier search had kept
    seconds: float = 0.0
    unsteady: str = ""  # when a place was asked again and said otherwise, which one

    @property
    def commit(self) -> UpstreamCommit | None:
        """Return the upstream commit that made it red as it is now, where one was found.

        None is named for a red that comes and goes by itself: halving was led by chance.
        """
        turn = self.now or self.upstream
        found = turn.ended is Ended.FOUND and not self.unsteady
        return turn.bad.commit if found and turn.bad else None

    @property
    def patch(self) -> PatchName | None:
        """Return the first patch with which it is red as it is now, where one was found."""
        turn = self.patches
        found = turn.ended is Ended.FOUND and not self.unsteady
        return turn.bad.patch if found and turn.bad else None

    @property
    def unfinished(self) -> bool:
        """Whether more probes, or more time, would tell more."""
        turns = (self.upstream, self.now, self.patches)
        return any(t is not None and t.ended in (Ended.BOUNDED, Ended.STOPPED) for t in turns)
