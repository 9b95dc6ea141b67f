"""What rustc's messages say, as facts: every place they point at, and what they name.

Of whom those places and names are, ``forkbot.diagnosis`` finds out, which knows the histories.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from forkbot.model.diagnostic import Diagnostic, Spot
from forkbot.text import clipped, decode
from forkbot.verify.family import Family

_SPOTS, _NAMES = 12, 8  # at most, of one message
_LONGEST = 16_000  # characters of a text; rustc's own are shorter, a macro's may be anything


class Expansion(msgspec.Struct):
    """Where the macro was called that a span lies in."""

    span: "Span"


class Source(msgspec.Struct):
    """A line under a span, and which part of it that is; columns count from 1."""

    text: str = ""
    highlight_start: int = 1
    highlight_end: int = 1


class Span(msgspec.Struct):
    """A place in a file, as rustc gives it."""

    file_name: str = ""
    line_start: int = 0
    line_end: int = 0
    is_primary: bool = False
    label: str | None = None
    expansion: Expansion | None = None
    text: tuple[Source, ...] = ()


class Code(msgspec.Struct):
    """The number of an error, or the name of a lint."""

    code: str = ""


class Message(msgspec.Struct):
    """One message of rustc's: itself, and what it adds to it."""

    message: str = ""
    level: str = ""
    rendered: str | None = None
    code: Code | None = None
    spans: tuple[Span, ...] = ()
    children: tuple["Message", ...] = ()


# what only sums up the messages before it
_SUMS = ("aborting due to", "could not compile", "Some errors have", "For more information")


def diagnostic(
    said: Message, *, package: str, package_id: str, family: Family
) -> Diagnostic | None:
    """Return a message of the compiler of ``package`` as a fact; None where it tells nothing."""
    if said.level not in {"error", "warning"} or said.message.startswith(_SUMS):
        return None
    spots = tuple(itertools.islice(dict.fromkeys(_spots(said, family)), _SPOTS))
    if not spots and said.level == "warning":
        return None
    first = spots[0] if spots else Spot(file="", line=0, last=0)
    return Diagnostic(
        level=said.level,
        code=said.code.code if said.code else "",
        message=_text(said.message),
        package=package,
        file=first.file,
        line=first.line,
        rendered=family.told(_text(said.rendered)),
        dependency=_dependency(package_id),
        spots=spots,
        names=tuple(itertools.islice(dict.fromkeys(_names(said)), _NAMES)),
        called=tuple(itertools.islice(dict.fromkeys(_called(said)), _NAMES)),
    )


def _text(said: str | None) -> str:
    return clipped(decode((said or "").encode(errors="replace")), _LONGEST)


# what rustc says of a place where something stands that the error names, not of the error's own
_NAMED = re.compile(
    r"\b(defined|gated|declared|imported|introduced) here|configured out|\bfrom trait\b"
    r"|not found for this|first definition|\bis private\b|type in trait|previously"
)
_ELSEWHERE = "similarly named"  # of a place that the error does not name


def _spots(said: Message, family: Family) -> Iterator[Spot]:
    """Yield the places of a message: where it is itself first, in code that somebody here wrote."""
    ordered = sorted(said.spans, key=lambda s: not s.is_primary)
    own = [s for span in ordered for s in _unfolded(span) if _known(s)]
    # what a dependency's macro makes of our line is told of our line
    own.sort(key=lambda s: not s.is_primary or not _here(s, family))
    yield from (_spot(s, family) for s in own if not _text(s.label).startswith(_ELSEWHERE))
    for child in said.children:
        if child.level == "note":
            spans = (s for span in child.spans for s in _unfolded(span) if _known(s))
            yield from (_spot(s, family, said=child.message) for s in spans)


def _unfolded(span: Span) -> Iterator[Span]:
    """Yield a span, and where the macros were called that it lies in, the innermost first."""
    yield span
    called = span.expansion
    while called is not None:
        yield msgspec.structs.replace(called.span, is_primary=span.is_primary, label=span.label)
        called = called.span.expansion


def _known(span: Span) -> bool:
    """Whether a place is in a file: not in the standard library's, nor made by the compiler."""
    return bool(span.file_name) and not span.file_name.startswith(("/rustc/", "<"))


def _here(span: Span, family: Family) -> bool:
    file = Path(span.file_name)
    return file.is_relative_to(family.sources) or not file.is_absolute()


def _spot(span: Span, family: Family, said: str = "") -> Spot:
    label = _text(span.label or said)
    file, dependency = place(Path(span.file_name), family)
    return Spot(
        file=file, line=span.line_start, last=max(span.line_start, span.line_end), label=label,
        dependency=dependency, named=bool(_NAMED.search(f"{label} {said}")),
    )  # fmt: skip


_BUILD_SCRIPT = re.compile(
    r"^error: failed to run custom build command for `(\S+) v(\S+?)(?: \((.+)\))?`$", re.MULTILINE
)
_SCRIPTS_WORDS = 30  # lines


def of_build_script(said: str) -> Iterator[Diagnostic]:
    """Yield the build script that failed, if one did, from cargo's words as a family is told.

    That of a crate of the family's is in its ``build.rs``: whoever wrote there since the base is
    asked. Any other one is a dependency's.
    """
    found = _BUILD_SCRIPT.search(said)
    if found is None:
        return
    name, version, folder = found.groups()
    own = folder is not None and not folder.startswith("/")
    file = f"{folder}/build.rs" if own else ""
    words = said[found.end() :].partition("--- stderr\n")[2].splitlines()
    ended = next((n for n, li in enumerate(words) if li.startswith("warning: build")), len(words))
    yield Diagnostic(
        level="error",
        code="",
        message=f"the build script of {name} {version} failed",
        package=name.replace("-", "_"),
        file=file,
        line=1 if own else 0,
        rendered="\n".join([found[0], *words[:ended][-_SCRIPTS_WORDS:]]),
        dependency="" if own else f"{name} {version}",
        spots=(Spot(file=file, line=1, last=_WHOLE),) if own else (),
    )


_WHOLE = 10_000  # lines: past the end of any build script
_UNPACKED = re.compile(r"(.+)-(\d+\.\d+\.\d+.*)")


def place(file: Path, family: Family) -> tuple[str, str]:
    """Return a file by its place in the stack or in the package it comes from, on any machine.

    And that package, if it is a dependency: cargo unpacks those of a registry at
    ``<its home>/registry/src/<the registry>/<package>-<version>/``.
    """
    if file.is_relative_to(family.sources):
        return str(file.relative_to(family.sources)), ""
    folders = list(itertools.pairwise(file.parts))
    if not (file.is_absolute() and ("registry", "src") in folders):
        return str(file), ""
    parts = file.parts[folders.index(("registry", "src")) + 3 :]
    package = _UNPACKED.fullmatch(parts[0]) if parts else None
    return str(Path(*parts)), f"{package[1]} {package[2]}" if package else ""


def _dependency(package_id: str) -> str:
    """Return a package from a registry or a repository by name and version.

    Cargo names it ``<where from>#<name>@<version>``, without the name where the URL ends in it.
    """
    source, _, said = package_id.partition("#")
    if source.partition("+")[0] not in {"registry", "sparse", "git"}:
        return ""
    name, _, version = said.rpartition("@")
    name = name or source.partition("?")[0].rpartition("/")[2].removesuffix(".git")
    return f"{_text(name)} {_text(version)}"


_QUOTED = re.compile(r"`([^`]+)`")
_MISSING = re.compile(
    r"(?:\bnamed|missing:|\bno|could not find|unlinked crate|undeclared \w+|cannot find \w+!?"
    r"|cannot find|unresolved import|is private|^missing) `([^`]+)`"
)
_PATH = re.compile(r"[A-Za-z_]\w*!?(?:::[A-Za-z_]\w*)*")


def _names(said: Message) -> Iterator[str]:
    """Yield the names in a message, as paths: what is missing first, then all others."""
    words = [s.label or "" for s in said.spans if s.is_primary] + [said.message]
    words += [child.message for child in said.children if child.level == "note"][:3]
    yield from _paths(found[1] for text in words for found in _MISSING.finditer(text))
    yield from _paths(found[1] for text in words for found in _QUOTED.finditer(text))


_CALLED = re.compile(r"\b([a-z_]\w*)\s*(?:::<[^()]*>)?(?:\(|$)")


def _called(said: Message) -> Iterator[str]:
    """Yield the functions that are called in the code which an error is about, the last first."""
    for span in said.spans:
        if span.is_primary:
            code = "".join(t.text[t.highlight_start - 1 : t.highlight_end - 1] for t in span.text)
            yield from reversed([found[1] for found in _CALLED.finditer(code)])


def _paths(quoted: Iterable[str]) -> Iterator[str]:
    for text in quoted:
        yield from (found[0].removesuffix("!") for found in _PATH.finditer(text))
