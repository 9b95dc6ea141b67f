"""What the builds of a target folder read, as rustc itself wrote it down for cargo."""

import re
from pathlib import Path

from forkbot.errors import MachineError
from forkbot.verify.made import read_made

_NOTES = ("*/debug/deps/*.d", "debug/deps/*.d", "debug/build/*/*.d")


def is_read(file: Path, *, target_dir: Path) -> bool:
    """Whether any build so far took ``file`` for a source; a manifest is cargo's and never one."""
    # one rule a line: what is made, a colon, what it is made of; a blank in a name is escaped
    line = re.compile(rb"[ \n]" + re.escape(str(file).replace(" ", "\\ ").encode()) + rb"[ \n:]")
    notes = (note for pattern in _NOTES for note in target_dir.glob(pattern))
    return any(line.search(_read(note)) for note in notes)


def _read(note: Path) -> bytes:
    try:
        return read_made(note)
    except MachineError:  # none that rustc wrote
        return b""
