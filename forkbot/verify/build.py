"""Building for the target: cargo's JSON messages in, ``Build`` facts out, no prose read.

A build that went through is not yet green: it must have compiled units of the family, and the graph
must hold each patched crate once, from our tree (law 4).
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from forkbot import process
from forkbot.cargo import Metadata, cause, read_lock
from forkbot.errors import TimedOutError
from forkbot.model.diagnostic import Diagnostic
from forkbot.model.verdict import Build, Colour
from forkbot.process.limits import size
from forkbot.text import decode, redact
from forkbot.verify.diagnose import Message, diagnostic, of_build_script
from forkbot.verify.family import BuildUnit, Family
from forkbot.verify.lockstep import lockstep_problems
from forkbot.verify.made import is_made
from forkbot.verify.pins import write_pins
from forkbot.verify.progress import CARGO_SHOWS_PROGRESS, Progress, without_bars
from forkbot.verify.workshop import Workshop
from forkbot.words import Pin

_MINUTES = 60.0
RESOLVE_LIMIT = 10 * _MINUTES
_REFUSED = b"memory allocation of "  # and so many bytes failed, say programs written in Rust
NO_UNIT = "cargo built no unit of the family: the patched crate is not in this build"
_MOST = 200  # diagnostics of one build; a macro can make as many as it likes

Say = Callable[[str], None]
_T = TypeVar("_T")


class _Target(msgspec.Struct):
    name: str = ""
    kind: tuple[str, ...] = ()


class _Line(msgspec.Struct):
    """One line of `cargo build --message-format=json`."""

    reason: str
    package_id: str = ""
    manifest_path: str = ""
    fresh: bool = False
    success: bool = False
    executable: str | None = None
    message: Message | None = None
    target: _Target | None = None

    @property
    def unit(self) -> str:
        """Return which unit an artifact is of; the same on the next build."""
        target = self.target or _Target()
        return " ".join((self.package_id, *target.kind, target.name))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What one cargo build did."""

    ok: bool
    units: int  # of the family, compiled or fresh
    executables: tuple[Path, ...]
    diagnostics: tuple[Diagnostic, ...]
    seconds: float
    why: str  # '' when it went through
    said: str  # by cargo, and what it runs


def prepare(
    family: Family, workshop: Workshop, *, say: Say, pins: tuple[Pin, ...] = ()
) -> tuple[Metadata, tuple[str, ...]]:
    """Resolve and fetch what the family needs; return its graph, and what is wrong with it.

    What the registry has newest is taken, but for ``pins``.

    Raises ``ProcessError`` or ``RemoteError`` of cargo when nothing can be resolved.
    """
    say("resolving dependencies")
    run = workshop.cargo.run
    if pins:
        write_pins(family.workspace / "Cargo.lock", pins)
        run(["metadata", "--format-version", "1"], cwd=family.workspace, timeout=RESOLVE_LIMIT)
    else:
        run(["generate-lockfile"], cwd=family.workspace, timeout=RESOLVE_LIMIT)
    say("fetching dependencies")
    targets = ["--target", workshop.target, "--target", workshop.host]
    run(["fetch", "--locked", *targets], cwd=family.workspace, timeout=RESOLVE_LIMIT)
    metadata = workshop.cargo.metadata(
        family.workspace / "Cargo.toml",
        cwd=family.workspace,
        timeout=RESOLVE_LIMIT,
        platform=workshop.target,
    )
    return metadata, lockstep_problems(
        metadata, read_lock(family.workspace / "Cargo.lock"), crates=family.crates
    )


def build(unit: BuildUnit, *, family: Family, workshop: Workshop, say: Say) -> Build:
    """Build one entry of a stack.yaml for the target."""
    policy = unit.policy
    done = compile_package(unit.package, family=family, workshop=workshop, say=say)
    why = done.why
    if done.ok and done.units == 0:
        why = NO_UNIT
    return Build(
        stack=unit.stack.name,
        package=policy.package,
        features=policy.features,
        default_features=policy.default_features,
        colour=Colour.RED if why else Colour.GREEN,
        units=done.units,
        seconds=round(done.seconds, 1),
        why=why,
        diagnostics=done.diagnostics,
    )


def compile_package(
    package: str, *, family: Family, workshop: Workshop, say: Say, rustflags: tuple[str, ...] = ()
) -> Compiled:
    """Run one ``cargo build``: offline, without a network, shown only what it needs."""
    flags = f"target.{workshop.target}.rustflags={msgspec.json.encode(rustflags).decode()}"
    lines: list[_Line] = []
    progress = Progress(package, keep=workshop.target_dir.parent / "times.json", say=say)

    def hear(raw: bytes) -> None:
        if (line := heard_as(raw, _Line)) is not None:
            lines.append(line)
            if line.reason == "compiler-artifact":
                progress.unit(line.unit, fresh=line.fresh)

    argv, env = workshop.command(
        family, "build", "--frozen", "--package", package, "--target", workshop.target,
        "--target-dir", workshop.target_dir, "--message-format", "json",
        *(["--config", flags] if rustflags else []),
    )  # fmt: skip
    limits = dataclasses.replace(workshop.limits, folder=workshop.target_dir)
    stopped = ""
    try:
        ended = process.run(
            argv, env={**env, **CARGO_SHOWS_PROGRESS}, cwd=family.workspace,
            timeout=workshop.seconds, on_stdout=hear, on_stderr=progress.bar, ok=None,
            limits=limits,
        )  # fmt: skip
        stderr, seconds, code = ended.stderr, ended.seconds, ended.code
        if code != 0 and _REFUSED in stderr:
            stopped = f": it asked for more memory than one may have, {size(limits.alone().memory)}"
    except TimedOutError as e:
        stderr, seconds, code, stopped = e.stderr, e.seconds, -1, e.why
    progress.ended(whole=code == 0)
    said = family.told(redact(decode(without_bars(stderr))))
    said = said.replace(f"{workshop.target_dir}/", "target/")
    diagnostics = _kept(_diagnostics(lines, family), said)
    errors = [d for d in diagnostics if d.level == "error"]
    why = ""
    if stopped:
        at = f", while it compiled {progress.at}" if progress.at else ""
        why = f"the build was ended{stopped}{at}"
    elif code != 0:
        why = errors[0].message if errors else cause(said)
    return Compiled(
        ok=not why,
        units=sum(_ours(line, family) for line in lines if line.reason == "compiler-artifact"),
        executables=tuple(_programs(lines, workshop.target_dir)),
        diagnostics=diagnostics,
        seconds=seconds,
        why=why,
        said=said,
    )


def _diagnostics(lines: Iterable[_Line], family: Family) -> list[Diagnostic]:
    return [
        found
        for line in lines
        if line.reason == "compiler-message" and line.message
        and (found := diagnostic(line.message, package=line.target.name if line.target else "",
                                 package_id=line.package_id, family=family))
    ]  # fmt: skip


def _kept(found: list[Diagnostic], said: str) -> tuple[Diagnostic, ...]:
    """Return what a record has room for; where that is not all, errors before warnings.

    Of a build script that failed rustc says nothing: it is among what cargo ``said``.
    """
    if not any(d.level == "error" for d in found):
        found = [*found, *of_build_script(said)]
    if len(found) > _MOST:
        found = sorted(found, key=lambda d: d.level != "error")[:_MOST]
    return tuple(found)


def heard_as(raw: bytes, kind: type[_T]) -> _T | None:
    """Return a message of cargo's, or of what it runs; None for what came between."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _ours(line: _Line, family: Family) -> bool:
    return Path(line.manifest_path).is_relative_to(family.sources)


def _programs(lines: list[_Line], target_dir: Path) -> Iterator[Path]:
    """Yield what was built to be run: what lies in the target folder, by no detour.

    A macro can print cargo's words, and a build script can lay a link. A file of this machine's
    that is taken for a component is quoted in wasmtime's complaint, and so in a report.
    """
    for line in lines:
        if line.executable and is_made(Path(line.executable), target_dir=target_dir):
            yield Path(line.executable)
