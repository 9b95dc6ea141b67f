"""stack.lock: JSON in a fixed order, so that an unchanged lock is the same bytes."""

import json
import re
from pathlib import Path
from typing import cast

import msgspec

from forkbot.errors import UsageError
from forkbot.model.stack import LOCK_VERSION, Lock
from forkbot.stackdir.document import Document, decode, read_document
from forkbot.stackdir.explain import Plain
from forkbot.stackdir.reading import read_text

FILE = "stack.lock"


def read_lock(path: Path) -> Lock:
    """Return the lock, or an empty one when there is none yet.

    Raises ``UsageError`` with file and line for a lock that forkbot did not write, or that a newer
    forkbot wrote: guessing at its meaning could lose what that one knew.
    """
    if not path.exists():
        return Lock()
    try:
        return _read(path, read_text(path))
    except UsageError as e:
        e.hint = e.hint if "newer forkbot" in e.what else _restore(path)
        raise


def _restore(path: Path) -> str:
    return f"only the bot writes this file; take back the last one: git checkout HEAD -- {path}"


def _read(path: Path, text: str) -> Lock:
    if conflict := re.search(r"(?m)^<{7}(?: |$)", text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise UsageError("git left a merge conflict here", where=f"{path}:{line}")
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as e:
        said = e.msg[:1].lower() + e.msg[1:]
        raise UsageError(f"not JSON: {said}", where=f"{path}:{e.lineno}") from e
    except RecursionError as e:
        raise UsageError("nested too deeply", where=str(path)) from e
    except _TwiceError:
        read_document(path)  # JSON is YAML, and that door knows the line
        raise UsageError("a key stands here a second time", where=str(path)) from None
    version = data.get("version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > LOCK_VERSION:
        raise UsageError(
            f"written by a newer forkbot: lock version {version}, known here: {LOCK_VERSION}",
            where=str(path),
            hint="python -m pip install --upgrade forkbot",
        )
    try:
        return msgspec.convert(data, type=Lock)
    except msgspec.ValidationError:
        return decode(_document(path, data), Lock)


def _document(path: Path, data: object) -> Document:
    try:
        return read_document(path)
    except UsageError:
        if not isinstance(data, dict):
            raise
        # JSON that YAML does not take (indented with tabs): what is wrong, without the line
        return Document(path=path, data=cast("dict[str, Plain]", data), lines={"$": str(path)})


class _TwiceError(Exception):
    """A key stands twice in one object."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _TwiceError
    return result


def render_lock(lock: Lock) -> bytes:
    """Return the lock's bytes."""
    return msgspec.json.format(msgspec.json.encode(lock), indent=2) + b"\n"
