"""What is wrong with a value, in words for people.

msgspec decides whether a document is right; when it is not, this walks the same types to the first
fault and says what stands there, what is needed, and how to write it.
"""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import assert_never

from msgspec import inspect

from forkbot.text import redact
from forkbot.words import WORDS, Word

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
_LONGEST = 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The first fault: where (`$.build[0].package`), what, and what to write instead."""

    at: str
    what: str
    hint: str


def find_problem(
    value: Plain, kind: inspect.Type, at: str, *, written: Mapping[str, str]
) -> Problem | None:
    """Return the first thing in ``value`` that is not as ``kind`` says; None when all is.

    ``written`` gives the source text of scalars that YAML does not read as text.
    """
    match kind:
        case inspect.Metadata(type=inner):
            return find_problem(value, inner, at, written=written)
        case inspect.UnionType(types=types):
            inner = next(t for t in types if not isinstance(t, inspect.NoneType))
            return None if value is None else find_problem(value, inner, at, written=written)
        case inspect.StructType() if isinstance(value, dict):
            return _in_struct(value, kind, at, written)
        case inspect.DictType() if isinstance(value, dict):
            return _in_dict(value, kind, at, written)
        case inspect.VarTupleType(item_type=item) if isinstance(value, list):
            found = (find_problem(v, item, f"{at}[{i}]", written=written)
                     for i, v in enumerate(value))  # fmt: skip
            return next((p for p in found if p), None)
        case _:
            return _in_scalar(value, kind, at, written.get(at))


def _in_scalar(value: Plain, kind: inspect.Type, at: str, written: str | None) -> Problem | None:
    match kind:
        case inspect.StrType(pattern=pattern) if isinstance(value, str):
            return _not_a_word(value, WORDS.get(pattern or ""), at)
        case inspect.BoolType() if isinstance(value, bool):
            return None
        case inspect.IntType() if isinstance(value, int) and not isinstance(value, bool):
            inside = (kind.ge or value) <= value <= (kind.le or value)
            what = f"{_name(at)}: {value} is not {_wanted(kind)}"
            return None if inside else Problem(at=at, what=what, hint=f"write {_wanted(kind)}")
        case inspect.LiteralType() | inspect.EnumType() if isinstance(value, str):
            return _not_among(value, _choices(kind), at)
        case _:
            what = f"{_name(at)} is {_shown(value, written)}, and {_wanted(kind)} is needed"
            return Problem(at=at, what=what, hint=_how_to_write(value, kind, at, written))


def _in_struct(
    value: dict[str, Plain], kind: inspect.StructType, at: str, written: Mapping[str, str]
) -> Problem | None:
    fields = {f.encode_name: f for f in kind.fields}
    for key in value:
        if key not in fields:
            return _unknown_key(key, fields, at)
    for name, field in fields.items():
        if field.required and name not in value:
            return Problem(
                at=at,
                what=f"the key {name!r} is missing" + ("" if at == "$" else f" in {_name(at)}"),
                hint=f"add `{name}: …`, {_meaning(field.type)}",
            )
    found = (find_problem(v, fields[k].type, f"{at}.{k}", written=written)
             for k, v in value.items())  # fmt: skip
    return next((p for p in found if p), None)


def _in_dict(
    value: dict[str, Plain], kind: inspect.DictType, at: str, written: Mapping[str, str]
) -> Problem | None:
    if len(value) < (kind.min_length or 0):
        return Problem(at=at, what=f"{_name(at)} is empty", hint=f"keys here: {_keys(kind)}")
    for key, inner in value.items():
        if wrong := _wrong_key(key, kind.key_type, at):
            return wrong
        problem = find_problem(inner, kind.value_type, f"{at}.{key}", written=written)
        if problem:
            return problem
    return None


def _wrong_key(key: str, kind: inspect.Type, at: str) -> Problem | None:
    match kind:
        case inspect.Metadata(type=inner):
            return _wrong_key(key, inner, at)
        case inspect.StrType(pattern=pattern):
            return _not_a_word(key, WORDS.get(pattern or ""), at)
        case _:
            known = _choices(kind)
            return None if key in known else _unknown_key(key, known, at)


def _unknown_key(key: str, known: Iterable[str], at: str) -> Problem:
    place = "" if at == "$" else f" in {_name(at)}"
    return Problem(
        at=f"{at}.{key}", what=f"unknown key {key!r}{place}", hint=_nearest(key, list(known))
    )


def _not_among(value: str, choices: list[str], at: str) -> Problem | None:
    if value in choices:
        return None
    what = f"{_name(at)}: {value!r} is not {_either(choices)}"
    return Problem(at=at, what=what, hint=_nearest(value, choices))


def _not_a_word(value: str, word: Word | None, at: str) -> Problem | None:
    if word is None or word.fits(value):
        return None
    what = f"{_name(at)}: {value!r} is not {word.what}"
    return Problem(at=at, what=what, hint=f"{word.rule}; as in {word.example}")


def _nearest(text: str, known: list[str]) -> str:
    close = difflib.get_close_matches(text, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"


def _name(at: str) -> str:
    return at[2:] or "the file"


def _either(choices: list[str]) -> str:
    return " or ".join(repr(c) for c in choices)


def _choices(kind: inspect.Type) -> list[str]:
    match kind:
        case inspect.LiteralType(values=values):
            return [str(v) for v in values]
        case inspect.EnumType(cls=members):
            return [str(m.value) for m in members]
        case _:
            raise AssertionError(f"{kind} has no choices")


def _shown(value: Plain, written: str | None) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            said = "true" if value else "false"
            return said if written in {None, said} else f"{written!r} (in YAML that means {said})"
        case int() | float():
            return f"the number {written or value}"
        case str():
            short = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
            return f"the text {redact(repr(short))}"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            assert_never(value)


def _wanted(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata(type=inner):
            return _wanted(inner)
        case inspect.UnionType(types=types):
            return _wanted(next(t for t in types if not isinstance(t, inspect.NoneType)))
        case inspect.StructType() | inspect.DictType():
            return "a mapping"
        case inspect.VarTupleType():
            return "a list"
        case inspect.StrType(pattern=pattern):
            word = WORDS.get(pattern or "")
            return word.what if word else "text"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            span = f"of at least {kind.ge}" if kind.le is None else f"from {kind.ge} to {kind.le}"
            return f"a whole number {span}"
        case _:
            return _either(_choices(kind))


def _keys(kind: inspect.StructType | inspect.DictType) -> str:
    """Return what keys a mapping has, or what they are like where they are free."""
    if isinstance(kind, inspect.StructType):
        return ", ".join(f.encode_name for f in kind.fields)
    match kind.key_type:
        case inspect.Metadata(type=inspect.StrType(pattern=pattern)):
            word = WORDS[pattern or ""]
            return f"{word.what}, as in {word.example}: {{}}"
        case keys:
            return ", ".join(_choices(keys))


def _meaning(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata(type=inspect.StrType(pattern=None)) if kind.extra_json_schema:
            return str(kind.extra_json_schema.get("description", "text"))
        case _:
            return _wanted(kind)


def _how_to_write(value: Plain, kind: inspect.Type, at: str, written: str | None) -> str:
    key = at.rpartition(".")[2]
    begin = "" if key.endswith("]") else f"{key}: "
    match kind:
        case inspect.StructType() | inspect.DictType():
            return f"keys here: {_keys(kind)}"
        case inspect.VarTupleType(item_type=inspect.StructType()):
            return "begin each entry with `- `"
        case inspect.VarTupleType():
            return f"write it in brackets: {begin}[{written or value if value else ''}]"
        case inspect.StrType(pattern=pattern) if isinstance(value, bool | int | float):
            word, text = WORDS.get(pattern or ""), written or str(value)
            if word is None or word.fits(text):
                return f'quote it: {begin}"{text}"'
            return f'quote it, and write {word.rule}, as in {begin}"{word.example}"'
        case inspect.StrType(pattern=pattern) if word := WORDS.get(pattern or ""):
            return f"{word.rule}; as in {begin}{word.example}"
        case _:
            return f"write {_wanted(kind)}"
