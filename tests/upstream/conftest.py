"""A registry and machines for the tests of the release channel."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forkbot.cargo import Cargo, cargo_env
from forkbot.git.repository import sealed_env
from tests.upstream.registry import PACKAGED_FROM, Machine, Registry, crate_files, serve


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Return a registry with six versions of ``tiny``: one yanked, one a pre-release."""
    with serve(tmp_path / "registry") as registry:
        for version in ("0.9.0", "1.0.0", "1.1.0", "1.2.0-rc.1", "1.2.0", "1.10.0"):
            files = crate_files("tiny", version, upstream=PACKAGED_FROM)
            registry.publish("tiny", version, files=files)
        registry.yank("tiny", "1.1.0")
        yield registry


@pytest.fixture
def machine(registry: Registry, tmp_path: Path) -> Callable[..., Machine]:
    """Return a maker of machines that take their crates from the registry."""

    def make(name: str = "here") -> Machine:
        root = tmp_path / name
        home = registry.cargo_home(root / "cargo")
        env = cargo_env({**os.environ, "CARGO_HOME": str(home), "CARGO_NET_RETRY": "0"})
        cargo = Cargo(program=root / "cargo/cargo", env=env)
        made = Machine(root=root, cargo=cargo, git_env=sealed_env(os.environ))
        made.shim("")
        return made

    return make


@pytest.fixture
def here(machine: Callable[..., Machine]) -> Machine:
    """Return a machine."""
    return machine()
