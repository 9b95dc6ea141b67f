"""A conflict taken to a person and back: lay it out, take the answer, go on with the series.

Nothing but answers is ever kept: the series is rebased anew each time, with all that was answered
so far, so a kill at any point costs nothing. An answer counts as soon as it is in the folder's
state; from then on the same engine that will replay it elsewhere carries it here.
"""

import contextlib
import dataclasses
import time

import msgspec

from forkbot.attempt import Attempt, attempt_rebase, driver_of, lockfiles_of
from forkbot.errors import MachineError, UsageError
from forkbot.git.identity import author_name
from forkbot.git.repository import Repository, sealed_env
from forkbot.hold import suspicious
from forkbot.laid import lay_facts, undecided
from forkbot.locate import Aim
from forkbot.model.conflictbranch import Undecided
from forkbot.model.resolving import OpenConflict, Resolved, Standing, Step
from forkbot.model.stack import Stack
from forkbot.rebase.answer import answer_of, files_digest, with_answer
from forkbot.rebase.engine import Rebased, rebase
from forkbot.rebase.resolutions import Provenance
from forkbot.rebase.stuck import Stuck, stuck_at
from forkbot.recording import record_of
from forkbot.report.pages import pages
from forkbot.resolvedir import ResolveFolder
from forkbot.rundir import RunDirectory
from forkbot.session import Session
from forkbot.stackdir.load import load_family, select
from forkbot.stackdir.resolutions import file_name
from forkbot.text import decode
from forkbot.verify.toolchain import Toolchain, find_toolchain
from forkbot.words import Channel, Oid
from forkbot.writing import answer_changes_of, write_changes, write_files_of

Outcome = OpenConflict | Resolved


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One stack's resolution: what it is about, where it lies, who asks."""

    session: Session
    stack: Stack
    folder: ResolveFolder

    def answered(self, standing: Standing) -> Stack:
        """Return the stack with all that is answered so far."""
        return msgspec.structs.replace(self.stack, resolutions=standing.answers)

    def stuck(self, standing: Standing, repository: Repository) -> Stuck | None:
        """Return where the series stops now."""
        return stuck_at(
            self.answered(standing), repository=repository, channel=standing.channel,
            base=standing.base, onto=standing.onto, lockfiles=lockfiles_of(self.session),
            driver=driver_of(self.session),
        )  # fmt: skip

    def rebased(self, standing: Standing, repository: Repository) -> Rebased:
        """Return the whole rebase as it comes out now."""
        return rebase(
            self.answered(standing), repository=repository, channel=standing.channel,
            base=standing.base, onto=standing.onto, lockfiles=lockfiles_of(self.session),
            driver=driver_of(self.session),
        )  # fmt: skip

    def lent(self) -> contextlib.AbstractContextManager[Repository]:
        """Lend the folder's repository; a dry run leaves nothing in it."""
        dry = self.session.dry_run
        return self.folder.tree.repository(scratch=self.session.scratch if dry else None)


def resolve(session: Session, name: str, *, aim: Aim) -> Outcome:
    """Lay the first conflict of a stack out, or show how an open one stands."""
    with session.alone():
        desk = _desk(session, name)
        standing = desk.folder.read()
        if standing is None:
            return _begin(desk, aim)
        _check_unmoved(desk, standing, asked=(aim.onto, aim.base, aim.upstream))
        if standing.step is Step.OPEN:
            return _shown(desk, standing)
        return _advance(desk, standing)


def go_on(session: Session, name: str, *, empty: bool) -> Outcome:
    """Take what lies in the folder as the patch's answer, and go on with the series.

    ``empty`` confirms an answer that leaves nothing of the patch.
    """
    with session.alone():
        desk = _desk(session, name)
        standing = _open(desk)
        _check_unmoved(desk, standing)
        if standing.step is not Step.OPEN:
            return _advance(desk, standing)
        by = author_name(session.root, ambient=session.ambient)
        with desk.lent() as repository:
            taken = _take(desk, standing, repository, author=by, empty=empty)
        if isinstance(taken, OpenConflict):
            return taken
        return _advance(desk, taken)


def abort(session: Session, name: str) -> str:
    """Close an open resolution; return where the folder is kept when the person worked in it."""
    with session.alone():
        desk = _desk(session, name)
        folder = desk.folder
        if not folder.path.exists():
            raise _nothing_open(name)
        try:
            standing = folder.read()
            worked = standing is None or _worked(desk, standing)
        except (UsageError, MachineError):
            worked = True  # who knows what is in there
        if session.dry_run:
            return ""
        if worked:
            return str(folder.keep("aborted").relative_to(session.root))
        folder.remove()
        return ""


def _desk(session: Session, name: str) -> Desk:
    stack = select(load_family(session.root, session.channel), (name,), root=session.root)[0]
    folder = ResolveFolder(session.state, stack.name, env=sealed_env(session.ambient))
    return Desk(session=session, stack=stack, folder=folder)


def _open(desk: Desk) -> Standing:
    standing = desk.folder.read()
    if standing is None:
        raise _nothing_open(desk.stack.name)
    return standing


def _nothing_open(name: str) -> UsageError:
    return UsageError(f"no conflict of {name} is open", hint=f"forkbot resolve {name}")


def _check_unmoved(desk: Desk, standing: Standing, *, asked: tuple[str | None, ...] = ()) -> None:
    """Refuse to mix two questions: another aim, or files that changed under this one."""
    name, where = desk.stack.name, str(desk.folder.path)
    give_up = f"forkbot resolve {name} --abort  # keeps what you edited, then begin again"
    if standing.channel is not desk.session.channel or any(asked):
        raise UsageError(
            f"a conflict of {name} on {standing.channel.value}, going onto {standing.onto.label}, "
            "is open already",
            where=where,
            hint=f"forkbot resolve {name}{_channel(standing)} --continue, or {give_up}",
        )
    if not (_begun_with(desk, standing) or _written(desk, standing)):
        raise UsageError(
            f"the files of {name} changed since this conflict was opened",
            where=where,
            hint=give_up,
        )


def _begun_with(desk: Desk, standing: Standing) -> bool:
    return standing.files == files_digest(desk.stack, standing.channel)


def _written(desk: Desk, standing: Standing) -> bool:
    """Return whether a run that was killed at the very end wrote the stack's files."""
    lock = desk.stack.lock.channel(standing.channel)
    moved = lock is not None and lock.base == standing.onto.commit
    return standing.step is Step.FINISHING and moved and not _begun_with(desk, standing)


def _channel(standing: Standing) -> str:
    return "" if standing.channel.value == "main" else f" --channel {standing.channel.value}"


def _begin(desk: Desk, aim: Aim) -> Outcome:
    session, stack = desk.session, desk.stack
    author_name(session.root, ambient=session.ambient)  # better told before the work than after it
    with contextlib.ExitStack() as held:
        attempt = attempt_rebase(
            stack, chosen=True, session=session, aim=aim,
            toolchain=_rust(session), held=held,
        )  # fmt: skip
        if attempt.trouble is not None:
            raise attempt.trouble
        assert attempt.rebased is not None
        assert attempt.repository is not None
        facts = attempt.rebased.facts
        if facts.conflict is None:
            replays = tuple(r for o in facts.outcomes for r in o.replays)
            return Resolved(stack=stack.name, channel=session.channel, replays=replays)
        standing = Standing(
            stack=stack.name, upstream=attempt.upstream, channel=session.channel, base=facts.base,
            onto=facts.onto, files="", step=Step.LAYING_OUT, answers=stack.resolutions,
        )  # fmt: skip
        standing = msgspec.structs.replace(standing, files=files_digest(stack, standing.channel))
        if session.dry_run:
            stuck = desk.stuck(standing, attempt.repository)
            assert stuck is not None
            return lay_facts(
                stuck, standing, facts, folder=_shown_folder(desk), repository=attempt.repository
            )
        desk.folder.create(
            standing, source=attempt.repository, base=facts.base.commit, onto=facts.onto.commit
        )
    return _advance(desk, standing)


def _rust(session: Session) -> Toolchain | None:
    if session.channel is not Channel.RELEASE:
        return None
    return find_toolchain(env=session.ambient, cache=session.cache, say=session.say)


def _shown_folder(desk: Desk) -> str:
    return str(desk.folder.path.relative_to(desk.session.root))


def _advance(desk: Desk, standing: Standing) -> Outcome:
    """Lay out the next conflict, or finish."""
    dry = desk.session.dry_run
    if standing.step is Step.FINISHING:
        return _finish(desk, standing)
    with desk.lent() as repository:
        stuck = desk.stuck(standing, repository)
        if stuck is None:
            return _finish(desk, standing)
        aside: tuple[str, ...] = ()
        if not dry:
            asked = stuck.filled.question
            aside = desk.folder.tree.lay_out(
                head=stuck.head, tree=stuck.tree,
                sides={p: asked.sides[p] for p in stuck.open},
                tags={"base": standing.base.commit, "onto": standing.onto.commit,
                      "patch": stuck.original},
            )  # fmt: skip
            standing = msgspec.structs.replace(
                standing, step=Step.OPEN, patch=stuck.patch, head=stuck.head, tree=stuck.tree
            )
            desk.folder.write(standing)
        shown = lay_facts(
            stuck, standing, desk.rebased(standing, repository).facts,
            folder=_shown_folder(desk), repository=repository,
        )  # fmt: skip
    return msgspec.structs.replace(shown, aside=aside)


def _shown(desk: Desk, standing: Standing, *missing: Undecided) -> OpenConflict:
    """Return how an open conflict stands, with what keeps it from being taken."""
    with desk.folder.tree.repository(scratch=desk.session.scratch) as repository:
        stuck = _same(desk, standing, repository)
        shown = lay_facts(
            stuck, standing, desk.rebased(standing, repository).facts,
            folder=_shown_folder(desk), repository=repository,
        )  # fmt: skip
        if not missing:
            missing = _undecided(desk, stuck, desk.folder.tree.snapshot(repository), repository)
    untracked = tuple(decode(p) for p in desk.folder.tree.untracked())
    return msgspec.structs.replace(shown, undecided=missing, untracked=untracked)


def _undecided(
    desk: Desk, stuck: Stuck, theirs: Oid, repository: Repository
) -> tuple[Undecided, ...]:
    unmerged, folder = desk.folder.tree.unmerged(), _shown_folder(desk)
    told = frozenset(p for p in stuck.open if p not in unmerged)
    return undecided(stuck, theirs, told=told, shown=f"{folder}/", lent=repository)


def _same(desk: Desk, standing: Standing, repository: Repository) -> Stuck:
    """Return the question that was laid out."""
    stuck = desk.stuck(standing, repository)
    if stuck is None or (stuck.patch, stuck.head) != (standing.patch, standing.head):
        raise MachineError(
            "this conflict was laid out by another forkbot or another git",
            where=str(desk.folder.path),
            hint=f"forkbot resolve {desk.stack.name} --abort  # keeps what you edited",
        )
    return stuck


def _take(
    desk: Desk, standing: Standing, repository: Repository, *, author: str, empty: bool
) -> OpenConflict | Standing:
    """Return how things stand with the person's answer, or what is still missing in it."""
    tree, session = desk.folder.tree, desk.session
    stuck = _same(desk, standing, repository)
    theirs = tree.snapshot(repository)
    missing = _undecided(desk, stuck, theirs, repository)
    if missing:
        return _shown(desk, standing, *missing)
    by = Provenance(
        author=author, date=session.now.date().isoformat(), channel=standing.channel,
        onto=standing.onto,
    )  # fmt: skip
    made = answer_of(stuck, theirs, by, repository=repository)
    if made.empty and not empty:
        return _shown(desk, standing, _nothing_left(desk, standing, stuck))
    standing = msgspec.structs.replace(
        standing, step=Step.LAYING_OUT,
        answers=with_answer(standing.answers, stuck, made.resolutions),
    )  # fmt: skip
    if not session.dry_run:
        assert standing.head is not None
        tree.save_commits(standing.head)
        desk.folder.write(standing)
    return standing


def _nothing_left(desk: Desk, standing: Standing, stuck: Stuck) -> Undecided:
    return Undecided(
        where=_shown_folder(desk),
        what=f"as it lies there, nothing is left of patch {stuck.patch}: it would leave the series",
        hint=f"if so: forkbot resolve {desk.stack.name}{_channel(standing)} --continue --empty",
    )


def _finish(desk: Desk, standing: Standing) -> Resolved:
    """Write the stack's files, as one step, and take the folder away."""
    began, session, stack = time.monotonic(), desk.session, desk.stack
    known = standing
    if _written(desk, standing):
        known = msgspec.structs.replace(standing, base=standing.onto, answers=stack.resolutions)
    with desk.lent() as repository:
        rebased = desk.rebased(known, repository)
        attempt = Attempt(stack=stack, chosen=True, upstream=standing.upstream, rebased=rebased)
        if not session.dry_run:
            desk.folder.write(msgspec.structs.replace(standing, step=Step.FINISHING))
        if suspicious(attempt):  # the base may not move past it: the answers wait with the stack
            changes = answer_changes_of(attempt, standing.answers, session=session)
            attempt.files = write_changes(attempt, changes, session=session)
        else:
            attempt.files = write_files_of(attempt, None, session=session)
    runs = RunDirectory(session.state / "runs")
    made = record_of(
        [attempt], None, session=session,
        command=f"forkbot resolve {stack.name}{_channel(standing)} --continue",
        seconds=time.monotonic() - began, run=runs.fresh_id(session.now),
    )  # fmt: skip
    kept = "" if session.dry_run else _put_away(desk)
    if made.kept:
        runs.write(made, pages=pages(made), bundles={})
    return Resolved(
        stack=stack.name, channel=standing.channel, record=made, kept=kept,
        resolutions=tuple(n for r in standing.answers if (n := file_name(r)) in attempt.files),
    )  # fmt: skip


def _put_away(desk: Desk) -> str:
    """Take the folder away; keep it under another name when there is more in it than the answer."""
    tree = desk.folder.tree
    if tree.saved_commits() or tree.untracked():
        return str(desk.folder.keep("done").relative_to(desk.session.root))
    desk.folder.remove()
    return ""


def _worked(desk: Desk, standing: Standing) -> bool:
    """Return whether a person did anything in the folder."""
    tree = desk.folder.tree
    if standing.answers != desk.stack.resolutions:
        return True
    if standing.step is not Step.OPEN or standing.head is None:
        return bool(tree.saved_commits())
    with tree.repository() as repository:
        touched = tree.snapshot(repository) != standing.tree
    return bool(touched or tree.head() != standing.head or tree.saved_commits() or tree.untracked())
