"""The rustcs this machine has: what RUSTC and PATH name, and every rustup toolchain in reach."""

import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

from forkbot import process
from forkbot.errors import ForkbotError
from forkbot.verify.proof import Candidate, PassedOver, Prover, cause
from forkbot.verify.store import Say

# What rustup may know besides: where it downloads from is the user's to say.
_RUSTUP_NAMES = ("HOME", "CARGO_HOME", "RUSTUP_DIST_SERVER", "RUSTUP_UPDATE_ROOT")


def candidates(env: process.Env) -> Iterator[Candidate]:
    """Yield each rustc of this machine once: RUSTC's, those on PATH, then rustup's toolchains.

    A rustup proxy stands for the toolchains behind it, started without it: a proxy's choice hangs
    on the current folder, on HOME and on files in upstream's trees, and costs 0.1 s a start.
    """
    seen: set[Path] = set()
    named = env.get("RUSTC")
    first = [Path(shutil.which(named, path=env.get("PATH", "")) or named)] if named else []
    for rustc in [*first, *on_path("rustc", env), None]:
        if rustc is None or is_proxy(rustc):
            found = [c for home in homes(env) for c in _of_home(home, env)]
        else:
            found = [_plain(rustc, env)]
        for candidate in found:
            if candidate.rustc.resolve() not in seen:
                seen.add(candidate.rustc.resolve())
                yield candidate


def _plain(rustc: Path, env: process.Env) -> Candidate:
    cargos = [rustc.with_name("cargo"), *on_path("cargo", env)]
    behind = [c.cargo for home in homes(env) for c in _of_home(home, env)]
    cargo = next((c for c in cargos if _is_program(c) and not is_proxy(c)), None)
    return Candidate(
        name=str(rustc),
        rustc=rustc,
        cargo=cargo or next(iter(behind), Path("cargo")),
        env={"RUSTC": str(rustc)},
    )


def _of_home(home: Path, env: process.Env) -> list[Candidate]:
    return [
        Candidate(
            name=f"rustup's {folder.name}",
            rustc=folder / "bin" / "rustc",
            cargo=folder / "bin" / "cargo",
            # The last two are for whatever in a build calls a proxy by name.
            env={
                "RUSTC": str(folder / "bin" / "rustc"),
                "RUSTUP_HOME": str(home),
                "RUSTUP_TOOLCHAIN": folder.name,
            },
        )
        for folder in toolchains(home, env)
        if _is_program(folder / "bin" / "rustc") and _is_program(folder / "bin" / "cargo")
    ]


def on_path(name: str, env: process.Env) -> list[Path]:
    """Return every program of that name on PATH, first things first."""
    folders = dict.fromkeys(f for f in env.get("PATH", "").split(os.pathsep) if f)
    return [Path(p) for f in folders if (p := shutil.which(name, path=f)) is not None]


def is_proxy(program: Path) -> bool:
    """Return whether ``program`` is rustup under another name, as a link of either kind."""
    rustup = program.with_name("rustup")
    return program.resolve().name == "rustup" or (_is_program(rustup) and rustup.samefile(program))


def homes(env: process.Env) -> list[Path]:
    """Return the rustup homes in reach: the one named, the user's, those beside proxies on PATH.

    The last matters where HOME is not the one rustup was installed under, as in a service or a
    sandbox: ``…/.cargo/bin/cargo`` has its toolchains in ``…/.rustup``.
    """
    found = [Path(env["RUSTUP_HOME"])] if env.get("RUSTUP_HOME") else []
    found += [Path(env["HOME"], ".rustup")] if env.get("HOME") else []
    for name in ("cargo", "rustc", "rustup"):
        for program in on_path(name, env):
            if is_proxy(program):
                beside = program.parent.parent.parent
                found += [beside / ".rustup", beside / "rustup"]  # the latter in container images
    return [home for home in dict.fromkeys(found) if _is_folder(home / "toolchains")]


def toolchains(home: Path, env: process.Env) -> list[Path]:
    """Return a rustup home's toolchain folders: the active one, stable, numbered, the rest."""
    try:
        folders = [f for f in (home / "toolchains").iterdir() if f.is_dir()]
    except OSError:
        return []
    active = [n for n in (env.get("RUSTUP_TOOLCHAIN"), _default(home)) if n]

    def rank(folder: Path) -> tuple[int, int, list[int], str]:
        name = folder.name
        chosen = [i for i, n in enumerate(active) if name == n or name.startswith(f"{n}-")]
        version = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", name)
        kind = 0 if name.startswith("stable") else 1 if version else 2
        numbers = [-int(n or 0) for n in version.groups()] if version else []
        return (min(chosen, default=len(active)), kind, numbers, name)

    return sorted(folders, key=rank)


def _default(home: Path) -> str | None:
    try:
        settings = tomllib.loads((home / "settings.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    name = settings.get("default_toolchain")
    return name if isinstance(name, str) else None


def add_target(prover: Prover, *, say: Say) -> Candidate | PassedOver:
    """Have rustup add the target to the first of its toolchains that is new enough."""
    rung = f"rustup target add {prover.target}"
    rustup = next((p for n in ("rustup", "cargo") for p in _rustups(n, prover.env)), None)
    if rustup is None:
        return PassedOver(name=rung, why="rustup is not on PATH")
    for home in homes(prover.env):
        for candidate in _of_home(home, prover.env):
            told = prover.look(candidate.rustc, candidate.env)
            if not isinstance(told, str) and told.release >= prover.oldest:
                return _add(rustup, candidate, prover, say=say)
    wanted = ".".join(map(str, prover.oldest))
    why = f"rustup has no toolchain of {wanted} or newer to add it to"
    return PassedOver(name=rung, why=why, too_old=True)


def _rustups(name: str, env: process.Env) -> Iterator[Path]:
    for program in on_path(name, env):
        if name == "rustup":
            yield program
        elif program.resolve().name == "rustup":
            yield program.resolve()


def _add(rustup: Path, candidate: Candidate, prover: Prover, *, say: Say) -> Candidate | PassedOver:
    name = candidate.env["RUSTUP_TOOLCHAIN"]
    argv: list[str | Path] = [rustup, "target", "add", prover.target, "--toolchain", name]
    say(f"adding {prover.target} to rustup's {name}")
    env = process.allow(prover.env, names=_RUSTUP_NAMES, network=True)
    env["RUSTUP_HOME"] = candidate.env["RUSTUP_HOME"]
    try:
        process.run(argv, env=env, timeout=600)
    except ForkbotError as e:
        rung = f"rustup target add {prover.target} --toolchain {name}"
        return PassedOver(name=rung, why=cause(e.what), asked_network=True)
    return candidate


def _is_program(path: Path) -> bool:
    return shutil.which(path) is not None


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # another user's home
        return False
