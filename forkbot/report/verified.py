"""Verification told: what was red and why, each build, each component and its control."""

from collections.abc import Iterable, Iterator

from forkbot.model.record import RunRecord
from forkbot.model.stack import BuildPolicy
from forkbot.model.verdict import Build, Colour, Verdict
from forkbot.report.diagnosed import Webs, cause_of, error_blocks, errors_of, first_error, webs_of
from forkbot.report.document import (
    Block,
    Code,
    Items,
    Line,
    Listing,
    Paragraph,
    Section,
    Table,
    Weight,
)
from forkbot.report.phrases import clip, count
from forkbot.report.smoke import news, smoke_reds, smoke_sections


def reds(verdict: Verdict) -> list[str]:
    """Return a line for each thing that verification found wrong."""
    if verdict.reused:
        return []
    lines = list(verdict.problems)
    same: dict[str, list[str]] = {}  # one cause often stops many builds: say it once
    for build in verdict.builds:
        if build.colour is Colour.RED:
            same.setdefault(cause_of(build), []).append(build.stack)
    for why, stacks in same.items():
        names = list(dict.fromkeys(stacks))
        lines.append(f"{', '.join(names)} {'does' if len(names) == 1 else 'do'} not build: {why}")
    lines += smoke_reds(verdict)
    return lines


def builds_of(verdict: Verdict, stack: str) -> tuple[Build, ...]:
    """Return the builds that were tried for one stack."""
    return tuple(b for b in verdict.builds if b.stack == stack and b.package)


def features(build: Build | BuildPolicy) -> str:
    """Return a build's package and features as people write them."""
    parts = [] if build.default_features else ["no default features"]
    parts += [", ".join(build.features)] if build.features else []
    return f"{build.package} ({'; '.join(parts)})" if parts else build.package


def verification_sections(record: RunRecord) -> Iterator[Section]:
    """Yield the verdict, what the compiler said of each red build, and what each component said."""
    verdict = record.verdict
    if verdict is None:
        return
    told = tuple(("News: ", clip(line, 300)) for line in news(verdict)[:20])
    if verdict.reused:
        if told:
            yield Section(
                title=("Verification: green before",), weight=Weight.VERIFICATION,
                blocks=(Items(told),),
            )  # fmt: skip
        return
    webs = webs_of(record)
    wrong = reds(verdict)
    lead: list[Block] = [Paragraph((*tools(verdict), "."))]
    if verdict.dependencies_said:
        lead.append(Paragraph((f"Built again: {clip(verdict.dependencies_said, 300)}.",)))
    if wrong:
        lead.append(Items(tuple((clip(line, 300),) for line in wrong[:20])))
    if told:
        lead.append(Items(told))
    yield Section(
        title=(f"Verification: {'red' if wrong else 'green'}",),
        weight=Weight.TROUBLE if wrong else Weight.VERIFICATION,
        blocks=(*lead, Table(head=("stack", "build", "", ""), rows=tuple(_builds(verdict)))),
        shorter=(tuple(lead),),
    )
    yield from error_sections(verdict.builds, webs)
    yield from smoke_sections(verdict, webs)


def tools(verdict: Verdict) -> Line:
    """Return what it was built for, and with what."""
    return Code(verdict.target), " with ", Code(verdict.rustc), " and ", Code(verdict.wasmtime)


def _builds(verdict: Verdict) -> Iterator[tuple[Line, ...]]:
    for stack in dict.fromkeys(b.stack for b in verdict.builds):
        for build in builds_of(verdict, stack):
            units = f"{build.units} of the family's crates compiled"
            note = _note(build) or units
            yield (stack,), (clip(features(build)),), (build.colour.value,), (note,)
        for build in verdict.builds:
            if build.stack == stack and build.colour is Colour.HELD:
                yield (stack,), ("not tried",), ("held",), (clip(build.why, 300),)


def _note(build: Build) -> str:
    if build.colour is Colour.RED:
        return first_error(build)
    warned = sum(d.level == "warning" for d in build.diagnostics)
    return count(warned, "warning") if warned else ""


def error_sections(builds: Iterable[Build], webs: Webs) -> Iterator[Section]:
    """Yield what the compiler said of each red build, once."""
    shown: set[tuple[str, ...]] = set()
    for build in builds:
        errors = errors_of(build.diagnostics)
        what = tuple(e.rendered for e in errors) or (build.why,)
        if build.colour is not Colour.RED or what in shown:
            continue
        shown.add(what)
        yield Section(
            title=(f"{build.stack}: {clip(features(build))} does not build",), level=3,
            weight=Weight.TROUBLE,
            blocks=tuple(error_blocks(build.diagnostics, webs)) or (Listing(text=build.why),),
        )  # fmt: skip
