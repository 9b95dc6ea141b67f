"""HTTP/1.1 with keep-alive and chunks, over whatever connection it is given."""

import contextlib
import functools
import http.server
import socket
import threading
from collections.abc import Iterator, Mapping

from forkbot.verify.services.listening import Address, answering
from forkbot.verify.services.pages import Asked, Page, page

LARGEST = 1 << 20  # bytes of a request's body


class _TooMuchError(ValueError):
    """More is announced than is read."""


def _size(said: str | bytes, base: int, room: int) -> int:
    """Return a size that the other side announces, in bytes; raise ``ValueError`` for no such."""
    size = int(said, base)
    if size < 0:
        raise ValueError(said)
    if size > room:
        raise _TooMuchError(said)
    return size


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers the requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    server_version = "forkbot"
    sys_version = ""

    def __init__(
        self, word: str, connection: socket.socket, address: Address, ended: threading.Event
    ) -> None:
        self.word, self.ended = word, ended
        super().__init__(connection, address, None)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Answer a POST."""
        body = self.read_body()
        if body is not None:
            self._answer(body)

    def read_body(self) -> bytes | None:
        """Return the request's body, sent whole or in chunks; None where it was refused."""
        try:
            return self._body()
        except _TooMuchError:
            self.send_error(413)
        except ValueError:
            self.send_error(400, "how long the body is")
        return None

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(_size(self.headers.get("content-length", "0"), 10, LARGEST))
        body = b""
        while size := _size(self.rfile.readline(64).split(b";")[0], 16, LARGEST - len(body)):
            body += self.rfile.read(size)
            self.rfile.readline(64)
        self.rfile.readline(64)
        return body

    def _answer(self, body: bytes) -> None:
        port = self.client_address[1]
        asked = Asked(method=self.command, path=self.path, body=body, port=port)
        self.send(page(asked, self.word))

    def send(self, answer: Page) -> None:
        """Send a page, in chunks when it has more than one."""
        self.ended.wait(answer.wait)
        self.send_response(answer.status)
        self.send_header("content-type", answer.kind)
        for name, value in answer.headers:
            self.send_header(name, value)
        if len(answer.chunks) == 1:
            self.send_header("content-length", str(len(answer.chunks[0])))
            self.end_headers()
            self.wfile.write(answer.chunks[0])
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in answer.chunks:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.ended.wait(answer.pause)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay quiet: the component's own words are the log."""


@contextlib.contextmanager
def serve_http(word: str) -> Iterator[Mapping[str, str]]:
    """Serve the pages over plain HTTP/1.1, at both families."""
    with answering(functools.partial(Handler, word)) as port:
        yield {"FORKBOT_HTTP_PORT": str(port)}


@contextlib.contextmanager
def serve_http_v4(word: str) -> Iterator[Mapping[str, str]]:
    """Serve the pages at 127.0.0.1 alone: who asks at ::1 is refused and has to try again."""
    with answering(functools.partial(Handler, word), six=False) as port:
        yield {"FORKBOT_HTTP_V4_PORT": str(port)}
