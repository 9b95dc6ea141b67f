"""How often a whole run asks GitHub: measured on a few stacks, it is what a thousand would cost.

GitHub answers 5,000 requests an hour to a person's token.
"""

from collections import Counter
from collections.abc import Mapping

import pytest

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import lend
from tests.e2e.world import Changes
from tests.forge.hosted import HOME, Hosted
from tests.scenario import Upstream

pytestmark = pytest.mark.wasm
TEXT = "".join(f"line {n}\n" for n in range(1, 31))
OURS = TEXT.replace("line 20\n", "line twenty\n")
NEWS = TEXT.replace("line 20\n", "line 20, reworded\n")
FORKS = ("demo0", "demo1")
# who we are, and what stands at home: before anything is planned, and before anything is told
ONCE = {"GET /user": 1, "GET HOME/issues": 2, "GET HOME/pulls": 2}


@pytest.fixture
def upstream(hosted: Hosted, tools: tuple[Toolchain, Wasmtime]) -> Upstream:
    """Return the upstream of two stacks; nothing of it can be built, so nothing is published."""
    lend(tools, hosted.cache)
    upstream = hosted.upstream()
    upstream.commit("begin", {"src/lib.rs": TEXT})
    for name in FORKS:
        patches: Mapping[str, Changes] = {"fix": {"src/lib.rs": OURS}}
        hosted.stack(upstream, patches, name=name, url=hosted.upstream_url())
        hosted.forked(upstream, name)
    hosted.forkbot("rebase")
    hosted.settled()
    return upstream


def asked(hosted: Hosted, code: int) -> Mapping[str, int]:
    """Let a night pass; return how often what was asked of GitHub, whichever the fork."""
    hosted.next_night()
    hosted.hub.gate.asked.clear()
    hosted.forkbot("run", "--all", code=code)
    calls = Counter[str]()
    for call in hosted.hub.gate.asked:
        text = str(call).replace(hosted.hub.at(HOME), "HOME")
        for name in FORKS:
            text = text.replace(hosted.hub.at(name), "FORK")
        calls[text] += 1
    return calls


def test_a_quiet_night_asks_once_a_stack(hosted: Hosted, upstream: Upstream) -> None:
    assert upstream.tip
    asked(hosted, 4)
    assert asked(hosted, 4) == {**ONCE, "GET FORK": 2}


def test_a_conflict_that_stays_asks_five_times(hosted: Hosted, upstream: Upstream) -> None:
    upstream.commit("news", {"src/lib.rs": NEWS})
    label = "FORK/labels/forkbot%3A%20conflict"
    opened = {"POST FORK/pulls", f"GET {label}", "POST FORK/labels", "POST FORK/issues/1/labels"}
    # looked for before it is opened, and after: another run may have opened one in that moment
    looked = {"GET FORK": 2, "GET FORK/issues": 4, "GET FORK/pulls": 4}
    assert asked(hosted, 3) == {**ONCE, **looked, **dict.fromkeys(opened, 2)}
    still = {"GET FORK": 2, "GET FORK/issues": 4, "GET FORK/pulls": 4}
    assert asked(hosted, 3) == {**ONCE, **still}
