"""A patch taken out of a series by an order: its file stays, and the rest stands alone."""

import contextlib

import msgspec

from forkbot.attempt import Attempt
from forkbot.drop import ground_of, without_verdicts
from forkbot.errors import UsageError
from forkbot.rebase.drop import drop_patches
from forkbot.session import Session
from forkbot.words import PatchName


def park(
    attempt: Attempt, patch: PatchName, *, session: Session, held: contextlib.ExitStack
) -> str:
    """Rebase the stack without a patch; return why that cannot be, or ''.

    As with ``forkbot patch drop``, what is left has to stand on the base without it.
    """
    stack, channel = attempt.stack, session.channel
    lock = stack.lock.channel(channel)
    assert attempt.rebased is not None
    assert attempt.again is not None
    if lock is None:
        return f"{stack.name} sits nowhere yet, so nothing can be proven of it without a patch"
    try:
        ground = ground_of(stack, lock, channel, session=session, held=held)
        found = drop_patches(stack, (patch,), {channel: ground})
        left = msgspec.structs.replace(
            stack,
            patches=found.patches,
            lock=without_verdicts(stack.lock, (found,)),
            left_out=tuple(sorted((*stack.left_out, f"{patch}.patch"))),
        )
        rebased = attempt.again(left, attempt.rebased.facts.onto)
    except UsageError as e:
        return e.what
    attempt.stack, attempt.rebased = left, rebased
    attempt.said.parked = (*attempt.said.parked, patch)
    return ""
