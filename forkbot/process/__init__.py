"""The one place, beside GitPython, where forkbot starts children.

Argument lists only, never a shell; a closed environment, never the ambient one; every wait has an
end; a child and everything it started dies with the wait, and with a limit that it is past.
"""

import contextlib
import dataclasses
import functools
import os
import select
import selectors
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, Self

from forkbot.errors import MachineError, OverLimitError, ProcessError, TimedOutError
from forkbot.process.limits import Guard, Limits, size
from forkbot.text import decode, redact

# What any child may know of its surroundings. Tokens have no name here.
_PLAIN = ("PATH", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "XDG_CACHE_HOME")
# What a child that talks to the network may know besides.
_NETWORK = (
    "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE",
)  # fmt: skip

Env = Mapping[str, str]

_running: set[int] = set()  # pids of children not reaped yet, whichever thread waits for them


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A child that ended: its exit code (negative: the signal that ended it) and what it said."""

    code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    peak: int = 0  # bytes of memory it had at one time; looked at only where there are limits


def allow(ambient: Env, *, names: Sequence[str] = (), network: bool = False) -> dict[str, str]:
    """Return the part of ``ambient`` that a child may see: the plain names, and ``names``."""
    wanted = (*_PLAIN, *(_NETWORK if network else ()), *names)
    return {name: ambient[name] for name in wanted if name in ambient}


def _show(argv: Sequence[str | Path]) -> str:
    return redact(shlex.join(str(a) for a in argv))


def last_words(stderr: bytes, *, lines: int = 12) -> str:
    """Return the last ``lines`` lines of a child's error output, safe to show."""
    text = redact(decode(stderr.replace(b"\r", b"\n"))).strip()
    return "\n".join(text.splitlines()[-lines:])


def _start(
    argv: Sequence[str | Path],
    *,
    env: Env,
    cwd: Path | None,
    stdin: int | None,
    stderr: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    child = None
    try:
        with _interrupts_later():
            child = subprocess.Popen(
                [str(a) for a in argv],
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,  # so that its children can be ended with it
                bufsize=0,
            )
    except KeyboardInterrupt:
        if child is not None:
            _end(child)
        raise
    except FileNotFoundError as e:
        if cwd is not None and not cwd.is_dir():
            raise MachineError("the folder is gone", where=str(cwd)) from e
        raise MachineError(
            f"{argv[0]} is not installed, or not on PATH", hint=f"install {Path(argv[0]).name}"
        ) from e
    except OSError as e:
        raise MachineError(f"cannot start {argv[0]}: {e.strerror}") from e
    _running.add(child.pid)
    return child


def end_all() -> None:
    """End every child there is, so that threads that wait for one end too."""
    for pid in tuple(_running):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


@contextlib.contextmanager
def _interrupts_later() -> Iterator[None]:
    """Put Ctrl-C off to the end of the block: a child that nobody knows yet would live on alone."""
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield  # signals only ever interrupt the main thread
        return
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    caught = [n for n, handler in before.items() if callable(handler)]
    for number in caught:
        signal.signal(number, lambda n, _: noted.append(n))
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, before[number])
    if noted:
        raise KeyboardInterrupt


def _end(child: subprocess.Popen[bytes]) -> None:
    """End ``child`` and everything in its session, and reap it."""
    _running.discard(child.pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def run(
    argv: Sequence[str | Path],
    *,
    env: Env,
    timeout: float,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    ok: Sequence[int] | None = (0,),
    on_stdout: Callable[[bytes], None] | None = None,
    on_stderr: Callable[[bytes], None] | None = None,
    limits: Limits | None = None,
) -> Completed:
    """Run a command to its end and return what it said.

    ``timeout`` is in seconds. ``ok`` lists the exit codes that are answers (None: all). The two
    callbacks get each line, or state of a progress bar, as it is complete. ``limits``
    are for what others wrote: what it takes together is watched, and it is ended past them.
    Raises ``ProcessError`` for any other code, ``TimedOutError``, ``MachineError``.
    """
    began = time.monotonic()
    most = None if limits is None else limits.output
    out, err = _Lines(on_stdout, most), _Lines(on_stderr, most)
    child = _start(argv, env=env, cwd=cwd, stdin=None if stdin is None else subprocess.PIPE)
    try:
        guard = None if limits is None else Guard(child.pid, limits)
        watch = _Watch(deadline=began + timeout, guard=guard)
        _converse(child, stdin=stdin, watch=watch, out=out, err=err)
        while child.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=watch.until())
    except (TimeoutError, _OverLimit) as e:
        timed_out = isinstance(e, TimeoutError)
        why = f" after {timeout:.0f} s" if timed_out else f": {e}"
        raise (TimedOutError if timed_out else OverLimitError)(
            f"{_show(argv)} was ended{why}", why=why, seconds=time.monotonic() - began,
            stdout=out.whole(), stderr=err.whole(),
        ) from e  # fmt: skip
    finally:
        _end(child)
    stdout, stderr = out.whole(), err.whole()
    if ok is not None and child.returncode not in ok:
        raise ProcessError(
            command=_show(argv), code=child.returncode, last_words=last_words(stderr)
        )
    return Completed(
        code=child.returncode,
        stdout=stdout,
        stderr=stderr,
        seconds=time.monotonic() - began,
        peak=0 if guard is None else guard.peak,
    )


class _OverLimit(Exception):  # noqa: N818 - says which, and becomes the error
    pass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    """What ends a child before it ends itself."""

    deadline: float
    guard: Guard | None

    def until(self) -> float:
        """Return how many seconds to wait at most; raise when it is over."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if self.guard is None:
            return left
        if why := self.guard.look():
            raise _OverLimit(why)
        return min(left, self.guard.pause())


class _Lines:
    """Collects a stream whole, up to ``most`` bytes, and hands its lines to a listener."""

    def __init__(self, listener: Callable[[bytes], None] | None, most: int | None) -> None:
        self.chunks: list[bytes] = []
        self._listener = listener
        self._most = most
        self._left = most
        self._rest: list[bytes] = []  # of a line that goes on; joined once, however long it is

    def feed(self, chunk: bytes) -> None:
        if self._left is not None:
            chunk = chunk[: self._left]
            self._left -= len(chunk)
        self.chunks.append(chunk)
        if self._listener is not None:
            first, *more = chunk.replace(b"\r", b"\n").split(b"\n")
            self._rest.append(first)
            for begun in more:
                self._listener(b"".join(self._rest))
                self._rest = [begun]
        if self._left == 0:
            raise _OverLimit(f"it printed more than {size(self._most or 0)}")

    def whole(self) -> bytes:
        return b"".join(self.chunks)


def _converse(
    child: subprocess.Popen[bytes],
    *,
    stdin: bytes | None,
    watch: _Watch,
    out: _Lines,
    err: _Lines,
) -> None:
    """Feed stdin and drain both outputs without deadlock, for as long as ``watch`` allows."""
    assert child.stdout is not None
    assert child.stderr is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ, out)
        selector.register(child.stderr, selectors.EVENT_READ, err)
        pending = memoryview(stdin or b"")
        if child.stdin is not None:
            os.set_blocking(child.stdin.fileno(), False)
            selector.register(child.stdin, selectors.EVENT_WRITE, None)
        while selector.get_map():
            for key, _ in selector.select(watch.until()):
                if key.data is None:
                    pending = _feed(child, pending, selector)
                elif chunk := os.read(key.fd, 1 << 16):
                    key.data.feed(chunk)
                else:
                    selector.unregister(key.fileobj)


def _feed(
    child: subprocess.Popen[bytes], pending: memoryview, selector: selectors.BaseSelector
) -> memoryview:
    assert child.stdin is not None
    try:
        pending = pending[os.write(child.stdin.fileno(), pending[: 1 << 16]) :]
    except BrokenPipeError:  # the child stopped reading: its exit code tells why
        pending = pending[len(pending) :]
    if not pending:
        selector.unregister(child.stdin)
        child.stdin.close()
    return pending


class Conversation:
    """A long-lived child that answers requests on stdin, one at a time.

    ``read_exactly`` and ``read_until`` wait at most ``timeout`` seconds for each answer, so a child
    that buffers for ever (git 2.39's ``merge-tree --stdin``) is an error and not a hang.
    """

    def __init__(
        self, argv: Sequence[str | Path], *, env: Env, cwd: Path | None = None, timeout: float = 120
    ) -> None:
        self._argv = argv
        self._timeout = timeout
        # a file, so that a talkative child never waits for somebody to read its complaints
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        try:
            self._child = _start(
                argv, env=env, cwd=cwd, stdin=subprocess.PIPE, stderr=self._errors.fileno()
            )
        except BaseException:
            self._errors.close()
            raise
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._in, self._out = self._child.stdin.fileno(), self._child.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._buffer = b""

    def send(self, request: bytes) -> None:
        """Write one whole request."""
        try:
            while request:
                request = request[os.write(self._in, request) :]
        except BrokenPipeError:
            self._died()

    def read_exactly(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        if len(self._buffer) < count:
            chunks, have = [self._buffer], len(self._buffer)
            while have < count:
                chunks.append(self._more())
                have += len(chunks[-1])
            self._buffer = b"".join(chunks)
        answer, self._buffer = self._buffer[:count], self._buffer[count:]
        return answer

    def read_until(self, mark: bytes) -> bytes:
        """Return the bytes before the next ``mark``, and drop the mark."""
        while mark not in self._buffer:
            self._buffer += self._more()
        answer, _, self._buffer = self._buffer.partition(mark)
        return answer

    def _more(self) -> bytes:
        if not self._poll.poll(self._timeout * 1000):
            raise TimedOutError(f"{_show(self._argv)} did not answer in {self._timeout:.0f} s")
        chunk = os.read(self._out, 1 << 18)
        if not chunk:
            self._died()
        return chunk

    def _died(self) -> NoReturn:
        self._child.wait(timeout=self._timeout)
        self._errors.seek(0)
        raise ProcessError(
            command=_show(self._argv),
            code=self._child.returncode,
            last_words=last_words(self._errors.read()),
        )

    def close(self) -> None:
        """End the child. Safe to call twice."""
        _end(self._child)
        self._errors.close()

    def __enter__(self) -> Self:
        """Return itself; the child already runs."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the child."""
        self.close()


@functools.cache
def network_denial(path: str) -> tuple[str, ...]:
    """Return the words that start a command without a network, or none where the system cannot.

    A user namespace of its own holds for root and for others alike; inside there is not even a
    loopback that is up.
    """
    words = ("unshare", "--map-current-user", "--net", "--")
    try:
        run([*words, "true"], env={"PATH": path}, timeout=10)
    except (MachineError, ProcessError, TimedOutError):
        return ()
    return words
