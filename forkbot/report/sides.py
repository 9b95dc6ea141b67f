"""Texts beside each other: what a side changed of the base, line by line and word by word."""

import collections
import dataclasses
import difflib
import itertools
import re
from collections.abc import Sequence

_MOST_PAIRS = 40_000
_MOST_LIKENED = 400
_LIKE = 0.5  # from here on one line is said to have become another
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of each text in one row; None where a text has no line there."""

    base: str | None
    upstream: str | None
    ours: str | None


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as an editor counts them; none of an empty one."""
    return text.removesuffix("\n").split("\n") if text else []


def diff(before: str, after: str, *, above: str = "", below: str = "") -> str:
    """Return how ``before`` became ``after``, every line of both, between lines around them."""
    old, new = lines_of(before), lines_of(after)
    lines = [f" {line}" for line in lines_of(above)]
    for tag, i1, i2, j1, j2 in _opcodes(old, new):
        if tag == "equal":
            lines += [f" {line}" for line in old[i1:i2]]
        else:
            lines += [f"-{line}" for line in old[i1:i2]]
            lines += [f"+{line}" for line in new[j1:j2]]
    lines += [f" {line}" for line in lines_of(below)]
    return "\n".join(lines)


def aligned(base: str, upstream: str, ours: str) -> tuple[Row, ...]:
    """Return three texts in rows: each line of the base beside what both sides made of it."""
    old = lines_of(base)
    up_lines, up_between = _beside(old, lines_of(upstream))
    our_lines, our_between = _beside(old, lines_of(ours))
    rows: list[Row] = []
    for n in range(len(old) + 1):
        rows += (
            Row(base=None, upstream=up, ours=our)
            for up, our in itertools.zip_longest(up_between[n], our_between[n])
        )
        if n < len(old):
            rows.append(Row(base=old[n], upstream=up_lines[n], ours=our_lines[n]))
    return tuple(rows)


def _beside(old: Sequence[str], new: Sequence[str]) -> tuple[list[str | None], list[list[str]]]:
    """Return for each old line the one that took its place, and the new ones before each."""
    lines: list[str | None] = [None] * len(old)
    between: list[list[str]] = [[] for _ in range(len(old) + 1)]
    for tag, i1, i2, j1, j2 in _opcodes(old, new):
        at = j1
        for i, j in _pairs(old[i1:i2], new[j1:j2], equal=tag == "equal"):
            lines[i1 + i] = new[j1 + j]
            between[i1 + i] += new[at : j1 + j]
            at = j1 + j + 1
        between[i2] += new[at:j2]
    return lines, between


def _pairs(old: Sequence[str], new: Sequence[str], *, equal: bool) -> list[tuple[int, int]]:
    """Return which line of ``new`` took the place of which of ``old``: in order, the likest."""
    if equal or len(old) * len(new) > _MOST_LIKENED:
        return [(n, n) for n in range(min(len(old), len(new)))]
    # best[i][j]: the pairs among the first i and j lines, and how like they are in all
    best: list[list[tuple[float, list[tuple[int, int]]]]] = [[(0.0, [])] * (len(new) + 1)]
    for i, line in enumerate(old):
        row = [best[i][0]]
        for j, other in enumerate(new):
            like = difflib.SequenceMatcher(None, line.strip(), other.strip()).ratio()
            score, pairs = best[i][j]
            paired = (score + like, [*pairs, (i, j)]) if like >= _LIKE else (0.0, [])
            row.append(max(best[i][j + 1], row[j], paired, key=lambda found: found[0]))
        best.append(row)
    return best[-1][-1][1]


def changed(before: str, after: str) -> tuple[tuple[int, int], ...]:
    """Return the spans of ``after`` whose words ``before`` does not have in their place."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    ends = [0, *itertools.accumulate(map(len, new))]
    return tuple(
        (ends[j1], ends[j2])
        for tag, _, _, j1, j2 in _opcodes(old, new)
        if tag != "equal" and j1 < j2
    )


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    """Return difflib's steps from ``old`` to ``new``; one step where finding them takes too long.

    What it costs are the pairs of equal elements: a thousand blank lines are a million of them.
    """
    have = collections.Counter(new)
    if sum(have[element] for element in old) > _MOST_PAIRS:
        return [("replace", 0, len(old), 0, len(new))]
    return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
