"""Stories begin with a stacks repository on the forge of one machine."""

from pathlib import Path

import pytest

from tests.update.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a place with nothing in it yet."""
    return Place(tmp_path)
