"""Proof by running: a component under wasmtime against a loopback server, and its control.

The server answers with a word that nobody can guess, so only a component that fetched the page can
print it. The control runs the same component on pristine upstream, where it must do what
stack.yaml says (red, as a rule): a smoke test that cannot fail proves nothing.
"""

import contextlib
import http.server
import re
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from forkbot import process
from forkbot.errors import TimedOutError
from forkbot.model.verdict import Colour, Smoke
from forkbot.process.seclusion import View, secluded
from forkbot.text import decode, redact
from forkbot.verify.build import Say, compile_package
from forkbot.verify.family import Family, SmokeUnit
from forkbot.verify.wasmtime import NETWORK, NO_CACHE
from forkbot.verify.workshop import Workshop


class _Page(http.server.BaseHTTPRequestHandler):
    """Answers every GET with the server's word."""

    server: "_Server"

    def do_GET(self) -> None:
        """Send the word as a small page."""
        body = f"forkbot serves {self.server.word}\n".encode()
        self.server.requests += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay quiet: the component's own words are the log."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    word = ""
    requests = 0


@contextlib.contextmanager
def serve_http() -> Iterator[_Server]:
    """Serve one word on a free loopback port for the length of the block."""
    with _Server(("127.0.0.1", 0), _Page) as server:
        server.word = secrets.token_hex(8)
        # a daemon: Ctrl-C may come before the `try`, and nobody would ever shut it down
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(timeout=10)


def run_smoke(
    unit: SmokeUnit, *, family: Family, workshop: Workshop, wasmtime: Path, env: process.Env,
    pristine: bool, say: Say,
) -> Smoke:  # fmt: skip
    """Build one component and run it; as control when ``pristine``."""
    policy = unit.policy
    kind = "on pristine upstream" if pristine else "with the stacks"
    say(f"building {policy.name} {kind}")
    flags = policy.upstream.rustflags if pristine else ()
    built = compile_package(
        unit.package, family=family, workshop=workshop, say=say, rustflags=flags
    )
    if not built.ok or len(built.executables) != 1:
        why = built.why or f"the build made {len(built.executables)} programs, not one"
        shown = "\n".join(d.rendered for d in built.diagnostics if d.level == "error")
        return _judge(unit, pristine=pristine, exit_code=None, seconds=0.0,
                      green=False, why=f"it does not build: {why}", output=shown)  # fmt: skip
    say(f"running {policy.name} {kind}")
    ran = _run(
        unit, built.executables[0], workshop=workshop, wasmtime=wasmtime, env=env,
        pristine=pristine,
    )  # fmt: skip
    output = family.told(ran.output).replace(f"{workshop.target_dir}/", "target/")
    return msgspec.structs.replace(ran, output=output)


def _run(
    unit: SmokeUnit, component: Path, *, workshop: Workshop, wasmtime: Path, env: process.Env,
    pristine: bool,
) -> Smoke:  # fmt: skip
    limit = unit.policy.timeout
    with serve_http() as server:
        url = f"http://localhost:{server.server_port}/"
        served = unit.policy.serves == "http"
        given = ("--env", f"FORKBOT_URL={url}") if served else ()
        argv: list[str | Path] = [wasmtime, "run", *NO_CACHE, *NETWORK, *given, component]
        if workshop.secluded:  # the sandbox in the sandbox: a component is upstream's code, too
            shown = (wasmtime.parent, component)
            root = workshop.target_dir.parent / "view"
            argv = secluded(argv, View(root=root, read=shown, network=True))
        try:
            ended = process.run(argv, env=env, timeout=limit, ok=None)
        except TimedOutError as e:
            return _judge(
                unit, pristine=pristine, exit_code=None, seconds=float(limit), green=False,
                why=f"it was ended after {limit} s", output=_output(e.stdout, e.stderr),
            )  # fmt: skip
        fetched = server.word.encode() in ended.stdout
    why = ""
    if ended.code != 0:
        why = f"exit code {ended.code}"
    elif served and not fetched:
        why = f"it ended well but did not print what {url} serves"
    return _judge(
        unit, pristine=pristine, exit_code=ended.code, seconds=ended.seconds,
        green=not why, why=why, output=_output(ended.stdout, ended.stderr),
    )  # fmt: skip


_FRAME = re.compile(r"^\s*\d+:\s+0x[0-9a-f]+ - ")
_HEAD, _TAIL = 12, 12  # lines


def _output(stdout: bytes, stderr: bytes) -> str:
    """Return what a component said: how it began and how it ended, without wasm frames.

    A panic's own words come first, and some twenty frames that nobody asked for after them.
    """
    lines = redact(decode(stdout + stderr)).splitlines()
    told = [line for line in lines if not _FRAME.match(line)]
    if len(told) > _HEAD + _TAIL:
        left_out = len(told) - _HEAD - _TAIL
        told = [*told[:_HEAD], f"… {left_out} lines …", *told[-_TAIL:]]
    return "\n".join(told)


def _judge(
    unit: SmokeUnit, *, pristine: bool, exit_code: int | None, seconds: float, green: bool,
    why: str, output: str,
) -> Smoke:  # fmt: skip
    wanted = unit.policy.upstream.expect == "green" if pristine else True
    if pristine and green and not wanted:
        why = "upstream is green by itself: the patch that made the difference may go"
    return Smoke(
        stack=unit.stack.name,
        name=unit.policy.name,
        pristine=pristine,
        colour=Colour.GREEN if green == wanted else Colour.RED,
        ran_green=green,
        exit_code=exit_code,
        seconds=round(seconds, 1),
        why=why,
        output=output,
    )
