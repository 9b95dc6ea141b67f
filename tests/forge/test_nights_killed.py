"""Killed at any remote write of a night, before or after it is done: the next night mends all.

Each point is a story of its own: killed there outright, then one run on a fresh machine (or on the
same one), and the world is what one run would have made of it.
"""

from collections.abc import Callable, Iterator
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
    for at, done in _points(len(writes), fresh=fresh):
        hosted = hubs()
        night.begin(hosted, proofs, tools)
        assert hosted.killed(*RUN, at=at, done=done), (at, done)
        hosted.next_night(elsewhere=fresh)
        night.run(hosted)
        assert hosted.standing() == expected, (at, done)


def _points(writes: int, *, fresh: bool) -> Iterator[tuple[int, bool]]:
    """Yield where to kill: at which write, and whether it is done all the same.

    A fresh machine sees nothing but the forge, and that is the same after a write that is done and
    before the next one. On the same machine there is what it wrote on its own disk in between.
    """
    for at in range(writes):
        if at == 0 or not fresh:
            yield at, False
        yield at, True
