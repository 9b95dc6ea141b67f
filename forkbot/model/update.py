"""What becomes of a stack's files in the stacks repository, known whole before it is written."""

import enum

from forkbot.model.base import Fact
from forkbot.words import BranchName, Oid


class Way(enum.Enum):
    """How a stack's files come to the stacks repository's branch."""

    NOTHING = "nothing"  # it has them already
    PUSH = "push"  # straight
    PULL_REQUEST = "pull-request"
    LEFT = "left"  # as it stands: see `why`


class Update(Fact, frozen=True, kw_only=True):
    """One stack's files on the way to `base`, the stacks repository's own branch."""

    way: Way
    base: BranchName | None = None  # None: it could not be looked at
    branch: BranchName | None = None  # of the pull request
    files: tuple[str, ...] = ()  # that differ from what `base` has
    old: Oid | None = None  # where `branch` (or `base`, for a push) stands: the lease
    new: Oid | None = None  # where it shall stand; None: it is not moved
    url: str = ""  # of the pull request
    why: str = ""
    hint: str = ""  # what to do about `why`
    writes: tuple[str, ...] = ()  # each write in words, in their order
    done: int = 0  # how many of them were made; 0 in a dry run
    exit_code: int = 0
