"""``python -m tests.forge.extract api.github.com.json``: what forkbot uses of GitHub's OpenAPI.

The whole description comes from npm's ``@octokit/openapi`` (MIT, see the extract's own notice):
``npm pack @octokit/openapi@23.0.2``, unpacked, its ``generated/api.github.com.json``. Of that the
operations below are kept, with all that they refer to, without prose and examples.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

OPERATIONS = (
    ("get", "/app"),
    ("get", "/app/installations/{installation_id}"),
    ("post", "/app/installations/{installation_id}/access_tokens"),
    ("get", "/user"),
    ("get", "/repos/{owner}/{repo}"),
    ("get", "/repos/{owner}/{repo}/actions/workflows/{workflow_id}"),
    ("get", "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs"),
    ("post", "/repos/{owner}/{repo}/git/refs"),
    ("get", "/repos/{owner}/{repo}/collaborators/{username}/permission"),
    ("get", "/repos/{owner}/{repo}/issues"),
    ("post", "/repos/{owner}/{repo}/issues"),
    ("get", "/repos/{owner}/{repo}/issues/{issue_number}"),
    ("patch", "/repos/{owner}/{repo}/issues/{issue_number}"),
    ("get", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("post", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("get", "/repos/{owner}/{repo}/issues/{issue_number}/events"),
    ("post", "/repos/{owner}/{repo}/issues/{issue_number}/labels"),
    ("delete", "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}"),
    ("post", "/repos/{owner}/{repo}/labels"),
    ("get", "/repos/{owner}/{repo}/labels/{name}"),
    ("get", "/repos/{owner}/{repo}/pulls"),
    ("post", "/repos/{owner}/{repo}/pulls"),
    ("get", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("patch", "/repos/{owner}/{repo}/pulls/{pull_number}"),
)
EXTRACT = Path(__file__).parent / "openapi.json"
# prose, examples, and what only GitHub's own tools read; not where they are names of properties
_PROSE = {"description", "summary", "example", "examples", "externalDocs", "tags", "operationId"}
_NOTICE = (
    "An extract, made by tests/forge/extract.py, of GitHub's OpenAPI description as npm's "
    "@octokit/openapi {version} has it. MIT License, Copyright (c) 2020 Octokit contributors. "
)
Json = Mapping[str, "Json"] | list["Json"] | str | int | float | bool | None


def main(source: Path) -> None:
    """Write the extract."""
    whole = json.loads(source.read_bytes())
    paths: dict[str, dict[str, Json]] = {}
    for verb, path in OPERATIONS:
        operation = whole["paths"][path][verb]
        answers = {s: a for s, a in operation["responses"].items() if s.startswith("2")}
        kept = {k: operation[k] for k in ("parameters", "requestBody") if k in operation}
        paths.setdefault(path, {})[verb] = _bare({**kept, "responses": answers})
    licence = (source.parent.parent / "LICENSE").read_text(encoding="utf-8")
    extract = {
        "notice": _NOTICE.format(version=whole["info"]["version"]) + licence.partition("\n\n")[2],
        "paths": paths,
        "components": _referred(whole["components"], paths),
    }
    EXTRACT.write_text(json.dumps(extract, indent=None, separators=(",", ":")) + "\n", "utf-8")


def _bare(node: Json, *, names: bool = False) -> Json:
    """Return a schema without prose; ``names``: the keys are names of properties or of schemas."""
    if isinstance(node, list):
        return [_bare(n) for n in node]
    if not isinstance(node, Mapping):
        return node
    prose = {k for k in node if k in _PROSE or k.startswith("x-")}
    return {
        k: _bare(v, names=k in ("properties", "content", "headers") and not names)
        for k, v in node.items()
        if names or (k not in prose and k != "headers")
    }


def _referred(components: dict[str, dict[str, Json]], node: Json) -> dict[str, dict[str, Json]]:
    kept: dict[str, dict[str, Json]] = {}
    waiting = list(_references(node))
    while waiting:
        _, _, room, name = waiting.pop().split("/")
        if name not in kept.setdefault(room, {}):
            kept[room][name] = _bare(components[room][name])
            waiting += _references(kept[room][name])
    return {room: dict(sorted(found.items())) for room, found in sorted(kept.items())}


def _references(node: Json) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            yield str(node["$ref"])
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
