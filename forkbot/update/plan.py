"""What becomes of each stack's files: nothing, a push, a pull request, or left as it stands.

Decided by content alone. The files on the forge must be those that the run read, else somebody
changed them meanwhile, here or there. Files that are there already, on the repository's own branch
or on ours, are no write, whichever run brought them.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import msgspec

from forkbot.errors import EXIT_DONE, EXIT_REFUSED
from forkbot.forge.marker import digest, parse
from forkbot.model.artefact import Act, Artefact, Identity, Kind, Over, Told
from forkbot.model.fate import Rebase
from forkbot.model.record import StackRecord
from forkbot.model.stack import WhenPolicy
from forkbot.model.update import Update, Way
from forkbot.report.update import commit_message, proposal
from forkbot.stackdir.files import Changes
from forkbot.stackdir.lock import FILE as LOCK
from forkbot.tell import Plan as Tell
from forkbot.tell import plan_telling
from forkbot.update.copy import Copy, Files, Standing, update_branch
from forkbot.words import BranchName, Oid, StackName

Listing = Callable[[], Sequence[Told]]  # our artefacts in the stacks repository, asked for late


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """What a run read of one stack's files, and what it made of them."""

    record: StackRecord
    facts: Rebase
    read: Mapping[str, bytes]
    changes: Changes
    when: WhenPolicy
    date: int  # of the upstream commit that the stack sits on now

    @property
    def stack(self) -> StackName:
        """Return whose files they are."""
        return self.record.name

    @property
    def branch(self) -> BranchName:
        """Return the branch by which they are proposed."""
        return update_branch(self.stack, self.facts.channel)

    @property
    def identity(self) -> Identity:
        """Return which pull request speaks for them."""
        return Identity(kind=Kind.UPDATE, channel=self.facts.channel, stack=self.stack)

    @property
    def wanted(self) -> Mapping[str, bytes]:
        """Return the files as they shall be."""
        whole = {**self.read, **self.changes}
        return {name: data for name, data in whole.items() if data is not None}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One stack's update as it would be told, and the telling that goes with it."""

    stake: Stake
    update: Update
    wanted: Files
    gone: Oid | None = None  # where a branch of ours stands that nobody needs any more
    foreign: Oid | None = None  # a commit on it that is not forkbot's
    instead: bool = False  # proposed because the repository's own branch took no push
    tell: Tell | None = None

    def having(self, **facts: object) -> "Plan":
        """Return it with facts of the update changed."""
        return dataclasses.replace(self, update=msgspec.structs.replace(self.update, **facts))

    def left(self, why: str, *, hint: str = "", exit_code: int = EXIT_REFUSED) -> "Plan":
        """Return it as one that moves nothing."""
        return dataclasses.replace(self, tell=None).having(
            way=Way.LEFT, new=None, writes=(), why=why, hint=hint, exit_code=exit_code
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Branch:
    """Our branch as it stands, and where it left the repository's own branch."""

    tip: Oid
    files: Files
    begun: Files
    taken: bool  # all of it is on the repository's own branch
    foreign: tuple[Oid, ...]

    @property
    def lock_only(self) -> bool:
        """Whether it brings a lock and nothing else."""
        return differing(self.begun, self.files) == (LOCK,)

    def brings(self, wanted: Files) -> bool:
        """Return whether it brings these files already.

        Upstream moves every day; that alone is no news for whoever reads patches there, and the
        older lock is as true of them.
        """
        more = differing(self.files, wanted)
        return not self.taken and (not more or (more == (LOCK,) and not self.lock_only))


def differing(one: Files, other: Files) -> tuple[str, ...]:
    """Return the names of the files that are not the same in both."""
    names = sorted(one.keys() | other.keys())
    return tuple(name for name in names if one.get(name) != other.get(name))


def plan_updates(
    stakes: Sequence[Stake], copy: Copy, standing: Standing, *, home: str, told: Listing,
    declined: str = "",
) -> tuple[Plan, ...]:  # fmt: skip
    """Return what becomes of each; nothing is written.

    ``declined`` is why the repository's own branch takes no push: then all goes by pull request.
    """
    plans = [_plan(s, copy, standing, declined=declined) for s in stakes]
    straight = [p for p in plans if p.update.way is Way.PUSH]
    if straight:
        new = _commit(copy, straight, standing.tip)
        plans = [p.having(new=new) if p.update.way is Way.PUSH else p for p in plans]
    return tuple(_with_telling(p, home=home, told=told) for p in plans)


def _plan(stake: Stake, copy: Copy, standing: Standing, *, declined: str) -> Plan:
    """Decide what becomes of one stack's files."""
    tip, wanted = copy.files(standing.tip, stake.stack), copy.store(stake.wanted)
    branch = _look(stake, copy, standing)
    files = differing(tip, wanted)
    nothing = Update(way=Way.NOTHING, base=standing.base, branch=stake.branch, files=files)
    gone = branch.tip if branch and not branch.foreign else None
    plan = Plan(stake=stake, update=nothing, wanted=wanted)
    if not files:
        return dataclasses.replace(plan, gone=gone)
    if branch and branch.foreign:
        return dataclasses.replace(plan, foreign=branch.foreign[0]).left(
            f"{stake.branch} has commits that are not forkbot's: {branch.foreign[0][:12]}",
            hint="merge its pull request, or delete the branch; the next run goes on from there",
        )
    asked = stake.when.lock_changed if files == (LOCK,) else stake.when.patches_changed
    still = branch is not None and branch.begun == tip
    if branch and branch.brings(wanted) and (still or _fits(branch, tip, copy, standing)):
        return dataclasses.replace(
            plan.having(way=Way.PULL_REQUEST, old=branch.tip), instead=asked == "push"
        )
    read = copy.store(stake.read)
    if read != tip and not stake.changes:
        return plan.having(files=())  # a check-out of another day, with nothing to bring
    if read != tip and not (branch and still and read == branch.files):
        name = differing(read, tip)[0]
        file = f"stacks/{stake.stack}/{name}"
        return plan.left(
            f"{file} is not here as {standing.base} has it"
            if name in tip
            else f"{standing.base} has no {file}, and it is here",
            hint="git pull; commit and push what is yours; the next run goes on from there",
        )
    # a lock that waits in a pull request waits because it could not be pushed
    if asked == "push" and not declined and not (branch and still and branch.lock_only):
        return dataclasses.replace(plan.having(way=Way.PUSH, old=standing.tip), gone=gone)
    parents: tuple[Oid, ...] = (standing.tip,)
    if branch and not branch.taken:
        parents = (branch.tip,) if still else (branch.tip, standing.tip)
    plan = plan.having(
        way=Way.PULL_REQUEST, old=branch.tip if branch else None, why=declined,
        new=_commit(copy, [plan], *parents),
    )  # fmt: skip
    return dataclasses.replace(plan, instead=asked == "push")


def _fits(branch: _Branch, tip: Files, copy: Copy, standing: Standing) -> bool:
    """Return whether our branch may stay although a lock moved: that of the other channel."""
    moved = differing(branch.begun, tip) == (LOCK,) and not branch.lock_only
    return moved and copy.merges(standing.tip, branch.tip)


def _look(stake: Stake, copy: Copy, standing: Standing) -> _Branch | None:
    tip = standing.branches.get(stake.branch)
    if tip is None:
        return None
    meeting = copy.meeting(standing.tip, tip)
    return _Branch(
        tip=tip,
        files=copy.files(tip, stake.stack),
        begun=copy.files(meeting, stake.stack) if meeting else {},
        taken=meeting == tip,
        foreign=copy.foreign(tip, but=standing.tip),
    )


def _commit(copy: Copy, plans: Sequence[Plan], *parents: Oid) -> Oid:
    return copy.commit(
        *parents,
        files={p.stake.stack: p.wanted for p in plans},
        message=commit_message([(p.stake.facts, p.update.files) for p in plans]),
        when=max(p.stake.date for p in plans),
    )


def _with_telling(plan: Plan, *, home: str, told: Listing) -> Plan:
    """Return the plan with the steps that bring its pull request to it, and all writes in words."""
    update, stake = plan.update, plan.stake
    pushes: tuple[str, ...] = ()
    if update.new is not None:
        to = update.base if update.way is Way.PUSH else update.branch
        was = f"{update.old[:12]} → " if update.old else "new, "
        pushes = (f"push {home} {to}: {was}{update.new[:12]}",)
    if not (plan.gone or plan.foreign or update.way is Way.PULL_REQUEST):
        return plan.having(writes=pushes)
    # one that was merged has said all it had to say
    mine = [t for t in told() if t.mark.identity == stake.identity and not t.merged]
    wish = _wish(plan, next((t for t in mine if t.open), None))
    if wish is None:
        return plan.having(url=next((t.url for t in mine if t.open), ""), writes=pushes)
    tell = plan_telling(wish, mine, repo=home)
    if tell.telling.act is Act.LEFT_CLOSED:
        plan, pushes = plan.left(f"a person closed {tell.telling.url}", exit_code=EXIT_DONE), ()
    plan = dataclasses.replace(plan, tell=tell).having(url=tell.telling.url)
    deletes = (f"delete {home} {stake.branch}",) if plan.gone else ()
    return plan.having(writes=(*pushes, *tell.telling.writes, *deletes))


def _wish(plan: Plan, standing: Told | None) -> Artefact | Over | None:
    """Return what shall stand on the forge; None where all may stay as it is."""
    update, stake = plan.update, plan.stake
    if plan.gone is not None:
        reason = f"Nothing is left to bring to `{update.base}`."
        return Over(identity=stake.identity, reason=reason)
    if plan.foreign is not None:
        # who wrote on the branch shall know why forkbot does not any more
        return left_to_people(standing, plan.foreign) if standing else None
    wish = proposal(stake.record, update, plan.wanted, instead=plan.instead)
    same = standing is not None and standing.mark.facts == digest(wish.facts)
    # a pull request gets its labels after it is opened, and a run may be killed in between
    same = same and {la.name for la in wish.labels} <= set(standing.labels if standing else ())
    # what the text says of upstream is of the run that moved the branch
    return None if same and update.new is None and update.files != (LOCK,) else wish


def left_to_people(standing: Told, commit: Oid) -> Artefact:
    """Return the pull request as it stands, and that forkbot writes on its branch no more."""
    parts = parse(standing.text)
    return Artefact(
        identity=standing.mark.identity,
        title=standing.title,
        body=parts.body if parts else "",
        facts="left to people",
        verdict=f"`{commit[:12]}` is not forkbot's, so forkbot leaves this branch to you. Merge "
        "it, or close it and delete the branch: the next run goes on from there.",
        pull_request=standing.pull_request,
    )
