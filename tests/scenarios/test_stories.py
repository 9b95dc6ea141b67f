"""Each story as its reader meets it: the report of `forkbot rebase`, whole.

``REWRITE_GOLDEN=1 pytest tests/scenarios`` writes the reports anew; read their diff.
"""

import os
from pathlib import Path

import pytest

from tests.e2e.world import World
from tests.scenarios.stories import BEGINNING, SCENARIOS, WHY

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_whole_report(name: str, world: World) -> None:
    scenario = SCENARIOS[name]
    upstream = world.upstream()
    upstream.commit("begin", {**BEGINNING, **scenario.more})
    upstream.tag("v1.0.0")
    world.stack(upstream, scenario.patches, why=WHY)
    world.forkbot("rebase")
    scenario.upstream(upstream)
    said = world.forkbot("rebase", code=scenario.code)
    path = GOLDEN / f"{name}.md"
    report = world.reports()[-1] + f"\n<!-- on the terminal:\n{said.out}-->\n"
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(report)
    assert report == path.read_text()


def test_no_report_lies_about() -> None:
    assert {p.stem for p in GOLDEN.iterdir()} == set(SCENARIOS)
