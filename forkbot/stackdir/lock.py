"""stack.lock: JSON in a fixed order, so that an unchanged lock is the same bytes."""

from pathlib import Path

import msgspec

from forkbot.errors import UsageError
from forkbot.model.stack import LOCK_VERSION, Lock
from forkbot.stackdir.document import decode, read_document

FILE = "stack.lock"


class _Versioned(msgspec.Struct):
    version: int = 0


def read_lock(path: Path) -> Lock:
    """Return the lock, or an empty one when there is none yet.

    Raises ``UsageError`` with file and line for a lock that forkbot did not write, or that a newer
    forkbot wrote: guessing at its meaning could lose what that one knew.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Lock()
    try:
        version = msgspec.json.decode(data, type=_Versioned).version
        if version > LOCK_VERSION:
            raise UsageError(
                f"written by a newer forkbot: lock version {version}, known here: {LOCK_VERSION}",
                where=str(path),
                hint="python -m pip install --upgrade forkbot",
            )
        return msgspec.json.decode(data, type=Lock)
    except msgspec.DecodeError:
        # JSON is YAML: the slower door knows the line
        document = read_document(path)
        try:
            return decode(document, Lock)
        except UsageError as e:
            e.hint = f"only the bot writes this file: git checkout -- {path}"
            raise


def render_lock(lock: Lock) -> bytes:
    """Return the lock's bytes."""
    return msgspec.json.format(msgspec.json.encode(lock), indent=2) + b"\n"
