"""Stories begin in an empty world."""

from pathlib import Path

import pytest

from tests.e2e.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with nothing in it yet."""
    return World(tmp_path)
