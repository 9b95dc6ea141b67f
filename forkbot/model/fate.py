"""What became of each patch in one rebase. A conflict is a value here, with all its sides."""

import enum
from typing import assert_never

from forkbot.model.base import Fact
from forkbot.words import Channel, Oid, PatchName, StackName


class Fate(enum.Enum):
    """What became of one patch (DESIGN §2)."""

    UNCHANGED = "unchanged"  # same patch, same place
    SHIFTED = "shifted"  # the same bytes reproduce the new tree, on a new base
    ADAPTED = "adapted"  # merged cleanly, but the patch file had to be rewritten
    MERGED = "merged"
    SUPERSEDED = "superseded"
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


class Stage(Fact, frozen=True, kw_only=True):
    """One side of a conflicted path, as the index would hold it."""

    mode: str
    oid: Oid
    path: str


class Hunk(Fact, frozen=True, kw_only=True):
    """One conflicting region: where it lies on the upstream side and what each side says."""

    line: int  # 1-based, in the upstream side's file
    base: str
    upstream: str
    ours: str


class ConflictedPath(Fact, frozen=True, kw_only=True):
    """One path in conflict. A missing side (deleted there) is None."""

    path: str
    kinds: tuple[str, ...]  # merge-ort's short types, as `contents`, `modify/delete`
    base: Stage | None = None
    upstream: Stage | None = None
    ours: Stage | None = None
    hunks: tuple[Hunk, ...] = ()


class Breaker(Fact, frozen=True, kw_only=True):
    """The upstream commit at which one path's present conflict began: clean on its parent."""

    path: str
    commit: Oid
    parent: Oid
    author: str
    date: str  # YYYY-MM-DD
    subject: str
    pull_request: int | None = None
    earlier_names: tuple[str, ...] = ()  # upstream renamed the file while it was in conflict
    came_and_went: tuple[Oid, ...] = ()  # commits before, at which the same conflict came or went


class Conflict(Fact, frozen=True, kw_only=True):
    """A patch that could not be put on top of the prefix before it."""

    patch: PatchName
    paths: tuple[ConflictedPath, ...]
    breakers: tuple[Breaker, ...] = ()


class PatchOutcome(Fact, frozen=True, kw_only=True):
    """One patch, one fate."""

    name: PatchName
    fate: Fate
    subject: str
    upstream_status: str
    drop_when: str
    commit: Oid | None = None
    evidence: str = ""
    conflict: Conflict | None = None


class Place(Fact, frozen=True, kw_only=True):
    """A commit with a name for people: a version, a tag, or a date."""

    commit: Oid
    tree: Oid
    label: str


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

    @property
    def conflict(self) -> Conflict | None:
        """Return the conflict that stopped the series, if one did."""
        return next((o.conflict for o in self.outcomes if o.conflict is not None), None)

    @property
    def dropped(self) -> tuple[PatchOutcome, ...]:
        """Return the patches that left the series, each with its evidence."""
        gone = (Fate.MERGED, Fate.EMPTY, Fate.DROPPED)
        return tuple(o for o in self.outcomes if o.fate in gone)
