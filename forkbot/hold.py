"""What speaks against publishing: a stuck stack below, a red verdict, a policy. Pure decisions."""

from collections.abc import Mapping

import msgspec

from forkbot.attempt import Attempt
from forkbot.model.publication import Move, Publication
from forkbot.model.verdict import Colour, Verdict
from forkbot.rebase.resolutions import merged_by
from forkbot.words import Channel, StackName

_NAMED = 3  # suspicions by their keys


def hold_back(
    attempts: list[Attempt], verdicts: Mapping[StackName, Verdict] | None, *, channel: Channel
) -> None:
    """Turn a planned publication into a held one where something speaks against it.

    ``verdicts`` has what speaks for each stack; None where no stack was to be verified.
    ``attempts`` come lower stacks first: what holds a stack holds those that are built on it.
    """
    for attempt in attempts:
        plan = attempt.publication
        if plan is None or not plan.writes:
            continue
        why = _stuck_below(attempt, attempts) or suspicious(attempt)
        if not why and verdicts is not None:
            why = red(attempt, attempts, verdicts.get(attempt.stack.name))
        elif not why and not _known_green(attempt, channel):
            why = f"no green verdict for this result: forkbot verify {attempt.stack.name}"
        unread, reason = _unread(attempt)
        why = why or reason or _unpublished_below(attempt, attempts)
        if not why and attempt.stack.policy.when.clean == "hold":
            why = "stack.yaml says `when: {clean: hold}`"
        if why:
            held = hold(plan, why)
            if why == reason:
                held = msgspec.structs.replace(held, unread=unread)
            attempt.publication = held


def hold(plan: Publication, why: str) -> Publication:
    """Return the plan as one that writes nothing."""
    return msgspec.structs.replace(plan, move=Move.HELD, why=why, recovery="", retired=())


def refused(attempt: Attempt) -> bool:
    """Return whether the fork branch could not be published: a person's work, or a rule there."""
    return attempt.publication is not None and attempt.publication.move is Move.REFUSED


def below(attempt: Attempt, attempts: list[Attempt]) -> list[Attempt]:
    """Return those of ``attempts`` that this one's stack is built on, lower ones first."""
    wanted = set(attempt.stack.policy.depends)
    found = []
    for other in reversed(attempts):  # a family's order: whoever depends comes later
        if other.stack.name in wanted:
            found.append(other)
            wanted.update(other.stack.policy.depends)
    return found[::-1]


def _stuck_below(attempt: Attempt, attempts: list[Attempt]) -> str:
    stuck = [other.stuck for other in below(attempt, attempts) if other.stuck]
    return f"waits: {stuck[0]}" if stuck else ""


def suspicious(attempt: Attempt) -> str:
    """Return why a clean rebase is no proof (DESIGN law 4): the base stays until a person says."""
    if attempt.rebased is None or not (found := attempt.rebased.facts.unacknowledged):
        return ""
    name, many = attempt.stack.name, "suspicions" if len(found) > 1 else "suspicion"
    keys = " ".join(s.key for s in found[:_NAMED])
    more = " …" if len(found) > _NAMED else ""
    return f'{len(found)} {many} to look at: forkbot acknowledge {name} {keys}{more} --why "…"'


def _unread(attempt: Attempt) -> tuple[str, str]:
    """Return the patch that a tool merged and no person has read, and what to do; or nothing.

    The patches' messages tell, not this rebase: the next one is clean, and nobody read it either.
    """
    if attempt.rebased is None or attempt.stack.policy.merge.publish:
        return "", ""
    for patch in attempt.rebased.patches:
        if tool := merged_by(patch.message):
            name = attempt.stack.name
            return patch.name, (
                f"patch {patch.name} was merged by {tool}, and nobody has read it: "
                f"forkbot rebase {name}, read {attempt.stack.file_of(patch.name)}, "
                f"and write your name for `{tool}` in its last lines"
            )
    return "", ""


def _unpublished_below(attempt: Attempt, attempts: list[Attempt]) -> str:
    """Return why the branches below would not be those that this result was proven with."""
    for other in below(attempt, attempts):
        plan = other.publication
        if plan is not None and plan.move in (Move.HELD, Move.REFUSED):
            return f"waits: {other.stack.name} is {plan.move.value}"
    return ""


def red(attempt: Attempt, attempts: list[Attempt], verdict: Verdict | None) -> str:
    """Return why the verdict forbids publishing: its own red, or one it is built with."""
    if verdict is None:
        return "nothing was verified"
    if verdict.reused:
        return ""
    if verdict.problems:
        return verdict.problems[0]
    own = [b for b in verdict.builds if b.stack == attempt.stack.name]
    if not own:
        return "nothing was built: stack.yaml names no build"
    if all(b.colour is Colour.HELD for b in own):
        return own[0].why
    lower = below(attempt, attempts)
    for other in attempts:
        connected = other is attempt or other in lower or attempt in below(other, attempts)
        tried = any(b.stack == other.stack.name and b.package for b in verdict.builds)
        if connected and tried and not verdict.green_for(other.stack.name):
            return f"verification of {other.stack.name} is red"
    return ""


def _known_green(attempt: Attempt, channel: Channel) -> bool:
    lock = attempt.stack.lock.channel(channel)
    return (
        lock is not None
        and lock.verdict is not None
        and lock.verdict.status == "green"
        and attempt.rebased is not None
        and lock.result_tree == attempt.rebased.facts.tree
    )
