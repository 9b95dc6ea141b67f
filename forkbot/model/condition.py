"""A patch's Drop-When: under which condition it may go. One condition a patch."""

import dataclasses
import enum
import re
from typing import assert_never


class ConditionKind(enum.Enum):
    """What a condition speaks of."""

    MERGED = "merged"  # a pull request or a commit is in upstream's history
    RELEASED = "released"  # upstream has released that version
    RUSTC = "rustc"  # the toolchain's rustc is that new
    GREEN_WITHOUT = "green-without"  # all that is built and run stays green without the patch


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition as its text says it."""

    kind: ConditionKind
    reference: str = ""  # of MERGED: the pull request's URL, or the commit
    least: tuple[int, int, int] = (0, 0, 0)  # of RELEASED and RUSTC


_CONDITION = re.compile(
    r"(?P<merged>merged) (?P<reference>\S+)"
    r"|(?P<versioned>released|rustc) >=\s*(?P<least>\d+(?:\.\d+){1,2})"
    r"|(?P<green>green-without)"
)


def parse_condition(text: str) -> Condition | None:
    """Return the condition that ``text`` is, or None when it is none."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        return None
    kind = ConditionKind(found["merged"] or found["versioned"] or found["green"])
    match kind:
        case ConditionKind.MERGED:
            return Condition(kind=kind, reference=found["reference"])
        case ConditionKind.RELEASED | ConditionKind.RUSTC:
            major, minor, patch = (*map(int, found["least"].split(".")), 0)[:3]
            return Condition(kind=kind, least=(major, minor, patch))
        case ConditionKind.GREEN_WITHOUT:
            return Condition(kind=kind)
        case _:
            assert_never(kind)
