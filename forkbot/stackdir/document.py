"""YAML at the door: every wrong key or value is told with its file, its line and a suggestion."""

import dataclasses
import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, cast

import msgspec
import yaml

from forkbot.errors import UsageError

T = TypeVar("T")
Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A YAML file as plain values, and where each stands: `$.build[0].package` → file:line."""

    path: Path
    data: dict[str, Plain]
    lines: Mapping[str, str]


def read_document(path: Path) -> Document:
    """Read a YAML file whose top is a mapping. Raises ``UsageError`` with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as e:
        raise UsageError("the file is missing", where=str(path)) from e
    except UnicodeDecodeError as e:
        raise UsageError(f"not UTF-8 at byte {e.start}", where=str(path)) from e
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else 1
        raise UsageError(f"not YAML: {e.problem}", where=f"{path}:{line}") from e
    except yaml.YAMLError as e:
        raise UsageError(f"not YAML: {e}", where=str(path)) from e
    if not isinstance(node, yaml.MappingNode):
        raise UsageError("the file must be a mapping of keys to values", where=f"{path}:1")
    lines: dict[str, str] = {}
    data = _plain(node, "$", path, lines)
    return Document(path=path, data=cast("dict[str, Plain]", data), lines=lines)


def _plain(node: yaml.Node, at: str, path: Path, lines: dict[str, str]) -> Plain:
    lines.setdefault(at, f"{path}:{node.start_mark.line + 1}")
    match node:
        case yaml.MappingNode():
            result: dict[str, Plain] = {}
            for key_node, value_node in node.value:
                key = str(key_node.value)
                where = f"{path}:{key_node.start_mark.line + 1}"
                if key in result:
                    raise UsageError(f"the key {key!r} stands here a second time", where=where)
                lines[f"{at}.{key}"] = where
                result[key] = _plain(value_node, f"{at}.{key}", path, lines)
            return result
        case yaml.SequenceNode():
            return [_plain(v, f"{at}[{i}]", path, lines) for i, v in enumerate(node.value)]
        case _:
            # a scalar: yaml.SafeLoader knows its type from the tag that compose() resolved
            loader = yaml.SafeLoader("")
            return cast("Plain", loader.construct_object(node))


def overlay(defaults: Document | None, own: Document) -> Document:
    """Return ``own`` with what it leaves open taken from ``defaults``, one mapping deep."""
    if defaults is None:
        return own
    data: dict[str, Plain] = dict(defaults.data)
    for key, value in own.data.items():
        shared = data.get(key)
        if isinstance(value, dict) and isinstance(shared, dict):
            data[key] = {**shared, **value}
        else:
            data[key] = value
    return Document(path=own.path, data=data, lines={**defaults.lines, **own.lines})


def decode(document: Document, into: type[T]) -> T:
    """Return the document as ``into``. Raises ``UsageError`` with line and suggestion."""
    try:
        return msgspec.convert(document.data, type=into)
    except msgspec.ValidationError as e:
        raise _explain(document, into, str(e)) from e


def _explain(document: Document, into: type, message: str) -> UsageError:
    said, _, at = message.partition(" - at `")
    at = at.rstrip("`") or "$"
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", said)
    if unknown:
        key = unknown[1]
        known = _keys_at(into, at)
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"
        where = _locate(document, f"{at}.{key}")
        return UsageError(f"unknown key {key!r}", where=where, hint=hint)
    missing = re.fullmatch(r"Object missing required field `(.*)`", said)
    if missing:
        spot = "" if at == "$" else f" in {at[2:]}"
        return UsageError(
            f"the key {missing[1]!r} is missing{spot}",
            where=_locate(document, at),
            hint=f"add `{missing[1]}: …` there",
        )
    name = at[2:] or "the file"
    return UsageError(
        f"{name}: {said[:1].lower()}{said[1:]}",
        where=_locate(document, at),
        hint="see forkbot/schema/stack.schema.json for what each key takes",
    )


def _locate(document: Document, at: str) -> str:
    # msgspec writes `[...]` for any key of a mapping: fall back to what encloses it
    at = at.partition("[...]")[0]
    while at:
        if at in document.lines:
            return document.lines[at]
        at = re.sub(r"(?:\.[^.\[]*|\[\d+\])$", "", at) if at != "$" else ""
    return str(document.path)


def _keys_at(into: type, at: str) -> list[str]:
    """Return the keys that ``into`` knows at a path such as `$.build[0]`."""
    kind = msgspec.inspect.type_info(into)
    for step in re.findall(r"\.([^.\[]+)|\[", at):
        kind = _inside(kind, step)
    kind = _struct(kind)
    return (
        [f.encode_name for f in kind.fields] if isinstance(kind, msgspec.inspect.StructType) else []
    )


def _struct(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    if isinstance(kind, msgspec.inspect.UnionType):
        return next((t for t in kind.types if isinstance(t, msgspec.inspect.StructType)), kind)
    return kind


def _inside(kind: msgspec.inspect.Type, key: str) -> msgspec.inspect.Type:
    kind = _struct(kind)
    if isinstance(kind, msgspec.inspect.StructType):
        return next((f.type for f in kind.fields if f.encode_name == key), kind)
    if isinstance(kind, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
        return kind.item_type
    if isinstance(kind, msgspec.inspect.DictType):
        return kind.value_type
    return kind
