"""Components told: what each case did, with the stacks and on pristine upstream."""

import itertools
from collections.abc import Iterable, Iterator

from forkbot.model.diagnostic import Diagnostic
from forkbot.model.verdict import Build, Colour, How, Smoke, Verdict
from forkbot.report.diagnosed import Webs, error_blocks, errors_of
from forkbot.report.document import (
    Block,
    Folded,
    Line,
    Listing,
    Paragraph,
    Section,
    Strong,
    Table,
    Weight,
)
from forkbot.report.phrases import clip, count, listed, tally

_DID = {How.ENDED: "red", How.HUNG: "hangs", How.UNBUILT: "does not build"}
_CASES_NAMED = 4


def reason(smoke: Smoke) -> str:
    """Return why a component was red: what it said on its way out, or else its exit code."""
    lines = [line.strip() for line in smoke.output.splitlines()]
    # Rust says "thread … panicked at <place>:" and then, on the next line, the reason
    telling = [after for line, after in itertools.pairwise(lines) if "panicked at" in line]
    telling += [line for line in lines if line.lower().startswith("error:")]
    return f"{telling[0]} ({smoke.why})" if telling else smoke.why


def red_line(smoke: Smoke) -> str:
    """Return in a line that a case is red, and why."""
    return f"{smoke.stack}'s {smoke.told} is red: {reason(smoke)}"


def smoke_reds(verdict: Verdict) -> Iterator[str]:
    """Yield a line for each thing that is wrong; one cause of many cases is said once."""
    same: dict[tuple[str, str, bool, str], list[Smoke]] = {}
    behind = followers(verdict.smokes, verdict.builds)
    for smoke in verdict.smokes:
        if smoke.colour is Colour.RED and smoke not in behind:
            why = smoke.why if smoke.pristine else reason(smoke)
            same.setdefault((smoke.stack, smoke.name, smoke.pristine, why), []).append(smoke)
    for (stack, name, pristine, why), reds in same.items():
        if len(reds) == 1:
            what = f"{stack}'s {reds[0].told}"
            yield f"the control of {what}: {why}" if pristine else f"{what} is red: {why}"
            continue
        cases = listed([s.case for s in reds], most=_CASES_NAMED)
        what = f"{stack}'s {name}"
        yield (
            f"the control of {what}, in {cases}: {why}" if pristine
            else f"{what} is red in {cases}: {why}"
        )  # fmt: skip
    if behind:
        does = "do" if len(behind) > 1 else "does"
        yield f"{together(behind)} {does} not build either"


def followers(smokes: Iterable[Smoke], builds: Iterable[Build]) -> tuple[Smoke, ...]:
    """Return the components that do not build for an error that one of ``builds`` has already."""
    known = {_error(e) for b in builds if b.colour is Colour.RED for e in errors_of(b.diagnostics)}
    return tuple(
        s
        for s in smokes
        if s.colour is Colour.RED and s.how is How.UNBUILT and not s.pristine
        and any(_error(e) in known for e in errors_of(s.diagnostics)[:1])
    )  # fmt: skip


def _error(said: Diagnostic) -> tuple[str, str, int, str]:
    return said.code, said.file, said.line, said.message


def together(smokes: Iterable[Smoke]) -> str:
    """Return the names of components, each with its stack's."""
    return listed([f"{s.stack}'s {clip(s.told, 80)}" for s in smokes], most=_CASES_NAMED)


def news(verdict: Verdict) -> list[str]:
    """Return a line for each canary that does another thing than it did."""
    told = verdict.news.items()
    return [f"{stack}'s canary {line}" for stack, lines in told for line in lines]


def component_rows(verdict: Verdict) -> Iterator[tuple[str, str, str]]:
    """Yield each component with what its cases did, with the stacks and on pristine upstream."""
    if verdict.reused:
        return
    for stack, name in dict.fromkeys((s.stack, s.name) for s in verdict.smokes):
        ran = [s for s in verdict.smokes if (s.stack, s.name) == (stack, name)]
        sides = (tally(_did(s) for s in ran if s.pristine is side) for side in (False, True))
        ours, upstream = (side or "not run" for side in sides)
        yield f"{stack}: {name}", ours, upstream


def _did(smoke: Smoke) -> str:
    if smoke.colour is Colour.NEWS:
        return "news"
    if smoke.colour is Colour.RED:
        return "green, and must be red" if smoke.ran_green else "red"
    return "green" if smoke.ran_green else f"{_DID[smoke.how]} as declared"


def smoke_sections(verdict: Verdict, webs: Webs) -> Iterator[Section]:
    """Yield the table of all cases, and what each said of which that is not as it must be."""
    if not verdict.smokes:
        return
    table = smoke_table(verdict)
    components = dict.fromkeys((s.stack, s.name) for s in verdict.smokes)
    said = tuple(
        Folded(
            summary=(f"what {stack}'s {name} said",),
            blocks=(Listing(text=_said(verdict, stack, name)),),
        )
        for stack, name in components
    )
    wrong = [s for s in verdict.smokes if s.colour is not Colour.GREEN]
    cases = count(len(table.rows), "case")
    yield Section(
        title=(f"Components: {cases}",), level=3, weight=Weight.VERIFICATION,
        blocks=(table, *said), shorter=((table,),),
    )  # fmt: skip
    for smoke in wrong:
        yield smoke_section(smoke, webs)


def smoke_table(verdict: Verdict) -> Table:
    """Return what each case did, with the stacks and on pristine upstream."""
    head = ("component", "with the stacks", "on pristine upstream")
    return Table(head=head, rows=tuple(_rows(verdict)))


def _rows(verdict: Verdict) -> Iterator[tuple[Line, ...]]:
    """Yield a row for each case; what does not build stands for all cases of its component."""
    facts = {(s.stack, s.name, s.case, s.pristine): s for s in verdict.smokes}
    whole = {(s.stack, s.name) for s in verdict.smokes if s.case}
    for stack, name, case in dict.fromkeys((s.stack, s.name, s.case) for s in verdict.smokes):
        if not case and (stack, name) in whole:
            continue  # the other side has cases, and says it there
        sides = (
            facts.get((stack, name, case, side)) or facts.get((stack, name, "", side))
            for side in (False, True)
        )
        yield (f"{stack}: {name}/{case}" if case else f"{stack}: {name}",), *map(_cell, sides)


def _cell(smoke: Smoke | None) -> Line:
    if smoke is None:
        return ("not run",)
    if smoke.colour is Colour.GREEN:
        if smoke.ran_green:
            return ("green",)
        return (f"{_DID[smoke.how]}, as declared: {clip(smoke.declared, 80)}",)
    if smoke.colour is Colour.NEWS:
        return Strong("news"), f": {clip(smoke.why, 120)}"
    return Strong(_did(smoke)), f": {clip(smoke.why, 120)}"


def _said(verdict: Verdict, stack: str, name: str) -> str:
    lines = []
    for smoke in verdict.smokes:
        if (smoke.stack, smoke.name) == (stack, name):
            where = "on pristine upstream" if smoke.pristine else "with the stacks"
            how = f", exit code {smoke.exit_code}" if smoke.exit_code else ""
            lines += [f"== {smoke.told}, {where}: {smoke.seconds} s{how}", smoke.output.strip(), ""]
    return "\n".join(lines)


def smoke_section(smoke: Smoke, webs: Webs) -> Section:
    """Return what a component did, what it must do, and what it said."""
    where = "on pristine upstream, the control" if smoke.pristine else "with the stacks"
    did, must = "green" if smoke.ran_green else _DID[smoke.how], "as it must be"
    if smoke.colour is Colour.RED:
        must = "and it must be " + (
            f"red, saying {smoke.declared!r}" if smoke.declared else "green"
        )
    if smoke.colour is Colour.NEWS:
        must = f"and it was a canary that says {smoke.declared!r}"
    why = f": {clip(smoke.why, 300)}" if smoke.why else ""
    told: Line = (f"Run {where}: {did}, {must}{why}.",)
    listing: tuple[Block, ...] = (Listing(text=smoke.output),) if smoke.output else ()
    if smoke.diagnostics:
        listing = tuple(error_blocks(smoke.diagnostics, webs))
    return Section(
        title=(f"{smoke.stack}: {smoke.told}",),
        level=3,
        weight=Weight.TROUBLE if smoke.colour is Colour.RED else Weight.VERIFICATION,
        blocks=(Paragraph(told), *listing),
        shorter=((Paragraph(told),),),
    )
