"""Whose upstream and whose series to search for what turned something red, and in which order."""

from forkbot.attempt import Attempt
from forkbot.buildbreaker.asking import NIGHTLY, Limits, built_together
from forkbot.buildbreaker.breaking import Dependencies, break_build
from forkbot.model.buildbreaker import BuildBreaker, Ended
from forkbot.model.probe import Red
from forkbot.session import Session
from forkbot.verify.toolchain import Toolchain


def break_red(
    attempts: list[Attempt],
    red: Red,
    *,
    session: Session,
    toolchain: Toolchain,
    dependencies: Dependencies,
    limits: Limits = NIGHTLY,
) -> tuple[BuildBreaker, ...]:
    """Return what was found along one stack after the other, up to the one that is to blame.

    ``dependencies`` are those of the verdict, ``limits`` are for all searches together.
    """
    found: list[BuildBreaker] = []
    for attempt in _suspects(red, attempts):
        left = Limits(
            probes=limits.probes - sum(b.probes for b in found),
            seconds=limits.seconds - sum(b.seconds for b in found),
        )
        if found and (left.probes <= 0 or left.seconds <= 0):
            break
        breaker = break_build(
            attempt, attempts, red, session=session, toolchain=toolchain, limits=left,
            dependencies=dependencies,
        )  # fmt: skip
        found.append(breaker)
        if _is_enough(breaker):
            break
    return tuple(found)


def _suspects(red: Red, attempts: list[Attempt]) -> list[Attempt]:
    """Return the stacks that may be to blame: whose code the compiler names, the red one, the rest.

    Of the rest those come first that are nearest below.
    """
    named = {d.package for d in red.errors}
    suspects = [*reversed(built_together(red, attempts))]
    suspects.sort(key=lambda a: (a.stack.policy.crate not in named, a.stack.name != red.stack))
    return suspects


def _is_enough(breaker: BuildBreaker) -> bool:
    """Whether no other stack needs to be asked: this one's doing it is, or nobody's."""
    if breaker.upstream.ended is Ended.GREEN or breaker.unsteady or breaker.commit is not None:
        return True
    patches = breaker.patches
    return breaker.patch is not None and patches.good is not None and patches.good.red is None
