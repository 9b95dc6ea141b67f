"""The gate before ``emulate``: it notes and checks each request, and breaks what a test says.

What stands behind it is not ours; what is broken here, and how, is all that we make up.
"""

import contextlib
import dataclasses
import http.client
import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

from tests.forge.emulator import OUR_TOKEN, one_of_ours
from tests.forge.extract import Json
from tests.forge.openapi import wrong_answer, wrong_request


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it came."""

    verb: str
    path: str
    query: Mapping[str, list[str]]
    body: Json
    token: str

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.verb != "GET"

    def __str__(self) -> str:
        return f"{self.verb} {self.path}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent in place of emulate's answer; ``done``: although emulate has done it."""

    status: int
    body: object = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    done: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Lost:
    """The line breaks: before emulate hears of it, or after it has done it."""

    after: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Half:
    """The line breaks in the midst of emulate's answer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Drip:
    """A byte now and then, for ever."""

    pause: float = 0.05


Fault = Answer | Lost | Half | Drip
Which = Callable[[Asked], bool]


class Gate:
    """Where it listens, what it was asked, what it shall break."""

    def __init__(self) -> None:
        self.behind = 0  # emulate's port
        self.asked: list[Asked] = []
        self.wrong: list[str] = []
        self.calm = threading.Event()  # set when nothing shall drip any more
        self.done: Callable[[Asked], None] = lambda _: None  # called before an answer is sent
        # called as a write comes; False: the line breaks before it is done
        self.meet: Callable[[Asked], bool] = lambda _: True
        # what GitHub refuses and emulate would do
        self.refusal: Callable[[Asked], Answer | None] = lambda _: None
        self._faults: list[tuple[Which, Fault]] = []
        self._added: list[tuple[Which, Mapping[str, str]]] = []
        self._server = _Server(("127.0.0.1", 0), self)

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def writes(self) -> list[str]:
        """Return the requests that may have changed something, since the last ``fresh``."""
        return [str(a) for a in self.asked if a.writes]

    def fresh(self) -> None:
        """Forget what was asked and what was to be broken."""
        self.asked.clear()
        self._faults.clear()
        self._added.clear()
        self.done = lambda _: None
        self.calm.set()
        self.calm = threading.Event()

    def breaks(self, which: Which, *faults: Fault) -> None:
        """Break the next requests of a kind: the first with the first fault, and so on."""
        self._faults += [(which, fault) for fault in faults]

    def adds(self, which: Which, headers: Mapping[str, str]) -> None:
        """Add headers to emulate's answers."""
        self._added.append((which, headers))

    def added(self, asked: Asked) -> dict[str, str]:
        """Return the headers to add."""
        return {k: v for which, added in self._added if which(asked) for k, v in added.items()}

    def cut(self, number: int, *, after: bool) -> None:
        """Let the line be dead from the write of that number on (0 is the first)."""
        seen = [0]
        cut = [False]

        def which(asked: Asked) -> bool:
            if not cut[0] and asked.writes:
                cut[0] = seen[0] == number
                seen[0] += 1
            return cut[0]

        self._faults.append((which, Lost(after=after)))
        self._faults += [(lambda _: cut[0], Lost(after=False))] * 200

    def fault(self, asked: Asked) -> Fault | None:
        """Take the fault that is due."""
        for at, (which, fault) in enumerate(self._faults):
            if which(asked):
                del self._faults[at]
                return fault
        return None

    def note(self, asked: Asked) -> None:
        """Check a request against GitHub's description."""
        self.asked.append(asked)
        self.wrong += wrong_request(asked.verb, asked.path, asked.query, asked.body)
        if not asked.token:
            self.wrong.append(f"{asked}: nobody asks")

    @contextlib.contextmanager
    def opened(self) -> Iterator["Gate"]:
        """Serve."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.calm.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], gate: Gate) -> None:
        self.gate = gate
        super().__init__(address, _Handler)

    def handle_error(self, *_: object) -> None:
        """A line that a test broke is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815 - as http.server calls them

    def _serve(self) -> None:
        gate = self.server.gate
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        asked = Asked(
            verb=self.command,
            path=parts.path,
            query=parse_qs(parts.query),
            body=json.loads(data) if data else None,
            token=self.headers.get("Authorization", "").rpartition(" ")[2],
        )
        gate.note(asked)
        met = not asked.writes or gate.meet(asked)  # which may take its time
        fault = (gate.fault(asked) or gate.refusal(asked)) if met else Lost(after=False)
        match fault:
            case None:
                answer = self._behind(data)
                headers = {**answer.headers, **gate.added(asked)}
                answer = dataclasses.replace(answer, headers=headers)
                gate.done(asked)
                self._send(answer)
            case Answer():
                if fault.done:
                    self._behind(data)
                if fault.status < 300 and not isinstance(fault.body, bytes):
                    gate.wrong += wrong_answer(asked.verb, asked.path, fault.status, fault.body)
                self._send(fault)
            case Lost():
                if fault.after:
                    self._behind(data)
                self._hang_up()
            case Half():
                answer = self._behind(data)
                assert isinstance(answer.body, bytes)
                self._send(answer, whole=False)
                self._hang_up()
            case Drip():
                self._drip(fault.pause)

    def _behind(self, data: bytes) -> Answer:
        line = http.client.HTTPConnection("127.0.0.1", self.server.gate.behind, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "accept-encoding"}
        # GitHub's limits are the gate's to play, as each test has it; emulate's own is one an hour
        if self.headers.get("Authorization", "").endswith(f" {OUR_TOKEN}"):
            headers["Authorization"] = f"token {one_of_ours()}"
        with contextlib.closing(line):
            line.request(self.command, self.path, data or None, headers)
            answer = line.getresponse()
            whole = answer.read()
        kept = {k: v for k, v in answer.getheaders() if k.lower() in ("content-type", "link")}
        kept |= {k: v for k, v in answer.getheaders() if k.lower().startswith("x-")}
        return Answer(status=answer.status, body=whole, headers=kept)

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, answer: Answer, *, whole: bool = True) -> None:
        data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response_only(answer.status)
        headers = {"Content-Type": "application/json", "Date": self.date_time_string()}
        headers |= answer.headers
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data if whole else data[: len(data) // 2])

    def _drip(self, pause: float) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        calm = self.server.gate.calm
        while not calm.is_set():
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(pause)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing: the gate notes what it needs."""
