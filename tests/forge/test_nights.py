"""Whole runs against a GitHub that is not ours, a night each, on a fresh machine each."""

from pathlib import Path

import pytest

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.forge.hosted import Hosted
from tests.forge.story import easy_news, founded
from tests.scenario import Upstream

pytestmark = pytest.mark.wasm
RUN = ("run", "--all")


@pytest.fixture
def upstream(hosted: Hosted, proofs: Path, tools: tuple[Toolchain, Wasmtime]) -> Upstream:
    """Return the upstream of a stack that has just been put on GitHub."""
    return founded(hosted, proofs, tools)


def test_a_dry_run_writes_nothing_anywhere(hosted: Hosted, upstream: Upstream) -> None:
    hosted.forkbot(*RUN)
    easy_news(upstream)
    before = hosted.listing()
    said, writes = hosted.wrote(*RUN, "--dry-run")
    assert writes == ()
    assert "1 would be published" in said.out
    assert hosted.listing() == before


def test_a_night_publishes_and_the_next_one_writes_nothing(
    hosted: Hosted, upstream: Upstream
) -> None:
    _, writes = hosted.wrote(*RUN)
    (tip,) = {w.split()[-1] for w in writes}
    assert writes == (f"push demo.git refs/heads/wasip2 {tip}",)
    easy_news(upstream)
    hosted.next_night()
    hosted.forkbot(*RUN)
    fork = hosted.standing()["demo"]
    assert fork.branches["wasip2"].subjects == ("fix: make it so", "release 1.1.0", "begin")
    assert fork.tags == (f"refs/tags/forkbot/demo/2026-11-18-{tip}",)
    hosted.next_night()
    _, writes = hosted.wrote(*RUN)
    assert writes == ()
