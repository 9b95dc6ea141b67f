"""What verification said, as matters to tell: of each stack its own reds, the rest of the family.

A red is told where it can be mended: an error in mio's code belongs to mio, although it was tokio's
build that met it, and one that a patch has a part in to that patch's stack.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from forkbot.model.diagnostic import Diagnostic, Doer
from forkbot.model.order import Order
from forkbot.model.record import RunRecord, StackRecord
from forkbot.model.verdict import Build, Colour, Smoke, Verdict
from forkbot.report.alarms import drift_sections
from forkbot.report.breakers import breaker_sections
from forkbot.report.diagnosed import errors_of, webs_of
from forkbot.report.document import Block, Code, Items, Line, Paragraph, Section, Weight, Word
from forkbot.report.fates import fate_section, range_diff_sections
from forkbot.report.guilt import guilt_blocks, told_with_others
from forkbot.report.matter import Matter, steady
from forkbot.report.phrases import clip, count, listed
from forkbot.report.smoke import (
    followers,
    reason,
    red_line,
    smoke_section,
    smoke_table,
    together,
)
from forkbot.report.steps import build_again
from forkbot.report.troubles import AS_IT_WAS, went, whole
from forkbot.report.verified import (
    builds_of,
    error_sections,
    features,
    tools,
)

_SHOWN = 12


def build(stack: StackRecord, record: RunRecord) -> Matter | str | None:
    """Return what is to be told of a stack that applies, and does not build."""
    verdict, rebase = record.verdict, stack.rebase
    if verdict is None or rebase is None or verdict.problems:
        return None
    shared = _shared(verdict)
    if any(b.stack == stack.name and b.why in shared for b in verdict.builds):
        return None  # told once, of the family
    mine = tuple(
        b for b in verdict.builds if b.colour is Colour.RED and owner(b, record) == stack.name
    )
    if not mine:
        builds = builds_of(verdict, stack.name)
        green = bool(builds) and all(b.colour is Colour.GREEN for b in builds)
        over = green or _known_green(stack, verdict)
        return f"It builds again, on {clip(rebase.onto.label)}" if over else None
    errors = [e for b in mine for e in errors_of(b.diagnostics)]
    many = f" ({count(len(mine), 'build')})" if len(mine) > 1 else ""
    return Matter(
        verdict=f"does not build: {_cause(mine[0])}{many}",
        facts=tuple(sorted({f"{e.code} {e.file} {e.message}" for e in errors}))
        or tuple(steady(b.why) for b in mine),
        lead=(
            *guilt_blocks(record, stack.name),
            *_lead(stack, record, [features(b) for b in mine]),
            *_behind(followers(verdict.smokes, mine)),
            _advice(stack, errors),
        ),
        steps=(build_again(rebase),),
        orders=(Order.RETRY, Order.PAUSE),
        sections=(
            *breaker_sections(record, stack=stack.name),
            *error_sections(mine, webs_of(record)),
            *_patches(stack, record),
        ),
        whole=whole(stack, record),
    )


def smoke(stack: StackRecord, record: RunRecord) -> Matter | str | None:
    """Return what is to be told of a stack that builds, and whose components do not run."""
    verdict, rebase = record.verdict, stack.rebase
    if verdict is None or rebase is None or verdict.problems:
        return None
    ran = tuple(s for s in verdict.smokes if s.stack == stack.name)
    behind = followers(ran, verdict.builds)
    mine = [s for s in ran if s.colour is Colour.RED and s not in behind]
    elsewhere = told_with_others(record, stack.name)
    if (behind or mine) and all(not s.pristine and red_line(s) in elsewhere for s in mine):
        return None  # told with the build, or with the stack that it follows from
    reds = tuple(map(_steady, mine))
    if not reds:
        builds = builds_of(verdict, stack.name)
        proven = bool(builds) and all(b.colour is Colour.GREEN for b in builds)
        over = proven or _known_green(stack, verdict)
        return f"Its components do what they must, on {clip(rebase.onto.label)}" if over else None
    many = f" (and {len(reds) - 1:,} more)" if len(reds) > 1 else ""
    return Matter(
        verdict=f"{_wrong(reds[0])}{many}",
        facts=tuple(f"{s.told} {s.pristine} {s.ran_green} {s.exit_code}" for s in reds),
        lead=(
            *guilt_blocks(record, stack.name),
            *_lead(stack, record, [s.told for s in reds]),
            _advice(stack, [e for s in reds for e in errors_of(s.diagnostics)]),
        ),
        steps=(build_again(rebase),),
        orders=(Order.RETRY, Order.PAUSE),
        sections=(
            *breaker_sections(record, stack=stack.name),
            _components(replace(verdict, smokes=ran)),
            *(smoke_section(s, webs_of(record)) for s in reds),
            *_patches(stack, record),
        ),
        whole=whole(stack, record),
    )


def leader(stack: StackRecord, record: RunRecord) -> str:
    """Return the stack with which what is red of this one is told; '' where there is no such."""
    verdict = record.verdict
    if verdict is None:
        return ""
    elsewhere = told_with_others(record, stack.name)
    builds = [b for b in verdict.builds if b.stack == stack.name and b.colour is Colour.RED]
    ran = [s for s in verdict.smokes if s.stack == stack.name and s.colour is Colour.RED]
    found = [owner(b, record) for b in builds]
    found += [elsewhere[red_line(s)] for s in ran if not s.pristine and red_line(s) in elsewhere]
    return next((name for name in found if name != stack.name), "")


def family(record: RunRecord) -> Matter | str | None:
    """Return what is to be told of the crate graph, which is no one stack's."""
    verdict = record.verdict
    if verdict is None:
        return None
    shared = tuple(f"{listed(names, most=6)}: {why}" for why, names in _shared(verdict).items())
    if not (verdict.problems or shared):
        tried = verdict.reused or any(b.colour is not Colour.HELD for b in verdict.builds)
        return "The family's crates are all used, and used once, again" if tried else None
    first, *more = (steady(p) for p in (*verdict.problems, *shared))
    rest = f" (and {len(more):,} more)" if more else ""
    channel = [] if record.channel.value == "main" else ["--channel", record.channel.value]
    again = " ".join(["forkbot run --all", *channel, "--dry-run"])
    return Matter(
        verdict=f"{clip(first, 300)}{rest}",
        facts=tuple(sorted((first, *more))),
        lead=(
            *guilt_blocks(record, None),
            Items(tuple((clip(p, 600),) for p in (first, *more)[:40])),
            Paragraph((
                "What was built then proves nothing, so no fork branch was moved. ",
                "It is the crate graph's trouble: a version, or a patch of cargo's, fits no more.",
            )),
        ),
        steps=(again,),
        orders=(),
        whole=again,
    )  # fmt: skip


def _shared(verdict: Verdict) -> Mapping[str, list[str]]:
    """Return why several stacks alike do not build, where no compiler says whose fault it is.

    What stands in the way of a leg's crate graph is said of each stack that the leg had.
    """
    found: dict[str, list[str]] = {}
    for build in verdict.builds:
        if build.colour is Colour.RED and not errors_of(build.diagnostics):
            names = found.setdefault(build.why, [])
            names += [build.stack] * (build.stack not in names)
    return {why: names for why, names in found.items() if len(names) > 1}


def owner(build: Build, record: RunRecord) -> str:
    """Return the stack that a red build can be mended in."""
    first = next(iter(errors_of(build.diagnostics)), None)
    parts = (first.author, first.named) if first is not None else ()
    patched = [p.stack for p in parts if p is not None and p.doer is Doer.PATCH]
    if patched and patched[0] in {s.name for s in record.stacks}:
        return str(patched[0])
    crates = {s.crate: s.name for s in record.stacks}
    broken = [crates[e.package] for e in errors_of(build.diagnostics) if e.package in crates]
    return broken[0] if broken else build.stack


def _cause(build: Build) -> str:
    """Return why a build is red; no place in a file, for that moves with every edit above it."""
    error = next(iter(errors_of(build.diagnostics)), None)
    return clip(error.message if error else steady(build.why), 200)


def _components(verdict: Verdict) -> Section:
    """Return what all cases did: which ones are red says much about why."""
    steadied = replace(verdict, smokes=tuple(_steady(s) for s in verdict.smokes))
    return Section(
        title=("Its components",), level=3, weight=Weight.TROUBLE, blocks=(smoke_table(steadied),)
    )


def _wrong(smoke: Smoke) -> str:
    if smoke.pristine:
        return f"the control of {smoke.told}: {clip(smoke.why, 200)}"
    return f"component {smoke.told} is red: {clip(reason(smoke), 200)}"


def _steady(smoke: Smoke) -> Smoke:
    return replace(smoke, why=steady(smoke.why), output=steady(smoke.output))


def _known_green(stack: StackRecord, verdict: Verdict) -> bool:
    """Whether the same result was found green before, so that nothing of it was built."""
    tried = any(b.stack == stack.name for b in verdict.builds)
    return not tried and any(m.stack == stack.name for m in verdict.members)


def _lead(stack: StackRecord, record: RunRecord, red: list[str]) -> tuple[Block, ...]:
    assert stack.rebase is not None
    assert record.verdict is not None
    names: list[Word] = [w for name in red[:_SHOWN] for w in (", ", Code(clip(name, 120)))]
    more = f" and {len(red) - _SHOWN:,} more" if len(red) > _SHOWN else ""
    return (
        Paragraph((
            *went(stack, stack.rebase, record.channel), f"It applies there. {AS_IT_WAS}",
        )),
        Paragraph(("Red for ", *tools(record.verdict), ": ", *names[1:], f"{more}.")),
    )  # fmt: skip


def _behind(smokes: tuple[Smoke, ...]) -> tuple[Block, ...]:
    """Return which components do not build for the same error."""
    if not smokes:
        return ()
    does = "do" if len(smokes) > 1 else "does"
    return (Paragraph((f"For the same error {together(smokes)} {does} not build.",)),)


def _advice(stack: StackRecord, errors: Iterable[Diagnostic]) -> Paragraph:
    """Return what to do: which patches to mend, as far as that is known."""
    parts = [p for e in errors for p in (e.author, e.named) if p is not None]
    patches = {(p.stack, p.patch): Code(p.patch) for p in parts if p.patch is not None}
    again = "each run tries again."
    if patches:
        shown = list(patches.values())[:_SHOWN]
        names: list[Word] = [w for name in shown for w in (", ", name)]
        folders = listed(sorted({f"stacks/{name}/patches" for name, _ in patches}), most=4)
        words: Line = (
            "Mend ", *names[1:], f", in {folders}; or wait, if upstream takes back what it did: ",
        )  # fmt: skip
    elif any(p.doer is Doer.UPSTREAM for p in parts):
        words = ("No patch has a part in it. Add one that mends it, or wait for upstream to: ",)
    elif any(p.doer is Doer.DEPENDENCY for p in parts):
        words = ("No patch has a part in it, and a dependency has. Wait for its next release: ",)
    else:
        words = (
            "Mend the patch that is to blame, in ", Code(f"stacks/{stack.name}/patches"),
            "; or wait, if it is upstream that is broken: ",
        )  # fmt: skip
    return Paragraph((*words, again))


def _patches(stack: StackRecord, record: RunRecord) -> Iterator[Section]:
    """Yield what may be to blame: each patch's fate, what changed in it, what came beside it."""
    yield from fate_section(stack)
    yield from drift_sections(stack, record.channel)
    yield from range_diff_sections(stack)
