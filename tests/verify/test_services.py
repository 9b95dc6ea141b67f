"""What is served to components, asked by real clients: curl, and Python's sockets."""

import contextlib
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forkbot.model.smoke import Service
from forkbot.verify.services import Served, serve
from forkbot.verify.services.listening import has_six

ALL: tuple[Service, ...] = (
    "http", "http-v4", "https", "tcp-echo", "udp-echo", "refused", "proxy",
)  # fmt: skip
LOOPBACK = ("127.0.0.1", "::1") if has_six() else ("127.0.0.1",)
REFUSED, DISTRUSTED, NO_HANDSHAKE = 7, 60, 35  # exit codes of curl


class Curl:
    """curl against what is served; it takes no proxy and no CA but what it is told."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.env, self.word = served.env, served.word
        self.authorities = {}
        for name in ("FORKBOT_CA", "FORKBOT_OTHER_CA"):
            self.authorities[name] = folder / name
            self.authorities[name].write_text(served.env[name])

    def url(self, service: str, path: str = "/", host: str = "localhost") -> str:
        """Return where a page is, of a service by the name of its variable."""
        scheme = "https" if service in {"HTTPS", "TLS12"} else "http"
        return f"{scheme}://{host}:{self.port(service)}{path}"

    def port(self, service: str) -> int:
        """Return a service's port."""
        return int(self.env[f"FORKBOT_{service}_PORT"])

    def ask(self, *argv: str, code: int = 0, ca: str = "FORKBOT_CA") -> str:
        """Return what curl prints."""
        plain = ["curl", "-sS", "-m", "20", "--cacert", str(self.authorities[ca]), *argv]
        noproxy = [] if "-x" in argv else ["--noproxy", "*"]
        done = subprocess.run(
            [*plain, *noproxy], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def curl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Curl]:
    """Return a client while everything is served."""
    with serve(ALL) as served:
        yield Curl(served, tmp_path_factory.mktemp("ca"))


@pytest.fixture
def line(curl: Curl) -> str:
    """Return the line that every page gives."""
    return f"forkbot serves {curl.word}\n"


VERSIONS = {
    "HTTP/1.1": ("HTTP", "--http1.1"),
    "HTTP/1.1 over TLS": ("HTTPS", "--http1.1"),
    "HTTP/2 over TLS": ("HTTPS", "--http2"),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_each_page_in_each_version_of_http(curl: Curl, line: str, version: str) -> None:
    service, option = VERSIONS[version]
    asked = (option, "--compressed", "-w", " %{http_version}")

    def got(path: str, *more: str) -> str:
        said, _, number = curl.ask(*asked, *more, curl.url(service, path)).rpartition(" ")
        assert number == option.removeprefix("--http").removesuffix(".0")
        return said

    assert got("/") == got("/?a=1") == got("/chunked") == got("/gzip") == line
    assert got("/redirect") == ""
    assert got("/redirect", "-L") == line
    assert got("/stream") == f"one\ntwo\nthree\n{line}"
    assert json.loads(got("/json", "-d", '{"a": [1]}')) == {"a": [1], "word": curl.word}
    assert got("/json", "-d", "[1]") == "not a JSON object\n"
    assert got("/json", "-d", "{").startswith("not JSON: ")
    assert got("/echo", "-d", "hello") == f"hello\n{line}"
    assert got("/nowhere") == "no page /nowhere\n"


def test_a_slow_page_takes_longer_than_a_client_need_wait(curl: Curl, line: str) -> None:
    assert curl.ask("-m", "1", curl.url("HTTP", "/slow"), code=28) == ""
    assert curl.ask(curl.url("HTTP", "/slow")) == line


def test_a_connection_is_kept_and_told_by_its_port(curl: Curl) -> None:
    page = curl.url("HTTP", "/connection")
    ports = [li.split()[-1] for li in curl.ask(page, page).splitlines()]
    assert ports[0] == ports[1] != curl.ask(page).split()[-1]


def test_a_body_in_chunks_and_pages_that_are_really_sent_in_chunks(curl: Curl, line: str) -> None:
    sent = curl.ask("-H", "Transfer-Encoding: chunked", "-d", "hello", curl.url("HTTP", "/echo"))
    assert sent == f"hello\n{line}"
    raw = curl.ask("--raw", "-i", curl.url("HTTP", "/chunked"))
    assert "\ntransfer-encoding: chunked\n" in raw
    assert raw.endswith(f"\n4\nfork\n7\nbot ser\n15\nves {curl.word}\n\n0\n\n")


def test_what_may_not_be_asked_so_is_said(curl: Curl) -> None:
    status = ("-o", "/dev/null", "-w", "%{http_code}")
    for service in ("HTTP", "HTTPS"):
        asked = [curl.ask(*status, curl.url(service, path)) for path in ("/json", "/nowhere")]
        assert asked == ["405", "404"]


@pytest.mark.parametrize("host", LOOPBACK)
def test_pages_are_at_both_families_and_one_service_at_one_alone(
    curl: Curl, line: str, host: str
) -> None:
    name = f"[{host}]" if ":" in host else host
    for service in ("HTTP", "HTTPS"):
        assert curl.ask(curl.url(service, host=name)) == line
    code = 0 if host == "127.0.0.1" else REFUSED
    assert curl.ask(curl.url("HTTP_V4", host=name), code=code) == ("" if code else line)


def test_tls_is_1_2_or_1_3_and_of_the_runs_own_ca(curl: Curl, line: str) -> None:
    page, older = curl.url("HTTPS"), curl.url("TLS12")
    assert curl.ask("--tlsv1.3", page) == curl.ask("--tls-max", "1.2", page) == line
    assert curl.ask("--tls-max", "1.2", older) == line
    assert curl.ask("--tlsv1.3", older, code=NO_HANDSHAKE) == ""
    for url in (page, older):
        assert curl.ask(url, ca="FORKBOT_OTHER_CA", code=DISTRUSTED) == ""


def test_the_proxy_signs_what_it_brings_and_goes_to_loopback_only(curl: Curl, line: str) -> None:
    proxy = f"http://127.0.0.1:{curl.port('PROXY')}"
    through = curl.ask("-x", proxy, "-i", curl.url("HTTP")).replace("\r\n", "\n")
    head, _, body = through.partition("\n\n")
    assert "via: 1.1 forkbot" in head.splitlines()
    assert body == line
    assert "via:" not in curl.ask("-i", curl.url("HTTP"))
    assert json.loads(curl.ask("-x", proxy, "-d", "{}", curl.url("HTTP", "/json")))["word"]
    assert curl.ask("-x", proxy, curl.url("HTTPS")) == line, "by CONNECT"
    assert curl.ask("-x", proxy, "http://example.com/") == "loopback only\n"
    assert curl.ask("-x", proxy, "https://example.com/", code=56) == ""
    assert "refused" in curl.ask("-x", proxy, curl.url("REFUSED")).lower()


@pytest.mark.parametrize("host", LOOPBACK)
def test_echoes_give_back_what_they_get(curl: Curl, host: str) -> None:
    with socket.create_connection((host, curl.port("TCP")), timeout=20) as tcp:
        tcp.sendall(b"one")
        assert tcp.recv(10) == b"one"
        tcp.sendall(b"two")
        tcp.shutdown(socket.SHUT_WR)
        assert tcp.recv(10) == b"two"
        assert tcp.recv(10) == b""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as udp:
        udp.settimeout(20)
        for said in (b"one", b"", b"two"):
            udp.sendto(said, (host, curl.port("UDP")))
            assert udp.recvfrom(10)[0] == said


@pytest.mark.parametrize("host", LOOPBACK)
def test_nobody_listens_where_connections_are_refused(curl: Curl, host: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, curl.port("REFUSED")), timeout=20)


LARGEST = 1 << 20
POST = "POST /echo HTTP/1.1\r\nhost: localhost\r\n"
CHUNKED = f"{POST}transfer-encoding: chunked\r\n\r\n"
NONSENSE = {  # what a component sends, and the status that it gets
    "a length that is none": (f"{POST}content-length: many\r\n\r\n", "400"),
    "a length below nothing": (f"{POST}content-length: -1\r\n\r\n", "400"),
    "more than there is room for": (f"{POST}content-length: {LARGEST + 1}\r\n\r\n", "413"),
    "a chunk's size that is none": (f"{CHUNKED}xyz\r\nhello\r\n", "400"),
    "a chunk's size below nothing": (f"{CHUNKED}-5\r\nhello\r\n", "400"),
    "chunks without an end": (
        CHUNKED + 2 * f"{LARGEST // 2:x}\r\n{LARGEST // 2 * 'a'}\r\n" + "1\r\n", "413",
    ),
    "JSON without a bottom": (
        f"POST /json HTTP/1.1\r\ncontent-length: {LARGEST}\r\n\r\n" + LARGEST * "[", "400",
    ),
}  # fmt: skip


@pytest.mark.parametrize("service", ["HTTP", "PROXY"])
@pytest.mark.parametrize("said", NONSENSE)
def test_nonsense_is_told_so_and_takes_no_room(curl: Curl, said: str, service: str) -> None:
    """A component is upstream's code: what it sends is read within bounds, or not at all."""
    sent, status = NONSENSE[said]
    place = f"http://localhost:{curl.port('HTTP')}/" if service == "PROXY" else "/"
    with socket.create_connection(("127.0.0.1", curl.port(service)), timeout=20) as connection:
        with contextlib.suppress(OSError):  # it may hear enough before all is sent
            connection.sendall(sent.replace(" /", f" {place}", 1).encode())
        answer = connection.makefile("rb").readline().split()
    assert answer[1:2] == [status.encode()]


@pytest.mark.parametrize("service", ["HTTP", "HTTPS", "PROXY", "TCP"])
@settings(max_examples=20)
@given(sent=st.binary(max_size=400))
def test_whatever_comes_each_service_serves_on(curl: Curl, service: str, sent: bytes) -> None:
    place = ("127.0.0.1", curl.port(service))
    with socket.create_connection(place, timeout=20) as connection, contextlib.suppress(OSError):
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass
    socket.create_connection(place, timeout=20).close()


def test_what_a_server_behind_the_proxy_sends_is_read_within_bounds(curl: Curl) -> None:
    """A component may serve as well."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            there, _ = listener.accept()
            with there, contextlib.suppress(OSError):
                there.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(2 * LARGEST))

        thread = threading.Thread(target=answer)
        thread.start()
        page = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        proxy = f"http://127.0.0.1:{curl.port('PROXY')}"
        told = curl.ask("-x", proxy, "-o", "/dev/null", "-w", "%{http_code}", page)
        thread.join(timeout=20)
    assert told == "502"


def test_only_so_many_are_answered_at_once(curl: Curl) -> None:
    answered = 0
    with contextlib.ExitStack() as opened:
        for _ in range(300):
            one = socket.create_connection(("127.0.0.1", curl.port("TCP")), timeout=20)
            opened.enter_context(one)
            with contextlib.suppress(OSError):
                one.sendall(b"hello")
                answered += one.recv(16) == b"hello"
    assert 200 < answered < 300


def test_words_and_authorities_are_new_each_time() -> None:
    seen = set()
    for _ in range(2):
        with serve(["https"]) as served:
            seen |= {served.word, served.env["FORKBOT_CA"], served.env["FORKBOT_OTHER_CA"]}
    assert len(seen) == 6


def test_an_interrupt_at_the_worst_moment_leaves_nothing_that_keeps_forkbot_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen once in many runs: a run that was interrupted, and a server that went on for ever."""
    start, began = threading.Thread.start, list[threading.Thread]()

    def start_and_be_interrupted(thread: threading.Thread) -> None:
        start(thread)
        began.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt), serve(["http"]):
        pytest.fail("it began to serve")
    assert [(thread.daemon, thread.is_alive()) for thread in began] == [(True, False)]


def test_nothing_is_left_of_a_block_that_ends() -> None:
    """Not even of one with connections that wait for an answer or are not used."""
    before = set(threading.enumerate())
    with serve(ALL) as served:
        ports = {n: int(p) for n, p in served.env.items() if n.endswith("_PORT")}
        tcp = [p for n, p in ports.items() if n not in {"FORKBOT_UDP_PORT", "FORKBOT_REFUSED_PORT"}]
        idle = [socket.create_connection(("127.0.0.1", port), timeout=20) for port in tcp]
        slow = socket.create_connection(("127.0.0.1", ports["FORKBOT_HTTP_PORT"]), timeout=20)
        slow.sendall(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
    for connection in (*idle, slow):
        connection.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=5)
    assert set(threading.enumerate()) <= before
    for port in tcp:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=20)
