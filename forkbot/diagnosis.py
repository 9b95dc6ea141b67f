"""Whose doing each of rustc's errors is: what it points at and names, asked of every stack's line.

An error in a build is where it shows, seldom where it comes from. The line may be a patch's, and
what it names upstream's; a lower stack's patch may have taken away what a dependency calls. So each
place and each name is looked up in the history of the stack that it belongs to.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Self

from msgspec.structs import replace

from forkbot.attempt import Attempt
from forkbot.git.workbench import Workbench
from forkbot.model.diagnostic import Deed, Diagnostic, Doer, Origin, Spot
from forkbot.model.verdict import Verdict
from forkbot.rebase.definitions import Wanted
from forkbot.rebase.gates import item_name
from forkbot.rebase.origin import Origins
from forkbot.verify.followers import in_order_of_cause
from forkbot.words import Pin, StackName

_OF_CRATES = ("E0432", "E0433", "E0463")  # rustc's, of which a crate is found, or is not
_USES = r"\buse\s+(?:::)?([A-Za-z_]\w*)::[^;]*\b{name}\b"


def diagnosed(verdict: Verdict, attempts: Iterable[Attempt]) -> Verdict:
    """Return a verdict with what is known of the errors in it; ``attempts`` took part."""
    said = [d for b in verdict.builds for d in b.diagnostics]
    said += [d for s in verdict.smokes for d in s.diagnostics]
    if not any(d.level == "error" for d in said):
        return verdict
    pins = (pin for pins in verdict.dependencies.values() for pin in pins)
    with Diagnosis(attempts, pins=pins) as diagnosis:
        of = diagnosis.of
        builds = (replace(b, diagnostics=of(b.diagnostics, b.stack)) for b in verdict.builds)
        smokes = (replace(s, diagnostics=of(s.diagnostics, s.stack)) for s in verdict.smokes)
        return replace(verdict, builds=tuple(builds), smokes=tuple(smokes))


class Diagnosis:
    """Asks the stacks of one family, of which each has a result; a context manager."""

    def __init__(self, attempts: Iterable[Attempt], *, pins: Iterable[Pin]) -> None:
        """Ask ``attempts``; ``pins`` is what the graph has from crates.io."""
        self._attempts = tuple(
            a for a in attempts if a.rebased is not None and a.rebased.facts.tip is not None
        )
        told = (pin.rpartition(" ")[0] for pin in pins)  # without the checksum
        self._packages = {_ident(package.partition(" ")[0]): package for package in told}
        self._held = contextlib.ExitStack()
        self._asked: dict[StackName, Origins] = {}
        self._known: dict[tuple[object, ...], Diagnostic] = {}

    def __enter__(self) -> Self:
        """Return itself; nothing is started before it is needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what was started."""
        self._held.close()

    def of(self, diagnostics: Iterable[Diagnostic], stack: StackName) -> tuple[Diagnostic, ...]:
        """Return one build's diagnostics: whose doing each error is, and which come of which.

        ``stack`` has the component that was built, if one was.
        """
        return in_order_of_cause(self._traced(d, stack) for d in diagnostics)

    def _traced(self, said: Diagnostic, stack: StackName) -> Diagnostic:
        if said.level != "error":
            return said
        # the same one is met in every build that has the line
        key = (said.file, said.line, said.message, said.package, said.spots)
        if key not in self._known:
            author = self._author(said, stack)
            named = self._named(said, author)
            self._known[key] = replace(said, author=author, named=named)
        found = self._known[key]
        return replace(said, author=found.author, named=found.named)

    def _author(self, said: Diagnostic, stack: StackName) -> Origin | None:
        """Return who wrote the line of an error since the base, or whose package it is in."""
        if not said.spots:
            return _dependencys(said.dependency, Deed.WROTE) if said.dependency else None
        first = said.spots[0]
        if first.dependency or said.dependency:
            owner = first.dependency or said.dependency
            return replace(_dependencys(owner, Deed.WROTE), file=first.file, line=first.line)
        if self._stack_of(first.file) is not None:
            return self._wrote(first)
        return Origin(
            doer=Doer.COMPONENT, deed=Deed.WROTE, stack=stack, file=first.file, line=first.line
        )

    def _named(self, said: Diagnostic, author: Origin | None) -> Origin | None:
        """Return whose doing it is that what the line relies on is not what it was."""
        for spot in said.spots[1:]:
            if spot.named and (found := self._changed(spot, author)):
                name = self._defined(spot)
                deed = Deed.ADDED if name and self._is_new(spot, name) else Deed.CHANGED
                return replace(found, deed=deed, name=name or _first(said))
        if found := next(self._of_names(said), None):
            return found
        for spot in said.spots[1:]:
            if not spot.named and (found := self._changed(spot, author)):
                return found
        if found := next(self._of_calls(said), None):
            return found
        return self._of_dependency(said)

    def _changed(self, spot: Spot, author: Origin | None) -> Origin | None:
        """Return who wrote a place that rustc points at, if that is not who wrote the error's."""
        found = self._wrote(spot)
        if found is None or (author is not None and _who(found) == _who(author)):
            return None
        return replace(found, deed=Deed.CHANGED)

    def _wrote(self, spot: Spot) -> Origin | None:
        stack = self._stack_of(spot.file)
        if stack is None or spot.dependency:
            return None
        return self._origins(stack).author(_path(spot.file), range(spot.line, spot.last + 1))

    def _of_names(self, said: Diagnostic) -> Iterator[Origin]:
        """Yield what was done to what an error names, the likeliest first.

        In its own stack a change counts; in another one only where the error names its crate.
        """
        own = self._stack_of(said.file)
        holder = next((s.file for s in said.spots[1:] if self._stack_of(s.file) == own), said.file)
        parts = frozenset(part for whole in said.names for part in whole.split("::"))
        for name in (part for whole in said.names for part in reversed(whole.split("::"))):
            wanted = Wanted(name=name, beside=parts - {name}, fields="field" in said.message)
            crates = self._crates(said, name)
            there = [a.stack.name for a in self._attempts if _crate(a) in crates]
            for stack in there or ([own] if own else []):
                near = _path(holder) if stack == own else b""
                yield from self._some(self._origins(stack).named(wanted, near=near))
        for attempt in self._attempts:  # a method's type is not always told with its crate
            if said.names and attempt.stack.name != own:
                wanted = Wanted(name=_first(said), beside=parts)
                yield from self._some(self._origins(attempt.stack.name).named(wanted, gone=True))

    def _of_calls(self, said: Diagnostic) -> Iterator[Origin]:
        """Yield who changed a function that is called in the code; of a name that only it has."""
        for name in said.called:
            for attempt in self._attempts:
                origins = self._origins(attempt.stack.name)
                found = origins.named(Wanted(name=name))
                if found is not None and origins.defined_once(name):
                    yield found

    def _some(self, found: Origin | None) -> Iterator[Origin]:
        if found is not None:
            yield found

    def _crates(self, said: Diagnostic, name: str) -> frozenset[str]:
        """Return the crates that an error names, or that its file takes ``name`` from."""
        known = {_crate(a) for a in self._attempts} | self._packages.keys()
        # a function may be named as a crate is, and has nothing to do with it
        told = (w for w in said.names if "::" in w or _is_crate(w, said))
        found = {whole.partition("::")[0] for whole in told} & known
        uses = re.compile(_USES.format(name=re.escape(name)))
        found |= {m[1] for m in uses.finditer(self._text(said.file)) if m[1] in known}
        own = self._stack_of(said.file)
        return frozenset(found - {_crate(a) for a in self._attempts if a.stack.name == own})

    def _text(self, file: str) -> str:
        stack = self._stack_of(file)
        return self._origins(stack).text(_path(file)) if stack is not None else ""

    def _is_new(self, spot: Spot, name: str) -> bool:
        stack = self._stack_of(spot.file)
        return stack is not None and self._origins(stack).is_new(_path(spot.file), name)

    def _defined(self, spot: Spot) -> str:
        """Return the name of the item that a place defines, '' where it defines none."""
        lines = self._text(spot.file).split("\n")[spot.line - 1 : spot.line]
        return "".join(item_name(line) for line in lines).rpartition(" ")[2]

    def _of_dependency(self, said: Diagnostic) -> Origin | None:
        """Return the dependency that has what an error points at, or names."""
        for spot in said.spots[1:]:
            if spot.named and spot.dependency:
                found = _dependencys(spot.dependency, Deed.OWNS)
                name = _first(said) or next(iter(said.called), "")
                return replace(found, name=name, file=spot.file, line=spot.line)
        for whole in said.names[:1]:
            crates = sorted(self._crates(said, _last(whole)) & self._packages.keys())
            others = [c for c in crates if c not in map(_crate, self._attempts)]
            if others:
                found = _dependencys(self._packages[others[0]], Deed.OWNS)
                return replace(found, name=_last(whole))
        return None

    def _stack_of(self, file: str) -> StackName | None:
        """Return the stack in whose tree a file is."""
        first = file.partition("/")[0]
        for attempt in self._attempts:
            name = attempt.stack.name
            if name == first:
                return name if self._origins(name).has(_path(file)) else None
        return None

    def _origins(self, stack: StackName) -> Origins:
        if stack not in self._asked:
            attempt = next(a for a in self._attempts if a.stack.name == stack)
            assert attempt.rebased is not None
            assert attempt.repository is not None
            bench = self._held.enter_context(Workbench(attempt.repository))
            self._asked[stack] = Origins(attempt.rebased.facts, bench=bench)
        return self._asked[stack]


def _who(origin: Origin) -> tuple[object, ...]:
    return origin.doer, origin.stack, origin.patch, origin.commit, origin.dependency


def _dependencys(package: str, deed: Deed) -> Origin:
    return Origin(doer=Doer.DEPENDENCY, deed=deed, dependency=package)


def _path(file: str) -> bytes:
    """Return a file by its path in its stack's tree."""
    return file.partition("/")[2].encode(errors="surrogateescape")


def _is_crate(name: str, said: Diagnostic) -> bool:
    """Whether an error means a crate by a name without a path."""
    return said.code in _OF_CRATES or f"crate `{name}`" in said.message


def _first(said: Diagnostic) -> str:
    """Return the most telling of the names in an error, '' where there is none."""
    return _last(said.names[0]) if said.names else ""


def _last(path: str) -> str:
    return path.rsplit("::", maxsplit=1)[-1]


def _ident(crate: str) -> str:
    """Return a crate's name as code has it."""
    return crate.replace("-", "_")


def _crate(attempt: Attempt) -> str:
    return _ident(attempt.stack.policy.crate)
