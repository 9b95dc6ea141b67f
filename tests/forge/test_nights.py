"""Whole runs against a GitHub that is not ours, a night each, on a fresh machine each."""

from pathlib import Path

import pytest

from tests.forge.hosted import Hosted
from tests.forge.nights import NIGHTS, RUN, Night, Tools
from tests.forge.story import easy_news, founded

pytestmark = pytest.mark.wasm


@pytest.mark.parametrize("night", NIGHTS, ids=str)
def test_a_dry_run_names_writes_and_makes_none(
    night: Night, hosted: Hosted, proofs: Path, tools: Tools
) -> None:
    night.begin(hosted, proofs, tools)
    before, standing = hosted.listing(), hosted.standing()
    said, writes = hosted.wrote(*RUN, "--dry-run", code=night.code)
    assert writes == ()
    assert "would " in said.out
    assert hosted.listing() == before
    assert hosted.standing() == standing


def test_a_night_brings_all_forward_and_the_next_one_writes_nothing(
    hosted: Hosted, proofs: Path, tools: Tools
) -> None:
    upstream = founded(hosted, proofs, tools)
    _, writes = hosted.wrote(*RUN)
    tip = writes[0].split()[-1]
    easy_news(upstream)
    hosted.next_night()
    _, writes = hosted.wrote(*RUN)
    world = hosted.standing()
    assert world["demo"].branches["wasip2"].subjects == (
        "fix: make it so", "release 1.1.0", "begin",
    )  # fmt: skip
    assert world["demo"].tags == (f"refs/tags/forkbot/demo/2026-11-18-{tip}",)
    hosted.next_night()
    _, writes = hosted.wrote(*RUN)
    assert writes == ()
