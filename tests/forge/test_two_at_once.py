"""Two runs at once: one acts, the other says so, and the world is as one of them makes it."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.forge.hosted import Hosted, Standing
from tests.forge.nights import EASY, NIGHTS, RUN, Night, Tools
from tests.forge.places import Seen

pytestmark = pytest.mark.wasm


def test_on_one_machine_the_second_goes_at_once(hosted: Hosted, proofs: Path, tools: Tools) -> None:
    EASY.begin(hosted, proofs, tools)
    with hosted.held(*RUN, at=0) as first:
        said, writes = hosted.wrote(*RUN, code=6)
        assert writes == ()
        assert said.err.splitlines()[-2].endswith("another forkbot is at work in this repository")
    assert hosted.heard(first).code == 0


@pytest.mark.parametrize("night", NIGHTS, ids=str)
def test_on_two_machines_the_world_is_as_one_run_makes_it(
    night: Night, hubs: Callable[[], Hosted], proofs: Path, tools: Tools
) -> None:
    """One waits before its write of each number, until the other has gone its whole way."""
    whole = hubs()
    night.begin(whole, proofs, tools)
    _, writes = whole.wrote(*RUN, code=night.code)
    expected = whole.standing()
    for at in range(len(writes)):
        hosted = hubs()
        night.begin(hosted, proofs, tools)
        other = hosted.beside()
        with hosted.held(*RUN, at=at) as first:
            night.run(other)
        said = hosted.heard(first)
        assert said.code == night.code, said
        assert at or "another run" in said.out + said.err, said
        assert settled(hosted.standing()) == settled(expected), at


def settled(world: Mapping[str, Standing]) -> Mapping[str, Standing]:
    """Return a world without comments, and without what came a moment too late and went again.

    GitHub opens an issue, and takes a comment, whatever stands there; only a ref has a lease.
    """

    def late(seen: Seen) -> bool:
        return not seen.open and any("Two runs at once told the same" in c for c in seen.comments)

    found = {}
    for name, there in world.items():
        kept = (dataclasses.replace(a, comments=()) for a in there.artefacts if not late(a))
        found[name] = dataclasses.replace(there, artefacts=tuple(kept))
    return found
