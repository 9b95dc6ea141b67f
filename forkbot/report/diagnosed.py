"""What the compiler said of red builds: the first error of each cause, whose doing it is, its code.

What follows from an error is told behind it, in a line each.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from forkbot.model.diagnostic import Deed, Diagnostic, Doer, Origin
from forkbot.model.record import RunRecord
from forkbot.model.verdict import Build
from forkbot.report.document import (
    Block,
    Code,
    Folded,
    Items,
    Line,
    Listing,
    Paragraph,
    Word,
    plain,
)
from forkbot.report.links import Web, short
from forkbot.report.phrases import clip, count
from forkbot.words import StackName

_ERRORS_SHOWN, _FOLLOWERS_SHOWN = 5, 20
_NAME = 120
Webs = Mapping[StackName, Web]


def webs_of(record: RunRecord) -> Webs:
    """Return where each stack's upstream can be read."""
    return {stack.name: Web.of(stack, record.channel) for stack in record.stacks}


def errors_of(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the errors, those first that come of no other one."""
    errors = [d for d in diagnostics if d.level == "error"]
    return tuple(sorted(errors, key=lambda d: d.follows is not None))  # stable


def cause_of(build: Build) -> str:
    """Return why a build was red in one line: the first error, its place, whose doing it is."""
    error = next(iter(errors_of(build.diagnostics)), None)
    whose = blamed(error) if error is not None else ""
    return f"{first_error(build)}{f' ({whose})' if whose else ''}"


def first_error(build: Build) -> str:
    """Return the first error of a red build in one line, with the place where rustc names one."""
    error = next(iter(errors_of(build.diagnostics)), None)
    if error is None:
        return clip(build.why, 200)
    where = f"{error.file}:{error.line}: " if error.file else ""
    return f"{where}{clip(error.message, 200)}"


def blamed(said: Diagnostic) -> str:
    """Return whose doing an error is in some words; '' where nothing since the base explains it.

    A patch is named beside what it met: it is there that people mend it.
    """
    parts = _parts(said)
    patch = any(part.doer is Doer.PATCH for part in parts)
    return "; ".join(_briefly(part) for part in parts[: 1 + patch])


def _parts(said: Diagnostic) -> tuple[Origin, ...]:
    return tuple(part for part in (said.named, said.author) if part is not None)


def _briefly(part: Origin) -> str:
    where = f" in {short(part.commit)}" if part.commit is not None else ""
    return f"{plain(_doing(part))}{where}"


def _doing(part: Origin) -> Line:
    """Return who did what to what."""
    name: Word = Code(clip(part.name, _NAME)) if part.name else "what it relies on"
    now = Code(clip(part.now, _NAME))
    match part.deed:
        case Deed.WROTE:
            if part.doer is Doer.DEPENDENCY:
                return ("it is in ", *_who(part))
            return (*_who(part), " wrote the line")
        case Deed.RENAMED:
            return (*_who(part), " renamed ", name, " to ", now)
        case Deed.MOVED:
            return (*_who(part), " moved ", name, " to ", now)
        case Deed.REMOVED | Deed.CHANGED | Deed.ADDED:
            return (*_who(part), f" {part.deed.value} ", name)
        case Deed.OWNS:
            return (name, " is looked for in ", *_who(part))


def _who(part: Origin) -> Line:
    match part.doer:
        case Doer.PATCH:
            return (f"{part.stack}'s patch ", Code(part.patch or ""))
        case Doer.UPSTREAM:
            return (f"{part.stack}'s upstream",)
        case Doer.DEPENDENCY:
            return (clip(part.dependency, _NAME),)
        case Doer.COMPONENT:
            return (f"{part.stack}'s component",)


def error_blocks(diagnostics: Sequence[Diagnostic], webs: Webs) -> Iterator[Block]:
    """Yield each error that leads: whose doing it is, the code, what was done, what follows."""
    errors = errors_of(diagnostics)
    leading = [e for e in errors if e.follows is None]
    for error in leading[:_ERRORS_SHOWN]:
        lines = tuple(_sentence(part, webs) for part in _parts(error))
        if lines:
            yield Items(lines)
        yield Listing(text=error.rendered or error.message)
        if error.named is not None and error.named.change:
            yield Listing(text=error.named.change, language="diff")
        number = next(n for n, d in enumerate(diagnostics) if d is error)
        yield from _followers([e for e in errors if e.follows == number])
    if len(leading) > _ERRORS_SHOWN:
        more = count(len(leading) - _ERRORS_SHOWN, "more error")
        yield Paragraph((f"{more} in record.json.",))


def _followers(errors: list[Diagnostic]) -> Iterator[Block]:
    if not errors:
        return
    lines: list[Line] = [
        (Code(clip(f"{e.file}:{e.line}", _NAME)), f": {clip(e.message, 200)}")
        for e in errors[:_FOLLOWERS_SHOWN]
    ]
    if len(errors) > _FOLLOWERS_SHOWN:
        lines.append((f"{len(errors) - _FOLLOWERS_SHOWN:,} more",))
    yield Folded(
        summary=(f"{count(len(errors), 'error follows', 'errors follow')} from it",),
        blocks=(Items(tuple(lines)),),
    )


def _sentence(part: Origin, webs: Webs) -> Line:
    words = _doing(part)
    if part.commit is not None:
        web = webs.get(part.stack, Web()) if part.stack else Web()
        words = (*words, ": ", *web.told(part.commit))
    if part.file and part.deed is not Deed.WROTE:
        words = (*words, ", at ", Code(f"{clip(part.file, _NAME)}:{part.line}"))
    return (*words, ".")
