"""What a run on several machines has to do: which stacks have news, and who proves which."""

from forkbot.model.base import Fact
from forkbot.words import Channel, StackName


class News(Fact, frozen=True, kw_only=True):
    """One stack, and what is new of it in a line; '' when nothing is."""

    stack: StackName
    new: str = ""


class Leg(Fact, frozen=True, kw_only=True):
    """What one machine builds and runs: whole families, for a verdict is about all of one."""

    name: str  # of no two legs the same; fit for a file name
    stacks: tuple[StackName, ...]


class Plan(Fact, frozen=True, kw_only=True):
    """All stacks, and the legs that prove those with news; none when nothing is new."""

    channel: Channel
    stacks: tuple[News, ...]
    legs: tuple[Leg, ...]
    unfinished: str = ""  # how the last run failed: then there is something to do in any case

    @property
    def news(self) -> bool:
        """Whether there is anything to do at all."""
        return bool(self.unfinished) or any(s.new for s in self.stacks)
