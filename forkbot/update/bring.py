"""The writes: one push for all that goes straight, then branch by branch with its pull request.

A branch is pushed before its pull request is opened or told anew, and a pull request is closed
before its branch goes: killed between any two, the next run finds the branch and goes on from it.
"""

import functools
from collections.abc import Callable, Sequence

import msgspec

from forkbot.errors import EXIT_DONE, ForkbotError, RefusedError
from forkbot.forge.base import Forge
from forkbot.forge.patience import EnoughError
from forkbot.git.remote import RefUpdate
from forkbot.model.update import Update, Way
from forkbot.tell import carry_out
from forkbot.update.copy import Copy, Standing
from forkbot.update.plan import Plan, Stake, plan_updates
from forkbot.words import BranchName, Oid

_PROPOSALS = 100  # each is two writes or more, of the 400 that a run may make
Replan = Callable[[Standing, str], Sequence[Plan]]


def bring(
    stakes: Sequence[Stake], copy: Copy, *, forge: Forge, home: str, dry_run: bool
) -> tuple[Update, ...]:
    """Bring stacks' files to the stacks repository ``home``; return what became of each.

    Raises ``ForkbotError`` when the repository cannot be looked at; what concerns one stack is in
    its ``Update``.
    """
    listed = copy.listed()
    if not any(s.changes or s.branch in listed.branches for s in stakes):
        return tuple(Update(way=Way.NOTHING, base=listed.base, branch=s.branch) for s in stakes)
    told = functools.cache(functools.partial(forge.artefacts, home))

    def replan(standing: Standing, declined: str) -> Sequence[Plan]:
        plans = plan_updates(stakes, copy, standing, home=home, told=told, declined=declined)
        return _rationed(plans)

    standing = copy.fetched(listed.base)
    plans = replan(standing, "")
    if dry_run:
        return tuple(p.update for p in plans)
    ended: list[EnoughError] = []
    plans = _straight(plans, copy, standing, replan)
    return tuple(_finished(p, copy, forge=forge, ended=ended) for p in plans)


def _rationed(plans: Sequence[Plan]) -> Sequence[Plan]:
    """Leave to the next runs what are too many pull requests for one: trouble is told first."""
    due = [p for p in plans if p.update.way is Way.PULL_REQUEST and p.update.writes]
    late = [id(p) for p in due[_PROPOSALS:]]
    why = f"{_PROPOSALS} pull requests in one run are enough; this one waits for the next"
    return [p.left(why, exit_code=EXIT_DONE) if id(p) in late else p for p in plans]


def _straight(
    plans: Sequence[Plan], copy: Copy, standing: Standing, replan: Replan
) -> Sequence[Plan]:
    """Push what goes straight, as one commit; once more where somebody was quicker."""
    for last in (False, True):
        straight = [p for p in plans if p.update.way is Way.PUSH]
        if not straight:
            break
        try:
            moved = _push(copy, standing.base, straight[0].update.new, expected=standing.tip)
        except RefusedError as e:
            before, standing = standing, copy.fetched(standing.base)
            if standing.tip == before.tip:  # nobody came between: the branch takes no push
                return replan(standing, e.what)
            if last:
                return [_lost(p, e) if p in straight else p for p in plans]
            plans = replan(standing, "")
        else:
            return [p.having(done=int(moved)) if p in straight else p for p in plans]
    return plans


def _finished(plan: Plan, copy: Copy, *, forge: Forge, ended: list[EnoughError]) -> Update:
    """Write what is left of a plan; an error is a stated part of what became of it.

    ``ended`` holds why the forge is asked nothing more in this run: then no branch is pushed that
    nobody would hear of.
    """
    update = plan.update
    try:
        if ended and plan.tell is not None and plan.tell.steps:
            raise ended[0]
        if update.way is Way.PULL_REQUEST and update.new is not None:
            moved = _push(copy, plan.stake.branch, update.new, expected=update.old)
            update = msgspec.structs.replace(update, done=update.done + moved)
        if plan.tell is not None:
            told = carry_out(plan.tell, forge=forge)
            update = msgspec.structs.replace(update, url=told.url, done=update.done + told.done)
        if plan.gone is not None:
            moved = _push(copy, plan.stake.branch, None, expected=plan.gone)
            update = msgspec.structs.replace(update, done=update.done + moved)
    except ForkbotError as e:
        # whichever stack met it first, the reason is everybody's
        first = e.__cause__ if isinstance(e.__cause__, EnoughError) else e
        ended += [first] if isinstance(first, EnoughError) else []
        return msgspec.structs.replace(update, why=e.what, hint=e.hint or "", exit_code=e.exit_code)
    return update


def _lost(plan: Plan, error: RefusedError) -> Plan:
    return plan.left(error.what, hint="the next run starts from what is there then")


def _push(copy: Copy, branch: BranchName, new: Oid | None, *, expected: Oid | None) -> bool:
    """Return whether this moved it: another run may have been quicker with the same."""
    update = RefUpdate(ref=f"refs/heads/{branch}", expected=expected, new=new)
    return copy.remote.push(copy.repository, [update])
