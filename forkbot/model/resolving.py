"""A resolution on its way: what is open, what is still missing, and how it ended."""

import enum

from forkbot.model.base import Fact
from forkbot.model.conflict import Conflict
from forkbot.model.conflictbranch import Undecided
from forkbot.model.judgement import Replay
from forkbot.model.place import Place
from forkbot.model.record import RunRecord
from forkbot.model.resolution import Resolution
from forkbot.words import Channel, Oid, PatchName, StackName

STANDING_VERSION = 1


class Step(enum.Enum):
    """Where a resolution stands; each can be taken up again after a kill."""

    LAYING_OUT = "laying out"  # the answers so far are kept; the folder is not what it should be
    OPEN = "open"  # the person's turn
    FINISHING = "finishing"  # all is answered; the stack's files may be written already


class Standing(Fact, frozen=True, kw_only=True):
    """All that a resolution is, kept inside its own folder."""

    version: int = STANDING_VERSION
    stack: StackName
    upstream: str  # where upstream's repository is: a URL or a path
    channel: Channel
    base: Place
    onto: Place
    files: str  # digest of the stack's files it began with
    step: Step
    answers: tuple[Resolution, ...] = ()  # given since it began
    patch: PatchName | None = None
    head: Oid | None = None  # what is checked out
    tree: Oid | None = None  # what was laid out on it


class LaidPath(Fact, frozen=True, kw_only=True):
    """One conflicted path in the folder."""

    path: str
    what: str  # what lies there
    lines: tuple[int, ...] = ()  # of its first markers, in the folder's file
    filled: int = 0  # regions that a recorded resolution answers already
    todo: str = ""  # commands, where an edit alone decides nothing


class OpenConflict(Fact, frozen=True, kw_only=True):
    """A conflict that waits for a person."""

    stack: StackName
    channel: Channel
    onto: Place
    patch: PatchName
    number: int  # of the patch in the series, from 1
    patches: int
    folder: str
    conflict: Conflict
    paths: tuple[LaidPath, ...]
    replays: tuple[Replay, ...] = ()  # recorded resolutions that are laid out already
    undecided: tuple[Undecided, ...] = ()
    aside: tuple[str, ...] = ()  # files of the person's that were moved out of the way
    untracked: tuple[str, ...] = ()  # files that will not be taken


class Resolved(Fact, frozen=True, kw_only=True):
    """The end of a resolution: nothing was open, or everything is answered."""

    stack: StackName
    channel: Channel
    record: RunRecord | None = None  # None: there was nothing to resolve
    replays: tuple[Replay, ...] = ()  # when recorded resolutions answer all there is
    resolutions: tuple[str, ...] = ()  # files that keep the answers
    kept: str = ""  # where work of the person's lies that is part of nothing
