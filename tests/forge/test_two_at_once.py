"""Two runs at once: one acts, the other says so, and the world is as one of them makes it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.forge.hosted import Hosted
from tests.forge.nights import NIGHTS, RUN, Night, easy

pytestmark = pytest.mark.wasm


def test_on_one_machine_the_second_goes_at_once(
    hosted: Hosted, proofs: Path, tools: tuple[Toolchain, Wasmtime]
) -> None:
    easy(hosted, proofs, tools)
    with hosted.held(*RUN, at=0) as first:
        said, writes = hosted.wrote(*RUN, code=6)
        assert writes == ()
        assert said.err.splitlines()[-2].endswith("another forkbot is at work in this repository")
    assert hosted.heard(first).code == 0


@pytest.mark.parametrize("night", NIGHTS)
def test_on_two_machines_the_world_is_as_one_run_makes_it(
    night: Night, hubs: Callable[[], Hosted], proofs: Path, tools: tuple[Toolchain, Wasmtime]
) -> None:
    """One waits before its write of each number, until the other has gone its whole way."""
    whole = hubs()
    night(whole, proofs, tools)
    _, writes = whole.wrote(*RUN)
    expected = whole.standing()
    for at in range(len(writes)):
        hosted = hubs()
        night(hosted, proofs, tools)
        other = hosted.beside()
        with hosted.held(*RUN, at=at) as first:
            other.forkbot(*RUN)
        said = hosted.heard(first)
        assert said.code == 0, said
        assert "another run" in said.out, (at, said)
        assert hosted.standing() == expected, at
