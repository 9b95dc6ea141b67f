"""What each patch is there for, found out by leaving it out: built and run as ever, but for it."""

import enum

from forkbot.model.base import Fact
from forkbot.model.diagnostic import Diagnostic
from forkbot.words import PatchName


class RedKind(enum.Enum):
    """Where the family first turned red."""

    GRAPH = "dependencies"  # cargo resolves none, or leaves a patched crate out of the graph
    BUILD = "build"
    SMOKE = "smoke"
    WARNING = "warning"  # all is green, and rustc warns of what it did not before


class Red(Fact, frozen=True, kw_only=True):
    """The first thing that was red without a patch; what comes after it was not tried."""

    kind: RedKind
    stack: str  # whose build or component it is: often one that is built on the patch's stack
    name: str  # the package or the component; '' for the graph, which is the whole family's
    why: str  # in one line
    errors: tuple[Diagnostic, ...] = ()  # rustc's, the first few
    more_errors: int = 0  # how many were left out of `errors`
    output: str = ""  # what the component said; rustc's errors, when it is one that does not build
    unexplained: bool = False  # cargo failed, no compiler says why: the machine's doing?


class ProbeAnswer(Fact, frozen=True, kw_only=True):
    """One patch left out: whether anything that is built and run here misses it.

    A patch that is not needed may go, or lacks a smoke component that is red without it: which of
    the two, a person knows.
    """

    patch: PatchName
    hunk: str = ""  # file and line of the one hunk that was left out; '': all of the patch
    needed: bool
    why: str  # in one line; '' when nothing misses it
    excuse: str = ""  # why nothing can miss this hunk
    unknown: str = ""  # why nobody knows whether it is needed: what cargo said, asked twice
    red: Red | None = None  # None: all stayed green, or the answer is remembered
    without: tuple[PatchName, ...] = ()  # left out with it: later ones that do not apply without it
    needed_by: tuple[PatchName, ...] = ()  # of those, the needed ones: the red may be theirs
    seconds: float = 0.0
    remembered: bool = False  # stack.lock knew; the same question was answered before
