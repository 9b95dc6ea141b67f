"""Every test runs sealed: its own HOME and cache, no user configuration, dates that never move."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from forkbot.errors import ForkbotError
from forkbot.git.repository import sealed_env
from forkbot.verify import rustup
from forkbot.verify.toolchain import find_toolchain
from tests.scenario import Upstream


def _working_cargo() -> dict[str, str]:
    """Return what lets a plain ``cargo`` run.

    That is rustup's home where HOME is another than rustup was installed under, and the toolchain
    that forkbot got where the machine has no cargo of use.
    """
    cargo = shutil.which("cargo")
    if cargo is not None and not rustup.is_proxy(Path(cargo)):
        return {}
    homes = rustup.homes(os.environ)
    if cargo is not None and homes:
        return {"RUSTUP_HOME": str(homes[0])}
    cache = os.environ.get("FORKBOT_TEST_CACHE", str(Path.home() / ".cache" / "forkbot"))
    try:
        found = find_toolchain(env=os.environ, cache=Path(cache), get=False, say=lambda _: None)
    except ForkbotError:
        return {}  # the tests that need one will say so
    return {"PATH": f"{found.cargo.parent}{os.pathsep}{os.environ['PATH']}"}


# How long an example takes says more of what else the machine does than of forkbot.
settings.register_profile("anywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anywhere")

# Before any test is sealed, and before any module of tests looks at the environment.
os.environ.update(_working_cargo())


# Minutes each, few tests in each: begun last, one of them would be all that is still going on.
_LONGEST = (
    "e2e/test_real_family.py", "forge/test_nights_killed.py", "forge/test_two_at_once.py",
    "e2e/test_release_channel.py", "forge/test_actions.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, longest first; the Makefile hands out files in this order."""
    rank = {Path(__file__).parent / name: n for n, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


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
