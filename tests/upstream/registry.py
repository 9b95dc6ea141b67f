"""A crate registry of our own on loopback, and machines whose real cargo takes its crates there."""

import dataclasses
import functools
import hashlib
import http.server
import io
import json
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from forkbot.cargo import Cargo
from forkbot.upstream.releases import ReleaseHistory, release_history
from forkbot.words import Subdir, Version

# What cargo gives every file it packages.
_PACKAGED_AT = 1153704088
PACKAGED_FROM = "0123456789abcdef0123456789abcdef01234567"
_NORMALISED = """\
[package]
name = "{name}"
version = "{version}"
edition = "2021"
"""
_ORIGINAL = """\
[package]
name = "{name}"
version = "{version}"
edition.workspace = true
"""


def crate_files(name: str, version: str, *, upstream: str | None = None) -> dict[str, bytes]:
    """Return what cargo would package for a tiny member of a workspace."""
    files = {
        "Cargo.toml": _NORMALISED.format(name=name, version=version).encode(),
        "Cargo.toml.orig": _ORIGINAL.format(name=name, version=version).encode(),
        ".gitattributes": b"* text eol=crlf\n*.rs ident\n",
        ".gitignore": b"*.md\n",
        "README.md": b"# read me\r\n",
        "build.sh": b"#!/bin/sh\n",
        "src/lib.rs": f'pub const IS: &str = "{version}"; // $Id$\n'.encode(),
        'src/d\u00e9j\u00e0 "vu".rs': b"",
    }
    if upstream is not None:
        info = {"git": {"sha1": upstream}, "path_in_vcs": name}
        files[".cargo_vcs_info.json"] = json.dumps(info).encode()
    return files


def pack(name: str, version: str, files: Mapping[str, bytes]) -> bytes:
    """Return a ``.crate`` as cargo lays it out; ``*.sh`` may be executed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for path, data in sorted(files.items()):
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size, member.mtime = len(data), _PACKAGED_AT
            member.mode = 0o755 if path.endswith(".sh") else 0o644
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


# a cargo that refuses every [patch] we ask with, in words we do not know
NO_PATCHES = 'grep -q patched.invalid "$3" && { echo "error: nay" >&2; exit 101; }'


class Registry:
    """A sparse index and its crates as files under ``root``, served at ``url``."""

    def __init__(self, root: Path, url: str) -> None:
        self.root = root
        self.url = url
        self.down = 0  # requests to come that get no answer
        (root / "crates").mkdir(parents=True)
        template = f"{url}/crates/{{crate}}-{{version}}.crate"
        (root / "config.json").write_text(json.dumps({"dl": template}))

    def publish(
        self,
        name: str,
        version: str,
        *,
        files: Mapping[str, bytes] | None = None,
        crate: bytes | None = None,
        needs: Sequence[tuple[str, str]] = (),
        rust: str | None = None,
    ) -> None:
        """Add one version; ``needs`` are its dependencies, ``rust`` its least compiler."""
        if crate is None:
            crate = pack(name, version, crate_files(name, version) if files is None else files)
        (self.root / "crates" / f"{name}-{version}.crate").write_bytes(crate)
        entry = {
            "name": name,
            "vers": version,
            "deps": [
                {"name": n, "req": r, "features": [], "optional": False, "default_features": True,
                 "target": None, "kind": "normal"}
                for n, r in needs
            ],
            "cksum": hashlib.sha256(crate).hexdigest(),
            "features": {},
            "yanked": False,
            "rust_version": rust,
        }  # fmt: skip
        self._write(name, [*self._entries(name), entry])

    def yank(self, name: str, version: str) -> None:
        """Mark one version as withdrawn."""
        entries = self._entries(name)
        for entry in entries:
            if entry["vers"] == version:
                entry["yanked"] = True
        self._write(name, entries)

    def cargo_home(self, home: Path) -> Path:
        """Write, in ``home``, a cargo configuration that takes every crate from here."""
        home.mkdir(parents=True, exist_ok=True)
        (home / "config.toml").write_text(
            '[source.crates-io]\nreplace-with = "ours"\n'
            f'[source.ours]\nregistry = "sparse+{self.url}/"\n'
        )
        return home

    def _index(self, name: str) -> Path:
        assert len(name) >= 4, "shorter names lie elsewhere in an index"
        return self.root / name[:2] / name[2:4] / name

    def _entries(self, name: str) -> list[dict[str, object]]:
        index = self._index(name)
        lines = index.read_text().splitlines() if index.exists() else []
        return [json.loads(line) for line in lines]

    def _write(self, name: str, entries: Sequence[Mapping[str, object]]) -> None:
        index = self._index(name)
        index.parent.mkdir(parents=True, exist_ok=True)
        index.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))

    def forget(self) -> None:
        """Lose everything, as a registry that is gone."""
        shutil.rmtree(self.root)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a header waits 40 ms for its body otherwise

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer, unless the registry is down."""
        server = self.server
        registry = server.registry if isinstance(server, _Server) else None
        if registry is not None and registry.down > 0:
            registry.down -= 1
            self.close_connection = True
            return
        super().do_GET()

    def send_header(self, keyword: str, value: str) -> None:
        """Leave out the date: two writes within one second would look like none."""
        if keyword != "Last-Modified":
            super().send_header(keyword, value)


class _Server(http.server.ThreadingHTTPServer):
    registry: Registry


@contextmanager
def serve(root: Path) -> Iterator[Registry]:
    """Serve a registry on a loopback port while the block runs."""
    root.mkdir(parents=True)
    handler = functools.partial(_Quiet, directory=str(root))
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            server.registry = Registry(root, f"http://127.0.0.1:{server.server_address[1]}")
            yield server.registry
        finally:
            server.shutdown()
            thread.join(timeout=10)


@dataclasses.dataclass(kw_only=True)
class Machine:
    """One machine: its own cargo home and cache, and a cargo that notes its calls."""

    root: Path
    cargo: Cargo
    git_env: dict[str, str]
    said: list[str] = dataclasses.field(default_factory=list)
    stop_at: str | None = None

    def history(
        self,
        since: str = "1.0.0",
        *,
        crate: str = "tiny",
        subdir: str = "crates/tiny",
        pre: tuple[str, ...] = (),
    ) -> ReleaseHistory:
        """Bring the history up to date."""
        return release_history(
            crate,
            since=Version(since),
            subdir=Subdir(subdir),
            cargo=self.cargo,
            cache=self.root / "cache",
            git_env=self.git_env,
            prereleases=tuple(Version(v) for v in pre),
            say=self.say,
        )

    def say(self, line: str) -> None:
        """Note a line of progress; be stopped at one that begins like ``stop_at``."""
        self.said.append(line)
        if self.stop_at is not None and line.startswith(self.stop_at):
            raise KeyboardInterrupt

    def git(self, *args: str) -> str:
        """Ask git about the crate ``tiny``."""
        command = ["git", "--git-dir", str(self.git_dir), *args]
        return subprocess.run(
            command, env=self.git_env, check=True, capture_output=True
        ).stdout.decode()

    @property
    def git_dir(self) -> Path:
        """Where the history lies."""
        return self.root / "cache/releases/tiny.git"

    def calls(self) -> list[str]:
        """Return the cargo commands since the last time, by their first word."""
        log = self.root / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def shim(self, script: str) -> None:
        """Put a shell script before cargo; it goes on to the real one where it ends."""
        program(self.cargo.program, f'echo "$1" >> {self.root}/calls\n{script}\n')

    def env(self, **more: str) -> None:
        """Add to cargo's environment."""
        self.cargo = dataclasses.replace(self.cargo, env={**self.cargo.env, **more})


def program(path: Path, script: str) -> None:
    """Put a shell script before the program of that name: it goes on to it where it ends."""
    real = shutil.which(path.name)
    assert real
    path.write_text(f'#!/bin/sh\n{script}\nexec {real} "$@"\n')
    path.chmod(0o755)


def versions(history: ReleaseHistory) -> list[str]:
    """Return the versions, oldest first."""
    return [release.version for release in history.releases]
