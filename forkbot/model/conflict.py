"""A conflict as a value: its paths, all sides of each line at stake, whose lines they are now."""

import enum

from forkbot.model.base import Fact
from forkbot.model.upstream import UpstreamCommit
from forkbot.words import Oid, PatchName


class ConflictClass(enum.Enum):
    """Why two sides do not meet: one class for each region, and the gravest for its path."""

    ALREADY_THERE = "already there"  # upstream side and our side say the same, all but blanks
    BLANKS = "white space only"  # upstream set the lines otherwise, and said nothing else
    CONTEXT = "context moved"  # only neighbouring lines differ: both edits can stand
    MOVED = "renamed or moved"  # upstream has the lines, or the file, elsewhere
    BOTH_ADDED = "added on both sides"
    BOTH_EDITED = "both edited"
    DELETED = "deleted upstream"
    SHAPE = "mode or binary"  # no lines to compare: file modes, links, binary content, a folder


class Effort(enum.Enum):
    """How much a person has to do, roughly; a report begins with the least."""

    LOOK = "a look"  # read and confirm
    EDIT = "a small edit"
    THOUGHT = "some thought"  # the code has to be understood


class Stage(Fact, frozen=True, kw_only=True):
    """One side of a conflicted path, as the index would hold it."""

    mode: str
    oid: Oid
    path: str


class Owner(Fact, frozen=True, kw_only=True):
    """An upstream commit that wrote lines of the upstream side, or removed lines of the base."""

    by: UpstreamCommit
    lines: int
    removed: bool = False


class Hunk(Fact, frozen=True, kw_only=True):
    """One conflicting region: where it lies on the upstream side and what each side says.

    All texts are whole lines with their ends; only a file's last line may have none.
    """

    line: int  # 1-based, in the upstream side's file
    base: str
    upstream: str
    ours: str
    above: str = ""  # up to three lines of the upstream side before and after the region
    below: str = ""
    kind: ConflictClass = ConflictClass.BOTH_EDITED
    effort: Effort = Effort.THOUGHT
    owners: tuple[Owner, ...] = ()  # most lines first
    moved_to: str = ""  # `path:line` on onto, where most of the lines stand that upstream took away


class ConflictedPath(Fact, frozen=True, kw_only=True):
    """One path in conflict. A missing side (deleted there) is None."""

    path: str
    kinds: tuple[str, ...]  # merge-ort's short types, as `contents`, `modify/delete`
    base: Stage | None = None
    upstream: Stage | None = None
    ours: Stage | None = None
    hunks: tuple[Hunk, ...] = ()
    kind: ConflictClass = ConflictClass.BOTH_EDITED
    effort: Effort = Effort.THOUGHT
    # where onto has the file now, or the file that has most of its lines; '' when nowhere, or when
    # it is where it was
    moved_to: str = ""
    # of what has no lines: who deleted, moved or replaced the file; of a file that our side takes
    # away, whose lines go with it
    owners: tuple[Owner, ...] = ()


class Breaker(UpstreamCommit, frozen=True, kw_only=True):
    """The upstream commit at which one path's present conflict began: clean on its parent."""

    path: str
    parent: Oid
    earlier_names: tuple[str, ...] = ()  # upstream renamed the file while it was in conflict
    came_and_went: tuple[Oid, ...] = ()  # commits before, at which the same conflict came or went
    # when the breaker is a merge: the commit of the merged branch that broke it, clean on its own
    # parents; None when only the merge as a whole did
    brought: UpstreamCommit | None = None


class Conflict(Fact, frozen=True, kw_only=True):
    """A patch that could not be put on top of the prefix before it."""

    patch: PatchName
    paths: tuple[ConflictedPath, ...]
    breakers: tuple[Breaker, ...] = ()
