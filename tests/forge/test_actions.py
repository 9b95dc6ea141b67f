"""The workflows themselves, run by act on this machine against a GitHub that is none of ours."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import lend
from tests.forge.acting import SECRET, WORKFLOWS, Acted, Stage
from tests.forge.emulator import OUR_TOKEN, READING_TOKEN
from tests.forge.hosted import Hosted
from tests.forge.nights import CONFLICT, UPDATE
from tests.forge.story import ANSWERED, LIB, MORE, OURS, begin, easy_news, hard_news
from tests.scenario import Upstream

pytestmark = pytest.mark.wasm

SECRETS = {SECRET: OUR_TOKEN}
PLAN, PROOF, RUN = "plan-main", "proof-main-demo", "run-main"
PAGES = ("record.json", "report.html")


@pytest.fixture
def upstream(hosted: Hosted, tools: tuple[Toolchain, Wasmtime]) -> Upstream:
    """Return the upstream of a stack that was begun, with our workflows beside it."""
    lend(tools, hosted.cache)
    upstream = hosted.upstream()
    begin(upstream, LIB)
    hosted.stack(upstream, {"fix": {"src/lib.rs": OURS}}, url=hosted.upstream_url(), more=MORE)
    hosted.forkbot("rebase")
    hosted.forked(upstream)
    folder = hosted.root / ".github" / "workflows"
    folder.mkdir(parents=True)
    for name in ("rebase.yml", "keep.yml"):
        shutil.copy(WORKFLOWS / name, folder)
    hosted.settled()
    return upstream


@pytest.fixture
def stage(hosted: Hosted) -> Stage:
    """Return where act runs them."""
    return Stage(hosted, Path(sys.executable).parent / "act")


def ended(acted: Acted) -> dict[str, str]:
    """Return how each job ended, by its id."""
    return {name.split("/")[-1].split()[0]: how for name, how in acted.jobs.items()}


def writes(hosted: Hosted) -> list[str]:
    """Return what was written since the last call, without what it became."""
    found = [re.sub(r" [0-9a-f]{12}\b", "", w) for w in hosted.hub.writes]
    hosted.hub.writes.clear()
    return found


def test_three_nights(stage: Stage, hosted: Hosted, upstream: Upstream) -> None:
    writes(hosted)
    first = stage.run("schedule", secrets=SECRETS)
    assert first.code == 0, first.log
    assert ended(first) == {"plan": "success", "prove": "success", "keep": "success"}
    assert writes(hosted) == ["push demo.git refs/heads/wasip2", "push stacks.git refs/heads/main"]
    assert first.artefacts == {
        PLAN: ("plan.json", "plan.txt"), "plan-release": ("plan.json", "plan.txt"),
        PROOF: PAGES, RUN: PAGES,
    }  # fmt: skip
    # the token is where no code of upstream's runs
    assert [(c.job, c.words.split()[0], c.token) for c in first.calls] == [
        ("plan", "plan", ""),
        ("prove", "verify", ""),
        *[("prove", "report", "")] * 3,
        ("keep", "run", OUR_TOKEN),
        *[("keep", "report", "")] * 3,
        ("plan", "plan", ""),  # of the release channel, which this stack is not on
    ]
    assert " --verified " in next(c.words for c in first.calls if c.words.startswith("run "))
    assert OUR_TOKEN not in first.log
    tip = hosted.refs()["refs/heads/wasip2"]

    # nothing new: no leg, no token, no write
    second = stage.run("schedule", secrets=SECRETS)
    assert (second.code, ended(second)) == (0, {"plan": "success"}), second.log
    assert (writes(hosted), sorted(second.artefacts)) == ([], [PLAN, "plan-release"])

    # what was published is moved on, with an exact lease, and kept reachable
    easy_news(upstream)
    third = stage.run("schedule", secrets=SECRETS)
    assert third.code == 0, third.log
    assert writes(hosted)[0].startswith("push demo.git refs/heads/wasip2, refs/tags/forkbot/demo/")
    refs = hosted.refs()
    assert refs["refs/heads/wasip2"] != tip
    assert tip in [oid for ref, oid in refs.items() if ref.startswith("refs/tags/forkbot/demo/")]

    # a conflict has nothing to build; it is told once, and the workflow itself did its work
    hard_news(upstream)
    fourth = stage.run("schedule", secrets=SECRETS)
    assert (fourth.code, ended(fourth)) == (0, {"plan": "success", "keep": "success"}), fourth.log
    assert "a stack needs a person" in fourth.log
    told = [w for w in writes(hosted) if w in ("POST demo/pulls", "POST stacks/issues")]
    assert len(told) == 1
    stage.run("schedule", secrets=SECRETS)
    assert writes(hosted) == []


def test_a_conflict_is_answered_in_the_browser_and_the_next_night_takes_it(
    stage: Stage, hosted: Hosted, upstream: Upstream
) -> None:
    stage.run("schedule", secrets=SECRETS)
    published = hosted.refs()["refs/heads/wasip2"]
    hard_news(upstream)
    second = stage.run("schedule", secrets=SECRETS)
    assert ended(second) == {"plan": "success", "keep": "success"}, second.log
    (asked,) = hosted.standing()["demo"].artefacts
    assert (asked.open, asked.head) == (True, CONFLICT)

    # half an answer is left alone, with a comment, and nothing moves
    def half(folder: Path) -> None:
        (folder / "notes.md").write_text("I shall look at it tomorrow.\n")

    mine = hosted.person_pushes("demo", CONFLICT, half, why="A note to myself")
    third = stage.run("schedule", secrets=SECRETS)
    assert third.code == 0, third.log
    refs = hosted.refs()
    assert (refs[f"refs/heads/{CONFLICT}"], refs["refs/heads/wasip2"]) == (mine, published)
    (asked,) = hosted.standing()["demo"].artefacts
    assert (asked.open, len(asked.comments)) == (True, 1)

    def answer(folder: Path) -> None:
        path = folder / "src" / "lib.rs"
        assert "<<<<<<<" in path.read_text()
        path.write_text(ANSWERED)
        (folder / "notes.md").unlink()

    hosted.person_pushes("demo", CONFLICT, answer, why="keep both")
    # GitHub gives each job a token that reads what anybody may read; only the plan takes it
    fourth = stage.run("schedule", secrets={**SECRETS, "GITHUB_TOKEN": READING_TOKEN})
    assert fourth.code == 0, fourth.log
    assert ended(fourth) == {"plan": "success", "prove": "success", "keep": "success"}
    assert {(c.job, c.token) for c in fourth.calls} == {
        ("plan", READING_TOKEN), ("prove", ""), ("keep", OUR_TOKEN), ("keep", ""),
    }  # fmt: skip
    there = hosted.standing()
    fork = there["demo"]
    assert fork.branches["wasip2"].subjects == ("fix: make it so", "release 2.0.0", "begin")
    assert fork.branches["wasip2"].files["src/lib.rs"][1] == ANSWERED
    assert published in hosted.refs().values(), "what was overwritten is kept"
    (told,) = fork.artefacts
    assert not told.open
    assert "The answer of ann is in patch fix now" in told.comments[-1]
    (update,) = there["stacks"].artefacts
    assert (update.open, update.head) == (True, UPDATE)
    # until somebody takes in the update, the answer is read from its branch, and all stays as it is
    writes(hosted)
    fifth = stage.run("schedule", secrets=SECRETS)
    assert ended(fifth) == {"plan": "success", "prove": "success", "keep": "success"}, fifth.log
    assert writes(hosted) == []

    # and when somebody has, nothing is new; whoever looks at all finds no conflict to see any more
    hosted.person_merges("stacks", UPDATE)
    sixth = stage.run("schedule", secrets=SECRETS)
    assert ended(sixth) == {"plan": "success"}, sixth.log
    seventh = stage.run("workflow_dispatch", secrets=SECRETS, channel="main", all="true")
    assert seventh.code == 0, seventh.log
    there = hosted.standing()
    assert [a for place in there.values() for a in place.artefacts if a.open] == []
    assert set(there["demo"].branches) == {"main", "wasip2"}
    assert there["demo"].branches["wasip2"].files["src/lib.rs"][1] == ANSWERED


def test_a_dry_run_writes_nothing(stage: Stage, hosted: Hosted, upstream: Upstream) -> None:
    assert upstream.tip
    writes(hosted)
    acted = stage.run("workflow_dispatch", secrets=SECRETS, channel="main", dry_run="true")
    assert acted.code == 0, acted.log
    assert ended(acted) == {"plan": "success", "prove": "success", "keep": "success"}
    assert writes(hosted) == []
    assert "1 would be published" in acted.log


def test_without_a_secret_the_run_is_red_and_says_which(
    stage: Stage, hosted: Hosted, upstream: Upstream
) -> None:
    assert upstream.tip
    writes(hosted)
    acted = stage.run("workflow_dispatch", secrets={}, channel="main")
    assert acted.code != 0
    assert ended(acted) == {"plan": "success", "prove": "success", "keep": "failure"}
    assert "set the secret FORKBOT_TOKEN, or the three of a GitHub App" in acted.log
    assert writes(hosted) == []


def test_a_leg_that_came_to_nothing_publishes_nothing(
    stage: Stage, hosted: Hosted, upstream: Upstream
) -> None:
    assert upstream.tip
    writes(hosted)
    stage.broken("verify")
    acted = stage.run("workflow_dispatch", secrets=SECRETS, channel="main")
    assert acted.code != 0
    assert ended(acted) == {"plan": "success", "prove": "failure", "keep": "success"}
    assert "no record says that it was built and run" in acted.log
    assert "push demo.git refs/heads/wasip2" not in writes(hosted)


def test_a_record_that_a_build_forged_publishes_nothing(
    stage: Stage, hosted: Hosted, upstream: Upstream
) -> None:
    assert upstream.tip
    writes(hosted)
    stage.forged('"tip": "....', '"tip": "0000')  # as whoever broke out of a build might
    acted = stage.run("workflow_dispatch", secrets=SECRETS, channel="main")
    assert ended(acted)["keep"] == "success", acted.log
    assert "its record proves 0000" in acted.log
    assert "push demo.git refs/heads/wasip2" not in writes(hosted)
