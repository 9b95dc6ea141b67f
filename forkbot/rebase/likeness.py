"""Whether upstream seems to deliver a patch by changes of its own: likeness, never proof.

Compared are lines: those of a patch that say something and that the base does not have, against
those that upstream's commits add, in whichever file. A line counts the less the more commits add
it. Blanks do not count, nor do lone braces, imports and comments. How often the two thresholds are
right and wrong on real histories, ``bench/likeness.py`` measures.
"""

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.words import Oid

LIKELY = 0.6  # from here on the patch is as good as there
PARTLY = 0.3
FEWEST = 4  # lines in common: fewer are found by chance
_TOGETHER = 3  # commits that may deliver a patch between them
_SHORTEST = 6  # letters and digits, for a line to say something
_SAYS_NOTHING = re.compile(rb"(?:pub(?:\([a-z]+\))? )?(?:use|mod|extern crate) |//|/\*|\*|#!?\[doc")
_SILENT = (b".lock", b".md")  # generated, or prose
_DIFF = ("diff-tree", "--stdin", "-r", "-p", "-U0", "--no-renames", "--no-ext-diff",
         "--no-textconv", "--no-color", "--src-prefix=a/", "--dst-prefix=b/")  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How much of a patch some upstream commits add: a share, and lines in common."""

    share: float
    lines: int
    commits: tuple[Oid, ...]  # who adds most comes first


def novel_lines(
    before: Oid, after: Oid, *, base: Oid, last: Oid, bench: Workbench
) -> frozenset[bytes]:
    """Return the lines that say something and are new where a patch makes ``after`` of ``before``.

    ``base`` and ``last`` are the trees below and above the whole series: what a later patch
    rewrites is not compared, as a squash would not have it.
    """
    files = [f for f in bench.trees.changes(before, after) if not f[0].endswith(_SILENT)]
    added = set[bytes]()
    for _, old, new in files:
        added.update(set(_lines(new, bench)).difference(_lines(old, bench)))
    novel = {line for line in map(_normal, added) if tells(line)}
    if not novel:
        return frozenset()
    kept = set[bytes]()
    for path, old, _ in files:
        for there in (old, bench.trees.find(base, path)):
            novel.difference_update(map(_normal, _lines(there, bench)))
        kept.update(map(_normal, _lines(bench.trees.find(last, path), bench)))
    return frozenset(novel & kept or novel)


def _lines(entry: Entry | None, bench: Workbench) -> list[bytes]:
    content = bench.trees.content(entry)
    return [] if b"\0" in content else content.split(b"\n")


def _normal(line: bytes) -> bytes:
    return b" ".join(line.split())


def tells(line: bytes) -> bool:
    """Return whether a line says something: no lone brace, import or comment."""
    line = line.strip()
    return len(re.findall(rb"\w", line)) >= _SHORTEST and not _SAYS_NOTHING.match(line)


def added_lines(
    steps: Mapping[Oid, Oid], wanted: Iterable[bytes], *, bench: Workbench
) -> dict[Oid, frozenset[bytes]]:
    """Return which of the ``wanted`` lines each step (a commit, from a parent) adds.

    What a step only moves from one place to another it does not add.
    """
    sought = frozenset(wanted)
    bench.objects.flush()
    asked = "".join(f"{commit} {parent}\n" for commit, parent in steps.items())
    said = bench.repository.git(*_DIFF, stdin=asked.encode()).stdout
    found: dict[Oid, Counter[bytes]] = {}
    heads = {commit.encode(): commit for commit in steps}
    count = Counter[bytes]()
    for line in said.split(b"\n"):
        sign = line[:1]
        if sign in {b"+", b"-"}:
            normal = _normal(line[1:])
            if normal in sought:
                count[normal] += 1 if sign == b"+" else -1
        elif line[:40] in heads:
            count = found.setdefault(heads[line[:40]], Counter())
    return {
        commit: frozenset(line for line, times in counted.items() if times > 0)
        for commit, counted in found.items()
    }


def likeness(novel: frozenset[bytes], added: Mapping[Oid, frozenset[bytes]]) -> Likeness | None:
    """Return which commits add most of ``novel``, three at most between them; None for too few."""
    alike = {commit: lines & novel for commit, lines in added.items()}
    times = Counter(line for lines in alike.values() for line in lines)
    weight = {line: 1 / max(1, times[line]) for line in novel}
    got, commits = frozenset[bytes](), list[Oid]()
    while alike and len(commits) < _TOGETHER:
        more = {commit: lines - got for commit, lines in alike.items()}
        best = max(more, key=lambda commit: math.fsum(weight[line] for line in more[commit]))
        if len(more[best]) < FEWEST:
            break
        got |= more[best]
        commits.append(best)
    if not commits:
        return None
    share = math.fsum(weight[line] for line in got) / math.fsum(weight.values())
    return Likeness(share=share, lines=len(got), commits=tuple(commits))
