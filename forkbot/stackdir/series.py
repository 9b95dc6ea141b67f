"""``patches/series``: the order of the patches, in quilt's format less its options."""

import re
from pathlib import Path

from forkbot.errors import UsageError
from forkbot.stackdir.reading import read_text
from forkbot.words import PATCH_NAME, Channel, PatchName

PATCHES = "patches"
CRLF_HINT = "put `*.patch -text` and `series -text` into .gitattributes, then check out anew"


def patches_of(channel: Channel) -> str:
    """Return the folder of a channel's own patches, which is there while it has any."""
    return f"{PATCHES}-{channel.value}"


def read_series(path: Path) -> tuple[PatchName, ...]:
    """Return the names in a series file, in order. Raises ``UsageError``."""
    missing = f"an empty stack has an empty one: mkdir -p {path.parent} && touch {path}"
    return parse_series(read_text(path, missing=missing), where=str(path))


def parse_series(text: str, *, where: str) -> tuple[PatchName, ...]:
    """Return the names in a series, in order. Raises ``UsageError`` with the line.

    What quilt would read differently (options, an indented comment, CRLF) is refused, so that
    ``quilt push -a`` and forkbot always mean the same.
    """
    names: dict[PatchName, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        entry = _entry(line)
        if entry == "":
            continue
        name = _checked(entry, line, where=f"{where}:{number}")
        if name in names:
            raise UsageError(
                f"{entry} stands here a second time",
                where=f"{where}:{number}",
                hint=f"the first is in line {names[name]}; keep one",
            )
        names[name] = number
    return tuple(names)


def _entry(line: str) -> str:
    """Return the part of a line that names a patch, with its options; '' for none."""
    if line.startswith("#"):
        return ""
    return re.split(r"[ \t]#", line.lstrip(" \t"), maxsplit=1)[0].rstrip(" \t")


def _checked(entry: str, line: str, *, where: str) -> PatchName:
    if line.endswith("\r"):
        raise UsageError("the line ends as on Windows (CRLF)", where=where, hint=CRLF_HINT)
    if entry.startswith("#"):
        raise UsageError(
            "quilt takes an indented comment for a patch", where=where, hint="begin the line with #"
        )
    file, _, options = entry.replace("\t", " ").partition(" ")
    if options:
        raise UsageError(
            f"options are not taken here: {options.strip()}",
            where=where,
            hint=f"write {file} alone; patches are made for -p1",
        )
    name = file.removesuffix(".patch")
    if name == file or not PATCH_NAME.fits(name):
        raise UsageError(
            f"{file!r} is not a patch file's name",
            where=where,
            hint=f"one `name.patch` a line, in this folder; the name: {PATCH_NAME.rule}",
        )
    return PatchName(name)


def render_series(old: str, keep: tuple[PatchName, ...]) -> str:
    """Return the series text with exactly the names in ``keep``, in that order.

    Comments and empty lines stay where they are; a comment behind a name goes with the name.
    """
    lines = [line for line in old.split("\n") if not _entry(line) or _named(line) in keep]
    while lines and lines[-1] == "":
        lines.pop()
    written = {_named(line): line for line in lines if _entry(line)}
    left = list(keep)
    result: list[str] = []
    for line in lines:
        if not _entry(line):
            result.append(line)
            continue
        # a new name goes right before the old one that follows it
        while left:
            name = left.pop(0)
            result.append(written.get(name, f"{name}.patch"))
            if name in written:
                break
    result += [f"{name}.patch" for name in left]
    return "".join(f"{line}\n" for line in result)


def _named(line: str) -> str:
    return _entry(line).removesuffix(".patch")
