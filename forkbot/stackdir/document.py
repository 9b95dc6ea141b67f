"""YAML at the door: every wrong key or value is told with its file, its line and a suggestion.

Less than YAML is taken: one document of plain mappings, lists and scalars. An alias would make the
file say more than stands there (or blow up while being read), a tag would make objects of it.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, cast

import msgspec
import yaml

from forkbot.errors import UsageError
from forkbot.stackdir.explain import Plain, find_problem
from forkbot.stackdir.reading import read_text

T = TypeVar("T")

_CORE = "tag:yaml.org,2002:"
_SCALARS = {f"{_CORE}{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A YAML file as plain values.

    ``lines`` says where each stands (`$.build[0].package` → file:line), ``written`` what stands
    there for a scalar that YAML reads as something other than text (`1.10`, `on`).
    """

    path: Path
    data: dict[str, Plain]
    lines: Mapping[str, str]
    written: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def where(self, at: str, *, own: bool = False) -> str:
        """Return file:line of a place, or of the nearest that encloses it.

        ``own`` passes over what stands in the defaults: this file is where to change it.
        """
        while at:
            found = self.lines.get(at)
            if found and not (own and found.rpartition(":")[0] != str(self.path)):
                return found
            at = re.sub(r"(?:\.[^.\[]*|\[\d+\])$", "", at) if at != "$" else ""
        return str(self.path)


def read_document(path: Path, *, missing: str | None = None) -> Document:
    """Read a YAML file whose top is a mapping. Raises ``UsageError`` with file and line."""
    text = read_text(path, missing=missing)
    try:
        return _Reader(path).read(text)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        raise _not_yaml(e, where=f"{path}:{mark.line + 1 if mark else 1}") from e
    except yaml.reader.ReaderError as e:
        raise UsageError(
            f"not YAML: the control character U+{int(e.character):04X}",
            where=f"{path}:{text.count(chr(10), 0, e.position) + 1}",
            hint="take it out",
        ) from e
    except RecursionError as e:
        raise UsageError("nested too deeply", where=str(path)) from e


def _not_yaml(error: yaml.MarkedYAMLError, *, where: str) -> UsageError:
    said = (error.problem or "it cannot be read").replace("but found", "found")
    hint = None
    if "'\\t'" in said:
        hint = "indent with spaces, not with tabs"
    elif "mapping values are not allowed" in said:
        hint = "is there a ': ' in a text? put the text in quotes"
    elif "alias" in said:
        hint = "write the value out"
    elif "another document" in said:
        hint = "take out the line `---`"
    return UsageError(f"not YAML: {said}", where=where, hint=hint)


class _Loader(yaml.SafeLoader):
    """YAML without aliases."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, f"the alias *{event.anchor} is not taken here", event.start_mark
            )
        return super().compose_node(parent, index)


class _Reader:
    """Turns YAML nodes into plain values and notes where each stands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[str, str] = {}
        self._written: dict[str, str] = {}
        self._scalars = yaml.SafeLoader("")

    def read(self, text: str) -> Document:
        node = yaml.compose(text, Loader=_Loader)
        if not isinstance(node, yaml.MappingNode):
            found = {yaml.SequenceNode: "a list", yaml.ScalarNode: "a text"}.get(type(node))
            raise UsageError(
                f"the file is {found or 'empty'}, and a mapping of keys to values is needed",
                where=f"{self._path}:1",
                hint="its first line is like `crate: tokio`",
            )
        data = cast("dict[str, Plain]", self._plain(node, "$"))
        return Document(path=self._path, data=data, lines=self._lines, written=self._written)

    def _plain(self, node: yaml.Node, at: str) -> Plain:
        self._lines.setdefault(at, self._where(node))
        match node:
            case yaml.MappingNode(tag="tag:yaml.org,2002:map"):
                return self._mapping(node, at)
            case yaml.SequenceNode(tag="tag:yaml.org,2002:seq"):
                return [self._plain(v, f"{at}[{i}]") for i, v in enumerate(node.value)]
            case yaml.ScalarNode() if node.tag in _SCALARS:
                return self._scalar(node, at)
            case _:
                tag = node.tag.replace(_CORE, "!!")
                raise UsageError(
                    f"the tag {tag} is not taken here",
                    where=self._where(node),
                    hint="write a plain value",
                )

    def _mapping(self, node: yaml.MappingNode, at: str) -> dict[str, Plain]:
        result: dict[str, Plain] = {}
        for key_node, value_node in node.value:
            where = self._where(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise UsageError("a key must be a plain word", where=where)
            key = str(key_node.value)
            if key in result:
                raise UsageError(
                    f"the key {key!r} stands here a second time",
                    where=where,
                    hint=f"the first is at {self._lines[f'{at}.{key}']}; keep one",
                )
            self._lines[f"{at}.{key}"] = where
            result[key] = self._plain(value_node, f"{at}.{key}")
        return result

    def _scalar(self, node: yaml.ScalarNode, at: str) -> Plain:
        if node.tag == f"{_CORE}timestamp":  # nothing here is a date: a date is text
            return str(node.value)
        try:
            value = self._scalars.construct_object(node)
        except (ValueError, KeyError) as e:
            raise UsageError(
                f"{node.value!r} is not {node.tag.replace(_CORE, '!!')}",
                where=self._where(node),
                hint="write a plain value",
            ) from e
        if not isinstance(value, str):
            self._written[at] = str(node.value)
        return cast("Plain", value)

    def _where(self, node: yaml.Node) -> str:
        return f"{self._path}:{node.start_mark.line + 1}"


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
    return Document(
        path=own.path,
        data=data,
        lines={**defaults.lines, **own.lines},
        written={**defaults.written, **own.written},
    )


def decode(document: Document, into: type[T]) -> T:
    """Return the document as ``into``. Raises ``UsageError`` with line and suggestion."""
    try:
        return msgspec.convert(document.data, type=into)
    except msgspec.ValidationError as e:
        kind = msgspec.inspect.type_info(into)
        problem = find_problem(document.data, kind, "$", written=document.written)
        if problem is None:
            raise UsageError(str(e), where=str(document.path)) from e
        raise UsageError(problem.what, where=document.where(problem.at), hint=problem.hint) from e
