"""The step that tells: what a run found becomes artefacts on the forge, one a stack and kind.

All is planned before the first write. An artefact that cannot be told is a stated trouble, and the
others are told all the same: the next run goes on from what stands there.
"""

import dataclasses
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from forkbot.connection import Connection
from forkbot.errors import ForkbotError, gravest
from forkbot.forge.patience import EnoughError
from forkbot.model.artefact import (
    Act,
    Artefact,
    Identity,
    Kind,
    Over,
    Telling,
    Told,
)
from forkbot.model.record import RunRecord, StackRecord, Trouble
from forkbot.model.stack import Stack
from forkbot.recording import trouble_of
from forkbot.report.artefact import KINDS, Wish, family_wishes, wishes
from forkbot.report.dashboard import dashboard, dashboard_identity
from forkbot.report.phrases import count
from forkbot.session import Session
from forkbot.tell import Plan, carry_out, plan_telling, plan_withdrawal

_MANY = 100  # writes: with more, a run may end before the last of them


@dataclasses.dataclass(slots=True, kw_only=True)
class _Desk:
    """What stands in each repository, looked up once, and what became of each wish."""

    connection: Connection
    session: Session
    standing: dict[str, tuple[Told, ...]] = dataclasses.field(default_factory=dict)
    lost: dict[str, ForkbotError] = dataclasses.field(default_factory=dict)  # not to be looked at
    done: list[Telling] = dataclasses.field(default_factory=list)
    untold: dict[Identity, ForkbotError] = dataclasses.field(default_factory=dict)
    ended: EnoughError | None = None  # why the rest is for the next run

    def told(self, repo: str) -> tuple[Told, ...] | None:
        """Return what stands in a repository; None when that could not be said."""
        if repo not in self.standing and repo not in self.lost:
            try:
                self.standing[repo] = self.connection.forge.artefacts(repo)
            except ForkbotError as e:
                self.lost[repo] = e
        return self.standing.get(repo)

    def end(self, why: EnoughError, left: int) -> None:
        """Leave what is ``left`` to the next run, and say so of each in the same words."""
        told = sum(t.done > 0 for t in self.done)
        # whichever artefact met it first, the reason is everybody's
        first = why.__cause__ if isinstance(why.__cause__, EnoughError) else why
        what = (
            f"{first.what.removesuffix('.')}; {count(left, 'artefact')} of {told + left:,} not told"
        )
        self.ended = EnoughError(what, hint=why.hint)


def tell(
    record: RunRecord,
    family: tuple[Stack, ...],
    *,
    whole: bool,
    session: Session,
    connection: Connection,
) -> RunRecord:
    """Bring the artefacts of a run's stacks to what it found; return the record that says so.

    ``whole`` says that the run was over the whole ``family``: what is not one stack's is told then
    only.
    """
    desk = _Desk(connection=connection, session=session)
    session.say("looking at what was told before")
    wanted = [w for s in record.stacks for w in _of_stack(s, record, family, desk)]
    if whole:
        wanted += [(connection.home, w) for w in family_wishes(record)]
        wanted += _of_gone_stacks(record, family, desk)
    plans = [_plan(repo, wish, desk) for repo, wish in sorted(wanted, key=_rank)]
    due = [plan for plan in plans if plan is not None]
    if whole and sum(len(plan.steps) for plan in due) > _MANY:
        # the run may not come to the end of them, and this one speaks for all
        _carry_out([_plan_dashboard(record, family, [p.telling for p in due], desk)], desk)
        if any(t.done for t in desk.done):
            del desk.standing[connection.home]
    _carry_out(due, desk)
    # last, for it leads to the others
    if whole and (desk.ended is None or connection.home in desk.standing):
        _carry_out([_plan_dashboard(record, family, desk.done, desk)], desk)
    _settle(desk)
    return _recorded(record, desk)


def _of_stack(
    stack: StackRecord, record: RunRecord, family: tuple[Stack, ...], desk: _Desk
) -> Iterator[tuple[str, Wish]]:
    """Yield each wish with its repository: home, or the fork where a branch holds a conflict."""
    policy = next(s.policy for s in family if s.name == stack.name)
    branches = (*stack.answered, *filter(None, [stack.conflict_branch]))
    home, forks = desk.connection.home, {b.repo for b in branches} | {c.repo for c in stack.cleared}
    if stack.parked:
        forks.add(policy.fork.repo)
    for wish in wishes(stack, record, when=policy.when):
        pull = isinstance(wish, Artefact) and wish.pull_request is not None
        own = stack.conflict_branch.repo if pull and stack.conflict_branch else home
        yield own, wish
        if wish.identity.kind is Kind.CONFLICT:
            moved = f"Told in {'a pull request' if pull else 'an issue'} from now on."
            for other in sorted({home, *forks} - {own}):
                reason = wish.reason if isinstance(wish, Over) else moved
                yield other, Over(identity=wish.identity, reason=reason)


def _of_gone_stacks(
    record: RunRecord, family: tuple[Stack, ...], desk: _Desk
) -> Iterator[tuple[str, Wish]]:
    """Yield the end of what was told of stacks that are here no more."""
    known, home = {s.name for s in family}, desk.connection.home
    for identity in {t.mark.identity for t in desk.told(home) or () if t.open}:
        ours = identity.kind in KINDS and identity.channel is record.channel
        if ours and identity.stack is not None and identity.stack not in known:
            yield home, Over(identity=identity, reason="There is no such stack here any more.")


def _plan_dashboard(
    record: RunRecord, family: tuple[Stack, ...], tellings: Iterable[Telling], desk: _Desk
) -> Plan | None:
    names = {s.name for s in family if s.policy.when.dashboard == "issue"}
    if names:
        urls = {t.identity: t.url for t in tellings if t.act not in (Act.CLOSE, Act.LEFT_CLOSED)}
        wish: Wish = dashboard(record, names, urls=urls)
    else:
        reason = "No stack.yaml asks for a dashboard any more."
        wish = Over(identity=dashboard_identity(record.channel), reason=reason)
    return _plan(desk.connection.home, wish, desk)


def _rank(wanted: tuple[str, Wish]) -> tuple[bool, int]:
    """Return when its turn comes: trouble before what is over, the gravest kind first."""
    wish = wanted[1]
    return isinstance(wish, Over), KINDS.index(wish.identity.kind)


def _plan(repo: str, wish: Wish, desk: _Desk) -> Plan | None:
    """Return what brings an artefact to the wish; None where that cannot be said."""
    standing = desk.told(repo)
    if standing is None:
        if isinstance(wish, Artefact):
            desk.untold.setdefault(wish.identity, desk.lost[repo])
        return None
    try:
        return plan_telling(wish, standing, repo=repo)
    except ForkbotError as e:
        desk.untold.setdefault(wish.identity, e)
        return None


def _carry_out(plans: Iterable[Plan | None], desk: _Desk) -> None:
    """Write what the plans say, one by one; a dry run only keeps them."""
    due = sorted((plan for plan in plans if plan is not None), key=lambda plan: plan.turn)
    for at, plan in enumerate(due):
        # what is told elsewhere from now on stays open here until it is
        if plan.telling.act is Act.CLOSE and plan.telling.identity in desk.untold:
            continue
        telling, writes = plan.telling, plan.steps and not desk.session.dry_run
        try:
            if writes and desk.ended is not None:
                raise desk.ended
            if writes:
                desk.session.say(f"telling in {telling.repo}: {telling.writes[0]}")
                telling = carry_out(plan, forge=desk.connection.forge)
            desk.done.append(telling)
        except ForkbotError as e:
            if isinstance(e, EnoughError) and desk.ended is None:
                desk.end(e, sum(bool(later.steps) for later in due[at:]))
            desk.untold.setdefault(telling.identity, desk.ended or e)


def _settle(desk: _Desk) -> None:
    """Close again what another run opened a moment before: its own goes on.

    Both looked before either wrote, and no forge opens an issue on a condition. What cannot be
    looked at now, the next run finds twice and mends.
    """
    opened = [at for at, t in enumerate(desk.done) if t.act is Act.OPEN and t.done]
    standing: dict[str, tuple[Told, ...]] = {}
    for at in opened:
        telling = desk.done[at]
        try:
            if telling.repo not in standing:
                standing[telling.repo] = desk.connection.forge.artefacts(telling.repo)
            plan = plan_withdrawal(telling, standing[telling.repo])
            if plan is not None:
                desk.done[at] = carry_out(plan, forge=desk.connection.forge)
        except ForkbotError:
            return


def _recorded(record: RunRecord, desk: _Desk) -> RunRecord:
    told = [t for t in desk.done if t.act is not Act.NOTHING]
    errors = [*desk.lost.values(), *desk.untold.values()]
    stacks = tuple(
        replace(
            stack,
            tellings=tuple(t for t in told if t.identity.stack == stack.name),
            untold=_first(e for i, e in desk.untold.items() if i.stack == stack.name)
            or stack.untold,
        )
        for stack in record.stacks
    )
    known = {s.name for s in stacks}
    family = (e for i, e in desk.untold.items() if i.stack not in known)
    return replace(
        record,
        stacks=stacks,
        tellings=tuple(t for t in told if t.identity.stack not in known),
        untold=_first([*desk.lost.values(), *family]),
        exit_code=gravest([record.exit_code, *(e.exit_code for e in errors)]),
    )


def _first(errors: Iterable[ForkbotError]) -> Trouble | None:
    return next((trouble_of(e) for e in errors), None)
