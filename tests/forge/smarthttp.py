"""Repositories over git's smart HTTP: ``git http-backend`` behind a password, as GitHub has it."""

import base64
import contextlib
import gzip
import http.server
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

USER = "x-access-token"


class GitServer:
    """Where it listens, whose password it takes, and what it was told."""

    def __init__(self, root: Path, password: str) -> None:
        self.root = root
        self.wanted = basic(USER, password)
        self.people = {self.wanted: USER}  # who else may push: their header, their login
        self.public = False  # whether anybody may fetch
        self.told: list[str] = []  # each Authorization header that came
        self.redirect = ""  # where else everything is
        self.denies = ""  # what a 403 says to whoever wants to push
        self.asked: Callable[[], None] = lambda: None  # called within each request
        # called as a push comes, with its refs; False: the line breaks before it is done
        self.meet: Callable[[str, list[str]], bool] = lambda _, __: True
        self.pushed: Callable[[str], None] = lambda _: None  # called after one, with its path
        self._server = _Server(("127.0.0.1", 0), self)

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextlib.contextmanager
    def opened(self) -> Iterator["GitServer"]:
        """Serve."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def basic(user: str, password: str) -> str:
    """Return the header with which somebody comes."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def pushed_refs(body: bytes) -> list[str]:
    """Return what a push asks for, a ref each with what it is to become; git's pkt-lines."""
    refs = []
    while (size := int(body[:4] or b"0", 16)) > 4:
        line, body = body[4:size], body[size:]
        _, new, ref = line.partition(b"\0")[0].decode().rstrip("\n").split(" ", 2)
        refs.append(f"{ref} {new[:12]}")
    return refs


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], git: GitServer) -> None:
        self.git = git
        super().__init__(address, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        git = self.server.git
        data = self._body()
        said = self.headers.get("Authorization", "")
        git.told += [said] if said else []
        git.asked()
        if git.redirect:
            self._send(302, {"Location": git.redirect + self.path}, b"")
        elif said not in git.people and not (git.public and "receive-pack" not in self.path):
            self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
        elif git.denies and "git-receive-pack" in self.path:
            self._send(403, {"Content-Type": "text/plain"}, git.denies.encode())
        elif self.path.endswith("/git-receive-pack") and (refs := pushed_refs(data)):
            self._push(data, self.path.removesuffix("/git-receive-pack").strip("/"), refs)
        else:
            self._run(data)

    do_POST = do_GET  # noqa: N815 - as http.server calls it

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data

    def _push(self, data: bytes, repository: str, refs: list[str]) -> None:
        git = self.server.git
        if git.meet(repository, refs):
            answer = self._answer(data)
            git.pushed(repository)
            self._send(*answer)
        else:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def _run(self, data: bytes) -> None:
        self._send(*self._answer(data))

    def _answer(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        path, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.receivepack",
            "GIT_CONFIG_VALUE_0": "true",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_USER": self.server.git.people.get(self.headers.get("Authorization", ""), ""),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(data)),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=data, env=env, capture_output=True, check=True,
            timeout=60,
        )  # fmt: skip
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        return int(headers.pop("Status", "200").split()[0]), headers, body

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: what it is told is kept."""
