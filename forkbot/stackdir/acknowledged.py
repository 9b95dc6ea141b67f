"""``acknowledged``: suspicions that a person has looked at, one a line, each with the reason.

``<key> <patch> <path>: <why>``. The key alone is what counts: it is a digest of patch, path and
lines, so it never covers lines that nobody has seen. The rest is for whoever reads the file.
"""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from forkbot.errors import UsageError
from forkbot.model.judgement import Suspicion
from forkbot.stackdir.reading import read_text
from forkbot.stackdir.series import CRLF_HINT

FILE = "acknowledged"
_LINE = re.compile(r"(?P<key>[0-9a-f]{12}) (?P<patch>\S+) (?P<path>\S.*?): +(?P<why>\S.*)")


def read_acknowledged(path: Path) -> dict[str, str]:
    """Return why each suspicion is well, by its key; nothing when there is no file."""
    return parse_acknowledged(read_text(path), where=str(path)) if path.exists() else {}


def parse_acknowledged(text: str, *, where: str) -> dict[str, str]:
    """Return why each suspicion is well, by its key. Raises ``UsageError`` with the line."""
    found: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        here = f"{where}:{number}"
        if not line.strip() or line.startswith("#"):
            continue
        if line.endswith("\r"):
            raise UsageError("the line ends as on Windows (CRLF)", where=here, hint=CRLF_HINT)
        entry = _LINE.fullmatch(line)
        if entry is None:
            raise UsageError(
                "the line acknowledges nothing",
                where=here,
                hint="write `<key> <patch> <path>: <why>`, as `forkbot acknowledge` does",
            )
        if entry["key"] in found:
            raise UsageError(
                f"{entry['key']} stands here a second time",
                where=here,
                hint=f"the first is in line {numbers[entry['key']]}; keep one",
            )
        found[entry["key"]], numbers[entry["key"]] = entry["why"].rstrip(), number
    return found


def with_acknowledged(text: str, suspicions: Iterable[Suspicion], *, why: str) -> str:
    """Return the file's text with a line more for each of ``suspicions``."""
    begun = text if not text or text.endswith("\n") else f"{text}\n"
    return begun + "".join(f"{s.key} {s.patch} {s.path}: {why}\n" for s in suspicions)


def without_acknowledged(text: str, keys: Collection[str]) -> str:
    """Return the file's text without the lines of ``keys``; comments stay."""
    kept = (line for line in text.splitlines(keepends=True) if line.partition(" ")[0] not in keys)
    return "".join(kept)
