"""Loopback ports, and what answers there: one thread a connection, all ended with the block."""

import contextlib
import functools
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

from forkbot.errors import MachineError

Address = tuple[str, int]
# Answers one connection until there is no more to say; the event is set when the service ends.
Answer = Callable[[socket.socket, Address, threading.Event], object]

FOUR, SIX = "127.0.0.1", "::1"
PATIENCE = 60.0  # seconds that a service waits for the other side
POLL = 0.01  # seconds until a service hears that it is to end; some hundred are ended in a verify
_TRIES = 20


class _Server(socketserver.ThreadingTCPServer):
    """Hands each connection of one socket that listens to ``answer``."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, answer: Answer, ended: threading.Event) -> None:
        self.address_family = listener.family
        address = listener.getsockname()[:2]
        super().__init__(address, socketserver.BaseRequestHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self._answer, self._ended = answer, ended
        self._open: set[socket.socket] = set()

    def finish_request(self, request: object, client_address: object) -> None:
        """Answer one connection; a peer that is gone is no fault of ours."""
        assert isinstance(request, socket.socket)
        assert isinstance(client_address, tuple)
        request.settimeout(PATIENCE)
        self._open.add(request)
        with contextlib.suppress(OSError):
            self._answer(request, client_address[:2], self._ended)
        self._open.discard(request)

    def end_connections(self) -> None:
        """End what is still open, so that no thread waits for it."""
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def bound(kind: socket.SocketKind, *, six: bool = True) -> Iterator[tuple[socket.socket, ...]]:
    """Hold one free port at 127.0.0.1 and, unless the machine has none or not ``six``, at ::1."""
    sockets = _bind(kind, six=six and has_six())
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


def has_six() -> bool:
    """Whether this machine has ::1."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind((SIX, 0))
        return True
    return False


def _bind(kind: socket.SocketKind, *, six: bool) -> tuple[socket.socket, ...]:
    for _ in range(_TRIES):
        four = socket.socket(socket.AF_INET, kind)
        four.bind((FOUR, 0))
        if not six:
            return (four,)
        also = socket.socket(socket.AF_INET6, kind)
        try:
            also.bind((SIX, four.getsockname()[1]))
        except OSError:  # somebody has that port there
            four.close()
            also.close()
            continue
        return four, also
    raise MachineError("no port is free at both 127.0.0.1 and ::1")


@contextlib.contextmanager
def in_thread(work: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Do ``work`` in a thread for the length of the block; ``stop`` makes it return."""
    # a daemon: Ctrl-C may come while it starts, before anybody knows whether there is one to stop
    thread = threading.Thread(target=work, daemon=True)
    try:
        thread.start()
        yield
    finally:
        if thread.is_alive():
            stop()
            thread.join(timeout=10)


@contextlib.contextmanager
def answering(answer: Answer, *, six: bool = True) -> Iterator[int]:
    """Answer TCP connections on one loopback port; yield the port."""
    ended = threading.Event()
    with contextlib.ExitStack() as running:
        sockets = running.enter_context(bound(socket.SOCK_STREAM, six=six))
        for listener in sockets:
            listener.listen(32)
            server = _Server(listener, answer, ended)
            running.callback(server.end_connections)
            serving = functools.partial(server.serve_forever, POLL)
            running.enter_context(in_thread(serving, server.shutdown))
        running.callback(ended.set)
        yield sockets[0].getsockname()[1]
