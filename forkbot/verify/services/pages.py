"""The pages that the HTTP services have, whatever version of HTTP asks for them.

| path | answer |
|---|---|
| `/` | the word |
| `/redirect` | 302 to `/` |
| `/slow` | the word, after 5 s |
| `/chunked` | the word, in chunks |
| `/stream` | some chunks with pauses between them, the word in the last |
| `/gzip` | the word, compressed |
| `/connection` | the word and the client's port: the same port twice is the same connection |
| `/json` | to a POST of a JSON object: the object, and the word as one more key |
| `/echo` | to a POST: what was sent, and the word on a line of its own |
"""

import dataclasses
import gzip
import json
from collections.abc import Callable, Mapping

_SLOW, _PAUSE = 5.0, 0.1  # seconds


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, as far as the pages want to know it."""

    method: str
    path: str
    body: bytes
    port: int  # the client's


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer. More than one chunk is sent in chunks, ``pause`` seconds apart."""

    chunks: tuple[bytes, ...]
    status: int = 200
    kind: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = ()
    wait: float = 0.0
    pause: float = 0.0


def page(asked: Asked, word: str) -> Page:
    """Return the answer to one request."""
    method, answer = _PAGES.get(asked.path.partition("?")[0], ("", _missing))
    if method and asked.method != method:
        return Page(status=405, headers=(("allow", method),), chunks=(b"",))
    return answer(asked, f"forkbot serves {word}\n".encode())


def _json(asked: Asked, line: bytes) -> Page:
    try:
        got = json.loads(asked.body)
    except (ValueError, RecursionError) as e:
        return Page(status=400, chunks=(f"not JSON: {e}\n".encode(),))
    if not isinstance(got, dict):
        return Page(status=400, chunks=(b"not a JSON object\n",))
    said = json.dumps({**got, "word": line.split()[-1].decode()}).encode()
    return Page(kind="application/json", chunks=(said,))


def _missing(asked: Asked, _: bytes) -> Page:
    return Page(status=404, chunks=(f"no page {asked.path}\n".encode(),))


def _redirect(_: Asked, __: bytes) -> Page:
    return Page(status=302, headers=(("location", "/"),), chunks=(b"",))


def _gzip(_: Asked, line: bytes) -> Page:
    return Page(headers=(("content-encoding", "gzip"),), chunks=(gzip.compress(line),))


def _stream(_: Asked, line: bytes) -> Page:
    return Page(pause=_PAUSE, chunks=(b"one\n", b"two\n", b"three\n", line))


def _connection(asked: Asked, line: bytes) -> Page:
    return Page(chunks=(line.rstrip() + f" {asked.port}\n".encode(),))


_PAGES: Mapping[str, tuple[str, Callable[[Asked, bytes], Page]]] = {
    "/": ("GET", lambda _, line: Page(chunks=(line,))),
    "/redirect": ("GET", _redirect),
    "/slow": ("GET", lambda _, line: Page(wait=_SLOW, chunks=(line,))),
    "/chunked": ("GET", lambda _, line: Page(chunks=(line[:4], line[4:11], line[11:]))),
    "/stream": ("GET", _stream),
    "/gzip": ("GET", _gzip),
    "/connection": ("GET", _connection),
    "/json": ("POST", _json),
    "/echo": ("POST", lambda asked, line: Page(chunks=(asked.body + b"\n" + line,))),
}
