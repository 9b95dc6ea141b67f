"""What is not as it was when all was last green, and what of that can be turned back here."""

import dataclasses
from collections.abc import Mapping, Sequence

from forkbot.attempt import Attempt
from forkbot.locate import place_at
from forkbot.model.attribution import Part, Suspect
from forkbot.model.diagnostic import Doer
from forkbot.model.place import Place
from forkbot.model.probe import Red, RedKind
from forkbot.model.proven import Proven, digest_of_lines
from forkbot.model.verdict import Verdict
from forkbot.verify.attribute import Case
from forkbot.verify.pins import changed, named
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from forkbot.words import Channel, Pin, StackName

RUSTC, WASMTIME = "rustc", "wasmtime"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """How everything was when it was last green, as far as that is known and still to be had."""

    proven: Mapping[StackName, Proven]
    places: Mapping[StackName, Place]  # upstream's, where the repository here has it
    pins: tuple[Pin, ...]
    # the rustc and the wasmtime of then; None where it is gone, or the same
    toolchain: Toolchain | None = None
    wasmtime: Wasmtime | None = None


def proven_of(
    red: Red, members: Sequence[Attempt], channel: Channel
) -> Mapping[StackName, Proven] | None:
    """Return what each stack was; None where what is red was never green."""
    found = {}
    for attempt in members:
        lock = attempt.stack.lock.channel(channel)
        if lock is not None and lock.proven is not None:
            found[attempt.stack.name] = lock.proven
    own = [red.stack] if red.stack else [a.stack.name for a in members]
    return found if any(name in found for name in own) else None


def then(attempt: Attempt, proven: Proven, channel: Channel) -> Place | None:
    """Return where a stack sat; None where upstream has no such commit any more."""
    if attempt.located is None:
        return None
    found = place_at(attempt.stack, proven.base, located=attempt.located, channel=channel)
    if found is None and channel is Channel.RELEASE:  # a yank changes the ids of all after it
        same = (p for p in attempt.located.candidates if p.label == proven.base_label)
        found = next(same, None)
    return found


def never_green(red: Red, members: Sequence[Attempt], verdict: Verdict) -> Case:
    """Return the case of what was never green: its own patches, and those of the lower forks.

    A component is red without them, too, as a rule: only one that is not says anything of them.
    """
    if red.kind is RedKind.SMOKE and not green_without_patches(red, verdict):
        return Case(red=red, suspects=(), known=False)
    mine = sorted(members, key=lambda a: a.stack.name != red.stack)
    suspects = tuple(
        Suspect(part=Part.PATCHES, stack=a.stack.name, names=tuple(p.name for p in a.stack.patches))
        for a in mine
        if a.stack.patches
    )
    return Case(red=red, suspects=suspects, known=False)


def green_without_patches(red: Red, verdict: Verdict) -> bool:
    """Whether a component that is red with the stacks is green on pristine upstream."""
    name, _, case = red.name.partition("/")
    control = [
        s.ran_green
        for s in verdict.smokes
        if s.pristine and (s.stack, s.name) == (red.stack, name) and case in ("", s.case)
    ]
    return bool(control) and all(control)


def since_green(red: Red, members: Sequence[Attempt], before: Before, verdict: Verdict) -> Case:
    """Return the case of what was green: all that changed since, what rustc points at first."""
    own = before.proven.get(StackName(red.stack)) or next(iter(before.proven.values()))
    suspects = [*_dependencies(red, before, verdict)]
    fixed = []
    for attempt in sorted(members, key=lambda a: a.stack.name != red.stack):
        found, stuck = _of_stack(attempt, red, before)
        suspects += found
        fixed += stuck
    for name, was, now, old in (
        (RUSTC, own.rustc, verdict.rustc, before.toolchain),
        (WASMTIME, own.wasmtime, verdict.wasmtime, before.wasmtime),
    ):
        if was != now and (name == RUSTC or red.kind is RedKind.SMOKE):
            suspect = Suspect(part=Part.TOOLCHAIN, was=was, now=now, names=(name,))
            suspects.append(suspect)
            if old is None:
                fixed.append(suspect)
    parts = list(Part)
    suspects.sort(key=lambda s: (not pointed_at(s, red), parts.index(s.part)))
    return Case(red=red, suspects=tuple(suspects), fixed=tuple(fixed))


def _dependencies(red: Red, before: Before, verdict: Verdict) -> tuple[Suspect, ...]:
    if not before.pins:
        return ()
    if red.kind is RedKind.GRAPH and not verdict.dependencies:  # cargo resolved none to compare
        return (Suspect(part=Part.DEPENDENCIES, names=tuple(named(before.pins))),)
    fresh = {pin for pins in verdict.dependencies.values() for pin in pins}
    names = changed(before.pins, _of(red, verdict) or fresh)
    if not names:
        return ()
    return (Suspect(part=Part.DEPENDENCIES, names=names),)


def _of(red: Red, verdict: Verdict) -> tuple[Pin, ...]:
    return verdict.dependencies.get(StackName(red.stack), ())


def _of_stack(attempt: Attempt, red: Red, before: Before) -> tuple[list[Suspect], list[Suspect]]:
    """Return what changed of one stack, and what of that cannot be turned back."""
    name, proven = attempt.stack.name, before.proven.get(attempt.stack.name)
    assert attempt.rebased is not None
    onto = attempt.rebased.facts.onto
    if proven is None:  # new in the family
        new = Suspect(part=Part.UPSTREAM, stack=name, now=onto.label)
        return [new], [new]
    found, fixed = list[Suspect](), list[Suspect]()
    if (
        red.kind is RedKind.SMOKE
        and name == red.stack
        and (proven.smoke != attempt.stack.smoke_digest)
    ):
        found.append(Suspect(part=Part.COMPONENTS, stack=name))
        fixed.append(found[-1])
    edited = edited_patches(attempt, proven)
    if edited:  # what they were is not kept, and without them it may be as red
        found.append(Suspect(part=Part.PATCHES, stack=name, names=edited))
        fixed.append(found[-1])
    if onto.commit != proven.base and onto.label != proven.base_label:
        moved = Suspect(part=Part.UPSTREAM, stack=name, was=proven.base_label, now=onto.label)
        found.append(moved)
        if name not in before.places:
            fixed.append(moved)
    return found, fixed


def edited_patches(attempt: Attempt, proven: Proven) -> tuple[str, ...]:
    """Return the patches that people changed, added or took away, in the order of the series."""
    now = {p.name: digest_of_lines(p.diff) for p in attempt.stack.patches}
    gone = [name for name in proven.patches if name not in now]
    return (*(n for n, digest in now.items() if proven.patches.get(n) != digest), *gone)


def pointed_at(suspect: Suspect, red: Red) -> bool:
    """Whether rustc's first error leads to a suspect."""
    origin = red.errors[0].origin if red.errors else None
    if origin is None:
        return (
            bool(red.errors)
            and bool(red.errors[0].dependency)
            and (suspect.part is Part.DEPENDENCIES)
        )
    part = {
        Doer.UPSTREAM: Part.UPSTREAM, Doer.PATCH: Part.PATCHES,
        Doer.DEPENDENCY: Part.DEPENDENCIES, Doer.COMPONENT: Part.COMPONENTS,
    }[origin.doer]  # fmt: skip
    return suspect.part is part and suspect.stack in (None, origin.stack)
