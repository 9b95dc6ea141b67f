"""A component under wasmtime: made machine code once, then run for each of its cases.

What wasmtime made of it lies where nothing of upstream's can write: wasmtime trusts that file.
"""

import dataclasses
import functools
import re
from pathlib import Path

from forkbot import process
from forkbot.errors import TimedOutError
from forkbot.model.smoke import Grant, SmokePolicy
from forkbot.model.verdict import How
from forkbot.process.limits import Limits, size
from forkbot.process.seclusion import View, bounded, secluded
from forkbot.text import clipped, decode, redact
from forkbot.verify.declared import Ran
from forkbot.verify.made import digest_made
from forkbot.verify.services import serve
from forkbot.verify.wasmtime import NO_CACHE
from forkbot.verify.workshop import Workshop
from forkbot.words import CaseName

_COMPILE_LIMIT = 300.0
# What one memory of a component may grow to: a guest that asks for more is told no, as on a machine
# that has no more.
_GUEST = 1 << 30
# And wasmtime with all of it. Output is kept, and read for the word, in memory of ours.
RUNNING = Limits(memory=4 << 30, processes=512, disk=1 << 30, output=4 << 20)
_GRANTS: dict[Grant, str] = {"network": "inherit-network", "names": "allow-ip-name-lookup"}
_FRAME = re.compile(r"^\s*\d+:\s+0x[0-9a-f]+ - ")
_HEAD, _TAIL, _WIDTH = 12, 12, 1000  # lines, and characters of each


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where components run, and with what."""

    workshop: Workshop
    wasmtime: Path
    env: process.Env
    limits: Limits = RUNNING

    def make_ready(self, component: Path, *, name: str) -> Path | Ran:
        """Return a component as machine code, or how wasmtime refused it.

        The same component is not compiled twice: that takes six seconds for reqwest's.
        """
        folder = self.workshop.target_dir.parent / "components"
        folder.mkdir(parents=True, exist_ok=True)
        ready, made_of = folder / f"{name}.cwasm", folder / f"{name}.made-of"
        key = self._key(component)
        if ready.exists() and made_of.exists() and made_of.read_text() == key:
            return ready
        made_of.unlink(missing_ok=True)
        argv: list[str | Path] = [
            self.wasmtime, "compile", *NO_CACHE, "-o", ready, component,
        ]  # fmt: skip
        argv = self._kept(argv, component, write=(folder,), network=False)
        limits = dataclasses.replace(self.limits, folder=folder)
        try:
            ended = process.run(argv, env=self.env, timeout=_COMPILE_LIMIT, ok=None, limits=limits)
        except TimedOutError as e:
            why = f"wasmtime compile was ended{e.why}"
            return Ran(how=How.UNBUILT, why=why, said="", shown=_shown(_said(e.stdout, e.stderr)))
        if ended.code == 0:
            made_of.write_text(key)
            return ready
        said = _said(ended.stdout, ended.stderr)
        return Ran(how=How.UNBUILT, why=process.last_words(ended.stderr, lines=1), said=said,
                   shown=_shown(said))  # fmt: skip

    def _key(self, component: Path) -> str:
        """Return what machine code depends on: the component, the compiler and the processor."""
        compiler = self.wasmtime.stat()
        told = f"{self.wasmtime} {compiler.st_size} {compiler.st_mtime_ns}"
        return digest_made(component, told.encode(), _processor())

    def run(self, policy: SmokePolicy, case: CaseName, ready: Path) -> Ran:
        """Run one case, with what it is granted against what is served to it."""
        limit = policy.timeout
        with serve(policy.serves) as served:
            grants = [w for g in policy.cases[case].grants for w in ("-S", _GRANTS[g])]
            given = [w for name, v in served.env.items() for w in ("--env", f"{name}={v}")]
            argv: list[str | Path] = [
                self.wasmtime, "run", *NO_CACHE, "-W", f"max-memory-size={_GUEST}",
                "--allow-precompiled", *grants, *given, ready, case,
            ]  # fmt: skip
            argv = self._kept(argv, ready, write=(), network=True)
            try:
                ended = process.run(argv, env=self.env, timeout=limit, ok=None, limits=self.limits)
            except TimedOutError as e:
                said = _said(e.stdout, e.stderr)
                return Ran(how=How.HUNG, why=f"it was ended{e.why}", said=said,
                           shown=_shown(said), seconds=e.seconds)  # fmt: skip
        why = ""
        if ended.code != 0:
            why = f"exit code {ended.code}"
            if b"memory allocation of " in ended.stderr:  # what Rust says when it is told no
                why += f": it asked for more memory than there is, {size(_GUEST)}"
        elif policy.fetches(case) and served.word.encode() not in ended.stdout:
            why = "it ended well but did not print the word that is served"
        said = _said(ended.stdout, ended.stderr)
        return Ran(how=How.ENDED, why=why, said=said, shown=_shown(said), exit_code=ended.code,
                   seconds=ended.seconds)  # fmt: skip

    def _kept(
        self, argv: list[str | Path], component: Path, *, write: tuple[Path, ...], network: bool
    ) -> list[str | Path]:
        """Return the command in bounds: the sandbox in the sandbox, for it is upstream's code."""
        if not self.workshop.secluded:
            return bounded(argv, self.limits)
        root = self.workshop.target_dir.parent / "view"
        root.mkdir(parents=True, exist_ok=True)
        shown = (self.wasmtime.parent, component)
        view = View(root=root, read=shown, write=write, network=network)
        return secluded(argv, view, self.limits)


@functools.cache
def _processor() -> bytes:
    """Return what this machine's processor can do: code for one that can more does not run here."""
    known = Path("/proc/cpuinfo")
    lines = known.read_bytes().splitlines() if known.exists() else []
    return next((li for li in lines if li.startswith((b"flags", b"Features"))), b"")


def _said(stdout: bytes, stderr: bytes) -> str:
    return redact(decode(stdout + stderr))


def _shown(said: str) -> str:
    """Return of a component's words how it began and how it ended, without wasm frames.

    A panic's own words come first, and some twenty frames that nobody asked for after them.
    """
    told = [clipped(li, _WIDTH) for li in said.splitlines() if not _FRAME.match(li)]
    if len(told) > _HEAD + _TAIL:
        left_out = len(told) - _HEAD - _TAIL
        told = [*told[:_HEAD], f"… {left_out} lines …", *told[-_TAIL:]]
    return "\n".join(told)
