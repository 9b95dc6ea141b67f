"""What gives back what it gets, over TCP and UDP; and a port where nobody listens."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping

from forkbot.verify.services.listening import Address, answering, attending, bound

_AT_ONCE = 1 << 16


@contextlib.contextmanager
def tcp_echo(_word: str) -> Iterator[Mapping[str, str]]:
    """Give back what comes, until the other side says no more."""
    with answering(_give_back) as port:
        yield {"FORKBOT_TCP_PORT": str(port)}


def _give_back(connection: socket.socket, _: Address, ended: threading.Event) -> None:
    while not ended.is_set() and (received := connection.recv(_AT_ONCE)):
        connection.sendall(received)


@contextlib.contextmanager
def udp_echo(_word: str) -> Iterator[Mapping[str, str]]:
    """Give back each datagram to where it came from."""
    with bound(socket.SOCK_DGRAM) as sockets, attending(sockets, _give_datagram_back):
        yield {"FORKBOT_UDP_PORT": str(sockets[0].getsockname()[1])}


def _give_datagram_back(bound_one: socket.socket) -> None:
    received, sender = bound_one.recvfrom(_AT_ONCE)
    bound_one.sendto(received, sender)


@contextlib.contextmanager
def refuse(_word: str) -> Iterator[Mapping[str, str]]:
    """Hold a port on which nobody listens: who connects is refused, and nobody else gets it."""
    with bound(socket.SOCK_STREAM) as sockets:
        yield {"FORKBOT_REFUSED_PORT": str(sockets[0].getsockname()[1])}
