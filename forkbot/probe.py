"""What is each patch there for? Built and run without it, the family turns red and says so, or not.

The whole stacks come first, as the control: only where they are green does a red without a patch
say anything of that patch. "Everything" is the stacks that are asked about, all they are built
with, and all that is built on them, since a patch is often there for those.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping

import msgspec

from forkbot.attempt import Attempt, attempt_rebase
from forkbot.errors import EXIT_BUILD, UsageError
from forkbot.git.workbench import Workbench
from forkbot.locate import Aim
from forkbot.model.probe import ProbeAnswer, Red
from forkbot.model.probed import Probed, ProbedPatch, UnmissedPolicy
from forkbot.model.record import RunRecord, Trouble
from forkbot.model.verdict import Verdict
from forkbot.rebase.hunks import take_each_hunk_back
from forkbot.rebase.leaveout import LeftOut, leave_each_out
from forkbot.rebase.recreate import recreate
from forkbot.recording import record_of
from forkbot.red import UnclearError, clear_red, red_of, warned
from forkbot.report.pages import pages
from forkbot.rundir import RunDirectory
from forkbot.session import Session
from forkbot.stackdir.files import write_stack
from forkbot.stackdir.load import closure, load_family, select, stack_folder, with_dependents
from forkbot.verification import is_built, member_of, try_out
from forkbot.verify.family import BuildUnit, Member
from forkbot.verify.judge import as_facts, digest, verification_key
from forkbot.verify.toolchain import TARGET, Toolchain, find_toolchain
from forkbot.verify.trial import Only, Trial
from forkbot.verify.wasmtime import Wasmtime, find_wasmtime
from forkbot.words import Oid, PatchName, StackName

_QUESTION = 1  # raise when the same inputs would be answered differently than before


def probe(
    session: Session, names: tuple[str, ...], *, command: str, again: bool = False,
    hunks: bool = False,
) -> RunRecord:  # fmt: skip
    """Leave each patch of the named stacks out, one at a time, and build and run everything.

    ``hunks`` leaves out each hunk of each patch instead. All stacks when none is named. ``again``
    asks even what the locks know. Returns the record, and writes it with its report when something
    was built; the answers go to the locks.
    """
    began = time.monotonic()
    runs = RunDirectory(session.state / "runs")
    with contextlib.ExitStack() as held, session.alone():
        family = load_family(session.root, session.channel)
        chosen = select(family, names, root=session.root)
        toolchain = find_toolchain(env=session.ambient, cache=session.cache, say=session.say)
        attempts = [
            attempt_rebase(stack, chosen=stack in chosen, session=session, aim=Aim(stay=True),
                     toolchain=toolchain, held=held)
            for stack in closure(family, with_dependents(family, chosen))
        ]  # fmt: skip
        ground = _ground(attempts, session=session, toolchain=toolchain)
        asked = [_question(a, ground, again=again, hunks=hunks) for a in attempts if a.chosen]
        control = None
        if any(q.known is None for q in asked):
            control = ground.control()
        answers: dict[StackName, tuple[ProbeAnswer, ...]] = {}
        if control is None or control.green:
            for question in asked:
                said = _answer(question, ground, control)
                answers[question.attempt.stack.name] = said
                _remember(question, said, session=session)
        record = record_of(
            attempts, control, session=session, command=command, seconds=time.monotonic() - began,
            run=runs.fresh_id(session.now),
        )  # fmt: skip
        stacks = (msgspec.structs.replace(s, probes=answers.get(s.name, ())) for s in record.stacks)
        trouble = _trouble(control, answers)
        record = msgspec.structs.replace(
            record, stacks=tuple(stacks), trouble=trouble,
            exit_code=trouble.exit_code if trouble else record.exit_code,
        )  # fmt: skip
        if control is not None and not session.dry_run:
            runs.write(record, pages=pages(record), bundles={})
    return record


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """Where and with what everything is built and run."""

    members: tuple[Member, ...]
    session: Session
    toolchain: Toolchain
    wasmtime: Wasmtime

    @property
    def key(self) -> str:
        return verification_key(
            self.members, channel=self.session.channel, target=TARGET,
            rustc=self.toolchain.version, wasmtime=self.wasmtime.version,
        )  # fmt: skip

    def control(self) -> Verdict:
        """Return the verdict on the whole stacks; it does not stand for a verification's."""
        self.session.say("the control: all patches in place")
        trial = self.attempt(self.members)
        return Verdict(
            channel=self.session.channel, key=digest(["control", self.key]), target=TARGET,
            rustc=self.toolchain.version, wasmtime=self.wasmtime.version,
            members=as_facts(self.members), builds=trial.builds, smokes=trial.smokes,
            problems=trial.problems,
        )  # fmt: skip

    def without(self, stack: StackName, tree: Oid, *, only: Only | None = None) -> Trial:
        """Return how it goes with another tree for one stack; that stack's own things first."""
        members = (
            dataclasses.replace(m, tree=tree) if m.stack.name == stack else m for m in self.members
        )
        return self.attempt(tuple(members), first=stack, only=only)

    def attempt(
        self, members: tuple[Member, ...], *, first: StackName | None = None,
        only: Only | None = None,
    ) -> Trial:  # fmt: skip
        return try_out(
            members, session=self.session, toolchain=self.toolchain, wasmtime=self.wasmtime,
            first=first, only=only,
        )  # fmt: skip


def _ground(attempts: list[Attempt], *, session: Session, toolchain: Toolchain) -> _Ground:
    for attempt in attempts:
        if attempt.trouble is not None:
            raise attempt.trouble
        if attempt.stuck:
            name = attempt.stack.name
            raise UsageError(
                f"{attempt.stuck}: nothing can be probed", hint=f"forkbot rebase {name}"
            )
    if not any(a.stack.policy.build for a in attempts):
        raise UsageError(
            "nothing is built of these stacks, so nothing can miss a patch",
            where=f"stacks/{attempts[0].stack.name}/stack.yaml" if attempts else "stacks",
            hint="say in stack.yaml what to build: `build: [{package: …}]`",
        )
    return _Ground(
        members=tuple(member_of(a, session) for a in attempts),
        session=session,
        toolchain=toolchain,
        wasmtime=find_wasmtime(env=session.ambient, cache=session.cache, say=session.say),
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """One stack's patches or hunks, each left out; ``known`` when its lock has the answers."""

    attempt: Attempt
    hunks: bool
    lefts: tuple[LeftOut, ...]
    key: str
    known: Probed | None


def _question(attempt: Attempt, ground: _Ground, *, again: bool, hunks: bool) -> _Question:
    assert attempt.rebased is not None
    assert attempt.repository is not None
    stack, channel = attempt.stack, ground.session.channel
    base = attempt.rebased.facts.onto
    with Workbench(attempt.repository) as bench:
        series = msgspec.structs.replace(stack, patches=attempt.rebased.patches)
        changes = recreate(series, bench=bench, channel=channel, base=base)
        if hunks:
            lefts = tuple(take_each_hunk_back(changes, bench=bench))
        else:
            lefts = tuple(leave_each_out(changes, base=base.tree, bench=bench))
    key = digest([_QUESTION, ground.key, stack.name, [[n.patch, n.with_it, n.tree] for n in lefts]])
    lock = stack.lock.channel(channel)
    known = None
    if lock is not None and not again:
        known = lock.hunks if hunks else lock.probed
    if known is not None and known.key != key:
        known = None
    if not lefts:
        known = Probed(key=key, patches=())
    return _Question(attempt=attempt, hunks=hunks, lefts=lefts, key=key, known=known)


def _trouble(
    control: Verdict | None, answers: Mapping[StackName, tuple[ProbeAnswer, ...]]
) -> Trouble | None:
    unknown = sum(bool(a.unknown) for said in answers.values() for a in said)
    if unknown:
        what = f"{unknown:,} of them cargo could not try, and no compiler says why"
        return Trouble(what=what, exit_code=EXIT_BUILD)
    if control is None or control.green:
        return None
    return Trouble(
        what="nothing is said of any patch: with all of them in place it is red",
        exit_code=EXIT_BUILD,
    )


def _answer(
    question: _Question, ground: _Ground, control: Verdict | None
) -> tuple[ProbeAnswer, ...]:
    if question.known is not None:
        return tuple(
            ProbeAnswer(
                patch=p.patch, hunk=p.hunk, needed=not p.green, why=p.why, without=p.without,
                excuse=p.excuse, remembered=True,
            )
            for p in question.known.patches
        )  # fmt: skip
    name = question.attempt.stack.name

    def left_out(left: LeftOut) -> Red | None:
        what = f"{left.patch} {left.hunk}".rstrip()
        ground.session.say(f"{name}: without {', '.join((what, *left.with_it))}")
        return clear_red(lambda: found(left), say=ground.session.say)

    def found(left: LeftOut) -> Red | None:
        if not left.hunk or control is None:
            return red_of(ground.without(name, left.tree))
        # what is built of the stack itself is soon done, and warns where anything does
        for only in (lambda unit: isinstance(unit, BuildUnit) and unit.stack.name == name, None):
            trial = ground.without(name, left.tree, only=only)
            if red := red_of(trial) or warned(trial, control):
                return red
        return None

    if not question.hunks:
        return decide(question.lefts, left_out)
    return tuple(_of_hunk(left, left_out, question, ground) for left in question.lefts)


def _of_hunk(
    left: LeftOut, ask: Callable[[LeftOut], Red | None], question: _Question, ground: _Ground
) -> ProbeAnswer:
    """Return what misses one hunk; or why nothing can, and then nothing is built for it."""
    began = time.monotonic()
    stack = question.attempt.stack
    excuse = ""
    if left.only_comments:
        excuse = "comments only"
    elif not _is_built(left, ground, stack.name):
        excuse = "nothing is built from that file here"
    red, unknown = (None, "") if excuse else _asked(ask, left)
    if red is None and not (excuse or unknown):
        excuse = next((u.why for u in stack.policy.unmissed if _is_about(u, left)), "")
    return ProbeAnswer(
        patch=left.patch, hunk=left.hunk, needed=red is not None, why=red.why if red else "",
        excuse=excuse, unknown=unknown, red=red, without=left.with_it,
        seconds=round(time.monotonic() - began, 1),
    )  # fmt: skip


def _asked(ask: Callable[[LeftOut], Red | None], left: LeftOut) -> tuple[Red | None, str]:
    """Return what is red without a patch or hunk, or why nobody knows whether anything is."""
    try:
        return ask(left), ""
    except UnclearError as e:
        return None, e.what


def _is_about(said: UnmissedPolicy, left: LeftOut) -> bool:
    here = (said.patch, said.path) == (left.patch, left.path)
    return here and any(said.having in line for line in left.edited)


def _is_built(left: LeftOut, ground: _Ground, stack: StackName) -> bool:
    manifest = left.path.endswith("Cargo.toml")  # cargo's own, and no source of rustc's
    return manifest or is_built(
        stack, left.path, session=ground.session, toolchain=ground.toolchain
    )


def decide(
    lefts: tuple[LeftOut, ...], ask: Callable[[LeftOut], Red | None]
) -> tuple[ProbeAnswer, ...]:
    """Return an answer for each patch, later ones asked first.

    What cannot stand without a patch is left out with it. A red may then be that one's doing; where
    it is known to be needed, the patch is needed for its sake. All green, they may go together,
    whatever was red without the later one alone: it may only mend what the patch breaks.
    """
    known: dict[PatchName, ProbeAnswer] = {}
    for left in reversed(lefts):
        began = time.monotonic()
        red, unknown = _asked(ask, left)
        needing = tuple(n for n in left.with_it if known[n].needed) if red is not None else ()
        known[left.patch] = ProbeAnswer(
            patch=left.patch, needed=red is not None, why=_why(red, needing), unknown=unknown,
            red=red, needed_by=needing, without=left.with_it,
            seconds=round(time.monotonic() - began, 1),
        )  # fmt: skip
    return tuple(known[left.patch] for left in lefts)


def _why(red: Red | None, needing: tuple[PatchName, ...]) -> str:
    if not needing:
        return red.why if red is not None else ""
    edits, are = ("edits", "is") if len(needing) == 1 else ("edit", "are")
    return f"{', '.join(needing)} {edits} what it wrote, and {are} needed"


def _remember(question: _Question, answers: tuple[ProbeAnswer, ...], *, session: Session) -> None:
    """Keep the answers in the lock, when it knows the very result that was probed.

    They are kept together: with one of them unknown the next probe asks them all again.
    """
    attempt = question.attempt
    assert attempt.rebased is not None
    lock = attempt.stack.lock.channel(session.channel)
    if lock is None or lock.result != attempt.rebased.facts.tip or question.known is not None:
        return
    if any(a.unknown for a in answers):
        return
    said = tuple(
        ProbedPatch(
            patch=a.patch,
            hunk=a.hunk,
            green=not a.needed,
            why=a.why,
            without=a.without,
            excuse=a.excuse,
        )
        for a in answers
    )
    probed = Probed(key=question.key, patches=said)
    if question.hunks:
        lock = msgspec.structs.replace(lock, hunks=probed)
    else:
        lock = msgspec.structs.replace(lock, probed=probed)
    attempt.files = write_stack(
        stack_folder(session.root, attempt.stack.name),
        old=attempt.stack,
        patches=attempt.stack.common,
        lock=attempt.stack.lock.with_channel(session.channel, lock),
        dry_run=session.dry_run,
    )
