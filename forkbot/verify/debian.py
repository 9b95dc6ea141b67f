"""A whole Rust toolchain from Debian's packages, unpacked into the cache; nothing is installed.

Debian's testing suite builds the target's standard library for exactly its own rustc, so the whole
set is taken together, with a C library newer than the machine may have: every program in it is
started by a wrapper through the unpacked loader. The linkers lie where rustc itself looks for
them, in its sysroot, so cargo needs no flags at all and nobody's RUSTFLAGS can undo any.
"""

import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from forkbot import process
from forkbot.errors import ProcessError, RemoteError, TimedOutError
from forkbot.text import redact
from forkbot.verify import rustup, store
from forkbot.verify.apt import Apt, Package, Source, archives, read_sources
from forkbot.verify.proof import Candidate, PassedOver, Prover, Rustc, cause
from forkbot.verify.store import Say

SUITE = "forky"
_STD = "libstd-rust-dev-wasm32"
_RUNG = f"Debian's packages of {SUITE}"

# Turns what wasm-ld links into a component. Debian has no package of it, rustup's toolchains do.
_COMPONENT_LD = "wasm-component-ld"
_COMPONENT_LD_VERSION = "0.5.31"

# --argv0 lets cargo tell build scripts its name, and lld know which linker it is.
_WRAPPER = """\
#!/bin/sh
# Made by forkbot: starts a program of Debian's through the C library it was built with.
root=$(cd -- "${{0%/*}}/{up}" && pwd -P)
exec "$root/{loader}" --library-path "$root/{libraries}" --argv0 "$0" \\
  "$root/{program}" {options}"$@"
"""


def unpacked(cache: Path) -> Candidate | PassedOver:
    """Return the toolchain unpacked earlier, if there is one."""
    home = _home(cache)
    if not (home / "bin" / "rustc").is_file():
        return PassedOver(name=_RUNG, why=f"not in {cache} yet")
    if not (home / "bin" / "rustdoc").is_file():
        _wrap_rustdoc(home)  # it was unpacked by a forkbot that did not use it
    return _candidate(home)


def get(prover: Prover, *, say: Say, etc: Path = Path("/etc")) -> Candidate | PassedOver:
    """Get the toolchain into the cache, whole; call it under ``store.locked``."""
    machine = _os_release(etc)
    why = _unfit(machine, prover.env)
    if why is not None:
        return PassedOver(name=_RUNG, why=why)
    sources = archives(read_sources(etc / "apt"), codename=machine["VERSION_CODENAME"])
    if not sources:
        return PassedOver(name=_RUNG, why="apt's sources here name no archive of Debian's")
    reasons = []
    for source in sources:
        try:
            with store.new_folder(_home(prover.cache)) as home:
                _fill(home, source, prover, say=say)
        except (RemoteError, ProcessError, TimedOutError) as e:
            reasons.append(f"{redact(source.uris[0])}: {e.what}")
        else:
            return _candidate(_home(prover.cache))
    return PassedOver(name=_RUNG, why="; ".join(reasons), asked_network=True)


def _home(cache: Path) -> Path:
    return cache / f"debian-{SUITE}-{platform.machine()}"


def _candidate(home: Path) -> Candidate:
    rustc, cargo, clang = (home / "bin" / name for name in ("rustc", "cargo", "clang"))
    env = {"RUSTC": str(rustc)}
    if clang.is_file():  # earlier caches have none; any ar will do, rustc makes its own index
        env |= {"CC_wasm32_wasip2": str(clang), "AR_wasm32_wasip2": "ar"}
    return Candidate(name=f"{_RUNG} in {home}", rustc=rustc, cargo=cargo, env=env)


def _unfit(machine: Mapping[str, str], env: process.Env) -> str | None:
    """Return why Debian's packages cannot be had on this machine, from what it says of itself."""
    if machine.get("ID") != "debian" or "VERSION_CODENAME" not in machine:
        return f"this machine is {machine.get('PRETTY_NAME', platform.system())}, not Debian"
    programs = ("apt-get", "apt-cache", "dpkg")
    missing = [p for p in programs if shutil.which(p, path=env.get("PATH", "")) is None]
    return f"{missing[0]} is not on PATH" if missing else None


def _os_release(etc: Path) -> dict[str, str]:
    try:
        lines = (etc / "os-release").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    pairs = (line.partition("=") for line in lines)
    return {name: value.strip("\"'") for name, _, value in pairs}


def _fill(home: Path, source: Source, prover: Prover, *, say: Say) -> None:
    """Fetch, unpack and wrap the packages in ``home``. Raises ``RemoteError``."""
    with store.scratch(home) as work:
        say(f"asking Debian's {SUITE} for rustc and {_STD}")
        apt = Apt(work, source, suite=SUITE, env=prover.env)
        apt.update()
        linker = apt.recommended(_STD, r"lld-\d+") or "lld"
        wanted = ("rustc", "cargo", _STD, linker)
        files = apt.closure(wanted)
        size = sum(f.size for f in files) / 1e6
        say(f"getting Debian's rustc {_version(files)}: {len(files)} packages, {size:.0f} MB")
        debs = [*apt.download(wanted), *apt.fetch(_clang(linker))]
        say(f"unpacking {len(debs)} packages")
        apt.unpack(debs, home)
    for other in (home / "usr" / "lib" / "rustlib").glob("wasm32-*"):
        if other.name != prover.target:
            shutil.rmtree(other)  # a quarter of the whole, in every cache of every runner
    _wrap(home)
    _add_linkers(home, prover, say=say)


def _clang(linker: str) -> list[str]:
    """Return the packages of the clang that belongs to a linker's LLVM, which rustc brings along.

    Crates with C in them want it (ring). What clang's packages depend on besides is for programs of
    this machine's: three times as much.
    """
    version = linker.removeprefix("lld-")
    if version == linker:
        return []
    return [f"clang-{version}", f"libclang-cpp{version}", f"libclang-common-{version}-dev"]


def _version(files: Sequence[Package]) -> str:
    found = [f.version for f in files if f.name == "rustc"]
    if not found:
        raise RemoteError(f"Debian's {SUITE} has no rustc")
    return found[0].partition("+")[0]


def _wrap(home: Path) -> None:
    (home / "bin").mkdir()
    _wrapper(home, home / "bin" / "rustc", "usr/bin/rustc", options='--sysroot "$root/usr" ')
    _wrapper(home, home / "bin" / "cargo", "usr/bin/cargo")
    _wrap_rustdoc(home)
    for clang in (home / "usr" / "lib").glob("llvm-*/bin/clang"):
        version = clang.parent.parent.name.removeprefix("llvm-")
        resources = f'-resource-dir "$root/usr/lib/clang/{version}" '
        program = str(clang.relative_to(home))
        _wrapper(home, home / "bin" / "clang", program, options=resources)


def _wrap_rustdoc(home: Path) -> None:
    """Wrap rustdoc where it is: what reads no public API does without."""
    if (home / "usr" / "bin" / "rustdoc").is_file():
        options = '--sysroot "$root/usr" '
        _wrapper(home, home / "bin" / "rustdoc", "usr/bin/rustdoc", options=options)


def _wrapper(home: Path, path: Path, program: str, *, options: str = "") -> None:
    loader = next((home / "usr" / "lib").glob("*/ld*.so.[0-9]"), None)
    if loader is None or not (home / program).exists():
        raise RemoteError(f"Debian's {SUITE} packages hold no {program} or no loader for it")
    text = _WRAPPER.format(
        up="/".join(".." for _ in path.parent.relative_to(home).parts),
        loader=loader.relative_to(home),
        libraries=loader.parent.relative_to(home),
        program=program,
        options=options,
    )
    path.write_text(text)
    path.chmod(0o755)


def _add_linkers(home: Path, prover: Prover, *, say: Say) -> None:
    """Put both linkers into rustc's sysroot, the second from the first place that has a good one.

    A copy, not a link: rustup may remove the toolchain it came from.
    """
    candidate = _candidate(home)
    rustc = prover.look(candidate.rustc, candidate.env)
    if not isinstance(rustc, Rustc):
        raise RemoteError(f"Debian's rustc was unpacked, but {rustc}")
    tools = home / "usr" / "lib" / "rustlib" / rustc.host / "bin"
    tools.mkdir()
    lld = next((p.name for p in (home / "usr" / "bin").glob("wasm-ld*")), "wasm-ld")
    _wrapper(home, tools / "wasm-ld", f"usr/bin/{lld}")
    for found in _component_linkers(prover.env):
        shutil.copy2(found, tools / _COMPONENT_LD)
        if isinstance(prover.prove(candidate), Rustc):
            return
    _build_component_linker(candidate, tools / _COMPONENT_LD, prover, say=say)
    proof = prover.prove(candidate)
    if isinstance(proof, PassedOver):
        raise RemoteError(f"Debian's rustc was unpacked, but {proof.why}")


def _component_linkers(env: process.Env) -> Iterator[Path]:
    for home in rustup.homes(env):
        for toolchain in rustup.toolchains(home, env):
            yield from toolchain.glob(f"lib/rustlib/*/bin/{_COMPONENT_LD}")


def _build_component_linker(candidate: Candidate, path: Path, prover: Prover, *, say: Say) -> None:
    say(f"building {_COMPONENT_LD} {_COMPONENT_LD_VERSION}, about a minute")
    with store.scratch(candidate.rustc.parent) as work:
        env = process.allow(prover.env, network=True)
        env |= candidate.env
        env |= {
            "CARGO_HOME": str(_cargo_home(prover.env) or work / "cargo"),
            "CARGO_TARGET_DIR": str(work / "target"),
            # A third of the time to build, and 0.1 s more a link.
            "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
        }
        spec = f"{_COMPONENT_LD}@{_COMPONENT_LD_VERSION}"
        argv: list[str | Path] = [candidate.cargo, "install", "--locked", "--quiet"]
        argv += ["--root", work / "out", spec]
        try:
            process.run(argv, env=env, timeout=1800)
        except ProcessError as e:
            raise RemoteError(f"cargo install {spec}: {cause(e.what)}") from e
        shutil.copy2(work / "out" / "bin" / _COMPONENT_LD, path)


def _cargo_home(env: process.Env) -> Path | None:
    """Return the user's cargo home, whose configuration may name the registry's mirror."""
    if env.get("CARGO_HOME"):
        return Path(env["CARGO_HOME"])
    home = Path(env["HOME"], ".cargo") if env.get("HOME") else None
    return home if home is not None and os.access(home, os.W_OK) else None
