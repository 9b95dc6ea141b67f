"""The diff of a patch file: what git writes and nothing else, inside the tree and nowhere else.

``git apply`` and the index are the wall (they refuse ``..``, ``.git`` and the far side of a
symlink); this door is here to say no earlier, with file, line and reason, and to know every path.
"""

import re
from collections.abc import Iterator

from forkbot.errors import UsageError

_HEADER = re.compile(
    rb"(?:old mode|new mode|deleted file mode|new file mode) [0-7]{6}$"
    rb"|(?P<move>rename|copy) (?:from|to) (?P<moved>.+)$"
    rb"|(?:dis)?similarity index \d+%$"
    rb"|index [0-9a-f]+\.\.[0-9a-f]+(?: [0-7]{6})?$"
    rb"|(?:---|\+\+\+) (?P<named>[^\t]+)\t?$"
)
_SIGNATURE = b"-- "  # what format-patch ends a mail with, unless told not to
_BINARY = re.compile(rb"(?:literal|delta) \d+$|[A-Za-z]\S*$|$")
_REMAKE = "make it with `git format-patch`, or with `forkbot import`"


def diff_paths(diff: bytes, *, where: str, first_line: int = 1) -> tuple[bytes, ...]:
    """Return every path that a diff names, sorted; ``UsageError`` for one that leaves the tree."""
    lines = diff.split(b"\n")
    # a line of a hunk never begins with a d: each such line begins a file
    starts = [i for i, line in enumerate(lines) if line.startswith(b"diff --git ")]
    paths: set[bytes] = set()
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        number = first_line + start
        for name in _section(lines[start:end], where=where, first_line=number):
            paths.add(_inside(name, where=f"{where}:{number}"))
    if not paths:
        raise UsageError("the diff changes nothing", where=f"{where}:{first_line}", hint=_REMAKE)
    return tuple(sorted(paths))


def _section(lines: list[bytes], *, where: str, first_line: int) -> Iterator[bytes]:
    """Yield the names in one file's part of the diff, after a look at its shape."""
    at, named = 1, False
    while at < len(lines) and (found := _HEADER.match(lines[at])):
        if found["named"] and found["named"] != b"/dev/null":
            named = True
            yield _stripped(_unquoted(found["named"]), where=f"{where}:{first_line + at}")
        elif found["moved"]:
            named = True
            yield _unquoted(found["moved"])
        at += 1
    if not named:
        yield _only_name(lines[0], where=f"{where}:{first_line}")
    _check_content(lines[at:], where=where, first_line=first_line + at)


def _check_content(lines: list[bytes], *, where: str, first_line: int) -> None:
    match lines:
        case [] | [b"", *_] | [b"-- ", *_]:  # a mode, a name, an empty file
            odd = _first_odd(lines, first_line)
        case [b"GIT binary patch", *data]:
            odd = _first_odd(data, first_line + 1)
        case [line, *_] if line.startswith(b"@@ "):
            return _check_hunks(lines, where=where, first_line=first_line)
        case [line, *_] if line.startswith(b"Binary files "):
            raise UsageError(
                "the diff says that a binary file differs, and not how",
                where=f"{where}:{first_line}",
                hint="git format-patch --binary",
            )
        case _:
            odd = first_line, lines[0]
    if odd is not None:
        raise UsageError(
            f"the diff is malformed: {_shown(odd[1])}", where=f"{where}:{odd[0]}", hint=_REMAKE
        )
    return None


def _first_odd(lines: list[bytes], first_line: int) -> tuple[int, bytes] | None:
    """Return the first line, up to the mail's signature, that is no binary data."""
    for number, line in enumerate(lines, start=first_line):
        if line == _SIGNATURE:
            break
        if not _BINARY.match(line):
            return number, line
    return None


def _check_hunks(lines: list[bytes], *, where: str, first_line: int) -> None:
    """Refuse a hunk that is not what its counts say, and any line that is in no hunk.

    git takes such a line for the text of a mail, and leaves it out without a word.
    """
    # here, because `forkbot --help` must not pay for it
    from unidiff.errors import UnidiffParseError  # noqa: PLC0415
    from unidiff.patch import PatchSet  # noqa: PLC0415

    seen = -2  # two lines of our own go before

    def feed() -> Iterator[str]:
        nonlocal seen
        # as Latin-1 each byte is a character; unidiff needs no more
        for line in ("--- a/x", "+++ b/x", *(li.decode("latin-1") for li in lines)):
            seen += 1
            yield f"{line}\n"

    try:
        hunks = PatchSet(feed())[0]
    except UnidiffParseError as e:
        said = str(e).partition(":")[0]
        at, what = max(seen, 1) - 1, f"the diff is malformed: {said[:1].lower()}{said[1:]}"
    else:
        at = 0
        for hunk in hunks:
            if not lines[at].startswith(b"@@ "):
                break
            at += 1 + len(hunk)
        if at == len(lines) or lines[at] in {b"", _SIGNATURE}:
            return
        what = f"the diff is malformed: the line {_shown(lines[at])} is in no hunk"
    raise UsageError(
        what,
        where=f"{where}:{first_line + at}",
        hint="was it cut off, or edited by hand? then mend the counts in its @@ line",
    )


def _only_name(line: bytes, *, where: str) -> bytes:
    """Return the path of a file that no other line names: both halves of the line say it."""
    both = line.removeprefix(b"diff --git ")
    quoted = re.fullmatch(rb'("(?:[^"\\]|\\.)*") ("(?:[^"\\]|\\.)*")', both)
    if quoted:
        halves = _unquoted(quoted[1]), _unquoted(quoted[2])
    else:
        middle = len(both) // 2
        halves = both[:middle], both[middle + 1 :]
    old, new = (_stripped(half, where=where) for half in halves)
    if old != new:
        raise UsageError(
            f"the diff is malformed: {_shown(line)} names two files", where=where, hint=_REMAKE
        )
    return new


def _stripped(name: bytes, *, where: str) -> bytes:
    if name[:2] not in {b"a/", b"b/"}:
        raise UsageError(
            f"the path {_shown(name)} does not begin with a/ or b/",
            where=where,
            hint="git -c diff.noprefix=false -c diff.mnemonicPrefix=false format-patch",
        )
    return name[2:]


def _inside(path: bytes, *, where: str) -> bytes:
    parts = path.split(b"/")
    if path[:1] == b"/" or any(part in {b"", b".", b".."} for part in parts):
        raise UsageError(
            f"the diff leaves the tree: {_shown(path)}",
            where=where,
            hint="a patch may name files of its own repository only",
        )
    if any(part.lower().rstrip(b". ") in {b".git", b"git~1"} for part in parts):
        raise UsageError(
            f"the diff writes into .git: {_shown(path)}",
            where=where,
            hint="a patch may name files of its own repository only",
        )
    return path


def _shown(text: bytes) -> str:
    return repr(text.decode(errors="backslashreplace"))


def _unquoted(name: bytes) -> bytes:
    r"""Undo git's C-style quoting: ``"a/f\303\274"`` → ``a/fü``."""
    if not (name.startswith(b'"') and name.endswith(b'"') and len(name) > 1):
        return name
    simple = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b'"': b'"', b"\\": b"\\", b"a": b"\a",
              b"b": b"\b", b"f": b"\f", b"v": b"\v"}  # fmt: skip

    def one(found: re.Match[bytes]) -> bytes:
        token = found[1]
        return simple[token] if token in simple else bytes([int(token, 8) & 255])

    return re.sub(rb'\\([ntrabfv"\\]|[0-7]{3})', one, name[1:-1])
