"""What consumers of the forks get: a patch table, its certificate, and a project tried with it."""

import datetime as dt
import enum
from typing import Literal

from forkbot.model.base import Fact
from forkbot.model.diagnostic import Diagnostic
from forkbot.model.verdict import Colour
from forkbot.words import BranchName, Channel, Oid, PatchName, StackName


class By(enum.Enum):
    """What an entry holds a fork at: its exact commit, its branch, or a tag at that commit."""

    REVISION = "revision"
    BRANCH = "branch"
    TAG = "tag"


class Certificate(Fact, frozen=True, kw_only=True):
    """One fork in the table, and what was proven of it, with the others as they are."""

    stack: StackName
    crate: str
    git: str
    by: By
    value: str
    branch: BranchName
    commit: Oid  # the fork branch's tip, seen now
    base: Oid
    base_label: str
    patches: tuple[PatchName, ...]
    builds: tuple[str, ...]
    components: tuple[str, ...]
    rustc: str
    wasmtime: str
    key: str  # of the verdict
    judged_at: dt.datetime | None  # None: from before that was kept


class Unproven(Fact, frozen=True, kw_only=True):
    """A stack that cannot be in the table, why, and the command that mends it."""

    stack: StackName
    why: str
    next: str


class CargoPatch(Fact, frozen=True, kw_only=True):
    """The table; without text where a stack that belongs in it is unproven."""

    channel: Channel
    target: str
    crates: tuple[Certificate, ...]
    unproven: tuple[Unproven, ...] = ()
    table: str = ""  # TOML, the certificate as comments
    red_since: str = ""  # what a later run here found red of the same commits, in one line

    @property
    def proven(self) -> bool:
        """Whether all that belongs in the table is in it."""
        return not self.unproven


class Use(enum.Enum):
    """What became of one fork in a project's crate graph."""

    PATCHED = "patched"
    NOT_NEEDED = "not needed"
    NOT_PATCHED = "not patched"


class CrateUse(Fact, frozen=True, kw_only=True):
    """One crate of the table in a project: the fork's, nobody's, or some other copy and why."""

    crate: str
    use: Use
    version: str = ""  # of the fork, where cargo read it
    why: str = ""
    way: str = ""  # from the project down to the copy that is not the fork's


class Fix(Fact, frozen=True, kw_only=True):
    """A command for the project's folder, and whether it helped in a copy of the project."""

    command: str
    helped: bool
    why: str = ""  # cargo's, where it did not


class ProjectCheck(Fact, frozen=True, kw_only=True):
    """A consumer's project resolved and built with the table, in a copy of it."""

    manifest: str
    packages: tuple[str, ...]  # that were built
    has_table: Literal["yes", "no", "another"]  # the project's own manifest
    crates: tuple[CrateUse, ...] = ()
    fixes: tuple[Fix, ...] = ()
    built: Colour = Colour.HELD
    seconds: float = 0.0
    why: str = ""  # not resolved, not built
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def green(self) -> bool:
        """Whether the project as it is gets every fork it needs, and builds with them."""
        patched = all(c.use is not Use.NOT_PATCHED for c in self.crates)
        return patched and not self.fixes and self.built is Colour.GREEN


class CargoPatchAnswer(Fact, frozen=True, kw_only=True):
    """What the command says: the table, and the project it was checked on."""

    patch: CargoPatch
    check: ProjectCheck | None = None
