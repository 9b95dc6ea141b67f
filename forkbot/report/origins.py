"""Whose doing an error of rustc's is, put into words."""

from forkbot.model.diagnostic import Deed, Diagnostic, Doer, Origin
from forkbot.report.document import Code, Line
from forkbot.report.links import Web, short
from forkbot.report.phrases import clip

_NAME = 120


def blamed(said: Diagnostic) -> str:
    """Return whose doing an error is in some words, for the end of a line; '' where nobody's."""
    words = [_briefly(part) for part in (said.named, said.author) if part is not None]
    return "; ".join(words[: 1 + _patch_too(said)])


def _patch_too(said: Diagnostic) -> bool:
    """Whether a patch is to be named beside what it met: it is there that people mend it."""
    return Doer.PATCH in {part.doer for part in (said.named, said.author) if part is not None}


def _briefly(part: Origin) -> str:
    who = _who(part)
    if part.deed is Deed.OWNS:
        return _did(part)
    if part.doer is Doer.UPSTREAM and part.commit is not None:
        return f"{who} {_did(part)} in {short(part.commit)}"
    return f"{who} {_did(part)}"


def _who(part: Origin) -> str:
    match part.doer:
        case Doer.PATCH:
            return f"{part.stack}'s patch {part.patch}"
        case Doer.UPSTREAM:
            return f"{part.stack}'s upstream"
        case Doer.DEPENDENCY:
            return clip(part.dependency, _NAME)
        case Doer.COMPONENT:
            return f"{part.stack}'s component"


def _did(part: Origin) -> str:
    what = clip(part.name, _NAME) or "what it relies on"
    now = clip(part.now, _NAME)
    match part.deed:
        case Deed.WROTE:
            return "has the line" if part.doer is Doer.DEPENDENCY else "wrote the line"
        case Deed.RENAMED:
            return f"renamed {what} to {now}"
        case Deed.MOVED:
            return f"moved {what} to {now}"
        case Deed.REMOVED | Deed.CHANGED | Deed.ADDED:
            return f"{part.deed.value} {what}"
        case Deed.OWNS:
            return f"it names {clip(part.name, _NAME) or 'something'} of {_who(part)}"


def told(said: Diagnostic, web: Web) -> tuple[Line, ...]:
    """Return a sentence for each part in an error, the nearest cause first."""
    return tuple(_sentence(part, web) for part in (said.named, said.author) if part is not None)


def _sentence(part: Origin, web: Web) -> Line:
    words: Line = (_briefly(part),) if part.deed is Deed.OWNS else (_who(part), " ", _did(part))
    if part.doer is Doer.UPSTREAM and part.commit is not None:
        words = (*words, ": ", *web.told(part.commit))
    if part.file and part.deed is not Deed.WROTE:
        words = (*words, ", at ", Code(f"{clip(part.file, _NAME)}:{part.line}"))
    return (*words, ".")
