"""What people did with a conflict's branch: nothing, half of it, an answer, or something else.

Whose a commit is, its committer line says, as on a fork branch. What a branch answers is not
believed but made again: the series stops on the same commit today, or it is another question.
"""

import dataclasses
from collections.abc import Iterator, Mapping

from forkbot.attempt import driver_of, lockfiles_of
from forkbot.browser.branch import (
    KEEP,
    LaidFrom,
    ground_of,
    laid_from,
    lay_commit,
    names_of,
    note_path,
    told_in,
)
from forkbot.git.remote import Remote
from forkbot.git.repository import Repository
from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.laid import undecided
from forkbot.locate import Located, place_at
from forkbot.model.conflictbranch import BranchState, Undecided
from forkbot.model.order import ORDER_LABELS, Order
from forkbot.model.place import Place
from forkbot.model.resolution import Resolution
from forkbot.model.stack import Stack
from forkbot.publish import foreign_commits
from forkbot.rebase.answer import answer_of, files_digest, with_answer
from forkbot.rebase.export import COMMITTER
from forkbot.rebase.resolutions import Provenance
from forkbot.rebase.stuck import Stuck, stuck_at
from forkbot.session import Session
from forkbot.text import decode, visible
from forkbot.words import Oid, PatchName

_DELETED = "a person deleted its branch: it is laid out again when the conflict is another one"
_STRAY = (
    "commit {} came in beside the conflict, by a merge or a rebase, and would become part of the "
    "patch: take it out, or delete the branch to begin anew"
)
_REBASED = (
    "it does not stand on what forkbot laid out any more: put the commits back on it, or delete "
    "both branches to begin anew"
)
_AGAIN = "delete both branches, and the conflict is laid out as it is now"
_FILES_CHANGED = f"the stack's patches changed since it was laid out: {_AGAIN}"
_OTHER_QUESTION = f"the conflict is another one than what was laid out: {_AGAIN}"
NO_FURTHER = f"the patch is in conflict with that answer, too: {_AGAIN}"
_NOTHING_LEFT = (
    "as it stands nothing is left of the patch: if it shall go, the label "
    f"`{ORDER_LABELS[Order.SKIP_PATCH].name}` says so"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a branch stands, and what it answers."""

    patch: PatchName
    state: BranchState
    onto: Place  # what it was laid out on
    tip: Oid | None = None
    commit: Oid | None = None  # of an open one: how the conflict is laid out today
    top: Oid | None = None  # of an open one: the series up to the conflict
    why: str = ""
    undecided: tuple[Undecided, ...] = ()
    besides: tuple[str, ...] = ()
    author: str = ""
    keys: tuple[str, ...] = ()
    answers: tuple[Resolution, ...] = ()  # all of the stack's, with this one


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A stack with what is answered of it so far, and the refs of its conflicts in the fork."""

    stack: Stack
    base: Place
    located: Located
    repository: Repository  # lent
    refs: Mapping[str, Oid]
    remote: Remote
    session: Session

    def read(self, patch: PatchName, *, onto: Place) -> Reading:
        """Return how the branch of a patch stands that is in conflict on ``onto``, or was."""
        stuck = self._stuck(onto)
        commit = top = None
        if stuck is not None and stuck.patch == patch:
            top = ground_of(stuck, self.stack, repository=self.repository)
            commit = lay_commit(
                stuck, self.stack, channel=self.session.channel, base=self.base, onto=onto,
                repository=self.repository,
            )  # fmt: skip
        head, base = map(self.refs.get, names_of(self.stack.name, self.session.channel, patch).refs)
        # whoever merges the pull request has their answer in its base
        for tip in (head, base):
            if tip is None or tip in (commit, top):
                continue
            self.remote.fetch(self.repository, tip)
            if foreign_commits(self.repository, tip):
                return self._persons(patch, tip, onto=onto)
        if head is None and base is not None and base == top:
            return Reading(patch=patch, state=BranchState.DELETED, onto=onto, why=_DELETED)
        return Reading(
            patch=patch, state=BranchState.OPEN, onto=onto, tip=head, commit=commit, top=top
        )

    def _stuck(self, onto: Place) -> Stuck | None:
        return stuck_at(
            self.stack, repository=self.repository, channel=self.session.channel, base=self.base,
            onto=onto, lockfiles=lockfiles_of(self.session), driver=driver_of(self.session),
        )  # fmt: skip

    def _persons(self, patch: PatchName, tip: Oid, *, onto: Place) -> Reading:
        """Read a branch with a person's commits on it."""
        laid = [c for c in self._own_commits(tip) if c.laid is not None]
        author, date = self._author(tip)
        told = Reading(patch=patch, state=BranchState.STALE, onto=onto, tip=tip, author=author)
        for place in self._places(laid):
            stuck = self._stuck(place)
            if stuck is None or stuck.patch != patch:
                continue
            ground = ground_of(stuck, self.stack, repository=self.repository)
            anchor = next((c for c in laid if c.parents == (ground,)), None)
            if anchor is None:
                continue
            told = dataclasses.replace(told, onto=place)
            if stray := self._stray(tip, anchor.oid, ground):
                why = _STRAY.format(stray[:12])
                return dataclasses.replace(told, state=BranchState.FOREIGN, why=why)
            return self._answer(told, stuck, tip, date=date)
        state, why = self._no_question(laid)
        return dataclasses.replace(told, state=state, why=why)

    def _no_question(self, laid: list["_Commit"]) -> tuple[BranchState, str]:
        """Return why what a person did is no answer to anything that is asked today."""
        files = files_digest(self.stack, self.session.channel)
        if not any(c.committer == COMMITTER for c in laid):
            return BranchState.FOREIGN, _REBASED
        if not any(c.laid is not None and c.laid.files == files for c in laid):
            return BranchState.STALE, _FILES_CHANGED
        return BranchState.STALE, _OTHER_QUESTION

    def _own_commits(self, tip: Oid) -> Iterator["_Commit"]:
        """Yield the commits that upstream has not, newest first."""
        said = self.repository.git(
            "log", "-z", "--format=%H%n%P%n%cn <%ce>%n%B", "--not", "--branches", "--tags", "--not",
            "--end-of-options", tip,
        )  # fmt: skip
        for entry in filter(None, said.stdout.decode(errors="replace").split("\0")):
            oid, parents, committer, message = entry.split("\n", 3)
            yield _Commit(
                oid=Oid(oid), parents=tuple(map(Oid, parents.split())), committer=committer,
                laid=laid_from(message),
            )  # fmt: skip

    def _author(self, tip: Oid) -> tuple[str, str]:
        said = self.repository.git("show", "-s", "--format=%as%n%an", tip)
        date, _, name = said.stdout.decode(errors="backslashreplace").partition("\n")
        return " ".join(visible(name).split()) or "nobody", date

    def _places(self, laid: list["_Commit"]) -> Iterator[Place]:
        """Yield where the question may have been asked."""
        for oid in dict.fromkeys(c.laid.onto for c in laid if c.laid is not None):
            place = place_at(self.stack, oid, located=self.located, channel=self.session.channel)
            if place is not None:
                yield place

    def _stray(self, tip: Oid, anchor: Oid, head: Oid) -> str:
        """Return a commit that came by another way than on top of the conflict; '' for none.

        All that differs from the conflict becomes the patch, what a merge brought in too.
        """
        git = self.repository.git
        whole = git("rev-list", f"^{head}", tip).stdout.decode().split()
        ours = git("rev-list", "--ancestry-path", f"^{anchor}", tip).stdout.decode().split()
        return next((oid for oid in whole if oid != anchor and oid not in set(ours)), "")

    def _answer(self, told: Reading, stuck: Stuck, tip: Oid, *, date: str) -> Reading:
        """Read the tip as an answer."""
        lent = self.repository
        with Workbench(lent) as bench:
            note = note_path(stuck, bench=bench)
            tree = bench.objects.tree(tip)
            text = bench.trees.content(bench.trees.find(tree, note))
            theirs = bench.trees.edit(tree, {note: None, **self._left_out(stuck, tree, bench)})
        assert theirs is not None, "to take a file away needs no folder"
        missing = undecided(
            stuck, theirs, told=told_in(text, stuck, lent=lent), keep=KEEP, lent=lent
        )
        if missing:
            why = "; ".join(f"{u.where}: {u.what}" for u in missing)
            return dataclasses.replace(
                told, state=BranchState.HALF_DONE, undecided=missing, why=f"half done: {why}"
            )
        by = Provenance(author=told.author, date=date, channel=self.session.channel, onto=told.onto)
        answer = answer_of(stuck, theirs, by, repository=lent)
        told = dataclasses.replace(told, besides=tuple(decode(p) for p in answer.besides))
        if answer.empty:
            return dataclasses.replace(told, state=BranchState.EMPTY, why=_NOTHING_LEFT)
        return dataclasses.replace(
            told,
            state=BranchState.TAKEN,
            keys=tuple(r.key for r in answer.resolutions),
            answers=with_answer(self.stack.resolutions, stuck, answer.resolutions),
        )

    def _left_out(self, stuck: Stuck, tree: Oid, bench: Workbench) -> dict[bytes, Entry]:
        """Return upstream's workflows that were not laid out, for nobody took them away."""
        ground = ground_of(stuck, self.stack, repository=self.repository)
        if ground == stuck.head:
            return {}
        bare = bench.objects.tree(ground)
        whole = bench.objects.tree(stuck.head)
        return {
            path: entry
            for path, _, entry in bench.trees.changes(bare, whole)
            if entry is not None and bench.trees.find(tree, path) is None
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Commit:
    oid: Oid
    parents: tuple[Oid, ...]
    committer: str
    laid: LaidFrom | None  # of a commit that lays a conflict out, or was made of one
