"""One cache for all tests that download, and the toolchains found on this machine."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from forkbot.errors import UsageError
from forkbot.verify.toolchain import Toolchain, find_toolchain
from tests.verify.machine import OLD_ENOUGH, is_debian, quiet

# Read before the tests are sealed: a cache that outlives the run makes the next one quick.
_KEPT_CACHE = os.environ.get("FORKBOT_TEST_CACHE")
_ENV = dict(os.environ)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the cache folder that the tests which download share, all workers of one run too."""
    if _KEPT_CACHE:
        return Path(_KEPT_CACHE)
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "forkbot-cache"


@pytest.fixture(scope="session")
def of_debian(cache: Path) -> Toolchain:
    """Return Debian's toolchain, got by two at once: one gets it and the other waits."""
    if not is_debian():
        pytest.skip("Debian's packages need a Debian machine")
    said: list[str] = []

    def find(_: int) -> Toolchain:
        return find_toolchain(env=_ENV, cache=cache, only="debian", say=said.append)

    with ThreadPoolExecutor(2) as two:
        first, second = two.map(find, range(2))
    assert first.rustc == second.rustc
    assert len([s for s in said if s.startswith("getting Debian's rustc")]) <= 1
    return first


@pytest.fixture
def installed(cache: Path) -> Toolchain:
    """Return this machine's own toolchain for the target."""
    try:
        return find_toolchain(
            env=os.environ, cache=cache, only="installed", oldest=OLD_ENOUGH, say=quiet
        )
    except UsageError as e:
        pytest.skip(f"no installed toolchain: {e.what}")
