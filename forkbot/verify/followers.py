"""Which of rustc's errors come of another one: the first of each cause leads, the rest follow."""

from collections.abc import Iterable

from msgspec.structs import replace

from forkbot.model.diagnostic import Diagnostic, Origin

# "type annotations needed": as a rule, since something before it is unknown
_UNKNOWN_TYPE = frozenset({"E0282", "E0283", "E0284"})


def in_order_of_cause(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return a build's diagnostics, each error that comes of an earlier one saying of which.

    rustc tells what it cannot resolve before what it cannot type, so the first one of a cause is
    the one to read. Warnings neither lead nor follow.
    """
    told: list[Diagnostic] = []
    for said in diagnostics:
        follows = _leader(said, told) if said.level == "error" else None
        told.append(replace(said, follows=follows))
    return tuple(told)


def _leader(said: Diagnostic, before: list[Diagnostic]) -> int | None:
    for number, other in enumerate(before):
        if other.level == "error" and other.follows is None and _comes_of(said, other):
            return number
    return None


def _comes_of(said: Diagnostic, other: Diagnostic) -> bool:
    """Return whether one error is due to what is told of the other already."""
    if said.package != other.package:
        return False
    if said.named is not None and other.named is not None:
        return _deed(said.named) == _deed(other.named)
    if said.names and other.names and _undefined(said) and _undefined(other):
        return said.names[0].split("::")[-1] == other.names[0].split("::")[-1]
    return said.code in _UNKNOWN_TYPE and said.file == other.file


def _deed(origin: Origin) -> tuple[object, ...]:
    """Return what was done to what, by whom, wherever that is to be seen."""
    return origin.doer, origin.deed, origin.stack, origin.patch, origin.commit, origin.name


# what is not found under its name
_UNDEFINED = frozenset({"E0405", "E0412", "E0422", "E0423", "E0425", "E0432", "E0433", "E0531"})


def _undefined(said: Diagnostic) -> bool:
    return said.code in _UNDEFINED
