"""The JSON Schemas of stack.yaml, stack.lock and resolutions, made from the types that decode them.

For editors: ``# yaml-language-server: $schema=<path>`` as a stack.yaml's first line. After a change
to ``forkbot.model.stack``: ``python -m forkbot.stackdir.schema``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from forkbot.model.stack import Lock, Policy
from forkbot.stackdir.resolutions import ResolutionDocument

FOLDER = Path(__file__).parent.parent / "schema"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ALONE = (
    "One file by itself, stack.yaml or defaults.yaml: what the other may supply (a key at the top, "
    "or one inside a mapping at the top) is not required here. forkbot checks both together."
)

Schema = dict[str, Any]  # JSON, as msgspec makes it


def policy_schema(*, alone: bool = True) -> Schema:
    """Return the schema of stack.yaml; ``alone`` requires no key that defaults.yaml may supply."""
    schema = _schema(Policy, title="stack.yaml")
    if alone:
        schema["$comment"] = _ALONE
        known = schema["$defs"]
        for name in ("Policy", *_mappings(known["Policy"])):
            known[name]["required"] = []
    return schema


def lock_schema() -> Schema:
    """Return the schema of stack.lock."""
    return _schema(Lock, title="stack.lock")


def render(schema: Schema) -> bytes:
    """Return a schema's bytes, the same for the same schema."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


def files() -> dict[str, bytes]:
    """Return what belongs into ``forkbot/schema``, by file name."""
    return {
        "stack.schema.json": render(policy_schema()),
        "lock.schema.json": render(lock_schema()),
        "resolution.schema.json": render(_schema(ResolutionDocument, title="a resolution")),
    }


def _schema(kind: type, *, title: str) -> Schema:
    made = msgspec.json.schema(kind)
    for part in made["$defs"].values():
        for value in part.get("properties", {}).values():
            # msgspec says of free keys how they are written, and not which ones an enum has
            if isinstance(value.get("additionalProperties"), dict):
                if "propertyNames" in value:
                    value["propertyNames"]["type"] = "string"
                    continue
                value["propertyNames"] = {"$ref": "#/$defs/Channel"}
    return {"$schema": _DIALECT, "title": title, **made}


def _mappings(part: Schema) -> Iterator[str]:
    """Yield the names of the mappings right inside a mapping: as deep as defaults reach."""
    for value in part["properties"].values():
        for choice in (value, *value.get("anyOf", ())):
            if "$ref" in choice:
                yield choice["$ref"].rpartition("/")[2]


def main() -> None:
    """Write the shipped schemas anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, data in files().items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
