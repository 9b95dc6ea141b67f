"""What verification says: built, ran, and what the tools reported, as plain facts."""

import datetime as dt
import enum

import msgspec

from forkbot.model.attribution import Attribution
from forkbot.model.base import Fact
from forkbot.model.diagnostic import Diagnostic
from forkbot.words import Channel, Pin, StackName


class Colour(enum.Enum):
    """Green: as it must be. Red: not. Held: not tried, because of what `why` says.

    News: a canary does another thing than it did. That is told, and no trouble of the stack's.
    """

    GREEN = "green"
    RED = "red"
    HELD = "held"
    NEWS = "news"


class How(enum.Enum):
    """How a component came to its end, or that it did not."""

    ENDED = "ended"
    HUNG = "hung"  # it was ended at its limit
    UNBUILT = "unbuilt"  # it could not be built, and never ran


class Build(Fact, frozen=True, kw_only=True):
    """One package with one feature set, built for the target."""

    stack: StackName
    package: str
    features: tuple[str, ...]
    default_features: bool
    colour: Colour
    units: int  # compiled or fresh units of the family in this build; 0 is a failure
    seconds: float
    why: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()


class Smoke(Fact, frozen=True, kw_only=True):
    """One case of a component under wasmtime: with the stacks, or on pristine upstream as control.

    A component that does not build is one such fact, without a case.
    """

    stack: StackName
    name: str
    case: str = ""
    pristine: bool
    canary: bool = False  # runs for the news: whatever it does is no trouble
    declared: str = ""  # what its red must say; '' where it must be green
    how: How = How.ENDED
    colour: Colour  # whether it did what it must, control included
    ran_green: bool  # what the component itself did
    exit_code: int | None
    seconds: float
    why: str = ""
    output: str = ""  # the last lines of stdout and stderr
    diagnostics: tuple[Diagnostic, ...] = ()  # errors, of one that does not build with the stacks

    @property
    def told(self) -> str:
        """Return the component's name, and the case's: `client/by-name`."""
        return f"{self.name}/{self.case}" if self.case else self.name


class FamilyMember(Fact, frozen=True, kw_only=True):
    """Which result of which stack was part of a verification."""

    stack: StackName
    label: str
    tip: str
    tree: str


class Verdict(Fact, frozen=True, kw_only=True):
    """The family's verification on one channel."""

    channel: Channel
    key: str  # digest of everything that went in
    target: str
    rustc: str
    wasmtime: str
    members: tuple[FamilyMember, ...]
    builds: tuple[Build, ...]
    smokes: tuple[Smoke, ...]
    problems: tuple[str, ...] = ()  # a patch not used, a second copy, and the like
    attributions: tuple[Attribution, ...] = ()  # of each red whose fault it is; of flakes, too
    # what each took from crates.io
    dependencies: dict[StackName, tuple[Pin, ...]] = msgspec.field(default_factory=dict)
    # how those are others than when the same was green before, or why nobody could look; '' else
    dependencies_said: str = ""
    # of canaries, each in a line, where the verdict is reused and has no runs of theirs
    known_news: dict[StackName, tuple[str, ...]] = msgspec.field(default_factory=dict)
    reused: bool = False  # the same question was answered before; nothing was built
    judged_at: dt.datetime | None = None  # None: an older answer, and no record says from when

    @property
    def green(self) -> bool:
        """Whether all that was tried did what it must, and something was tried at all."""
        tried = [b for b in self.builds if b.colour is not Colour.HELD]
        return (
            not self.problems
            and bool(tried)
            and all(b.colour is Colour.GREEN for b in tried)
            and all(s.colour is not Colour.RED for s in self.smokes)
        )

    def news_of(self, stack: StackName) -> tuple[str, ...]:
        """Return a line for each canary of a stack's that does another thing than it did."""
        ran = (s for s in self.smokes if s.stack == stack and s.colour is Colour.NEWS)
        return (*self.known_news.get(stack, ()), *(f"{s.told}: {s.why}" for s in ran))

    @property
    def news(self) -> dict[StackName, tuple[str, ...]]:
        """Return the news of each stack that has any."""
        names = dict.fromkeys((*self.known_news, *(s.stack for s in self.smokes)))
        return {name: told for name in names if (told := self.news_of(name))}

    def red_for(self, stack: StackName) -> bool:
        """Return whether something of a stack is red; what was not tried is not."""
        colours = [b.colour for b in self.builds if b.stack == stack]
        colours += [s.colour for s in self.smokes if s.stack == stack]
        return bool(self.problems) or Colour.RED in colours

    def green_for(self, stack: StackName) -> bool:
        """Whether ``stack``'s own builds and runs did what they must."""
        builds = [b for b in self.builds if b.stack == stack]
        smokes = [s for s in self.smokes if s.stack == stack]
        return (
            not self.problems
            and bool(builds)
            and all(b.colour is Colour.GREEN for b in builds)
            and all(s.colour is not Colour.RED for s in smokes)
        )
