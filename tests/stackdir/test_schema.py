"""The shipped schemas: made from the types, true to the decoder, true to the real stacks."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import forkbot
from forkbot.errors import UsageError
from forkbot.model.stack import Policy
from forkbot.stackdir.document import decode, overlay, read_document
from forkbot.stackdir.load import load_family
from forkbot.stackdir.schema import FOLDER, files, lock_schema, policy_schema
from tests.stackdir import test_policy_files
from tests.stackdir.house import House

STACKS = Path(forkbot.__file__).parent.parent / "stacks"

KINDS: dict[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def test_the_shipped_schemas_are_made_from_the_types() -> None:
    """After a change: python -m forkbot.stackdir.schema."""
    assert {p.name: p.read_bytes() for p in FOLDER.iterdir()} == files()


@pytest.mark.parametrize("path", sorted(STACKS.glob("*/stack.yaml")), ids=lambda p: p.parent.name)
def test_the_real_stacks_fit_alone_and_with_their_defaults(path: Path) -> None:
    own, defaults = read_document(path), read_document(STACKS / "defaults.yaml")
    assert faults(own.data, policy_schema()) == []
    assert faults(overlay(defaults, own).data, policy_schema(alone=False)) == []
    lock = json.loads((path.parent / "stack.lock").read_text())
    assert faults(lock, lock_schema()) == []


def test_the_defaults_fit_alone() -> None:
    assert faults(read_document(STACKS / "defaults.yaml").data, policy_schema()) == []


def test_a_key_that_defaults_may_not_supply_is_required() -> None:
    alone = {"build": [{"features": []}], "smoke": [{"name": "a"}]}
    assert faults(alone, policy_schema()) == [
        "$.build[0]: no package",
        "$.smoke[0]: no cases",
    ]


@pytest.mark.parametrize("name", test_policy_files.CASES)
def test_schema_and_decoder_are_of_one_mind(house: House, name: str) -> None:
    test_policy_files.CASES[name](house)
    try:
        own = read_document(house.root / "stacks/demo/stack.yaml")
        defaults = read_document(house.root / "stacks/defaults.yaml")
    except UsageError:
        return  # not YAML: no schema gets to see it
    document = overlay(defaults, own)
    try:
        decode(document, Policy)
    except UsageError:
        assert faults(document.data, policy_schema(alone=False))
    else:
        assert faults(document.data, policy_schema(alone=False)) == []
        assert faults(own.data, policy_schema()) == []


def test_every_lock_that_forkbot_writes_fits(house: House) -> None:
    (stack,) = load_family(house.root)
    assert faults(msgspec.to_builtins(stack.lock), lock_schema()) == []


def faults(value: object, schema: dict[str, Any]) -> list[str]:
    """Return what is wrong with ``value``: as much of JSON Schema as the two schemas use."""
    return list(_faults(value, schema, schema["$defs"], "$"))


def _faults(value: object, schema: dict[str, Any], known: dict[str, Any], at: str) -> list[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _faults(value, known[name], known, at)
    if "anyOf" in schema:
        tried = [_faults(value, choice, known, at) for choice in schema["anyOf"]]
        return [] if [] in tried else tried[0]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{at}: not one of {schema['enum']}"]
    kind = KINDS[schema["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return [f"{at}: not {schema['type']}"]
    return _content_faults(value, schema, known, at)


def _content_faults(
    value: object, schema: dict[str, Any], known: dict[str, Any], at: str
) -> list[str]:
    match value:
        case dict():
            return _object_faults(value, schema, known, at)
        case list():
            return [
                fault
                for i, v in enumerate(value)
                for fault in _faults(v, schema["items"], known, f"{at}[{i}]")
            ]
        case str() if not re.search(schema.get("pattern", ""), value):
            return [f"{at}: does not fit"]
        case int() if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            return [f"{at}: out of range"]
        case _:
            return []


def _object_faults(
    value: dict[str, Any], schema: dict[str, Any], known: dict[str, Any], at: str
) -> list[str]:
    found = [f"{at}: no {name}" for name in schema.get("required", []) if name not in value]
    if len(value) < schema.get("minProperties", 0):
        found.append(f"{at}: empty")
    for key, inner in value.items():
        free = schema["additionalProperties"]
        if "propertyNames" in schema:
            found += _faults(key, schema["propertyNames"], known, f"{at}.{key}")
        if key in schema.get("properties", {}):
            found += _faults(inner, schema["properties"][key], known, f"{at}.{key}")
        elif free is False:
            found.append(f"{at}: unknown {key}")
        else:
            found += _faults(inner, free, known, f"{at}.{key}")
    return found
