"""A file with conflict markers taken apart, laid out for a person, and cut along its seams again.

The pieces of a merged file are its clean stretches and its conflicting regions, in turn; the first
and the last piece are clean stretches, perhaps empty. Joined again they are the file to the byte.
"""

import dataclasses
import re
from collections.abc import Sequence

_LINES = re.compile(rb"[^\n]*\n|[^\n]+")
_MARK = re.compile(rb"^(<{7,}|\|{7,}|>{7,}) [0-9a-f]{7,64}(?::[^\r\n]*)?\r?\n?$")
_SPLIT = re.compile(rb"^={7,}\r?\n?$")
_LEFT = re.compile(rb"^(?:<{7}|\|{7}|>{7})(?:[ \r]|$)|^={7}\r?$")
_CONTEXT = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """What the three sides say where they do not meet."""

    upstream: bytes
    base: bytes
    ours: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """A merged file taken apart: one clean stretch more than there are regions."""

    clean: tuple[bytes, ...]
    regions: tuple[Region, ...]

    def above(self, number: int) -> bytes:
        """Return the clean lines right above a region."""
        return b"".join(_LINES.findall(self.clean[number])[-_CONTEXT:])

    def below(self, number: int) -> bytes:
        """Return the clean lines right below a region."""
        return b"".join(_LINES.findall(self.clean[number + 1])[:_CONTEXT])


def take_apart(merged: bytes, *, upstream: bytes, base: bytes, ours: bytes) -> Pieces | None:
    """Return the pieces of a file that git merged in diff3 style; the sides are whole files.

    At the end of a file git gives each side a line end that it may not have had; it goes again.
    None when the file holds text that reads like a marker, so that its regions cannot be told.
    """
    clean, regions = [b""], list[Region]()
    sides: list[bytes] = []
    for line in _LINES.findall(merged):
        mark = _MARK.match(line)
        kind = mark[1][:1] if mark else b""
        if not sides:
            if kind == b"<":
                sides = [b""]
            else:
                clean[-1] += line
        elif (kind == b"|" and len(sides) == 1) or (_SPLIT.match(line) and len(sides) == 2):
            sides.append(b"")
        elif kind == b">" and len(sides) == 3:
            regions.append(Region(upstream=sides[0], base=sides[1], ours=sides[2]))
            clean.append(b"")
            sides = []
        else:
            sides[-1] += line
    if regions and not clean[-1]:
        last = regions[-1]
        regions[-1] = Region(
            upstream=_as_it_ends(last.upstream, upstream),
            base=_as_it_ends(last.base, base),
            ours=_as_it_ends(last.ours, ours),
        )
    told = all(r.upstream in upstream and r.base in base and r.ours in ours for r in regions)
    return Pieces(clean=tuple(clean), regions=tuple(regions)) if told and not sides else None


def _as_it_ends(text: bytes, whole: bytes) -> bytes:
    if not text or whole.endswith(b"\n"):
        return text
    return text.removesuffix(b"\n").removesuffix(b"\r")


def lay_out(
    pieces: Pieces, filled: Sequence[bytes | None], *, upstream: str, base: str, ours: str
) -> bytes:
    """Return the file for a person: answers where there are, markers with these labels elsewhere.

    Markers end as the file's lines end.
    """
    out = []
    for clean, region, answer in zip(pieces.clean, pieces.regions, filled, strict=False):
        out.append(clean)
        if answer is not None:
            out.append(answer)
            continue
        end = b"\r\n" if _is_crlf(clean + region.upstream + region.ours) else b"\n"
        for label, text in (
            (f"<<<<<<< {upstream}", region.upstream),
            (f"||||||| {base}", region.base),
            ("=======", region.ours),
        ):
            out += [label.encode(), end, text, b"" if text.endswith(b"\n") or not text else end]
        out += [f">>>>>>> {ours}".encode(), end]
    return b"".join([*out, pieces.clean[-1]])


def relabel(merged: bytes, *, upstream: str, base: str, ours: str) -> bytes:
    """Return a file whose regions cannot be told with labels for people on git's markers."""
    labels = {b"<": upstream, b"|": base, b">": ours}

    def line(text: bytes) -> bytes:
        mark = _MARK.match(text)
        if mark is None:
            return text
        end = text[len(text.rstrip(b"\r\n")) :]
        return mark[1] + f" {labels[mark[1][:1]]}".encode() + end

    return b"".join(map(line, _LINES.findall(merged)))


def left_markers(text: bytes, *, but: frozenset[bytes]) -> list[int]:
    """Return the 1-based lines that are a marker, or half of one; not those that a side has too."""
    lines = text.split(b"\n")
    return [n for n, line in enumerate(lines, 1) if _LEFT.match(line) and line.rstrip() not in but]


def _is_crlf(text: bytes) -> bool:
    first = _LINES.match(text)
    return first is not None and first[0].endswith(b"\r\n")


def cut(pieces: Pieces, edited: bytes) -> tuple[bytes, ...] | None:
    """Return what stands in place of each region in an edited file.

    None when that cannot be told for sure: something was edited outside the regions, or a clean
    stretch between them is to be found in more than one place.
    """
    first, *between, last = pieces.clean
    end = len(edited) - len(last)
    if not edited.startswith(first) or not edited.endswith(last) or len(first) > end:
        return None
    leftmost = _places(edited, between, start=len(first), end=end)
    rightmost = _places(edited, between, start=len(first), end=end, last=True)
    if leftmost is None or leftmost != rightmost:
        return None
    starts = [len(first), *(at + len(c) for at, c in zip(leftmost, between, strict=True))]
    answers = tuple(edited[a:b] for a, b in zip(starts, [*leftmost, end], strict=True))
    return answers if all(map(_whole_lines, answers[:-1])) and _ends(answers[-1], last) else None


def _whole_lines(text: bytes) -> bool:
    return not text or text.endswith(b"\n")


def _ends(text: bytes, last: bytes) -> bool:
    return not last or _whole_lines(text)


def _places(
    edited: bytes, between: Sequence[bytes], *, start: int, end: int, last: bool = False
) -> list[int] | None:
    """Return where the stretches stand one after the other, each as far left as can be.

    ``last``: each as far right as can be. Only at the beginning of a line.
    """
    found = []
    for stretch in reversed(between) if last else between:
        at = _find(edited, stretch, start=start, end=end, last=last)
        if at is None:
            return None
        found.append(at)
        start, end = (start, at) if last else (at + len(stretch), end)
    return found[::-1] if last else found


def _find(edited: bytes, text: bytes, *, start: int, end: int, last: bool) -> int | None:
    while True:
        at = edited.rfind(text, start, end) if last else edited.find(text, start, end)
        if at < 0:
            return None
        if at == start or edited[at - 1 : at] == b"\n":
            return at
        start, end = (start, at + len(text) - 1) if last else (at + 1, end)
