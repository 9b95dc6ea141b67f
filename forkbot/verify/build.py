"""Building for the target: cargo's JSON messages in, ``Build`` facts out, no prose read.

A build that went through is not yet green: it must have compiled units of the family, and the graph
must hold each patched crate once, from our tree (law 4).
"""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from forkbot import process
from forkbot.cargo import Cargo, Metadata, cause, read_lock
from forkbot.errors import TimedOutError
from forkbot.model.diagnostic import Diagnostic
from forkbot.model.verdict import Build, Colour
from forkbot.process.seclusion import secluded
from forkbot.text import decode, redact
from forkbot.verify.diagnose import Message, diagnostic
from forkbot.verify.family import BuildUnit, Family
from forkbot.verify.lockstep import lockstep_problems
from forkbot.verify.pins import write_pins
from forkbot.verify.sight import view_of_build
from forkbot.words import Pin

_MINUTES = 60.0
RESOLVE_LIMIT = 10 * _MINUTES
BUILD_LIMIT = 40 * _MINUTES

Say = Callable[[str], None]


class _Target(msgspec.Struct):
    name: str = ""


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What one cargo build did."""

    ok: bool
    units: int  # of the family, compiled or fresh
    executables: tuple[Path, ...]
    diagnostics: tuple[Diagnostic, ...]
    seconds: float
    why: str  # '' when it went through


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Everything a build needs besides its sources."""

    cargo: Cargo  # with the network: resolves and fetches
    target: str
    target_dir: Path
    host: str
    secluded: bool  # whether this system can keep upstream's code to what it is shown

    def command(self, family: Family, *args: str | Path) -> tuple[list[str | Path], process.Env]:
        """Return how cargo runs upstream's code, and its environment.

        Without seclusion there is no network still, where the system can deny it.
        """
        cargo = self.offline()
        argv = [cargo.program, *args]
        if not self.secluded:
            return [*process.network_denial(cargo.env.get("PATH", "")), *argv], cargo.env
        root = self.target_dir.parent / "view"
        for folder in (root, self.target_dir):
            folder.mkdir(parents=True, exist_ok=True)
        view = view_of_build(
            cargo, sources=family.sources, workspace=family.workspace, target_dir=self.target_dir,
            home=self.cargo.env.get("HOME", ""), root=root,
        )  # fmt: skip
        return secluded(argv, view), {**cargo.env, "HOME": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108

    def offline(self) -> Cargo:
        """Return cargo as upstream's code may see it: no network, no secrets, a home of its own."""
        home = self.target_dir.parent / "home"
        home.mkdir(parents=True, exist_ok=True)
        hidden = {n for n in self.cargo.env if n.lower().endswith("_proxy")}
        env = {n: v for n, v in self.cargo.env.items() if n not in hidden}
        if "HOME" in env:  # where cargo and rustup looked for theirs while it was the person's
            env.setdefault("CARGO_HOME", str(Path(env["HOME"]) / ".cargo"))
            env.setdefault("RUSTUP_HOME", str(Path(env["HOME"]) / ".rustup"))
        env.setdefault("CARGO_HOME", str(home / ".cargo"))
        return Cargo(program=self.cargo.program, env={**env, "HOME": str(home)})


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
        why = "cargo built no unit of the family: the patched crate is not in this build"
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

    def hear(raw: bytes) -> None:
        if (line := _parse(raw)) is not None:
            lines.append(line)
            if line.reason == "compiler-artifact" and line.target and not line.fresh:
                say(f"compiled {line.target.name}")

    argv, env = workshop.command(
        family, "build", "--frozen", "--package", package, "--target", workshop.target,
        "--target-dir", workshop.target_dir, "--message-format", "json",
        *(["--config", flags] if rustflags else []),
    )  # fmt: skip
    try:
        ended = process.run(
            argv, env=env, cwd=family.workspace, timeout=BUILD_LIMIT, on_stdout=hear, ok=None
        )
        stderr, seconds, code = ended.stderr, ended.seconds, ended.code
    except TimedOutError as e:
        stderr, seconds, code = e.stderr, BUILD_LIMIT, -1
    diagnostics = tuple(
        found
        for line in lines
        if line.reason == "compiler-message" and line.message
        and (found := diagnostic(line.message, package=line.target.name if line.target else "",
                                 package_id=line.package_id, family=family))
    )  # fmt: skip
    why = ""
    if code == -1:
        why = f"the build was ended after {BUILD_LIMIT / _MINUTES:.0f} minutes"
    elif code != 0:
        errors = [d for d in diagnostics if d.level == "error"]
        why = errors[0].message if errors else cause(redact(decode(stderr)))
    return Compiled(
        ok=not why,
        units=sum(_ours(line, family) for line in lines if line.reason == "compiler-artifact"),
        executables=tuple(_programs(lines, workshop.target_dir)),
        diagnostics=diagnostics,
        seconds=seconds,
        why=why,
    )


def _parse(raw: bytes) -> _Line | None:
    """Return a message of cargo's; None for what a macro printed, which comes the same way."""
    try:
        return msgspec.json.decode(raw, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _ours(line: _Line, family: Family) -> bool:
    return Path(line.manifest_path).is_relative_to(family.sources)


def _programs(lines: list[_Line], target_dir: Path) -> Iterator[Path]:
    """Yield what was built to be run: what lies in the target folder, by no detour.

    A macro can print cargo's words, and a build script can lay a link. A file of this machine's
    that is taken for a component is quoted in wasmtime's complaint, and so in a report.
    """
    home = target_dir.resolve()
    for line in lines:
        if line.executable and Path(line.executable).resolve().is_relative_to(home):
            yield Path(line.executable)
