"""A GitHub that is not ours: npm's ``emulate`` in a process of its own, and people who use it."""

import contextlib
import dataclasses
import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.get_emulate import command

US, OUR_TOKEN = "forkbot", "ghp_ofTheBot"
PERSON, THEIR_TOKEN = "ann", "ghp_ofAnn"
READER, READING_TOKEN = "github-actions", "ghs_ofAJob"  # reads what anybody may read
APP, INSTALLATION = 7, 100
# a second App, whose installation lacks what forkbot needs
POOR_APP, POOR_INSTALLATION = 8, 200
# emulate counts 5,000 calls an hour for each, and a whole test run makes many more
_OURS = tuple(f"ghp_ofTheBot{n}" for n in range(100))
_next = itertools.cycle(_OURS)
OWNERS = tuple(f"owner-{n}" for n in range(400))  # who own repositories in one story each
_ALL = {
    "metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write",
    "workflows": "write",
}  # fmt: skip


def one_of_ours() -> str:
    """Return a token of the bot's that was not used for a while."""
    return next(_next)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """Where it listens, and the key of its Apps."""

    port: int
    app_key: str

    def ask(self, verb: str, path: str, body: object = None, *, token: str = "") -> object:
        """Ask as somebody (us), past the gate; the answer must be no error."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {
            "Authorization": f"token {token or one_of_ours()}",
            "Content-Type": "application/json",
        }
        with contextlib.closing(line):
            line.request(verb, path, None if body is None else json.dumps(body), headers)
            answer = line.getresponse()
            text = answer.read()
        assert answer.status < 300, f"{verb} {path}: {answer.status} {text.decode()}"
        told: object = json.loads(text) if text else None
        return told


@contextlib.contextmanager
def emulator(home: Path, scratch: Path, *, advertised: str) -> Iterator[Emulator]:
    """Lend one; its answers name ``advertised`` as where they come from."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    seed = scratch / "seed.yaml"
    seed.write_text(yaml.safe_dump(_seed(key.decode())))
    argv = [*command(home), "--port", str(port), "--base-url", advertised, "--seed", str(seed)]
    with (scratch / "emulate.log").open("wb") as log:
        child = subprocess.Popen(
            argv, env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, cwd=scratch, start_new_session=True,
        )  # fmt: skip
        try:
            _wait(port, child, scratch / "emulate.log")
            yield Emulator(port=port, app_key=key.decode())
        finally:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _seed(key: str) -> Mapping[str, object]:
    def app(number: int, slug: str, installation: int, permissions: object) -> object:
        return {
            "app_id": number, "slug": slug, "name": slug, "private_key": key,
            "permissions": permissions,
            "installations": [
                {"installation_id": installation, "account": US, "permissions": permissions}
            ],
        }  # fmt: skip

    return {
        "tokens": {
            **{t: {"login": US, "scopes": ["repo", "workflow"]} for t in (OUR_TOKEN, *_OURS)},
            THEIR_TOKEN: {"login": PERSON, "scopes": ["repo"]},
            READING_TOKEN: {"login": READER, "scopes": []},
        },
        "github": {
            "users": [{"login": US}, {"login": PERSON}, {"login": READER}],
            "orgs": [
                {"login": owner, "members": [{"login": US, "role": "admin"}]} for owner in OWNERS
            ],
            "repos": [],
            "apps": [
                app(APP, "keeper", INSTALLATION, _ALL),
                app(POOR_APP, "reader", POOR_INSTALLATION, {"metadata": "read", "issues": "write"}),
            ],
        },
    }


def _wait(port: int, child: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and child.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"emulate did not start: {log.read_text()}")
