"""What speaks against publishing: a stuck stack below, a red verdict, a policy. Pure decisions."""

import msgspec

from forkbot.attempt import Attempt
from forkbot.model.publication import Move
from forkbot.model.stack import Stack
from forkbot.model.verdict import Verdict
from forkbot.stackdir.load import closure
from forkbot.words import Channel, StackName


def hold_back(
    attempts: list[Attempt], verdict: Verdict | None, *, channel: Channel, verified: bool
) -> None:
    """Turn a planned publication into a held one where something speaks against it."""
    stuck = {a.stack.name: a.stuck for a in attempts if a.stuck}
    for attempt in attempts:
        plan = attempt.publication
        if plan is None or not plan.writes:
            continue
        why = ""
        below = [stuck[n] for n in _depends(attempt.stack, attempts) if n in stuck]
        if below:
            why = f"waits for {below[0]}"
        elif attempt.stack.policy.when.clean == "hold":
            why = "stack.yaml says `when: {clean: hold}`"
        elif verified:
            why = _red(attempt.stack, attempts, verdict)
        elif not _known_green(attempt, channel):
            why = "no green verdict for this result: forkbot verify " + attempt.stack.name
        if why:
            attempt.publication = msgspec.structs.replace(
                plan, move=Move.HELD, why=why, recovery=""
            )


def _depends(stack: Stack, attempts: list[Attempt]) -> list[StackName]:
    every = tuple(a.stack for a in attempts)
    return [s.name for s in closure(every, (stack,))] if every else []


def _red(stack: Stack, attempts: list[Attempt], verdict: Verdict | None) -> str:
    """Return why the verdict forbids publishing ``stack``: its own red, or one it is built with."""
    if verdict is None:
        return "nothing was verified"
    if verdict.reused:
        return ""
    if verdict.problems:
        return verdict.problems[0]
    own = set(_depends(stack, attempts))
    for other in attempts:
        connected = other.stack.name in own or stack.name in _depends(other.stack, attempts)
        held = any(b.stack == other.stack.name and b.package == "" for b in verdict.builds)
        if connected and not held and not verdict.green_for(other.stack.name):
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
