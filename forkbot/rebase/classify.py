"""Why two sides do not meet in a region: its class, and how much a person has to do about it.

Lines are compared without the white space around them, and blank ones do not count: what remains is
what a reader would call the same. No class acts on anything: it only says how to look at a region.
"""

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterable, Sequence

from forkbot.model.conflict import ConflictClass, Effort
from forkbot.rebase.edits import Edit, Region

SMALL = 10  # lines that our side changes; above it, an edit has to be understood, not just made
# what stands in the place of deleted lines is a neighbour's edit if it is so much less, and unlike
LEFTOVER = 0.25
ALIKE = 0.6
_WORD = re.compile(rb"\w")

Lines = Sequence[bytes]
Search = Callable[[list[bytes]], str]  # where upstream has most of some lines now; '' nowhere


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The three whole texts, as lines."""

    base: Lines
    upstream: Lines
    ours: Lines


def classify(region: Region, sides: Sides, search: Search) -> tuple[ConflictClass, str]:
    """Return the class of a region, and where upstream has its lines now when they moved."""
    if _already_there(region, sides):
        return ConflictClass.ALREADY_THERE, ""
    if not region.base:
        return ConflictClass.BOTH_ADDED, ""
    if all(_says_the_same(t, sides) for t in region.theirs):
        return ConflictClass.BLANKS, ""
    against = [
        t for t in region.theirs if not all(_can_both_stand(t, m, sides) for m in region.mine)
    ]
    if not against and not _same_talk(region, sides):
        return ConflictClass.CONTEXT, ""
    lost = [line for t in against for line in _said(sides.base, t.old)]
    instead = [line for t in against for line in _said(sides.upstream, t.new)]
    where = search(lost)
    if where:
        return ConflictClass.MOVED, where
    if lost and len(instead) <= LEFTOVER * len(lost) and not _alike(lost, instead):
        return ConflictClass.DELETED, ""
    return ConflictClass.BOTH_EDITED, ""


def effort(kind: ConflictClass, *, size: int) -> Effort:
    """Return the effort for a class and the number of lines that our side changes there.

    What is there already wants a look. What was deleted, or has no lines, has to be thought over:
    nothing says where our edit belongs now. The rest is an edit while it is small; of edits that
    only neighbour each other, or meet a formatter's, both are kept, whatever their size.
    """
    match kind:
        case ConflictClass.ALREADY_THERE:
            return Effort.LOOK
        case ConflictClass.BLANKS | ConflictClass.CONTEXT:
            return Effort.EDIT
        case ConflictClass.DELETED | ConflictClass.SHAPE:
            return Effort.THOUGHT
        case ConflictClass.MOVED | ConflictClass.BOTH_ADDED | ConflictClass.BOTH_EDITED:
            return Effort.EDIT if size <= SMALL else Effort.THOUGHT


def size_of(edits: Iterable[Edit]) -> int:
    """Return how many lines some edits change."""
    return sum(max(len(e.old), len(e.new)) for e in edits)


def _said(lines: Lines, span: range) -> list[bytes]:
    """Return the lines of a span that say something, without the white space around them."""
    return [said for n in span if (said := lines[n].strip())]


def _same_talk(region: Region, sides: Sides) -> bool:
    """Whether both sides write the same line: then they are at the same thing."""
    there, here = (
        {line for e in edits for line in _said(lines, e.new) if _WORD.search(line)}
        for edits, lines in ((region.theirs, sides.upstream), (region.mine, sides.ours))
    )
    return bool(there & here)


def _alike(some: list[bytes], others: list[bytes]) -> bool:
    """Whether a line among ``others`` is a rewritten one of ``some``."""
    texts = [[line.decode("latin-1") for line in lines] for lines in (some, others)]
    return any(difflib.get_close_matches(line, texts[0], n=1, cutoff=ALIKE) for line in texts[1])


def _says_the_same(theirs: Edit, sides: Sides) -> bool:
    """Whether an edit of upstream's changes white space alone, across lines too."""
    old = b"".join(sides.base[n] for n in theirs.old)
    new = b"".join(sides.upstream[n] for n in theirs.new)
    return b"".join(old.split()) == b"".join(new.split())


def _already_there(region: Region, sides: Sides) -> bool:
    """Whether upstream's side says what ours says, or that and more."""
    there, here = (
        b"".join(_said(lines, span))
        for lines, span in ((sides.upstream, region.upstream), (sides.ours, region.ours))
    )
    if b"".join(there.split()) == b"".join(here.split()):
        return True
    tells = [e for e in region.mine if _WORD.search(b"".join(
        [*_said(sides.base, e.old), *_said(sides.ours, e.new)]))]  # fmt: skip
    return bool(tells) and all(_contained(e, region, sides) for e in region.mine)


def _contained(mine: Edit, region: Region, sides: Sides) -> bool:
    """Whether one edit of ours is part of what upstream did there.

    All that we take away is gone upstream, and what we put in its place stands there in one piece;
    where we put nothing, neither does upstream: a line it rewrote is not a line it removed.
    """
    added = _said(sides.ours, mine.new)
    over = [
        t for t in region.theirs if t.old.start <= mine.old.stop and mine.old.start <= t.old.stop
    ]
    gone = {n for t in over for n in t.old}
    if any(n not in gone for n in mine.old if sides.base[n].strip()):
        return False
    theirs = [_said(sides.upstream, t.new) for t in over]
    if not added:
        return not any(
            lines for lines, t in zip(theirs, over, strict=True) if set(t.old) & set(mine.old)
        )
    return any(lines[at : at + len(added)] == added for lines in theirs for at in range(len(lines)))


def _can_both_stand(theirs: Edit, mine: Edit, sides: Sides) -> bool:
    """Whether two edits change different lines of the base, so that neither undoes the other.

    Lines put in at the same place have no order, and lines put in beside what upstream only took
    away may have belonged to it: those need a person.
    """
    if theirs.old and mine.old:
        return theirs.old.stop <= mine.old.start or mine.old.stop <= theirs.old.start
    if mine.old:
        return not mine.old.start < theirs.old.start < mine.old.stop
    at = mine.old.start
    if not theirs.old:
        return at != theirs.old.start
    inside = theirs.old.start < at < theirs.old.stop
    beside = at in (theirs.old.start, theirs.old.stop)
    return not inside and not (beside and not _said(sides.upstream, theirs.new))
