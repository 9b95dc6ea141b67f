"""Under which conditions each line of a Rust file stands, by its braces and without a compiler.

Comments, strings, raw strings and characters are taken out first; then an attribute reaches to the
end of what follows it, a ``cfg_net! { … }`` to its brace. Known: ``#[cfg]``, ``#![cfg]``, macros
named ``cfg_*`` or ``if_*``, ``cfg_if!`` with its branches, ``if cfg!(…)``, ``mod name;`` with
``#[path]``. A macro is a condition by its name, or by its definition where that has one ``#[cfg]``
alone. Not known: what other macros make of their input, a condition inside ``cfg_attr``, ``cfg!``
in the middle of an expression, and the comma inside generics, at which the extent of a field may
end early. Text that is not Rust gives an answer, not an error.
"""

import bisect
import dataclasses
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from forkbot.rebase.cfg import Condition, every, negated, parse_condition, some

_TEXT = re.compile(
    r"""(?P<line>//[^\n]*)
      | (?P<block>/\*)
      | (?<![A-Za-z0-9_])(?:b|c)?r(?P<raw>\#*)"
      | (?P<string>"(?:[^"\\]|\\.)*(?:"|\Z))
      | (?P<char>'(?:\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F_]{1,8}\}|.)|[^'\\\n])')
    """,
    re.VERBOSE | re.DOTALL,
)
_BRACKET = re.compile(r"[{}()\[\]]")
_CLOSES = {"}": "{", ")": "(", "]": "["}
_ATTRIBUTE = re.compile(r"#(!?)\s*\[\s*(cfg\s*\()?")
_MACRO = re.compile(r"\b((?:cfg|if)_(?!if\b)\w+)!\s*(?=\{)")
_DEFINES = re.compile(r"\bmacro_rules!\s*((?:cfg|if)_\w+)\s*(?=[{(\[])")
_IF_CFG = re.compile(r"\bif\s+(!?)cfg!\s*(?=\()")
_MODULE = re.compile(r"\bmod\s+(?:r#)?([A-Za-z_]\w*)\s*([;{])")
_PATH = re.compile(r'#\s*\[\s*path\s*=\s*"([^"]*)"\s*\]')
_STOP = re.compile(r"[{}()\[\];,]")
_QUALIFIED = r"(?:pub\b(?:\s*\([^)]*\))?\s*)?(?:(?:default|async|unsafe|safe|extern|const)\s+)*"
# up to a semicolon, whatever braces come before it
_STATEMENT = re.compile(
    r"(?:pub\b(?:\s*\([^)]*\))?\s*)?(?:use|static|type|let|extern\s+crate"
    r"|const\s+(?!fn\b|unsafe\b|async\b|extern\b))\b"
)
_ITEM = re.compile(
    _QUALIFIED + r"(?:(?:fn|struct|enum|union|trait|impl|mod|macro)\b|macro_rules!\s)"
)
_NAMED = re.compile(
    _QUALIFIED + r"((?:fn|struct|enum|union|trait|mod|macro|static|type)\s+(?:mut\s+)?\w+|impl\b.*)"
    r"|(macro_rules!\s*\w+|const\s+\w+)|pub\b(?:\s*\([^)]*\))?\s*(use\b.*|const\s+\w+)"
)
_LIFETIMES = re.compile(r"<'\w+(?:\s*,\s*'\w+)*>|'\w+(?:\s*,)?\s*")
_ELSE = re.compile(r"\s*else\b")
_NEXT_ATTRIBUTE = re.compile(r"\s*#\s*(?=\[)")
_NESTS = re.compile(r"/\*|\*/")
_GOES_ON = re.compile(r"\s*(?:else\b|if\b|=>|[.?|])")


@dataclasses.dataclass(frozen=True, slots=True)
class Gate:
    """A condition and the text under it, first and last character."""

    first: int
    last: int
    condition: Condition


@dataclasses.dataclass(frozen=True, slots=True)
class Module:
    """A ``mod name;``: where its file is, seen from the folder of this file's modules."""

    name: str
    path: str  # what #[path] says, '' without it
    condition: Condition


class RustFile:
    """One file's text, its gates and its modules."""

    def __init__(self, text: str) -> None:
        self.code, self.bare = without_words(text)
        self._starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self._match = _matched(self.bare)
        self.gates = tuple(self._gates())

    def condition(self, line: int) -> Condition:
        """Return what must hold for a line (1-based) to be compiled, as far as this file tells."""
        first = self._starts[line - 1]
        last = self._starts[line] - 1 if line < len(self._starts) else len(self.bare)
        return every(g.condition for g in self.gates if g.first <= last and g.last >= first)

    def line_of(self, at: int) -> int:
        """Return the line (1-based) that a character stands in."""
        return bisect.bisect_right(self._starts, at)

    def head(self, gate: Gate) -> str:
        """Return an attribute in one line; the first line of any other gate."""
        end = self._close(self.bare.find("[", gate.first)) + 1
        if self.bare[gate.first] != "#":
            end = self.code.find("\n", gate.first)
        return " ".join(self.code[gate.first : end].split())

    def macros(self) -> dict[str, Condition]:
        """Return what the macros defined here ask of all that is given to them: one ``#[cfg]``."""
        found: dict[str, Condition] = {}
        for macro in _DEFINES.finditer(self.bare):
            last = self._close(macro.end())
            asked = {g.condition for g in self.gates if macro.start() < g.first < last}
            if len(asked) == 1:
                found[f"{macro[1]}!"] = asked.pop()
        return found

    def modules(self) -> dict[tuple[str, str], Condition]:
        """Return the files that ``mod`` lines name: (name, #[path]) → when they are compiled."""
        found: dict[tuple[str, str], list[Condition]] = {}
        inline: list[tuple[int, int, str]] = []
        for mod in _MODULE.finditer(self.bare):
            if mod[2] == "{":
                inline.append((mod.start(), self._close(mod.end() - 1), mod[1]))
                continue
            around = [name for first, last, name in inline if first <= mod.start() <= last]
            above = self.code[self._attributes_before(mod.start()) : mod.start()]
            path = _PATH.search(above)
            key = "/".join([*around, mod[1]]), path[1] if path else ""
            gates = (g for g in self.gates if g.first <= mod.start() <= g.last)
            found.setdefault(key, []).append(every(g.condition for g in gates))
        return {key: some(conditions) for key, conditions in found.items()}

    def _attributes_before(self, at: int) -> int:
        """Return where the attributes and the ``pub`` in front of an item begin."""
        back = max(self.bare.rfind(c, 0, at) for c in ";{}")
        return back + 1

    def _gates(self) -> Iterator[Gate]:
        for found in _ATTRIBUTE.finditer(self.bare):
            if found[2]:
                yield from self._attribute(found)
        for found in _MACRO.finditer(self.bare):
            yield Gate(found.start(), self._close(found.end()), Condition(f"{found[1]}!"))
        for found in _IF_CFG.finditer(self.bare):
            yield from self._if_cfg(found)

    def _attribute(self, found: re.Match[str]) -> Iterator[Gate]:
        opened = found.end() - 1
        condition = parse_condition(self.code[opened + 1 : self._close(opened)])
        end = self._close(self.bare.index("[", found.start()))
        if found[1]:
            yield Gate(*self._around(found.start()), condition)
        elif re.search(r"\bif\s*$", self.bare[max(0, found.start() - 20) : found.start()]):
            yield from self._branches(found.start(), end + 1, condition)
        else:
            yield Gate(found.start(), self._end(end + 1), condition)

    def _if_cfg(self, found: re.Match[str]) -> Iterator[Gate]:
        end = self._close(found.end())
        condition = parse_condition(self.code[found.end() + 1 : end])
        condition = negated(condition) if found[1] else condition
        block = self.bare.find("{", end)
        between = self.bare[end + 1 : block].strip() if block >= 0 else "?"
        if between == "":
            yield from self._branches(found.start(), end + 1, condition)
        elif between.startswith("&&") and ";" not in between:
            yield Gate(found.start(), self._close(block), condition)

    def _branches(self, first: int, after: int, condition: Condition) -> Iterator[Gate]:
        """Yield the block under a condition, and all that follows ``else`` under its opposite."""
        block = self.bare.find("{", after)
        if block < 0:
            return
        last = self._close(block)
        yield Gate(first, last, condition)
        end = last
        while (other := _ELSE.match(self.bare, end + 1)) is not None:
            block = self.bare.find("{", other.end())
            if block < 0:
                break
            end = self._close(block)
        if end > last:
            yield Gate(last + 1, end, negated(condition))

    def _end(self, at: int) -> int:
        """Return the last character of the item, statement, field or arm that begins at ``at``."""
        while (attribute := _NEXT_ATTRIBUTE.match(self.bare, at)) is not None:
            at = self._close(attribute.end()) + 1
        while at < len(self.bare) and self.bare[at].isspace():
            at += 1
        statement = _STATEMENT.match(self.bare, at) is not None
        item = not statement and _ITEM.match(self.bare, at) is not None
        while (stop := _STOP.search(self.bare, at)) is not None:
            here = stop.start()
            if stop[0] in "}])":
                return here - 1  # of what is around
            if stop[0] == ";" or (stop[0] == "," and not (statement or item)):
                return here
            at = here + 1
            if stop[0] in "{[(":
                at = self._close(here) + 1
                goes_on = statement or (not item and _GOES_ON.match(self.bare, at))
                if stop[0] == "{" and not goes_on:
                    return at - 1
        return len(self.bare)

    def _around(self, at: int) -> tuple[int, int]:
        """Return the innermost braces around a place; the whole file where there are none."""
        pairs = ((o, c) for o, c in self._match.items() if o < at < c and self.bare[o] == "{")
        return max(pairs, default=(0, len(self.bare)))

    def _close(self, opened: int) -> int:
        return self._match.get(opened, len(self.bare))


def without_words(text: str) -> tuple[str, str]:
    """Return the text without comments, and without strings and characters too; as long as it."""
    code, bare, at = [], [], 0
    while (found := _TEXT.search(text, at)) is not None:
        end = found.end()
        if found["block"]:
            end = _end_of_comment(text, found.end())
        elif found["raw"] is not None:
            closed = text.find('"' + found["raw"], found.end())
            end = len(text) if closed < 0 else closed + 1 + len(found["raw"])
        blank = re.sub(r"[^\n]", " ", text[found.start() : end])
        is_comment = found["line"] is not None or found["block"] is not None
        code += [text[at : found.start()], blank if is_comment else text[found.start() : end]]
        bare += [text[at : found.start()], blank]
        at = end
    return "".join([*code, text[at:]]), "".join([*bare, text[at:]])


def _end_of_comment(text: str, at: int) -> int:
    """Return where a block comment ends: they nest."""
    depth = 1
    for mark in _NESTS.finditer(text, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def _matched(bare: str) -> dict[int, int]:
    """Return for each bracket that opens where it closes; what does not fit is passed over."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for bracket in _BRACKET.finditer(bare):
        if bracket[0] not in _CLOSES:
            opened.append(bracket.start())
        elif opened and bare[opened[-1]] == _CLOSES[bracket[0]]:
            found[opened.pop()] = bracket.start()
    return found


def item_name(line: str) -> str:
    """Return what a line (of ``bare``) begins that has a name of its own: ``fn poll``; '' if not.

    An ``impl`` and a ``pub use`` go by all of their first line but for lifetimes; a plain ``use``
    begins nothing.
    """
    found = _NAMED.match(_LIFETIMES.sub("", line.strip()))
    return " ".join((found[1] or found[2] or found[3]).split()) if found else ""


def module_files(path: str, name: str, named: str) -> tuple[str, ...]:
    """Return where the module that ``mod name;`` in ``path`` means can be: files, then a folder.

    ``named`` is what ``#[path]`` says.
    """
    here = PurePosixPath(path)
    own = here.parent if here.stem in {"lib", "main", "mod"} else here.parent / here.stem
    if named:
        file = here.parent / named
        inside = file.parent if file.stem == "mod" else file.parent / file.stem
        return str(file), f"{inside}/"
    return f"{own / name}.rs", f"{own / name}/"
