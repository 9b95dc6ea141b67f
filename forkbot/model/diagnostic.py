"""What rustc said, where, and whose doing it is: of a patch, an upstream commit, a dependency."""

import enum

from forkbot.model.base import Fact
from forkbot.model.upstream import UpstreamCommit
from forkbot.words import PatchName, StackName


class Doer(enum.Enum):
    """Whose doing something is; the likeliest to have caused what was green before first."""

    UPSTREAM = "upstream"
    PATCH = "patch"
    DEPENDENCY = "dependency"  # a package that is none of the family's crates
    COMPONENT = "component"  # a smoke component's own source


class Deed(enum.Enum):
    """What was done to the line in error, or to what the error names."""

    WROTE = "wrote"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    RENAMED = "renamed"
    MOVED = "moved"
    OWNS = "owns"  # a dependency, of which nobody here knows what it was before


class Origin(Fact, frozen=True, kw_only=True):
    """Somebody's part in an error: a patch, a commit since the base, a dependency, a component."""

    doer: Doer
    deed: Deed
    stack: StackName | None = None  # whose patch or upstream; a component's
    patch: PatchName | None = None
    commit: UpstreamCommit | None = None
    dependency: str = ""  # `hyper 1.7.0`
    name: str = ""  # what was changed, removed or renamed; '' where that is a line without a name
    now: str = ""  # how it is called since
    file: str = ""  # where that is to be seen; of what is gone: where it was
    line: int = 0
    change: str = ""  # what was done there, as the lines of a diff; the first few


class Spot(Fact, frozen=True, kw_only=True):
    """A place that rustc points at, and what it says of it."""

    file: str  # as in `Diagnostic.file`
    line: int
    last: int  # its last line
    label: str = ""
    dependency: str = ""  # whose file it is, where that is a dependency's
    named: bool = False  # whether it is where what the error names stands, not the error itself


class Diagnostic(Fact, frozen=True, kw_only=True):
    """One message of rustc, from cargo's JSON; `author` wrote the line, `named` did the rest."""

    level: str  # error, warning
    code: str  # E0425, or ''
    message: str
    package: str
    file: str = ""  # `<stack>/<path in its tree>`, `<package>-<version>/<path>`, `smoke/…`
    line: int = 0
    rendered: str = ""
    dependency: str = ""  # the package that did not compile, where that is none of the family's
    spots: tuple[Spot, ...] = ()  # all places, the error's own first
    names: tuple[str, ...] = ()  # what it names, the most telling first
    called: tuple[str, ...] = ()  # functions called in the code that it is about
    author: Origin | None = None  # None: the line is older than the base
    named: Origin | None = None  # whose doing it is that what the line names is otherwise now
    # the place, among the build's diagnostics, of the error that this one comes of
    follows: int | None = None

    @property
    def origin(self) -> Origin | None:
        """Return the nearest cause, as far as somebody had a part in it since the base.

        Upstream is what has moved since all was green: its commits come before a patch that met
        them, and whoever took away what a line names before who wrote the line. None: nothing here
        explains it, so that it is a toolchain's news, or was red before.
        """
        parts = [part for part in (self.named, self.author) if part is not None]
        return min(parts, key=lambda part: list(Doer).index(part.doer), default=None)
