"""What publishing one fork branch does, known whole before anything is written."""

import enum

from forkbot.model.base import Fact
from forkbot.words import BranchName, Oid


class Move(enum.Enum):
    """What a publication does to the fork branch."""

    NOTHING = "nothing"  # it is already there
    CREATE = "create"
    UPDATE = "update"
    REFUSED = "refused"  # a person's work is in the way, or the other side declined: see `why`
    HELD = "held"  # not publishable: see `why`


class Recovery(Fact, frozen=True, kw_only=True):
    """A tag that keeps an overwritten tip reachable."""

    ref: str
    oid: Oid


class Publication(Fact, frozen=True, kw_only=True):
    """One fork branch: from `old` (the lease) to `new`, `old` kept under `recovery`."""

    repo: str
    branch: BranchName
    move: Move
    place: str = ""  # where git reaches the fork, as it may be shown; '' when it is not there
    old: Oid | None = None
    new: Oid | None = None
    recovery: str = ""  # the tag that keeps `old` reachable
    retired: tuple[Recovery, ...] = ()  # older ones that go with the push, as the policy says
    left_out: int = 0  # files of upstream's .github/workflows
    why: str = ""
    hint: str = ""  # what to do about `why`
    outrun: bool = False  # the lease was lost: somebody was quicker, and the next run sees who
    unread: str = ""  # the patch that a tool merged and no person has read, where that holds it
    done: bool = False  # False in a dry run

    @property
    def writes(self) -> bool:
        """Whether carrying it out changes the forge."""
        return self.move in (Move.CREATE, Move.UPDATE)
