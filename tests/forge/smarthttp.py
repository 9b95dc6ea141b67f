"""Repositories over git's smart HTTP: ``git http-backend`` behind a password, as GitHub has it."""

import base64
import contextlib
import gzip
import http.server
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

USER = "x-access-token"


class GitServer:
    """Where it listens, whose password it takes, and what it was told."""

    def __init__(self, root: Path, password: str) -> None:
        self.root = root
        self.wanted = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
        self.told: list[str] = []  # each Authorization header that came
        self.redirect = ""  # where else everything is
        self.asked: Callable[[], None] = lambda: None  # called within each request
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
        elif said != git.wanted:
            self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
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

    def _run(self, data: bytes) -> None:
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
            "REMOTE_USER": USER,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(data)),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=data, env=env, capture_output=True, check=True,
            timeout=60,
        )  # fmt: skip
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self._send(int(headers.pop("Status", "200").split()[0]), headers, body)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: what it is told is kept."""
