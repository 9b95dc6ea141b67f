"""HTTPS with a certificate of a CA made for this run: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1."""

import contextlib
import functools
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping

from forkbot.verify.services.http1 import Handler
from forkbot.verify.services.listening import Address, answering

_NAMES = ("localhost", "127.0.0.1", "::1")


@contextlib.contextmanager
def serve_https(word: str) -> Iterator[Mapping[str, str]]:
    """Serve the pages over TLS, and at a second port over nothing newer than TLS 1.2."""
    import trustme  # noqa: PLC0415 - cryptography takes a tenth of a second to load

    authority, other = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert(*_NAMES)
    newest, older = _context(), _context()
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    for context in (newest, older):
        certificate.configure_cert(context)
    with (
        answering(functools.partial(_answer, newest, word)) as port,
        answering(functools.partial(_answer, older, word)) as port12,
    ):
        yield {
            "FORKBOT_HTTPS_PORT": str(port),
            "FORKBOT_TLS12_PORT": str(port12),
            "FORKBOT_CA": authority.cert_pem.bytes().decode(),
            "FORKBOT_OTHER_CA": other.cert_pem.bytes().decode(),
        }


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def _answer(
    context: ssl.SSLContext, word: str, plain: socket.socket, address: Address,
    ended: threading.Event,
) -> None:  # fmt: skip
    from forkbot.verify.services.http2 import Http2  # noqa: PLC0415 - only where it is spoken

    with context.wrap_socket(plain, server_side=True) as connection:
        if connection.selected_alpn_protocol() == "h2":
            Http2(word, connection, address).converse(ended)
        else:
            Handler(word, connection, address, ended)
