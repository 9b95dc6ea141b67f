"""Whose fault each red is, told first; and the evidence: what was turned back, and what was seen.

A flake is told as well: it is green now, and somebody may want to know why it was not at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from forkbot.model.attribution import Attribution, Cell, Guilty, Part, Suspect
from forkbot.model.record import RunRecord
from forkbot.report.diagnosed import Webs, webs_of
from forkbot.report.document import (
    Block,
    Code,
    Folded,
    Items,
    Line,
    Paragraph,
    Section,
    Strong,
    Table,
    Weight,
    plain,
)
from forkbot.report.links import Web
from forkbot.report.phrases import clip, count, listed

_NAMED = 4
_TOGETHER = 8  # reds of one cause, by name
_NOBODY = {
    Guilty.NETWORK: "the network's", Guilty.FLAKE: "nobody's, a flake", Guilty.UNKNOWN: "not known",
}  # fmt: skip


def attributions_of(record: RunRecord) -> tuple[Attribution, ...]:
    """Return whose fault everything was that this run found red, flakes included."""
    return record.verdict.attributions if record.verdict is not None else ()


def guilt_lines(record: RunRecord) -> Iterator[tuple[str, bool]]:
    """Yield a line for each red with whose fault it is, and whether it is red still."""
    webs = webs_of(record)
    for one in attributions_of(record):
        told = plain(whose(one, _web(one, webs)))
        yield f"{told} ({clip(one.red.why, 160)})", not one.over


def guilt_sections(record: RunRecord) -> Iterator[Section]:
    """Yield whose fault it is, with the evidence folded below."""
    found = attributions_of(record)
    if not found:
        return
    webs = webs_of(record)
    red = any(not a.over for a in found)
    lead = tuple(_lead(found, webs))
    yield Section(
        title=("Whose fault it is",) if red else ("What went well the second time",),
        weight=Weight.TROUBLE if red else Weight.STEPS,
        blocks=(*lead, *(b for a in found if a.cells for b in _evidence(a))),
        shorter=(lead,),
    )


def told_with_others(record: RunRecord, stack: str) -> Mapping[str, str]:
    """Return the reds, in their lines, that follow from another stack's: each with that stack.

    Only where it is known whose fault that is: else each is told for itself, not to lose any.
    """
    others = {s.name for s in record.stacks if not s.paused} - {stack}
    return {
        line: one.red.stack
        for one in attributions_of(record)
        if one.red.stack in others and not one.over and one.guilty is not Guilty.UNKNOWN
        for line in one.also
    }


def guilt_blocks(record: RunRecord, stack: str | None) -> tuple[Block, ...]:
    """Return whose fault a stack's reds are, or the graph's, for its artefact; no time is in it."""
    mine = [
        a
        for a in attributions_of(record)
        if not a.over and ((stack is None and not a.red.stack) or stack in (a.red.stack, a.stack))
    ]
    return tuple(_lead(mine, webs_of(record)))


def _lead(found: Iterable[Attribution], webs: Webs) -> Iterator[Block]:
    lines: list[Line] = []
    for one in found:
        web = _web(one, webs)
        also = f"; red with it: {_briefly(one.also)}" if one.also else ""
        whole = (Strong("Whose fault: "), *whose(one, web), f". {clip(one.red.why, 300)}{also}.")
        lines.append(whole)
    if lines:
        yield Items(tuple(lines))


def _briefly(lines: Iterable[str]) -> str:
    """Return which reds they are, without why: that is the same."""
    names = (line.partition(" is red: ")[0].partition(": ")[0] for line in lines)
    return listed([clip(name, 80) for name in names], most=_TOGETHER)


def _web(one: Attribution, webs: Webs) -> Web:
    name = one.stack or one.red.stack
    return next((web for stack, web in webs.items() if stack == name), Web())


def whose(one: Attribution, web: Web) -> Line:
    """Return who is guilty, and why, in one line without a full stop."""
    why = f"; {clip(one.why, 300)}" if one.why else ""
    match one.guilty:
        case Guilty.UPSTREAM:
            behind: Line = ("; our patch ", Code(one.patch), " has to follow") if one.patch else ()
            return ("upstream's, ", *_commit(one, web), *behind, why)
        case Guilty.LOWER:
            by: Line = ("its patch ", Code(one.patch)) if one.patch and not one.commit else ()
            return (f"of the lower fork {one.stack}: ", *(by or _commit(one, web)), why)
        case Guilty.PATCH:
            name: Line = ("our patch ", Code(one.patch)) if one.patch else ("one of our patches",)
            return (*name, f" of {one.stack}", why)
        case Guilty.COMPONENT:
            return (f"{one.stack}'s component {clip(one.name, 80)}, which was edited", why)
        case Guilty.DEPENDENCY:
            moved = f" {clip(one.was, 80)} → {clip(one.now, 80)}" if one.now and one.was else ""
            return ("the dependency ", Code(f"{clip(one.name, 80)}{moved}"), why)
        case Guilty.TOOLCHAIN:
            return (f"the toolchain's: {clip(one.was, 80)} → {clip(one.now, 80)}", why)
        case Guilty.NETWORK | Guilty.FLAKE | Guilty.UNKNOWN:
            return (f"{_NOBODY[one.guilty]}: {clip(one.why, 300)}",)
        case _:
            assert_never(one.guilty)


def _commit(one: Attribution, web: Web) -> Line:
    if one.commit is not None:
        return web.told(one.commit)
    if one.was and one.now:
        return (f"somewhere between {clip(one.was, 80)} and {clip(one.now, 80)}",)
    return ("in what it is now",)


def _evidence(one: Attribution) -> Iterator[Block]:
    rows = tuple(
        ((circumstances(c),), (c.seen.value,), (f"{c.seconds:.0f} s",), (clip(c.why, 200),))
        for c in one.cells
    )
    table = Table(head=("looked at", "seen", "took", ""), rows=rows)
    known: Line = (
        "Not as it was when all was last green: ",
        listed([thing(s) for s in one.suspects], most=12) or "nothing",
        f". {count(len(one.cells), 'look')} in {one.seconds:.0f} s.",
    )
    yield Folded(
        summary=(f"How it is known: {clip(one.red.why, 160)}",), blocks=(Paragraph(known), table),
        shown=False,
    )  # fmt: skip


def circumstances(cell: Cell) -> str:
    """Return in words under which circumstances somebody looks at a red."""
    if cell.pristine:
        return f"upstream without our patches{', for this machine' if cell.host else ''}"
    if not cell.back:
        return "the same once more"
    return f"turned back: {', '.join(thing(s) for s in cell.back)}"


def thing(suspect: Suspect) -> str:
    """Return what a suspect is, in words."""
    names = listed([clip(n, 60) for n in suspect.names], most=_NAMED)
    moved = f" ({clip(suspect.was, 60)} → {clip(suspect.now, 60)})" if suspect.was else ""
    match suspect.part:
        case Part.DEPENDENCIES:
            return f"the dependencies {names}"
        case Part.COMPONENTS:
            return f"{suspect.stack}'s components"
        case Part.PATCHES:
            return f"{suspect.stack}'s patches {names}"
        case Part.UPSTREAM:
            return f"{suspect.stack}'s upstream{moved}"
        case Part.TOOLCHAIN:
            return f"{names}{moved}"
        case _:
            assert_never(suspect.part)
