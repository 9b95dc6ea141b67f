"""Conditions of Rust's conditional compilation: read, compared, and asked about a platform.

``cfg_net! { … }`` and the like are conditions by name, until somebody knows their definition. Two
conditions are compared by trying every platform below, and every other system that they name, with
every value of what else they name: so ``unix`` is known to leave WASI out.
"""

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping

_MANY = 10  # names besides the platform: past 2**10 tries two conditions are compared as text


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """A name (``unix``, ``feature = "net"``), or ``all``, ``any``, ``not`` of other conditions."""

    word: str
    parts: tuple["Condition", ...] | None = None

    def __str__(self) -> str:
        """Return it as Rust writes it."""
        return (
            self.word if self.parts is None else f"{self.word}({', '.join(map(str, self.parts))})"
        )

    def atoms(self) -> frozenset[str]:
        """Return the names in it."""
        if self.parts is None:
            return frozenset({self.word})
        return frozenset().union(*(part.atoms() for part in self.parts))

    def expanded(self, macros: Mapping[str, "Condition"]) -> "Condition":
        """Return it with what the macros in it are defined to ask."""
        if self.parts is None:
            return macros.get(self.word, self)
        return Condition(self.word, tuple(part.expanded(macros) for part in self.parts))

    def value(self, known: Mapping[str, bool]) -> bool | None:
        """Return whether it holds as far as ``known`` tells, None where that is not enough."""
        if self.parts is None:
            return known.get(self.word)
        values = [part.value(known) for part in self.parts]
        if self.word == "not":
            return None if values[0] is None else not values[0]
        settles = self.word == "any"
        if settles in values:
            return settles
        return None if None in values else not settles


TRUE = Condition("all", ())
FALSE = Condition("any", ())


def every(conditions: Iterable[Condition]) -> Condition:
    """Return the condition that all of them hold."""
    return Condition("all", tuple(conditions))


def some(conditions: Iterable[Condition]) -> Condition:
    """Return the condition that one of them holds."""
    return Condition("any", tuple(conditions))


def negated(condition: Condition) -> Condition:
    """Return the condition that it does not hold."""
    return Condition("not", (condition,))


_TOKEN = re.compile(r'\s*([A-Za-z_][\w:]*|"[^"]*"|[(),=])')


def parse_condition(text: str) -> Condition:
    """Return what stands between the parentheses of ``cfg(…)``; one name where it is no cfg."""
    tokens = [found[1] for found in _TOKEN.finditer(text)]
    rest = tokens[::-1]
    try:
        condition = _parse(rest)
    except IndexError:  # it ends too early
        return Condition(" ".join(tokens))
    return Condition(" ".join(tokens)) if rest else condition


def _parse(rest: list[str]) -> Condition:
    word = rest.pop()
    if word in {"all", "any", "not"} and rest and rest[-1] == "(":
        rest.pop()
        parts = []
        while rest[-1] != ")":
            parts.append(_parse(rest))
            if rest[-1] == ",":
                rest.pop()
        rest.pop()
        if word == "not" and len(parts) != 1:
            raise IndexError
        return Condition(word, tuple(parts))
    if rest and rest[-1] == "=":
        rest.pop()
        return Condition(f"{word} = {rest.pop()}")
    if not re.match(r"\w", word):
        raise IndexError
    return {"true": TRUE, "false": FALSE}.get(word, Condition(word))


def _platform(os: str, family: str, **more: str) -> dict[str, str]:
    return {"target_os": os, "target_family": family, **more}


_PLATFORMS = (
    _platform("linux", "unix"),
    _platform("macos", "unix"),
    _platform("freebsd", "unix"),
    _platform("windows", "windows"),
    _platform("wasi", "wasm", target_arch="wasm32", target_env="p1"),
    _platform("wasi", "wasm", target_arch="wasm32", target_env="p2"),
    _platform("unknown", "wasm", target_arch="wasm32", target_env=""),
    _platform("none", ""),
)
_WASI = _PLATFORMS[5]
# what no published crate is built with
_NEVER = ("test", "loom", "miri", "fuzzing", "doc", "docsrs")
_WASM = ("wasm32", "p1", "p2")  # what no other platform says of itself
_SETTING = re.compile(r'(target_os|target_family|target_arch|target_env) = "(.*)"')


def on_wasi(condition: Condition) -> bool | None:
    """Return whether it holds for wasm32-wasip2, None where that depends on something else."""
    return condition.value(_known(condition.atoms(), _WASI))


def parts_unix_from_wasi(condition: Condition) -> bool:
    """Return whether a port to WASI must know of it: it is for unix at large, or not for Windows.

    What is for some systems by their names, or for all but some, says nothing of WASI.
    """
    unix = [condition.value(_known(condition.atoms(), p)) for p in _PLATFORMS[:3]]
    windows = condition.value(_known(condition.atoms(), _PLATFORMS[3]))
    return False not in unix and (on_wasi(condition) is False or windows is False)


def _known(atoms: Iterable[str], platform: Mapping[str, str]) -> dict[str, bool]:
    known: dict[str, bool] = {}
    for atom in atoms:
        if atom in {"unix", "windows"}:
            known[atom] = platform["target_family"] == atom
        elif atom in _NEVER:
            known[atom] = False
        elif (found := _SETTING.fullmatch(atom)) and (found[1] in platform or found[2] in _WASM):
            known[atom] = platform.get(found[1]) == found[2]
        elif atom.endswith("!") and _leaves_out(atom[:-1].split("_"), platform):
            known[atom] = False
    return known


def _leaves_out(words: list[str], platform: Mapping[str, str]) -> bool:
    """Return whether a macro's name says that it is not for the platform: ``cfg_net_unix!``."""
    family, os = platform["target_family"], platform["target_os"]
    named = [word for word in words if word in {"unix", "windows", "wasi"}]
    return any((word in {family, os}) == ("not" in words) for word in named)


@functools.cache
def implies(first: Condition, second: Condition) -> bool:
    """Return whether ``second`` holds wherever ``first`` does: nothing is taken from the build."""
    if first == second:
        return True
    atoms = first.atoms() | second.atoms()
    systems = (*_PLATFORMS, *_named_in(atoms))
    return all(_implies_on(first, second, atoms, platform) for platform in systems)


def _named_in(atoms: Iterable[str]) -> Iterator[Mapping[str, str]]:
    """Yield the systems that conditions name besides the well-known ones: unix perhaps, or not."""
    known = {platform["target_os"] for platform in _PLATFORMS}
    for atom in atoms:
        found = _SETTING.fullmatch(atom)
        if found and found[1] == "target_os" and found[2] not in known:
            yield from (_platform(found[2], family) for family in ("unix", ""))


def _implies_on(
    first: Condition, second: Condition, atoms: frozenset[str], platform: Mapping[str, str]
) -> bool:
    known = _known(atoms, platform)
    free = sorted(atoms - known.keys())
    if len(free) > _MANY:
        return set(second.parts or [second]) <= set(first.parts or [first])
    for values in itertools.product((False, True), repeat=len(free)):
        now = known | dict(zip(free, values, strict=True))
        if first.value(now) and not second.value(now):
            return False
    return True
