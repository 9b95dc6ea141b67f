"""Whether a component did what stack.yaml declares: green, or red with words of its own.

A red counts as declared only when it says what is declared, in the way that is declared. One that
is red for another reason proves nothing of the patch that is to make the difference.
"""

import dataclasses

from forkbot.model.smoke import SmokePolicy
from forkbot.model.verdict import Colour, How
from forkbot.words import CaseName


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a component did, before anybody says whether that is as it must be."""

    how: How
    why: str  # '' when it was green
    said: str  # all of it: where declared words are looked for
    shown: str  # of that, what a report has room for
    exit_code: int | None = None
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a run must come to: the words of its red, or green where there are none."""

    words: str = ""
    how: How = How.ENDED
    canary: bool = False


def declared(policy: SmokePolicy, case: CaseName | None, *, pristine: bool) -> Declared:
    """Return what stack.yaml says of a case; of the component's build when ``case`` is None."""
    if policy.canary:
        how = How.UNBUILT if case is None else How.ENDED
        return Declared(words=policy.canary, how=how, canary=True)
    if not pristine:
        return Declared()
    if policy.upstream.fails:
        return Declared(words=policy.upstream.fails, how=How.UNBUILT)
    if case is None:
        return Declared()
    mine = policy.cases[case]
    return Declared(words=mine.upstream, how=How.HUNG if mine.hangs else How.ENDED)


def judged(ran: Ran, wanted: Declared) -> tuple[Colour, str]:
    """Return the colour of what ran, and why it has that."""
    wrong = Colour.NEWS if wanted.canary else Colour.RED
    if not wanted.words:
        return (wrong, ran.why) if ran.why else (Colour.GREEN, "")
    if not ran.why:
        return wrong, (
            "it is green: a canary no longer" if wanted.canary
            else "upstream is green by itself: the patch that made the difference may go"
        )  # fmt: skip
    if ran.how is not wanted.how:
        return wrong, f"{ran.why}; declared is that it {_MUST[wanted.how]}"
    if wanted.words not in ran.said:
        return wrong, f"{ran.why}, and it does not say {wanted.words!r}, as declared"
    return Colour.GREEN, ran.why


_MUST = {How.ENDED: "ends", How.HUNG: "does not end", How.UNBUILT: "does not build"}
