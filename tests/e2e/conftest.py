"""Stories begin in an empty world; some need tools and crates in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkbot.verify.toolchain import Toolchain, find_toolchain
from forkbot.verify.wasmtime import Wasmtime, find_wasmtime
from tests.e2e.crates import Crates
from tests.e2e.world import World
from tests.upstream.registry import serve
from tests.verify.machine import quiet

# Read before the tests are sealed: what was got before is not got again.
AMBIENT = dict(os.environ)
_SHARED = Path(AMBIENT.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "forkbot"
CACHE = Path(AMBIENT.get("FORKBOT_TEST_CACHE") or AMBIENT.get("FORKBOT_CACHE") or _SHARED)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with nothing in it yet."""
    return World(tmp_path)


@pytest.fixture(scope="session")
def tools() -> tuple[Toolchain, Wasmtime]:
    """Return the toolchain and the wasmtime of this machine, got into its own cache if need be."""
    return (
        find_toolchain(env=AMBIENT, cache=CACHE, say=quiet),
        find_wasmtime(env=AMBIENT, cache=CACHE, say=quiet),
    )


@pytest.fixture
def crates(world: World, tools: tuple[Toolchain, Wasmtime]) -> Iterator[Crates]:
    """Return two crates with their stacks, ready to be run for the first time."""
    with serve(world.place / "registry") as registry:
        yield Crates(world, registry, tools).everything()
