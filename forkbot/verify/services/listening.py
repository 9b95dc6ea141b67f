"""Loopback ports, and what answers there: one thread a connection, all ended with the block."""

import contextlib
import functools
import selectors
import socket
import threading
from collections.abc import Callable, Iterator, Sequence

from forkbot.errors import MachineError

Address = tuple[str, int]
# Answers one connection until there is no more to say; the event is set when the service ends.
Answer = Callable[[socket.socket, Address, threading.Event], object]

FOUR, SIX = "127.0.0.1", "::1"
PATIENCE = 60.0  # seconds that a service waits for the other side
_TRIES = 20
_AT_ONCE = 256  # connections


class _Connections:
    """Hands each connection that somebody opens to ``answer``, in a thread of its own."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._ended = threading.Event()
        self._open: set[socket.socket] = set()

    def welcome(self, listener: socket.socket) -> None:
        """Begin to answer who waits at ``listener``."""
        connection, address = listener.accept()
        if len(self._open) >= _AT_ONCE:  # each costs a thread of forkbot's own
            connection.close()
            return
        connection.settimeout(PATIENCE)
        self._open.add(connection)
        talk = functools.partial(self._converse, connection, address[:2])
        threading.Thread(target=talk, daemon=True).start()

    def _converse(self, connection: socket.socket, address: Address) -> None:
        # a peer that is gone is no fault of ours
        with contextlib.suppress(OSError), connection:
            self._answer(connection, address, self._ended)
        self._open.discard(connection)

    def end(self) -> None:
        """End what is still open, so that no thread waits for it."""
        self._ended.set()
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
def attending(
    sockets: Sequence[socket.socket], attend: Callable[[socket.socket], None]
) -> Iterator[None]:
    """Call ``attend`` in a thread with whichever of ``sockets`` somebody wants something of."""
    here, there = socket.socketpair()  # closed, it wakes the thread: hundreds end in a verify

    def wait() -> None:
        with selectors.DefaultSelector() as selector:
            for each in (there, *sockets):
                each.settimeout(0)
                selector.register(each, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is there:
                        return
                    assert isinstance(key.fileobj, socket.socket)
                    with contextlib.suppress(OSError):  # who asked is gone already
                        attend(key.fileobj)

    # a daemon: Ctrl-C may come while it starts, before anybody knows whether there is one to stop
    thread = threading.Thread(target=wait, daemon=True)
    with there:
        try:
            thread.start()
            yield
        finally:
            here.close()
            if thread.is_alive():
                thread.join(timeout=10)


@contextlib.contextmanager
def answering(answer: Answer, *, six: bool = True) -> Iterator[int]:
    """Answer TCP connections on one loopback port; yield the port."""
    connections = _Connections(answer)
    with bound(socket.SOCK_STREAM, six=six) as sockets:
        for listener in sockets:
            listener.listen(32)
        with attending(sockets, connections.welcome):
            try:
                yield sockets[0].getsockname()[1]
            finally:
                connections.end()
