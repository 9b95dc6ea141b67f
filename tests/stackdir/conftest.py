"""A house for each test."""

from pathlib import Path

import pytest

from tests.stackdir.house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Return a stacks repository in which all is well."""
    return House(tmp_path / "house")
