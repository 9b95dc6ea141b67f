"""A conflict is answered on GitHub: in the browser's way, over http, and told what to do there."""

from pathlib import Path

import pytest

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.forge.emulator import THEIR_TOKEN
from tests.forge.gate import Answer, Asked
from tests.forge.hosted import HOME, Hosted
from tests.forge.story import ANSWERED, answer, easy_news, founded, hard_news
from tests.scenario import Upstream

pytestmark = pytest.mark.wasm
RUN = ("run", "--all")
BRANCH, BASE = "forkbot/demo/conflict-fix", "forkbot/demo/base/conflict-fix"


@pytest.fixture
def upstream(hosted: Hosted, proofs: Path, tools: tuple[Toolchain, Wasmtime]) -> Upstream:
    """Return the upstream of a stack that is published, and in conflict with the news."""
    upstream = founded(hosted, proofs, tools)
    hosted.forkbot(*RUN)
    easy_news(upstream)
    hosted.next_night()
    hosted.forkbot(*RUN)
    hard_news(upstream)
    hosted.next_night()
    return upstream


@pytest.mark.usefixtures("upstream")
def test_a_conflict_goes_to_github_and_the_answer_comes_back(hosted: Hosted) -> None:
    _, writes = hosted.wrote(*RUN, code=3)
    (laid,) = [w for w in writes if w.startswith("push demo.git")]
    assert f"refs/heads/{BRANCH} " in laid
    assert f"refs/heads/{BASE} " in laid
    assert "POST demo/pulls" in writes
    (pull,) = hosted.standing()["demo"].artefacts
    assert (pull.head, pull.open, pull.comments) == (BRANCH, True, ())
    hosted.next_night()
    assert hosted.wrote(*RUN, code=3)[1] == ()

    hosted.person_pushes("demo", BRANCH, answer, why="keep both")
    hosted.next_night()
    before = hosted.listing()
    said, writes = hosted.wrote(*RUN, "--dry-run")
    assert writes == ()
    assert "1 would be published" in said.out
    assert hosted.listing() == before
    said, _ = hosted.wrote(*RUN)
    assert "src/lib.rs resolved as recorded by ann" in said.out
    fork = hosted.standing()["demo"]
    assert fork.branches["wasip2"].files["src/lib.rs"][1] == ANSWERED
    assert {BRANCH, BASE} <= fork.branches.keys(), "until the stacks repository has the answer"
    (pull,) = fork.artefacts
    assert not pull.open
    assert pull.comments[0].splitlines()[1].startswith("The answer of ann is in patch fix now")
    hosted.next_night()
    assert hosted.wrote(*RUN)[1] == ()

    merge(hosted)
    hosted.next_night()
    hosted.forkbot(*RUN)
    fork = hosted.standing()["demo"]
    assert set(fork.branches) == {"main", "wasip2"}
    subjects = [hosted.log(hosted.fork(), tag)[0] for tag in fork.tags]
    assert "keep both" in subjects
    hosted.next_night()
    assert hosted.wrote(*RUN)[1] == ()


def merge(hosted: Hosted) -> None:
    """Merge the pull request that brings the stack's files home, as a person does."""
    home = hosted.hub.repository(HOME)
    tip = home.resolve("refs/heads/forkbot/update/demo")
    hosted.hub.fill(HOME, home, f"{tip}:refs/heads/main")
    number = next(a.number for a in hosted.standing()[HOME].artefacts if a.open)
    path = hosted.hub.at(HOME, f"/pulls/{number}")
    hosted.hub.ask("PATCH", path, {"state": "closed"}, token=THEIR_TOKEN)


def label(hosted: Hosted, name: str) -> None:
    """Let a person set a label on the pull request."""
    path = hosted.hub.at("demo", "/issues/1/labels")
    hosted.hub.ask("POST", path, {"labels": [name]}, token=THEIR_TOKEN)


def make(hosted: Hosted, role: str) -> None:
    """Give the person another role."""
    path = hosted.hub.at("demo", "/collaborators/ann")
    hosted.hub.ask("PUT", path, {"permission": role})


def tell_events(hosted: Hosted, *labels: str) -> None:
    """Answer who set labels on a pull request, as GitHub does; emulate knows it of issues only."""
    refused = hosted.hub.gate.refusal
    ann = hosted.hub.ask("GET", "/users/ann")
    events = [
        {
            "id": n, "node_id": f"e{n}", "url": "https://example.invalid", "actor": ann,
            "event": "labeled", "commit_id": None, "commit_url": None,
            "created_at": "2026-11-18T11:06:40Z", "performed_via_github_app": None,
            "label": {"name": name, "color": "5319e7"},
        }
        for n, name in enumerate(labels)
    ]  # fmt: skip

    def answer_for(asked: Asked) -> Answer | None:
        if asked.verb == "GET" and asked.path.endswith("/issues/1/events"):
            return Answer(status=200, body=events)
        return refused(asked)

    hosted.hub.gate.refusal = answer_for


@pytest.mark.usefixtures("upstream")
def test_a_label_is_an_order_of_who_may_write_and_of_nobody_else(hosted: Hosted) -> None:
    hosted.forkbot(*RUN, code=3)
    names = ("forkbot: pause", "forkbot: skip patch")
    for name in names:
        label(hosted, name)
    tell_events(hosted, *names)
    make(hosted, "triage")
    hosted.next_night()
    said, writes = hosted.wrote(*RUN, code=3)
    assert writes == ("PATCH demo/pulls/1",)
    (pull,) = hosted.standing()["demo"].artefacts
    assert "only people with write access tell forkbot what to do" in pull.text
    assert "1 in conflict" in said.out
    make(hosted, "push")
    hosted.next_night()
    said, writes = hosted.wrote(*RUN)
    assert writes == ()
    assert "paused" in said.out
    path = hosted.hub.at("demo", "/issues/1/labels/forkbot:%20pause")
    hosted.hub.ask("DELETE", path, token=THEIR_TOKEN)
    hosted.next_night()
    said, writes = hosted.wrote(*RUN)
    (pull,) = hosted.standing()["demo"].artefacts
    assert not pull.open
    assert hosted.standing()[HOME].artefacts[-1].open
    assert "forkbot: skip patch" in pull.labels, "until the stacks repository lacks the patch"
    hosted.next_night()
    assert hosted.wrote(*RUN)[1] == ()
    merge(hosted)
    hosted.next_night()
    hosted.forkbot(*RUN)
    series = hosted.standing()[HOME].branches["main"].files["stacks/demo/patches/series"]
    assert series[1] == ""
    assert set(hosted.standing()["demo"].branches) == {"main", "wasip2"}
