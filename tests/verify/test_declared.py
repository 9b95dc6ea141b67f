"""Whether what a component did is as declared: every way it can go against every declaration."""

import pytest

from forkbot.model.smoke import CasePolicy, ControlPolicy, SmokePolicy
from forkbot.model.verdict import Colour, How
from forkbot.verify.declared import Declared, Ran, declared, judged

WORDS = "can't spawn worker thread"
OTHER = 'exit code 134, and it does not say "can\'t spawn worker thread", as declared'
GREEN = Ran(how=How.ENDED, why="", said="127.0.0.1", shown="", exit_code=0)
SAID = Ran(how=How.ENDED, why="exit code 134", said=f"… {WORDS} …", shown="", exit_code=134)
SILENT = Ran(how=How.ENDED, why="exit code 134", said="no such host", shown="", exit_code=134)
HUNG = Ran(how=How.HUNG, why="it was ended after 30 s", said=WORDS, shown="")
UNBUILT = Ran(how=How.UNBUILT, why="it does not build: no", said=f"error: {WORDS}", shown="")
SAYS = Declared(words=WORDS)
HANGS = Declared(words=WORDS, how=How.HUNG)
FAILS = Declared(words=WORDS, how=How.UNBUILT)
CANARY = Declared(words=WORDS, canary=True)
NO_LONGER = "it is green: a canary no longer"
MAY_GO = "upstream is green by itself: the patch that made the difference may go"


@pytest.mark.parametrize(
    ("wanted", "ran", "colour", "why"),
    [
        (Declared(), GREEN, Colour.GREEN, ""),
        (Declared(), SAID, Colour.RED, "exit code 134"),
        (Declared(), HUNG, Colour.RED, "it was ended after 30 s"),
        (Declared(), UNBUILT, Colour.RED, "it does not build: no"),
        (SAYS, GREEN, Colour.RED, MAY_GO),
        (SAYS, SAID, Colour.GREEN, "exit code 134"),
        (SAYS, SILENT, Colour.RED, OTHER),
        (SAYS, HUNG, Colour.RED, "it was ended after 30 s; declared is that it ends"),
        (SAYS, UNBUILT, Colour.RED, "it does not build: no; declared is that it ends"),
        (HANGS, HUNG, Colour.GREEN, "it was ended after 30 s"),
        (HANGS, SAID, Colour.RED, "exit code 134; declared is that it does not end"),
        (FAILS, UNBUILT, Colour.GREEN, "it does not build: no"),
        (FAILS, SAID, Colour.RED, "exit code 134; declared is that it does not build"),
        (FAILS, GREEN, Colour.RED, MAY_GO),
        (CANARY, SAID, Colour.GREEN, "exit code 134"),
        (CANARY, SILENT, Colour.NEWS, OTHER),
        (CANARY, GREEN, Colour.NEWS, NO_LONGER),
        (CANARY, HUNG, Colour.NEWS, "it was ended after 30 s; declared is that it ends"),
    ],
)  # fmt: skip
def test_a_red_counts_only_when_it_says_what_is_declared(
    wanted: Declared, ran: Ran, colour: Colour, why: str
) -> None:
    assert judged(ran, wanted) == (colour, why)


def test_what_stack_yaml_declares_of_a_case() -> None:
    cases = {
        "by-ip": CasePolicy(),
        "by-name": CasePolicy(upstream=WORDS),
        "stuck": CasePolicy(upstream=WORDS, hangs=True),
    }
    policy = SmokePolicy(name="client", serves=("http",), cases=cases)
    assert [declared(policy, c, pristine=False) for c in (None, *cases)] == [Declared()] * 4
    upstream = [declared(policy, c, pristine=True) for c in (None, *cases)]
    assert upstream == [Declared(), Declared(), SAYS, HANGS]


def test_what_does_not_build_upstream_is_declared_of_the_whole_component() -> None:
    policy = SmokePolicy(
        name="client", cases={"get": CasePolicy()}, upstream=ControlPolicy(fails=WORDS)
    )
    assert [declared(policy, c, pristine=True) for c in (None, "get")] == [FAILS, FAILS]
    assert [declared(policy, c, pristine=False) for c in (None, "get")] == [Declared()] * 2


def test_a_canary_may_be_red_where_it_is_built_and_where_it_runs() -> None:
    policy = SmokePolicy(name="aws-lc", cases={"get": CasePolicy()}, canary=WORDS)
    unbuilt = Declared(words=WORDS, how=How.UNBUILT, canary=True)
    assert [declared(policy, c, pristine=False) for c in (None, "get")] == [unbuilt, CANARY]


def test_a_case_fetches_where_pages_are_served_unless_it_says_otherwise() -> None:
    cases = {"get": CasePolicy(), "denied": CasePolicy(fetches=False)}
    pages = SmokePolicy(name="client", serves=("refused", "https"), cases=cases)
    assert [pages.fetches(c) for c in cases] == [True, False]
    echo = SmokePolicy(name="echo", serves=("tcp-echo",), cases={"udp": CasePolicy()})
    assert not echo.fetches("udp")
