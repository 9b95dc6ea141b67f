"""Forges to try: the one of this machine, and GitHub, which is npm's ``emulate`` behind a gate."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkbot.forge.patience import ASKING
from tests.forge.emulator import Emulator, emulator
from tests.forge.gate import Gate
from tests.forge.places import GitHubPlace, LocalPlace, Place
from tests.get_emulate import home

# Before any test is sealed.
CACHE = Path(os.environ.get("FORKBOT_TEST_CACHE") or Path.home() / ".cache" / "forkbot")


@pytest.fixture(scope="session")
def _gate() -> Iterator[Gate]:
    with Gate().opened() as gate:
        yield gate


@pytest.fixture(scope="session")
def running(_gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    place = home(CACHE)
    if not place.is_dir():
        pytest.skip("npm's emulate is not here: make emulate")
    with emulator(place, tmp_path_factory.mktemp("emulate"), advertised=_gate.url) as there:
        _gate.behind = there.port
        yield there


@pytest.fixture
def gate(_gate: Gate, running: Emulator) -> Iterator[Gate]:
    """Lend the gate; all that came through it must be as GitHub's description says."""
    assert _gate.behind == running.port
    _gate.fresh()
    _gate.wrong.clear()
    yield _gate
    _gate.fresh()
    # whoever was given up may still ask, and must not be answered what another test says
    for thread in threading.enumerate():
        if thread.name == ASKING:
            thread.join(30)
            assert not thread.is_alive()
    assert _gate.wrong == []


@pytest.fixture
def github(gate: Gate, running: Emulator) -> GitHubPlace:
    """Return a fresh repository on GitHub."""
    return GitHubPlace(gate, running)


@pytest.fixture(params=["local", "github"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return a fresh repository on one forge, then on the other."""
    if request.param == "local":
        return LocalPlace(tmp_path / "forge")
    there: GitHubPlace = request.getfixturevalue("github")
    return there
