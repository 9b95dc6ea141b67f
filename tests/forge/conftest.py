"""Forges to try: the one of this machine, and GitHub, which is npm's ``emulate`` behind a gate."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forkbot.forge.patience import ASKING
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.conftest import tools as tools  # noqa: PLC0414 - a fixture here, too
from tests.e2e.world import World
from tests.forge.emulator import OUR_TOKEN, Emulator, emulator
from tests.forge.gate import Gate
from tests.forge.hosted import Hosted
from tests.forge.hub import Hub
from tests.forge.places import GitHubPlace, LocalPlace, Place
from tests.forge.smarthttp import GitServer
from tests.forge.story import prove
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


@pytest.fixture
def hubs(
    gate: Gate, running: Emulator, tmp_path: Path, git_env: dict[str, str]
) -> Iterator[Callable[[], Hosted]]:
    """Return what makes worlds on GitHub, each for an owner who has nothing yet; one at a time."""
    with contextlib.ExitStack() as opened:

        def make() -> Hosted:
            place = Path(tempfile.mkdtemp(prefix="hosted-", dir=tmp_path))
            git = opened.enter_context(GitServer(place / "served", OUR_TOKEN).opened())
            return Hosted(place, Hub(gate, running, git, git_env))

        yield make
    gate.meet, gate.refusal = (lambda _: True), (lambda _: None)


@pytest.fixture
def hosted(hubs: Callable[[], Hosted]) -> Hosted:
    """Return one such world."""
    return hubs()


@pytest.fixture(scope="session")
def proofs(tmp_path_factory: pytest.TempPathFactory, tools: tuple[Toolchain, Wasmtime]) -> Path:
    """Return where it is on record that the results of the story are green."""
    return prove(World(tmp_path_factory.mktemp("proofs")), tools)
