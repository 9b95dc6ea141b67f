"""Since when something is red, in one line, for each way in which a search can end."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from forkbot.model.buildbreaker import BuildBreaker, Ended, Turn
from forkbot.model.probe import Red, RedKind
from forkbot.report.breakers import broken, found_out
from forkbot.report.markdown import render_markdown
from tests.report import broken as scene
from tests.report.broken import BROKEN, EVERYWHERE, FOUND, NOTHING, breaker


def red(kind: RedKind, stack: str = "", name: str = "") -> Red:
    """Return a red of a kind."""
    return Red(kind=kind, stack=stack, name=name, why="")


SINCE = "hyper-util: red since #7055 (net: sockets for wasm32-wasip2)"
LINES: Mapping[str, tuple[BuildBreaker, str]] = {
    "a commit": (breaker(FOUND), SINCE),
    "a commit and a patch": (
        breaker(FOUND, patches=scene.TAKES),
        f"{SINCE}; it takes patch wasi-inline-lookup, and is green with those before it",
    ),
    "a patch that uncovers it": (
        breaker(NOTHING, patches=scene.UNCOVERS),
        (
            "hyper-util: not searched along upstream: upstream did not move; it takes patch "
            "wasi-inline-lookup, and is red otherwise with those before it"
        ),
    ),
    "red otherwise at first": (
        breaker(scene.OTHERWISE, now=scene.NOW),
        (
            "hyper-util: red since #6945 (chore: sort the cfg attributes), and red as it is now "
            "since #7055 (net: sockets for wasm32-wasip2)"
        ),
    ),
    "too few builds": (
        breaker(scene.BOUNDED),
        (
            "hyper-util: red since one of 99 commits: green on "
            "#7933 (rt: name the blocking threads), "
            "red on #7055 (net: sockets for wasm32-wasip2); 98 were not built"
        ),
    ),
    "no build at all": (
        breaker(Turn(ended=Ended.BOUNDED)),
        "hyper-util: nothing is known yet: there was no room for two builds",
    ),
    "where it does not apply": (
        breaker(scene.UNTRIED),
        (
            "hyper-util: red since one of 4 commits: green on "
            "#7933 (rt: name the blocking threads), "
            "red on #7055 (net: sockets for wasm32-wasip2); the stack does not apply to 3 of them"
        ),
    ),
    "red on the base": (
        breaker(EVERYWHERE),
        "hyper-util: red on its base, 1.54.1, too: nothing upstream did since is why",
    ),
    "green again": (
        breaker(Turn(ended=Ended.GREEN)),
        "hyper-util: built and run once more it is green: it comes and goes by itself",
    ),
    "no answer": (
        breaker(scene.UNREACHED),
        (
            "hyper-util: not searched along upstream: cargo cannot reach its registry: "
            "could not connect"
        ),
    ),
    "unsteady": (
        breaker(FOUND, unsteady=scene.FLAKY),
        f"hyper-util: it comes and goes by itself: {scene.FLAKY}",
    ),
}


@pytest.mark.parametrize("way", LINES)
def test_a_line_for_each_end(way: str) -> None:
    found, line = LINES[way]
    assert broken(found) == line


def test_the_one_that_is_to_blame_is_told_alone() -> None:
    innocent, guilty = BROKEN["broken-twice"].breakers
    assert found_out(BROKEN["broken-twice"]) == (broken(guilty),)
    neither = replace(BROKEN["broken-twice"], breakers=(innocent, innocent))
    assert found_out(neither) == (broken(innocent), broken(innocent))
    other = breaker(FOUND, stack="tokio", red=red(RedKind.SMOKE, "tokio", "net/echo"))
    two = replace(BROKEN["broken-twice"], breakers=(other, innocent, guilty))
    assert found_out(two) == (broken(other), broken(guilty))


@pytest.mark.parametrize(
    ("what", "title"),
    [
        (
            Red(kind=RedKind.SMOKE, stack="tokio", name="net/echo", why=""),
            "tokio's net/echo is red",
        ),
        (Red(kind=RedKind.GRAPH, stack="", name="", why=""), "the crate graph is red"),
        (Red(kind=RedKind.WARNING, stack="tokio", name="tokio", why=""), "tokio warns"),
    ],
)
def test_a_section_says_what_is_red(what: Red, title: str) -> None:
    record = replace(BROKEN["broken-since"], breakers=(breaker(NOTHING, red=what),))
    assert f"## hyper-util: since when {title}\n" in render_markdown(record)
