"""Answers from the forge, taken into the rebase: as far as they go, at the newest they carry to."""

import dataclasses
from collections.abc import Iterable, Iterator

import msgspec

from forkbot.attempt import Attempt
from forkbot.browser.branch import HEADS, folder_of, is_conflicts, names_of
from forkbot.browser.reading import NO_FURTHER, Reader, Reading
from forkbot.forge.base import Forks
from forkbot.git.remote import RefUpdate
from forkbot.model.conflictbranch import BranchState, ConflictBranch
from forkbot.model.place import Place
from forkbot.model.stack import Stack
from forkbot.rebase.engine import Rebased
from forkbot.session import Session
from forkbot.words import Oid, PatchName


def take_answers(attempt: Attempt, *, session: Session, forks: Forks, fixed: bool) -> None:
    """Look what people did with the branches of a stack in conflict, and rebase with that.

    ``fixed``: a person said where to go, so that no answer leads elsewhere. What stays in conflict
    is planned to be laid out; nothing is written.
    """
    if attempt.conflict is not None:
        if attempt.said.refs is None:
            attempt.said.refs = conflict_refs(attempt, session=session, forks=forks)
        _Taking(attempt=attempt, session=session, forks=forks, fixed=fixed).go()


def conflict_refs(
    attempt: Attempt, *, session: Session, forks: Forks, there: bool = False
) -> dict[str, Oid]:
    """Return the refs of all conflicts of the stack; ``there``: its fork is known to be."""
    stack = attempt.stack
    if not there and not forks.exists(stack.policy.fork.repo):
        return {}
    found = forks.remote(stack.policy.fork.repo).refs(f"{folder_of(stack.name)}*")
    return {r: oid for r, oid in found.items() if is_conflicts(r, stack.name, session.channel)}


class _Taking:
    """One stack, with each answer that is found."""

    def __init__(self, *, attempt: Attempt, session: Session, forks: Forks, fixed: bool) -> None:
        assert attempt.rebased is not None
        self.attempt = attempt
        self.session = session
        self.remote = forks.remote(attempt.stack.policy.fork.repo)
        self.fixed = fixed
        self.newest = attempt.rebased.facts.onto
        self.stack = attempt.stack
        self.taken: list[PatchName] = []

    def go(self) -> None:
        """Take answers for as long as there are any."""
        while (reading := self._next()) is not None:
            if reading.state is not BranchState.TAKEN or not self._take(reading):
                self._keep(reading)
                return

    def _next(self) -> Reading | None:
        """Return how the branch of the present conflict stands; an answer elsewhere comes before.

        Upstream may have moved so that another patch is in conflict now: what a person answered
        is not lost for that.
        """
        assert self.attempt.rebased is not None
        facts = self.attempt.rebased.facts
        if facts.conflict is None:
            return None
        here = facts.conflict.patch
        reading = self._read(here, facts.onto)
        if reading.state is BranchState.TAKEN and here not in self.taken:
            return reading
        for patch in self.stack.patches:
            if patch.name != here and patch.name not in self.taken and self._has_branch(patch.name):
                other = self._read(patch.name, facts.onto)
                if other.state is BranchState.TAKEN:
                    return other
        return reading

    def _has_branch(self, patch: PatchName) -> bool:
        refs = names_of(self.stack.name, self.session.channel, patch).refs
        assert self.attempt.said.refs is not None
        return any(ref in self.attempt.said.refs for ref in refs)

    def _read(self, patch: PatchName, onto: Place) -> Reading:
        attempt = self.attempt
        assert attempt.rebased is not None
        assert attempt.located is not None
        assert attempt.repository is not None
        assert attempt.said.refs is not None
        reader = Reader(
            stack=self.stack, base=attempt.rebased.facts.base, located=attempt.located,
            repository=attempt.repository, refs=attempt.said.refs, remote=self.remote,
            session=self.session,
        )  # fmt: skip
        return reader.read(patch, onto=onto)

    def _take(self, reading: Reading) -> bool:
        """Rebase with an answer; return whether it leads any further."""
        stack = msgspec.structs.replace(self.stack, resolutions=reading.answers)
        places = [self.newest] if self.fixed else [self.newest, reading.onto]
        known = [*self.taken, reading.patch]
        found = [r for r in self._rebased(stack, places) if _stop(r) not in known]
        if not found:
            return False
        said = self.attempt.said
        # the newest at which all of it applies, else the newest at which this answer carries
        self.attempt.rebased = next((r for r in found if _stop(r) is None), found[0])
        self.stack, self.taken = stack, known
        said.taken = (*said.taken, self._branch(reading))
        said.answers = reading.answers
        return True

    def _rebased(self, stack: Stack, places: Iterable[Place]) -> Iterator[Rebased]:
        assert self.attempt.again is not None
        for place in dict.fromkeys(places):
            yield self.attempt.again(stack, place)

    def _keep(self, reading: Reading) -> None:
        """Leave a branch as it stands, or plan how it is laid out."""
        if reading.state is BranchState.TAKEN:
            reading = dataclasses.replace(reading, state=BranchState.STALE, why=NO_FURTHER)
        branch = self._branch(reading)
        if reading.state is BranchState.OPEN:
            self.attempt.said.updates = tuple(self._updates(reading))
            writes = tuple(map(_words, self.attempt.said.updates))
            branch = msgspec.structs.replace(branch, tip=reading.commit, writes=writes)
        self.attempt.said.branch = branch

    def _updates(self, reading: Reading) -> Iterator[RefUpdate]:
        """Yield what brings both branches to the conflict as it is today, each with its lease."""
        assert self.attempt.said.refs is not None
        refs = names_of(self.stack.name, self.session.channel, reading.patch).refs
        for ref, new in zip(refs, (reading.commit, reading.top), strict=True):
            old = self.attempt.said.refs.get(ref)
            if old != new:
                yield RefUpdate(ref=ref, expected=old, new=new)

    def _branch(self, reading: Reading) -> ConflictBranch:
        names = names_of(self.stack.name, self.session.channel, reading.patch)
        return ConflictBranch(
            patch=reading.patch, repo=self.stack.policy.fork.repo, branch=names.head,
            base_branch=names.base, onto=reading.onto, state=reading.state, tip=reading.tip,
            place=self.remote.shown, why=reading.why, undecided=reading.undecided,
            besides=reading.besides, author=reading.author, resolutions=reading.keys,
        )  # fmt: skip


def _stop(rebased: Rebased) -> PatchName | None:
    return rebased.facts.conflict.patch if rebased.facts.conflict else None


def _words(update: RefUpdate) -> str:
    name = update.ref.removeprefix(HEADS)
    new = update.new[:12] if update.new else "nothing"
    return f"{name}: {update.expected[:12]} → {new}" if update.expected else f"{name}: {new}"
