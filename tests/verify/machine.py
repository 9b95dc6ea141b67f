"""What the tests of the ladders need of a machine: programs, folders for PATH, no network."""

import shutil
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

# What compiles the crates. That sockets work too (proof.OLDEST) is for the builds to need; the
# ladder is the same ladder.
OLD_ENOUGH = (1, 85)


def quiet(_: str) -> None:
    """Say nothing."""


def is_debian() -> bool:
    """Return whether this machine is Debian itself; its derivatives have other archives."""
    told = Path("/etc/os-release")
    return told.is_file() and "ID=debian" in told.read_text(encoding="utf-8").splitlines()


def program(path: Path, text: str) -> Path:
    """Write a shell script that can be started."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def cut_off(env: Mapping[str, str]) -> dict[str, str]:
    """Return ``env`` with every proxy set to a port of this machine where nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{s.getsockname()[1]}"
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")
    kept = {k: v for k, v in env.items() if k.lower() != "no_proxy"}
    return {**kept, **dict.fromkeys(names, closed)}


def fastest(find: Callable[[], object]) -> float:
    """Return the seconds of the best of three, as others use the machine too."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        find()
        times.append(time.perf_counter() - began)
    return min(times)


def tools_without_rust(tmp_path: Path) -> Path:
    """Return a PATH folder with this machine's C compiler and nothing of Rust."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("cc", "ld", "as", "sh"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    return tools
