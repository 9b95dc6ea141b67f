"""An HTTP proxy that goes to loopback only and signs what passes with a Via header."""

import contextlib
import functools
import http.client
import selectors
import socket
import urllib.parse
from collections.abc import Iterator, Mapping

from forkbot.verify.services.http1 import LARGEST, Handler
from forkbot.verify.services.listening import FOUR, PATIENCE, SIX, answering
from forkbot.verify.services.pages import Page

_LOOPBACK = {"localhost": FOUR, FOUR: FOUR, SIX: SIX}
_HOP_BY_HOP = frozenset((
    "connection", "content-length", "date", "keep-alive", "proxy-authorization",
    "proxy-connection", "server", "te", "trailer", "transfer-encoding", "upgrade", "via",
))  # fmt: skip


class _Proxy(Handler):
    def do_GET(self) -> None:  # noqa: N802 - the library's name
        self._forward(b"")

    def do_POST(self) -> None:  # noqa: N802
        body = self.read_body()
        if body is not None:
            self._forward(body)

    def do_CONNECT(self) -> None:  # noqa: N802
        """Join the client with where it wants to, and hear nothing of what they say."""
        target = _target(f"//{self.path}")
        if target is None:
            self.send(Page(status=403, chunks=(b"loopback only\n",)))
            return
        with socket.create_connection(target, timeout=PATIENCE) as there:
            self.send_response(200)
            self.end_headers()
            self._relay(there)
        self.close_connection = True

    def _forward(self, body: bytes) -> None:
        target = _target(self.path)
        if target is None:
            self.send(Page(status=403, chunks=(b"loopback only\n",)))
            return
        parts = urllib.parse.urlsplit(self.path)
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        own = {n: v for n, v in self.headers.items() if n.lower() not in _HOP_BY_HOP}
        link = http.client.HTTPConnection(*target, timeout=PATIENCE)
        with contextlib.closing(link):
            try:
                link.request(self.command, path, body=body or None, headers=own)
                answer = link.getresponse()
                said = answer.read(LARGEST + 1)
            except (OSError, http.client.HTTPException, ValueError) as e:
                self._bad_gateway(f"{e}")
                return
        if len(said) > LARGEST:
            self._bad_gateway(f"more than {LARGEST:,} bytes")
            return
        headers = [(n, v) for n, v in answer.getheaders() if n.lower() not in _HOP_BY_HOP]
        kind = answer.headers.get_content_type()
        self.send(Page(
            status=answer.status, kind=kind, chunks=(said,),
            headers=(*((n, v) for n, v in headers if n.lower() != "content-type"),
                     ("via", "1.1 forkbot")),
        ))  # fmt: skip

    def _bad_gateway(self, why: str) -> None:
        self.send(Page(status=502, chunks=(f"{why}\n".encode(),)))

    def _relay(self, there: socket.socket) -> None:
        here = self.connection
        with selectors.DefaultSelector() as selector:
            for one, other in ((here, there), (there, here)):
                selector.register(one, selectors.EVENT_READ, other)
            while not self.ended.is_set() and len(selector.get_map()) == 2:
                for key, _ in selector.select(PATIENCE):
                    assert isinstance(key.fileobj, socket.socket)
                    if received := key.fileobj.recv(1 << 16):
                        key.data.sendall(received)
                    else:
                        selector.unregister(key.fileobj)


def _target(url: str) -> tuple[str, int] | None:
    """Return where a URL leads, when that is loopback."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = _LOOPBACK.get(parts.hostname or ""), parts.port or 80
    except ValueError:
        return None
    return (host, port) if host else None


@contextlib.contextmanager
def serve_proxy(_word: str) -> Iterator[Mapping[str, str]]:
    """Forward HTTP requests, and join what CONNECT names."""
    with answering(functools.partial(_Proxy, "")) as port:
        yield {"FORKBOT_PROXY_PORT": str(port)}
