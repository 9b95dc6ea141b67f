"""Every test runs sealed: its own HOME and cache, no user configuration, dates that never move."""

import os
from pathlib import Path

import pytest

from forkbot.git.repository import sealed_env
from tests.scenario import Upstream


@pytest.fixture(autouse=True)
def _sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep git's user configuration and dates out; leave cargo's homes where they are."""
    home = Path.home()
    cargo_home, rustup_home = home / ".cargo", home / ".rustup"
    if "CARGO_HOME" not in os.environ and cargo_home.is_dir():
        monkeypatch.setenv("CARGO_HOME", str(cargo_home))
    if "RUSTUP_HOME" not in os.environ and rustup_home.is_dir():
        monkeypatch.setenv("RUSTUP_HOME", str(rustup_home))
    for name in list(os.environ):
        if name.startswith(("GIT_", "FORKBOT_")):
            monkeypatch.delenv(name)
    own = tmp_path / "home"
    own.mkdir()
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def git_env() -> dict[str, str]:
    """Return the environment forkbot computes in."""
    return sealed_env(dict(os.environ))


@pytest.fixture
def upstream(tmp_path: Path, git_env: dict[str, str]) -> Upstream:
    """Return an empty upstream to write a history for."""
    return Upstream(tmp_path / "upstream.git", env=git_env)
