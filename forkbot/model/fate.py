"""What became of each patch in one rebase, and what is to be said of the whole."""

import enum
from typing import assert_never

from forkbot.model.base import Fact
from forkbot.model.conflict import Conflict
from forkbot.model.judgement import Drift, DropCheck, Floor, Proposal, Replay, Suspicion, Without
from forkbot.model.place import Place
from forkbot.words import Channel, Oid, PatchName, StackName


class Fate(enum.Enum):
    """What became of one patch (DESIGN §2)."""

    UNCHANGED = "unchanged"  # same patch, same place
    SHIFTED = "shifted"  # the same bytes reproduce the new tree, on a new base
    ADAPTED = "adapted"  # merged cleanly, but the patch file had to be rewritten
    MERGED = "merged"
    SUPERSEDED = "superseded"  # in conflict, and upstream seems to deliver it: a person decides
    EMPTY = "empty"  # nothing is left of it on the new base: upstream has the content
    CONFLICT = "conflict"
    BLOCKED = "blocked"  # stands behind a conflict
    DROPPED = "dropped"

    @property
    def carried(self) -> bool:
        """Whether the patch is part of the rebased stack."""
        match self:
            case Fate.UNCHANGED | Fate.SHIFTED | Fate.ADAPTED:
                return True
            case Fate.MERGED | Fate.SUPERSEDED | Fate.EMPTY | Fate.DROPPED:
                return False
            case Fate.CONFLICT | Fate.BLOCKED:
                return False
            case _:
                assert_never(self)


class PatchOutcome(Fact, frozen=True, kw_only=True):
    """One patch, one fate."""

    name: PatchName
    fate: Fate
    subject: str
    upstream_status: str
    drop_when: str
    commit: Oid | None = None
    evidence: str = ""
    conflict: Conflict | None = None  # of a patch in conflict, or superseded
    purpose: str = ""  # what the patch is for: its header's first paragraph below the subject
    replays: tuple[Replay, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    drop_check: DropCheck | None = None
    range_diff: str = ""  # of an adapted patch: the old one against the new one


class Rebase(Fact, frozen=True, kw_only=True):
    """A whole rebase as plain facts: every patch in, exactly one fate out."""

    stack: StackName
    channel: Channel
    base: Place
    onto: Place
    outcomes: tuple[PatchOutcome, ...]
    tip: Oid | None  # None when a conflict stopped it
    tree: Oid | None
    rewritten: tuple[PatchName, ...] = ()  # patch files whose bytes change
    moved: bool = False  # the base moved
    upstream_commits: int = 0  # on upstream's line, from base to onto
    floor: Floor | None = None  # when a conflict stopped it, here or on the way to the floor
    without: Without | None = None
    suspicions: tuple[Suspicion, ...] = ()
    drifts: tuple[Drift, ...] = ()

    @property
    def conflict(self) -> Conflict | None:
        """Return the conflict that stopped the series, if one did."""
        return next((o.conflict for o in self.outcomes if o.conflict is not None), None)

    @property
    def unacknowledged(self) -> tuple[Suspicion, ...]:
        """Return what forbids publishing until a person has looked at it."""
        return tuple(s for s in self.suspicions if not s.acknowledged)

    @property
    def dropped(self) -> tuple[PatchOutcome, ...]:
        """Return the patches that left the series, each with its evidence."""
        gone = (Fate.MERGED, Fate.EMPTY, Fate.DROPPED)
        return tuple(o for o in self.outcomes if o.fate in gone)
