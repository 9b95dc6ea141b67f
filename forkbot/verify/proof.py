"""Is this rustc one to build components with? It says so by building one, once."""

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from forkbot import process
from forkbot.errors import ForkbotError, MachineError, ProcessError
from forkbot.text import decode
from forkbot.verify import store

# The oldest rustc whose components can open a connection: up to 1.95 its wasi-libc has no fcntl for
# sockets, and socket2 fails with "set_nonblocking error: Invalid argument (os error 28)" (tried:
# 1.95 fails, 1.97 works). To compile the crates, 1.85 would do.
OLDEST = (1, 97)

_HELLO = 'fn main() {\n    println!("hello");\n}\n'
# The preamble of a component; a core module has 01 00 00 00 behind the name.
_COMPONENT = b"\0asm\x0d\0\x01\0"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A rustc and the cargo to go with it, not yet known to be of use."""

    name: str
    rustc: Path
    cargo: Path
    env: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A candidate not taken, and why.

    ``asked_network`` tells a download that failed, ``too_old`` what only an update would mend.
    """

    name: str
    why: str
    asked_network: bool = False
    too_old: bool = False

    def __str__(self) -> str:
        """Return one line for a person."""
        return f"{self.name}: {self.why}"


def last_word(passed: Sequence[PassedOver]) -> list[PassedOver]:
    """Return what was said last of each candidate, in the order they came up."""
    return [p for i, p in enumerate(passed) if p.name not in {q.name for q in passed[i + 1 :]}]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rustc:
    """What a rustc says of itself."""

    version: str
    release: tuple[int, int]
    host: str
    sysroot: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Prover:
    """Asks rustcs for ``target``, and remembers their answers in ``cache``."""

    env: process.Env
    cache: Path
    target: str
    oldest: tuple[int, int] = OLDEST

    def look(self, rustc: Path, env: Mapping[str, str]) -> Rustc | str:
        """Return what ``rustc`` says of itself, or why it says nothing."""
        try:
            known = store.recall(self.cache, about=rustc, question="look", kind=Rustc)
            if known is not None:
                return known
            told = self._run([rustc, "-vV"], env)
            sysroot = self._run([rustc, "--print", "sysroot"], env)
        except (ForkbotError, OSError) as e:
            return f"it does not run: {_one_line(e)}"
        found = _parse(decode(told), os.fsdecode(sysroot).strip())
        if found is None:
            return "it does not tell its version as rustc does"
        store.remember(self.cache, about=rustc, question="look", answer=found)
        return found

    def prove(self, candidate: Candidate) -> Rustc | PassedOver:
        """Return the candidate's rustc when it builds components here, or why it is passed over.

        Only good news is remembered: what is missing today may be there tomorrow. Raises
        ``MachineError`` when the machine lacks what no rustc can do without.
        """
        rustc = self.look(candidate.rustc, candidate.env)
        if isinstance(rustc, str):
            return PassedOver(name=candidate.name, why=rustc)
        if rustc.release < self.oldest:
            sockets = "with which sockets first work on this target"
            wanted = ".".join(map(str, self.oldest))
            old = f"{rustc.version} is older than {wanted}, {sockets}"
            return PassedOver(name=candidate.name, why=old, too_old=True)
        why = self._shortcoming(rustc)
        question = f"builds {self.target} with {candidate.cargo}"
        seen = candidate.rustc
        if why is None and not store.recall(self.cache, about=seen, question=question, kind=bool):
            why = self._build(candidate)
            if why is None:
                store.remember(self.cache, about=seen, question=question, answer=True)
        return rustc if why is None else PassedOver(name=candidate.name, why=why)

    def _shortcoming(self, rustc: Rustc) -> str | None:
        libraries = Path(rustc.sysroot, "lib", "rustlib", self.target, "lib")
        if not any(libraries.glob("libstd-*.rlib")):
            return f"{rustc.version} has no {self.target} standard library"
        return None

    def _build(self, candidate: Candidate) -> str | None:
        """Build a component, and a program for this machine as build scripts are, and run it."""
        with store.scratch(self.cache) as work:
            (work / "hello.rs").write_text(_HELLO)
            argv: list[str | Path] = [candidate.rustc, "--edition=2021", work / "hello.rs", "-o"]
            component = work / "hello.wasm"
            try:
                self._run([candidate.cargo, "-V"], candidate.env)
                self._run([*argv, component, f"--target={self.target}"], candidate.env)
                if component.read_bytes()[: len(_COMPONENT)] != _COMPONENT:
                    return f"what it builds for {self.target} is no component"
            except (ForkbotError, OSError) as e:
                return f"it builds nothing for {self.target}: {_one_line(e)}"
            try:
                self._run([*argv, work / "hello"], candidate.env)
                self._run([work / "hello"], {})
            except (ForkbotError, OSError) as e:
                if "linking with" not in str(e):
                    return f"it builds nothing for this machine: {_one_line(e)}"
                raise MachineError(
                    f"{candidate.name} cannot link a program for this machine, as build scripts "
                    f"and proc-macros must be: {_one_line(e)}",
                    hint="install a C compiler with libc's development files",
                ) from e
        return None

    def _run(self, argv: list[str | Path], env: Mapping[str, str]) -> bytes:
        done = process.run(argv, env={**process.allow(self.env), **env}, timeout=120, ok=None)
        if done.code == 0:
            return done.stdout
        # All of it: a linker's complaints push rustc's own first line out of the last twelve.
        said = process.last_words(done.stderr, lines=500)
        raise ProcessError(command=str(argv[0]), code=done.code, last_words=said)


def _parse(told: str, sysroot: str) -> Rustc | None:
    release = re.search(r"^release: (\d+)\.(\d+)", told, re.MULTILINE)
    host = re.search(r"^host: (\S+)$", told, re.MULTILINE)
    if not told.startswith("rustc ") or release is None or host is None:
        return None
    return Rustc(
        version=told.splitlines()[0],
        release=(int(release[1]), int(release[2])),
        host=host[1],
        sysroot=sysroot,
    )


def _one_line(error: Exception) -> str:
    return cause(error.what if isinstance(error, ForkbotError) else str(error))


# Not the lines that only sum up (rustc's, apt's).
_ERROR = re.compile(
    r"^\s*(?:= note: )?(?:[Ee]rror|ERROR|E)(?:\[\w+\])?: "
    r"(?!aborting due|Some index files)(.+)$",
    re.MULTILINE,
)


def cause(text: str) -> str:
    """Return the reason in a tool's last words: its errors, without backtrace and advice."""
    before = re.split(r"^Stack backtrace:", text, maxsplit=1, flags=re.MULTILINE)[0]
    errors = _ERROR.findall(before)
    lines = [str(line) for line in errors] or before.strip().splitlines()[-1:]
    return " / ".join(dict.fromkeys(_short(line.strip()) for line in lines[:3]))


def _short(line: str) -> str:
    # Tools chain "what: where: why"; the ends tell most.
    return line if len(line) <= 400 else f"{line[:200]} … {line[-200:]}"
