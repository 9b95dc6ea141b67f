"""Whose fault a red is, and the evidence: what was turned back, and whether it was red still."""

import enum

from forkbot.model.base import Fact
from forkbot.model.probe import Red
from forkbot.model.upstream import UpstreamCommit
from forkbot.words import PatchName, StackName


class Guilty(enum.Enum):
    """Whose fault something is."""

    UPSTREAM = "upstream"  # of the stack that is red
    PATCH = "patch"  # of the stack that is red
    LOWER = "lower fork"  # a stack that the red one is built on: its upstream, or its patch
    COMPONENT = "component"
    DEPENDENCY = "dependency"
    TOOLCHAIN = "toolchain"  # rustc, or wasmtime
    NETWORK = "network"
    FLAKE = "flake"  # asked again, it was green
    UNKNOWN = "unknown"


class Part(enum.Enum):
    """What can be another since all was last green, in the order in which it is turned back.

    What costs the least to turn back comes first.
    """

    DEPENDENCIES = "dependencies"
    COMPONENTS = "components"
    PATCHES = "patches"
    UPSTREAM = "upstream"
    TOOLCHAIN = "toolchain"


class Suspect(Fact, frozen=True, kw_only=True):
    """One part that is not as it was when all was last green."""

    part: Part
    stack: StackName | None = None  # whose; None: the whole family's
    was: str = ""
    now: str = ""
    names: tuple[str, ...] = ()  # what changed of it: patches, dependencies


class Seen(enum.Enum):
    """How the red was under other circumstances."""

    GREEN = "green"
    RED = "red"
    UNTRIED = "not tried"  # it could not be asked so


class Cell(Fact, frozen=True, kw_only=True):
    """One look at a red under other circumstances; where none is another: the same once more."""

    back: tuple[Suspect, ...] = ()  # turned back to how they were
    pristine: bool = False  # upstream's own trees, without any patch
    host: bool = False  # built for this machine, not for the target
    seen: Seen
    why: str = ""
    seconds: float = 0.0


class Attribution(Fact, frozen=True, kw_only=True):
    """Whose fault one red is. A flake is no red any more: it is told all the same."""

    red: Red
    also: tuple[str, ...] = ()  # what else is red of the same cause
    guilty: Guilty
    stack: StackName | None = None  # whose upstream, patch or component
    commit: UpstreamCommit | None = None
    patch: PatchName | None = None  # that is to blame; with upstream: that upstream left behind
    name: str = ""  # a dependency's, a component's
    was: str = ""
    now: str = ""
    why: str = ""  # in one line, of what needs one
    suspects: tuple[Suspect, ...] = ()  # all that is not as it was
    cells: tuple[Cell, ...] = ()
    seconds: float = 0.0

    @property
    def over(self) -> bool:
        """Whether it went well when it was tried again."""
        return self.guilty in (Guilty.FLAKE, Guilty.NETWORK)
