"""The plain diff onto a tree, in Python: edits, new files, deletions, modes of regular files.

Answers only where ``git apply`` could say nothing else: each hunk either stands exactly where its
header says, or there is one single place in the file where it fits. In every other case (renames,
binary, links, odd names, a place that must be searched for among several, anything malformed) the
answer is None, and git is asked. Tests hold the answers against git's own.

Where a hunk may stand follows git's apply.c: one that begins at line 0 or 1 stands at the
beginning, one without trailing context at the end; the place looked at first is the one its new
side names, hunks above applied.
"""

import dataclasses
import re

from forkbot.git.objects import Objects
from forkbot.git.trees import Entry, Trees
from forkbot.words import Oid

_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_MODE = re.compile(rb"^(old mode|new mode|new file mode|deleted file mode) (100644|100755)$")
_INDEX = re.compile(rb"^index [0-9a-f]+\.\.[0-9a-f]+(?: 100(?:644|755))?$")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_NAME = re.compile(rb"^[^\"\x00-\x1f\x7f\\]+$")


_NO_PART = (b"", b".", b"..")
_GIT_PARTS = (b".git", b"git~1")


class _AskGitError(Exception):
    """This diff is not plain, or its answer not the only one possible."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Hunk:
    old_start: int
    new_start: int
    before: list[bytes]
    after: list[bytes]
    trailing: bool  # ends in context


@dataclasses.dataclass(slots=True)
class _File:
    path: bytes
    modes: dict[bytes, bytes]
    hunks: list[_Hunk]


def apply_plain(diff: bytes, *, tree: Oid, trees: Trees, objects: Objects) -> Oid | None:
    """Return ``tree`` with ``diff`` applied, or None where git must be asked."""
    try:
        files = _parse(diff)
        changes = {f.path: _change(f, tree=tree, trees=trees, objects=objects) for f in files}
        if not files or len(changes) != len(files):
            return None
    except _AskGitError:
        return None
    return trees.edit(tree, changes)


def _change(file: _File, *, tree: Oid, trees: Trees, objects: Objects) -> Entry | None:
    there = trees.find(tree, file.path)
    created, deleted = file.modes.get(b"new file mode"), file.modes.get(b"deleted file mode")
    if created:
        if there is not None or deleted:
            raise _AskGitError
        return Entry(created, objects.write("blob", b"".join(_apply(file.hunks, []))))
    if there is None or not there.is_file:
        raise _AskGitError
    if file.modes.get(b"old mode", deleted or there.mode) != there.mode:
        raise _AskGitError
    lines = _LINE.findall(objects.read(there.oid)[1]) if file.hunks else None
    if lines is None:
        oid = there.oid
        empty = oid == objects.write("blob", b"")
    else:
        content = b"".join(_apply(file.hunks, lines))
        oid = objects.write("blob", content)
        empty = not content
    if deleted:
        if not empty:
            raise _AskGitError
        return None
    return Entry(file.modes.get(b"new mode", there.mode), oid)


def _apply(hunks: list[_Hunk], lines: list[bytes]) -> list[bytes]:
    image = list(lines)
    for hunk in hunks:
        at = _place(hunk, image)
        image[at : at + len(hunk.before)] = hunk.after
    return image


def _place(hunk: _Hunk, image: list[bytes]) -> int:
    size, last = len(hunk.before), len(image) - len(hunk.before)
    if last < 0:
        raise _AskGitError
    at_start, at_end = hunk.old_start <= 1, not hunk.trailing
    first = 0 if at_start else last if at_end else max(0, hunk.new_start - 1)

    def fits(at: int) -> bool:
        allowed = (not at_start or at == 0) and (not at_end or at == last)
        return allowed and image[at : at + size] == hunk.before

    if first <= last and fits(first):
        return first
    places = [at for at in range(last + 1) if fits(at)]
    if len(places) != 1:
        raise _AskGitError
    return places[0]


def _parse(diff: bytes) -> list[_File]:
    lines = diff.split(b"\n")
    if lines and lines[-1] == b"":
        lines.pop()
    files: list[_File] = []
    at = 0
    while at < len(lines):
        file, at = _parse_file(lines, at)
        files.append(file)
    return files


def _parse_file(lines: list[bytes], at: int) -> tuple[_File, int]:
    file = _File(_header_path(lines[at]), {}, [])
    at += 1
    while at < len(lines) and not lines[at].startswith((b"diff --git ", b"--- ")):
        mode = _MODE.match(lines[at])
        if mode:
            file.modes[mode[1]] = mode[2]
        elif not _INDEX.match(lines[at]):
            raise _AskGitError
        at += 1
    if at < len(lines) and lines[at].startswith(b"--- "):
        if at + 1 >= len(lines):
            raise _AskGitError
        old = b"/dev/null" if b"new file mode" in file.modes else b"a/" + file.path
        new = b"/dev/null" if b"deleted file mode" in file.modes else b"b/" + file.path
        # a name with a space is followed by a tab
        said = (lines[at][4:].removesuffix(b"\t"), lines[at + 1][4:].removesuffix(b"\t"))
        if said != (old, new) or not lines[at + 1].startswith(b"+++ "):
            raise _AskGitError
        at += 2
        while at < len(lines) and lines[at].startswith(b"@@ "):
            hunk, at = _parse_hunk(lines, at)
            file.hunks.append(hunk)
        if not file.hunks:
            raise _AskGitError
    if at < len(lines) and not lines[at].startswith(b"diff --git "):
        raise _AskGitError
    return file, at


def _header_path(line: bytes) -> bytes:
    """Return the path of ``diff --git a/X b/X``, when both are the same plain name."""
    names = line.removeprefix(b"diff --git ")
    half = (len(names) - 1) // 2
    old, new = names[:half], names[half + 1 :]
    if old[:2] != b"a/" or new[:2] != b"b/" or old[2:] != new[2:] or not _NAME.match(old[2:]):
        raise _AskGitError
    # git refuses these names; the door does too (stackdir), and here they never make a tree
    if any(part in _NO_PART or part.lower() in _GIT_PARTS for part in old[2:].split(b"/")):
        raise _AskGitError
    return old[2:]


def _parse_hunk(lines: list[bytes], at: int) -> tuple[_Hunk, int]:
    header = _HUNK.match(lines[at])
    if not header:
        raise _AskGitError
    old_left, new_left = (int(n) if n is not None else 1 for n in (header[2], header[4]))
    before: list[bytes] = []
    after: list[bytes] = []
    trailing = False
    at += 1
    while at < len(lines) and (old_left > 0 or new_left > 0 or lines[at][:1] == b"\\"):
        sign, text = lines[at][:1], lines[at][1:] + b"\n"
        if sign == b"\\":
            _cut_newline(lines[at - 1][:1], before, after)
        elif sign in (b" ", b"-", b"+"):
            if sign != b"+":
                before.append(text)
                old_left -= 1
            if sign != b"-":
                after.append(text)
                new_left -= 1
            trailing = sign == b" "
        else:
            raise _AskGitError
        at += 1
    if old_left or new_left:
        raise _AskGitError
    return _Hunk(int(header[1]), int(header[3]), before, after, trailing), at


def _cut_newline(sign: bytes, before: list[bytes], after: list[bytes]) -> None:
    """Take the line end off the line above a ``\\ No newline at end of file``."""
    if sign in (b" ", b"-") and before:
        before[-1] = before[-1][:-1]
    if sign in (b" ", b"+") and after:
        after[-1] = after[-1][:-1]
