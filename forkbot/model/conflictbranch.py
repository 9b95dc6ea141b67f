"""A conflict put where people can answer it: a branch of the fork, and what became of it there."""

import enum

from forkbot.model.base import Fact
from forkbot.model.place import Place
from forkbot.words import BranchName, Oid, PatchName


class Undecided(Fact, frozen=True, kw_only=True):
    """What still stands in the way of taking an answer."""

    where: str  # file, or file:line
    what: str
    hint: str


class BranchState(enum.Enum):
    """How a conflict's branch stands. Nobody's commits are ever overwritten."""

    OPEN = "open"  # laid out as the conflict is now, and nobody has touched it
    HALF_DONE = "half done"  # a person's commits, and something is still to decide
    TAKEN = "taken"  # a person's commits are the patch now
    EMPTY = "empty"  # a person's commits leave nothing of the patch: that is said by a command
    STALE = "stale"  # a person's commits, and the question is another one by now
    FOREIGN = "foreign"  # a person's commits, among others that would become part of the patch
    DELETED = "deleted"  # by a person: left so until the conflict is another one
    REFUSED = "refused"  # it could not be laid out


class ConflictBranch(Fact, frozen=True, kw_only=True):
    """One patch's conflict as a branch: the series up to it, then one commit with its markers.

    ``base_branch`` is the series up to it alone, so that a pull request between the two shows the
    conflict and nothing else.
    """

    patch: PatchName
    repo: str
    branch: BranchName
    base_branch: BranchName
    onto: Place  # what it was laid out on
    state: BranchState
    tip: Oid | None = None  # of ``branch``; None where there is none
    place: str = ""  # where git reaches the fork, as it may be shown
    why: str = ""  # what stands in the way, or what was done, in one sentence
    undecided: tuple[Undecided, ...] = ()
    besides: tuple[str, ...] = ()  # files that the conflict did not ask about, and a person changed
    author: str = ""  # whose commit the tip is, where it is a person's
    resolutions: tuple[str, ...] = ()  # keys of the answers that were taken from it
    writes: tuple[str, ...] = ()  # each ref that moves, in words
    done: bool = False  # whether they did; False in a dry run


class Cleared(Fact, frozen=True, kw_only=True):
    """A branch of a conflict that is over: nobody needs it any more."""

    repo: str
    branch: BranchName
    tip: Oid
    recovery: str = ""  # the tag that keeps what people committed there; '' where there is nothing
    done: bool = False  # False in a dry run, and while the stack's files may still need it
