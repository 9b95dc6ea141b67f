"""Find, or get, a rustc that builds components: installed, by rustup, or from Debian's packages."""

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from forkbot import process
from forkbot.errors import MachineError, RemoteError, UsageError
from forkbot.verify import debian, rustup, store
from forkbot.verify.proof import OLDEST, Candidate, PassedOver, Prover, last_word
from forkbot.verify.store import Say

TARGET = "wasm32-wasip2"
Source = Literal["installed", "rustup", "debian"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """A cargo and a rustc that build components for the target, proven on this machine.

    ``env`` is what cargo must get besides its allow-listed environment.
    """

    cargo: Path
    rustc: Path
    version: str
    source: Source
    why: str
    env: Mapping[str, str]
    passed_over: tuple[str, ...]


def find_toolchain(
    *,
    env: process.Env,
    cache: Path,
    target: str = TARGET,
    get: bool = True,
    only: Source | None = None,
    oldest: tuple[int, int] = OLDEST,
    say: Say,
) -> Toolchain:
    """Return a toolchain for ``target``: the first that proves itself on the ladder.

    Installed; unpacked into ``cache`` earlier; ``rustup target add``; Debian's packages. With
    ``get`` false nothing is downloaded. ``only`` allows one source. Releases before ``oldest`` are
    passed over. ``say`` hears of progress.

    Raises ``RemoteError`` when every download failed, ``UsageError`` when there was none to try,
    ``MachineError`` when the machine has no C linker, without which no rustc builds a family.
    """
    if shutil.which("cc", path=env.get("PATH", "")) is None:
        raise MachineError(
            "cc is not on PATH: build scripts and proc-macros cannot be linked without it",
            hint="install a C compiler with libc's development files, on Debian: "
            "apt-get install gcc libc6-dev",
        )
    prover = Prover(env=env, cache=cache, target=target, oldest=oldest)
    ladder = _Ladder(prover=prover, only=only, say=say, passed=[])
    found = ladder.look()
    if found is None and get and only != "installed":
        with store.locked(cache, say=say):
            # Another forkbot may have got it while this one waited.
            ladder.passed.clear()
            found = ladder.look() or ladder.get()
    if found is None:
        raise _nothing(ladder.passed, target, get=get)
    return found


def find_like(
    version: str, *, env: process.Env, cache: Path, target: str = TARGET
) -> Toolchain | None:
    """Return the toolchain that says it is ``version``, if it is here still and builds."""
    prover = Prover(env=env, cache=cache, target=target)
    here = [*rustup.candidates(env), debian.unpacked(cache)]
    for candidate in (c for c in here if isinstance(c, Candidate)):
        seen = prover.look(candidate.rustc, candidate.env)
        if isinstance(seen, str) or seen.version != version:
            continue
        if not isinstance(prover.prove(candidate), PassedOver):
            return Toolchain(
                cargo=candidate.cargo, rustc=candidate.rustc, version=version, source="installed",
                why=f"asked for: {version}", env=candidate.env, passed_over=(),
            )  # fmt: skip
    return None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Ladder:
    """The rungs in order, and the candidates passed over on the way."""

    prover: Prover
    only: Source | None
    say: Say
    passed: list[PassedOver]

    def look(self) -> Toolchain | None:
        """Return the first toolchain that is here already."""
        if self.only in (None, "installed"):
            for candidate in rustup.candidates(self.prover.env):
                found = self._judge(candidate, "installed")
                if found is not None:
                    return found
            if not self.passed:
                self.passed.append(
                    PassedOver(name="installed", why="no rustc on PATH, no rustup toolchain")
                )
        if self.only in (None, "debian"):
            return self._judge(debian.unpacked(self.prover.cache), "debian")
        return None

    def get(self) -> Toolchain | None:
        """Return the first toolchain that can be got."""
        rungs: list[tuple[Source, Callable[[], Candidate | PassedOver]]] = [
            ("rustup", lambda: rustup.add_target(self.prover, say=self.say)),
            ("debian", lambda: debian.get(self.prover, say=self.say)),
        ]
        for source, rung in rungs:
            if self.only in (None, source):
                found = self._judge(rung(), source)
                if found is not None:
                    return found
        return None

    def _judge(self, candidate: Candidate | PassedOver, source: Source) -> Toolchain | None:
        if isinstance(candidate, PassedOver):
            self.passed.append(candidate)
            return None
        proof = self.prover.prove(candidate)
        if isinstance(proof, PassedOver):
            # What was downloaded and does not work is the download's failure.
            got = source != "installed"
            self.passed.append(dataclasses.replace(proof, asked_network=got))
            return None
        return Toolchain(
            cargo=candidate.cargo,
            rustc=candidate.rustc,
            version=proof.version,
            source=source,
            why=f"{'asked for' if self.only else _WHY[source]}: {candidate.name}",
            env=candidate.env,
            passed_over=tuple(str(p) for p in last_word(self.passed)),
        )


_WHY: Mapping[Source, str] = {
    "installed": "the first one here that builds components",
    "rustup": "no toolchain here had the target, and rustup could add it",
    "debian": "no rustup toolchain has the target or could get it",
}


def _nothing(passed: list[PassedOver], target: str, *, get: bool) -> RemoteError | UsageError:
    reasons = "".join(f"\n  {p}" for p in last_word(passed))
    what = f"no Rust toolchain builds {target} here{reasons}"
    old = any(p.too_old for p in last_word(passed))
    hint = f"rustup update stable && rustup target add {target}" if old else None
    if any(p.asked_network for p in passed):
        return RemoteError(what, hint=hint or "mend what the reasons name, then: forkbot toolchain")
    hint = hint or f"rustup target add {target}"
    return UsageError(what, hint=hint if get else "forkbot toolchain")
