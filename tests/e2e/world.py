"""A small world for a story: upstreams, a stacks repository, a cache, and ``forkbot`` on the door.

Everything is real: git repositories on disk, the command line in a process of its own. What it says
is compared whole, so dates are sealed and the world's own paths are told as ``~``.
"""

import contextlib
import ctypes
import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

import forkbot
from forkbot.git.repository import Repository, sealed_env
from forkbot.model.stack import StackVerdict
from forkbot.stackdir.load import load_family
from forkbot.stackdir.lock import render_lock
from forkbot.words import Channel, Oid
from tests.scenario import Content, Upstream, make_stack

NOW = 1_795_000_000  # 2026-11-18T11:06:40Z
DEFAULTS = "fork:\n  branches: {main: wasip2, release: wasip2-release}\n"
Changes = Mapping[str | bytes, Content]
Listing = dict[str, tuple[int, int, bytes]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one call of forkbot said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def progress(self) -> list[str]:
        """Return the progress lines, without what is the same in each."""
        lines = self.err.splitlines()
        return [li.removeprefix("forkbot: ") for li in lines if li.startswith("forkbot: ")]


class World:
    """The folders of one story."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.root = place / "root"
        self.cache = place / "cache"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(place / "home"),
            "FORKBOT_CACHE": str(self.cache),
            "SOURCE_DATE_EPOCH": str(NOW),
            "COLUMNS": "120",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(Path(forkbot.__file__).parent.parent),  # the code under test
        }
        self._git_env = sealed_env(self.env)
        (self.root / "stacks").mkdir(parents=True)
        (self.root / "stacks" / "defaults.yaml").write_text(DEFAULTS)
        (place / "home").mkdir(exist_ok=True)

    # --- the scene

    def upstream(self, name: str = "upstream") -> Upstream:
        """Return an empty upstream repository."""
        return Upstream(self.place / f"{name}.git", env=self._git_env)

    def upstream_again(self, name: str = "upstream") -> Upstream:
        """Return an upstream that is there, to go on from its tip."""
        upstream = self.upstream(name)
        upstream.go_to(upstream.repository.resolve("refs/heads/main"))
        return upstream

    def stack(
        self,
        upstream: Upstream,
        patches: Mapping[str, Changes],
        *,
        name: str = "demo",
        url: str | None = None,
        more: str = "",
        why: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Write a stack whose patches make the given changes on upstream's tip."""
        assert upstream.tip
        stack, _ = make_stack(upstream, upstream.tip, patches, why=why)
        folder = self.folder(name)
        (folder / "patches").mkdir(parents=True)
        (folder / "stack.yaml").write_text(
            f"crate: {name}\nupstream: {{git: {url or upstream.path}}}\n"
            f"fork: {{repo: {name}}}\n{more}"
        )
        (folder / "patches" / "series").write_text("".join(f"{p}.patch\n" for p in patches))
        for patch in stack.patches:
            (folder / "patches" / f"{patch.name}.patch").write_bytes(patch.mail)

    def folder(self, name: str = "demo") -> Path:
        """Return a stack's folder."""
        return self.root / "stacks" / name

    def proven(self, text: str, ours: Changes) -> Upstream:
        """Return an upstream at 1.0.0 and the stack ``demo`` on it: rebased, its verdict green."""
        upstream = self.upstream()
        upstream.commit("begin", {"src/lib.rs": text})
        upstream.tag("v1.0.0")
        self.stack(upstream, {"fix": ours})
        self.forkbot("rebase")
        self.bless("demo")
        return upstream

    def bless(self, *names: str, channel: Channel = Channel.MAIN) -> None:
        """Make the locks say what a green verification leaves there."""
        for stack in load_family(self.root):
            state = stack.lock.channel(channel)
            if stack.name in names and state is not None:
                verdict = StackVerdict(status="green", key="0" * 32, rustc="rustc", wasmtime="w")
                blessed = msgspec.structs.replace(state, verdict=verdict)
                lock = stack.lock.with_channel(channel, blessed)
                (self.folder(stack.name) / "stack.lock").write_bytes(render_lock(lock))

    # --- what happens

    def command(self, *args: str) -> list[str]:
        """Return how forkbot is called here."""
        return [sys.executable, "-m", "forkbot", "-C", str(self.root), *args]

    def forkbot(
        self, *args: str, code: int = 0, env: Mapping[str, str] | None = None, limit: float = 600
    ) -> Said:
        """Call forkbot; it must end with ``code``."""
        done = subprocess.run(
            self.command(*args), env={**self.env, **(env or {})}, capture_output=True, check=False,
            cwd=self.place, timeout=limit,
        )  # fmt: skip
        said = Said(code=done.returncode, out=self.tidy(done.stdout), err=self.tidy(done.stderr))
        assert said.code == code, f"exit {said.code}, not {code}\n{said.out}\n{said.err}"
        return said

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        """Call forkbot and do not wait for it."""
        return subprocess.Popen(
            self.command(*args), env={**self.env, **(env or {})}, cwd=self.place,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def interrupt(
        self, *args: str, at: str, how: signal.Signals = signal.SIGINT, after: float = 0.0,
        env: Mapping[str, str] | None = None, orphaned: bool = False,
    ) -> Said:  # fmt: skip
        """Call forkbot and send it a signal as soon as a line of progress begins with ``at``.

        Nothing it started may still run when it is over, unless it was killed: ``orphaned``.
        """
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's background job has it
            signal.signal(signal.SIGINT, signal.default_int_handler)
        with adopting() as left_running:
            child = self.start(*args, env=env)
            assert child.stderr is not None
            lines = []
            for raw in child.stderr:
                lines.append(raw)
                if raw.decode().removeprefix("forkbot: ").startswith(at):
                    time.sleep(after)
                    child.send_signal(how)
                    break
            out, rest = child.communicate(timeout=120)
            left = left_running()
        assert orphaned or left == {}, left
        whole = self.tidy(b"".join(lines) + rest)
        assert any(li.startswith(f"forkbot: {at}") for li in whole.splitlines()), whole
        return Said(code=child.returncode, out=self.tidy(out), err=whole)

    def shim(self, program: str, script: str) -> dict[str, str]:
        """Return an environment in which a shell script stands before a program.

        It goes on to the real one where the script ends; ``$real`` is that one.
        """
        folder = self.place / f"shim-{program}"
        folder.mkdir(exist_ok=True)
        found = [Path(p) / program for p in self.env["PATH"].split(":")]
        real = next(p for p in found if p.is_file())
        path = folder / program
        path.write_text(f'#!/bin/sh\nreal={real}\n{script}\nexec $real "$@"\n')
        path.chmod(0o755)
        return {"PATH": f"{folder}:{self.env['PATH']}"}

    # --- what is there afterwards

    def tidy(self, text: bytes) -> str:
        """Return what was said with the story's own folder as ``~``, durations as ``0 s``."""
        told = text.decode().replace(str(self.place.resolve()), "~").replace(str(self.place), "~")
        told = re.sub(r"\b\d+ s, forkbot", "0 s, forkbot", told)
        return "\n".join(line.rstrip() for line in told.split("\n"))

    def fork(self, name: str = "demo") -> Repository:
        """Return a fork on the local forge."""
        return Repository(
            git_dir=self.root / ".forkbot" / "forge" / f"{name}.git", env=self._git_env
        )

    def refs(self, name: str = "demo") -> dict[str, Oid]:
        """Return the refs of a fork; none when it is not there."""
        fork = self.fork(name)
        return fork.refs() if fork.git_dir.is_dir() else {}

    def log(self, repository: Repository, rev: str) -> list[str]:
        """Return the subjects of a history, newest first."""
        return repository.git("log", "--format=%s", rev).stdout.decode().splitlines()

    def listing(self, *but: str) -> Listing:
        """Return every file and folder under root: time, mode, content; ``but`` folders not."""
        return listing(self.root, but)

    def reports(self) -> list[str]:
        """Return the reports of all runs, oldest first."""
        runs = self.root / ".forkbot" / "runs"
        return [self.tidy((p / "report.md").read_bytes()) for p in sorted(runs.iterdir())]


@contextlib.contextmanager
def adopting() -> Iterator[Callable[[], Mapping[int, str]]]:
    """Be the parent of whatever a killed forkbot leaves running, for the length of the block.

    Yield how to ask which new children run: their commands, by pid.
    """
    before = {pid for pid, _, _ in _children()}
    _adopt(orphans=True)
    try:
        yield lambda: {
            pid: command
            for pid, state, command in _children()
            if pid not in before and state not in "ZX"
        }
    finally:
        _adopt(orphans=False)
        for pid, state, _ in _children():
            if pid not in before and state == "Z":
                with contextlib.suppress(ChildProcessError):  # somebody waited for it meanwhile
                    os.waitpid(pid, os.WNOHANG)


def _adopt(*, orphans: bool) -> None:
    subreaper = 36  # prctl(2)
    ctypes.CDLL(None, use_errno=True).prctl(subreaper, int(orphans), 0, 0, 0)


def _children() -> Iterator[tuple[int, str, str]]:
    """Yield each of our children: its pid, its state and its command."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid():
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                yield int(folder.name), state, command
        except OSError:
            continue  # it ended meanwhile


def listing(root: Path, but: Iterable[str] = ()) -> Listing:
    """Return every file and folder under a folder: time, mode, content."""
    found: Listing = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if not any(name == b or name.startswith(f"{b}/") for b in but):
            seen = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[name] = (seen.st_mtime_ns, seen.st_mode, content)
    return found


def wait_for(happened: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
