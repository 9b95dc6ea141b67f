"""Killed at any remote write of a night, before or after it is done: the next night mends all.

Each point is a story of its own: killed there outright, then one run on a fresh machine (or on the
same one), and the world is what one run would have made of it.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.forge.hosted import Hosted
from tests.forge.nights import NIGHTS, RUN, Night

pytestmark = pytest.mark.wasm


@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize("fresh", [True, False], ids=["another machine", "the same machine"])
def test_a_night_killed_at_any_write_is_mended_by_the_next(
    night: Night,
    hubs: Callable[[], Hosted],
    proofs: Path,
    tools: tuple[Toolchain, Wasmtime],
    *,
    fresh: bool,
) -> None:
    whole = hubs()
    night(whole, proofs, tools)
    _, writes = whole.wrote(*RUN)
    expected = whole.standing()
    assert writes
    whole.next_night()
    assert whole.wrote(*RUN)[1] == ()  # so will it be wherever the world is as expected
    for at in range(len(writes)):
        for done in (False, True):
            hosted = hubs()
            night(hosted, proofs, tools)
            assert hosted.killed(*RUN, at=at, done=done), (at, done)
            if fresh:
                hosted.next_night()
            hosted.forkbot(*RUN)
            assert hosted.standing() == expected, (at, done)
