"""Killed at any remote write of a night, before or after it is done: the next night mends all.

Each point is a story of its own: killed there outright, then one run on a fresh machine (or on the
same one), and the world is what one run would have made of it.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forge.hosted import Hosted
from tests.forge.nights import ANSWERED, NIGHTS, RUN, Night, Tools

pytestmark = pytest.mark.wasm


@pytest.mark.parametrize(
    ("night", "fresh"),
    [
        *(pytest.param(night, True, id=str(night)) for night in NIGHTS),
        pytest.param(ANSWERED, False, id=f"{ANSWERED}, on the same machine"),
    ],
)
def test_a_night_killed_at_any_write_is_mended_by_the_next(
    night: Night, hubs: Callable[[], Hosted], proofs: Path, tools: Tools, *, fresh: bool
) -> None:
    whole = hubs()
    night.begin(whole, proofs, tools)
    _, writes = whole.wrote(*RUN, code=night.code)
    expected = whole.standing()
    assert writes
    whole.next_night()
    # so will it be wherever the world is as expected
    assert whole.wrote(*RUN, code=night.code)[1] == ()
    for at in range(len(writes)):
        for done in (False, True):
            hosted = hubs()
            night.begin(hosted, proofs, tools)
            assert hosted.killed(*RUN, at=at, done=done), (at, done)
            hosted.next_night(elsewhere=fresh)
            night.run(hosted)
            assert hosted.standing() == expected, (at, done)
