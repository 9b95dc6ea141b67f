"""Each call of a test, and each answer that we make up, held against GitHub's own description."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from urllib.parse import unquote

import msgspec
from jsonschema import Draft202012Validator

from tests.forge.extract import EXTRACT, Json

# The only one that is no part of the REST API.
GRAPHQL = ("POST", "/graphql")


class _Media(msgspec.Struct):
    schema: dict[str, object]


class _Body(msgspec.Struct):
    content: dict[str, _Media] = {}


class _Parameter(msgspec.Struct, rename={"place": "in", "reference": "$ref"}):
    name: str = ""
    place: str = ""
    schema: dict[str, object] = {}
    reference: str = ""


class _Operation(msgspec.Struct, rename={"request": "requestBody"}):
    responses: dict[str, _Body]
    parameters: list[_Parameter] = []
    request: _Body | None = None


class _Components(msgspec.Struct):
    parameters: dict[str, _Parameter]
    schemas: dict[str, object]


class _Spec(msgspec.Struct):
    paths: dict[str, dict[str, _Operation]]
    components: _Components


@cache
def _spec() -> _Spec:
    return msgspec.convert(_converted(json.loads(EXTRACT.read_bytes())), type=_Spec)


def _converted(node: Json) -> Json:
    """Return OpenAPI 3.0's way of saying ``null`` in JSON Schema's."""
    if isinstance(node, list):
        return [_converted(n) for n in node]
    if not isinstance(node, Mapping):
        return node
    schema = {k: _converted(v) for k, v in node.items()}
    if schema.get("nullable") is True:
        del schema["nullable"]
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


def wrong_request(
    verb: str, path: str, query: Mapping[str, list[str]], body: Json
) -> Iterator[str]:
    """Yield what GitHub's description does not know of a request."""
    where = f"{verb} {path}"
    if (verb, path) == GRAPHQL:
        return
    found = _operation(verb, path)
    if found is None:
        yield f"{where}: no such operation"
        return
    operation, values = found
    known = {p.name: p for p in map(_resolved, operation.parameters)}
    for name, texts in query.items():
        if name not in known or known[name].place != "query":
            yield f"{where}: no query parameter {name}"
        else:
            yield from _misfits(_read(texts[-1]), known[name].schema, f"{where}?{name}")
    for name, value in values.items():
        yield from _misfits(_read(value), known[name].schema, f"{where}: {name}")
    if operation.request is not None:
        schema = operation.request.content["application/json"].schema
        yield from _misfits(body, schema, where)
        # most of GitHub's schemas would let a misspelt field pass
        fields = schema.get("properties")
        if isinstance(body, Mapping) and isinstance(fields, Mapping):
            unknown = sorted(set(body) - set(fields))
            yield from (f"{where}: no field {name}" for name in unknown)
    elif body is not None:
        yield f"{where}: takes no body"


def wrong_answer(verb: str, path: str, status: int, body: object) -> Iterator[str]:
    """Yield what GitHub would not answer so."""
    if (verb, path) == GRAPHQL:
        return
    found = _operation(verb, path)
    answer = found[0].responses.get(str(status)) if found else None
    if answer is None:
        yield f"{verb} {path}: never answered with {status}"
    elif answer.content:
        media = answer.content["application/json"]
        yield from _misfits(body, media.schema, f"{verb} {path} → {status}")


def _operation(verb: str, path: str) -> tuple[_Operation, dict[str, str]] | None:
    for template, operations in _spec().paths.items():
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
        match = re.fullmatch(pattern, path)
        if match and verb.lower() in operations:
            return operations[verb.lower()], {k: unquote(v) for k, v in match.groupdict().items()}
    return None


def _resolved(parameter: _Parameter) -> _Parameter:
    name = parameter.reference.rpartition("/")[2]
    return _spec().components.parameters[name] if name else parameter


def _read(text: str) -> Json:
    return int(text) if text.isdecimal() else text


def _misfits(body: object, schema: Mapping[str, object], where: str) -> Iterator[str]:
    whole = {"allOf": [schema], "components": {"schemas": _spec().components.schemas}}
    for error in Draft202012Validator(whole).iter_errors(body):
        yield f"{where}: {error.json_path} {error.message[:200]}"


def example(name: str, **given: object) -> dict[str, object]:
    """Return the least that GitHub could answer for a schema of its description, and ``given``."""
    made = _least(_spec().components.schemas[name])
    assert isinstance(made, dict)
    return made | given


def _least(schema: object) -> object:
    """Return the least value that fits a schema."""
    assert isinstance(schema, Mapping)
    if reference := schema.get("$ref"):
        return _least(_spec().components.schemas[str(reference).rpartition("/")[2]])
    for many in ("anyOf", "oneOf"):
        if many in schema:
            return None if {"type": "null"} in schema[many] else _least(schema[many][0])
    if "allOf" in schema:
        parts = [_least(part) for part in schema["allOf"]]
        return {k: v for part in parts if isinstance(part, dict) for k, v in part.items()}
    if "enum" in schema:
        return schema["enum"][0]
    known = schema.get("properties", {})
    least: dict[object, object] = {
        "object": {name: _least(known[name]) for name in schema.get("required", ())},
        "array": [], "integer": 1, "number": 1, "boolean": False,
    }  # fmt: skip
    return least.get(schema.get("type"), "2026-11-18T00:00:00Z")
