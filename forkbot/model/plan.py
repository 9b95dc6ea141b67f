"""What a run on several machines has to do: which stacks have news, and who proves which."""

from forkbot.model.base import Fact
from forkbot.model.resolution import Resolution
from forkbot.words import Channel, PatchName, StackName

PLAN_VERSION = 1


class News(Fact, frozen=True, kw_only=True):
    """One stack: what is new of it, where it goes, and what people said of it on the forge.

    Whoever proves it has no token to ask the forge with, and upstream may have moved by then.
    """

    stack: StackName
    new: str = ""  # in a line; '' when nothing is
    onto: str = ""  # a commit, on the release channel a version; '' where upstream did not answer
    answers: tuple[Resolution, ...] = ()  # the stack's own and people's, where any were given
    parked: tuple[PatchName, ...] = ()  # patches that people let go
    again: bool = False  # people want it verified again


class Leg(Fact, frozen=True, kw_only=True):
    """What one machine builds and runs: whole families, for a verdict is about all of one."""

    name: str  # of no two legs the same; fit for a file name
    stacks: tuple[StackName, ...]


class Plan(Fact, frozen=True, kw_only=True):
    """All stacks, and the legs that prove those with news; none when nothing is new."""

    channel: Channel
    stacks: tuple[News, ...]
    legs: tuple[Leg, ...]
    version: int = PLAN_VERSION
    unfinished: str = ""  # how the last run failed: then there is something to do in any case

    @property
    def news(self) -> bool:
        """Whether there is anything to do at all."""
        return bool(self.unfinished) or any(s.new for s in self.stacks)
