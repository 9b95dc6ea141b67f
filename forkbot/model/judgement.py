"""What is to be said of a rebase beyond its fates: what still works, what may go, what is odd."""

import enum

from forkbot.model.base import Fact
from forkbot.model.conflict import Breaker
from forkbot.model.place import Place
from forkbot.model.upstream import UpstreamCommit
from forkbot.words import Oid, PatchName


class Checked(enum.Enum):
    """Whether something was built and run, and how that ended."""

    GREEN = "green"
    RED = "red"
    NOT_ASKED = "not asked"


class Floor(Fact, frozen=True, kw_only=True):
    """The newest upstream commit on which the whole stack applies; green too when it was asked."""

    place: Place
    behind: int  # commits of upstream's line from there to onto
    blocked_by: UpstreamCommit | None = None  # the next commit, on which it applies no longer
    verified: Checked = Checked.NOT_ASKED
    why: str = ""  # what verification said


class LaterState(enum.Enum):
    """How a patch behind a conflicted one stands to it, and to upstream."""

    INDEPENDENT = "independent"  # goes on without the conflicted patch
    NEEDS = "needs it"  # edits what the conflicted patch, or one that needs it, wrote
    CONFLICT = "in conflict too"  # with upstream, whatever becomes of the conflicted patch


class Later(Fact, frozen=True, kw_only=True):
    """One patch behind the conflicted one."""

    patch: PatchName
    state: LaterState
    needs: tuple[PatchName, ...] = ()  # patches before it whose lines it edits
    breakers: tuple[Breaker, ...] = ()  # when it is in conflict with upstream itself


class Without(Fact, frozen=True, kw_only=True):
    """The series without its conflicted patch, and without what needs that one."""

    patch: PatchName
    later: tuple[Later, ...]
    series: tuple[PatchName, ...]  # what would be left, in order
    tree: Oid | None = None  # what it would give


class SuspicionKind(enum.Enum):
    """What a patch that applied cleanly now does to lines that upstream added since the base."""

    REMOVES = "removes"
    GATES = "gates out"


class Suspicion(Fact, frozen=True, kw_only=True):
    """Lines of upstream's that are new since the base, and that our patch takes from the build."""

    key: str  # 12 hex digits: the digest of patch, path and lines
    patch: PatchName
    path: str
    line: int  # 1-based, in onto's file
    kind: SuspicionKind
    lines: str
    gate: str = ""  # the new condition over them, as Rust writes it
    by: tuple[UpstreamCommit, ...] = ()
    acknowledged: str = ""  # why it is well, as a person wrote; '' when nobody did


class DriftKind(enum.Enum):
    """What upstream added that a port has to know of."""

    CFG = "cfg"
    THREAD = "thread"
    SOCKET = "socket"
    FILE = "file"


class Drift(Fact, frozen=True, kw_only=True):
    """A line upstream added since the base, in a module the stack touches and does not cover."""

    path: str
    line: int  # 1-based, in onto's file
    kind: DriftKind
    text: str
    by: UpstreamCommit
    patch: PatchName  # the patch that touches the module


class ProposalKind(enum.Enum):
    """Why a patch may be dropped, or partly so, if a person says so."""

    SUPERSEDED = "superseded"  # another change upstream delivers it
    PARTLY = "partly taken"  # upstream has some of its hunks
    CONDITION = "its Drop-When is met"
    STATUS = "its Upstream-Status is reached"  # the pull request or commit it names is in onto


class Proposal(Fact, frozen=True, kw_only=True):
    """A patch that upstream seems to have, wholly or in part: likeness, never proof."""

    kind: ProposalKind
    evidence: str
    commits: tuple[UpstreamCommit, ...] = ()
    likeness: float | None = None  # share of the patch's novel lines that those commits add, 0 to 1
    hunks: int = 0  # of the patch
    taken: int = 0  # of those, how many upstream has


class DropCheck(Fact, frozen=True, kw_only=True):
    """A patch's Drop-When, asked."""

    condition: str
    met: bool | None  # None: it could not be told here, and `evidence` says why
    evidence: str


class Replay(Fact, frozen=True, kw_only=True):
    """A recorded resolution that answered a conflict of this rebase, on an exact match."""

    key: str  # 12 hex digits, its file's name
    path: str
    author: str
    date: str  # YYYY-MM-DD
    tool: str = ""  # the merge driver and its version, where no person but a tool resolved it
