"""All that one rebase found, before anybody says what it means: working values, not yet facts."""

import dataclasses
from collections.abc import Mapping

from forkbot.git.merge import Conflicted
from forkbot.model.fate import Fate
from forkbot.model.judgement import Replay
from forkbot.model.place import Place
from forkbot.model.stack import Patch, Stack
from forkbot.rebase.recreate import Change
from forkbot.words import Channel, Oid, PatchName


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """One patch after its merge: on a new commit, empty, in conflict, or behind one."""

    patch: Patch
    fate: Fate  # carried patches say SHIFTED until the export knows better
    before: Oid  # the tree under it
    tree: Oid
    commit: Oid | None = None
    conflict: Conflicted | None = None
    evidence: str = ""
    replays: tuple[Replay, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A rebase as the modules that judge it take it.

    ``changes`` are the patches' trees on ``base``, ``pushed`` the same patches on ``onto``;
    ``files`` are the patch files for ``onto``, by name.
    """

    stack: Stack
    channel: Channel
    base: Place
    onto: Place
    changes: tuple[Change, ...]
    pushed: tuple[Pushed, ...]
    files: Mapping[PatchName, Patch]
    rustc: str | None  # the toolchain's version, when one was looked for
    linear: bool  # base is an ancestor of onto: there are upstream commits in between to speak of

    @property
    def moved(self) -> bool:
        """Whether the base moves."""
        return self.base.commit != self.onto.commit

    @property
    def stopped(self) -> int | None:
        """Return the index of the patch that stopped the series; None when none did."""
        return next((n for n, p in enumerate(self.pushed) if p.conflict is not None), None)

    def rewritten(self, patch: Patch) -> bool:
        """Whether the patch is carried, in a file of other bytes."""
        file = self.files.get(patch.name)
        return file is not None and file.mail != patch.mail
