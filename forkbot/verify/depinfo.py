"""What the builds of a target folder read, as rustc itself wrote it down for cargo."""

import re
from pathlib import Path

_NOTES = ("*/debug/deps/*.d", "debug/deps/*.d", "debug/build/*/*.d")


def is_read(file: Path, *, target_dir: Path) -> bool:
    """Whether any build so far took ``file`` for a source; a manifest is cargo's and never one."""
    # one rule a line: what is made, a colon, what it is made of; a blank in a name is escaped
    line = re.compile(rb"[ \n]" + re.escape(str(file).replace(" ", "\\ ").encode()) + rb"[ \n:]")
    notes = (note for pattern in _NOTES for note in target_dir.glob(pattern))
    return any(line.search(note.read_bytes()) for note in notes)
