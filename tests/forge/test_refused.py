"""A night on which GitHub refuses the fork branch: told once, with what to do about it."""

from pathlib import Path

import pytest

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.forge.hosted import HOME, Hosted
from tests.forge.nights import RUN
from tests.forge.refusing import no_workflows, says_no
from tests.forge.story import founded

pytestmark = pytest.mark.wasm
CI = ".github/workflows/ci.yml"


def test_workflows_that_the_token_may_not_change(
    hosted: Hosted, proofs: Path, tools: tuple[Toolchain, Wasmtime]
) -> None:
    upstream = founded(hosted, proofs, tools)
    hosted.forkbot(*RUN)
    before = hosted.standing()["demo"]
    upstream.commit("release 1.1.0", {CI: "on: push\n"})
    upstream.tag("v1.1.0")
    says_no(hosted.fork(), when=CI, words=no_workflows(CI))

    hosted.next_night()
    hosted.forkbot(*RUN, code=6)
    standing = hosted.standing()
    assert standing["demo"] == before
    (issue,) = standing[HOME].artefacts
    assert issue.open
    assert f"brings upstream's {CI}, and the token may not change workflows" in issue.text
    assert "forkbot doctor  # or say `fork: {workflows: leave-out}` in stack.yaml" in issue.text

    hosted.next_night()
    _, writes = hosted.wrote(*RUN, code=6)
    assert [w for w in writes if not w.startswith("push demo.git")] == [], "told once"
    assert hosted.standing() == standing

    def leave_out(folder: Path) -> None:
        policy = folder / "stacks" / "demo" / "stack.yaml"
        text = policy.read_text()
        assert "fork: {repo: demo}" in text
        policy.write_text(text.replace("{repo: demo}", "{repo: demo, workflows: leave-out}"))

    hosted.person_pushes(HOME, "main", leave_out, why="leave them out")
    hosted.next_night()
    hosted.forkbot(*RUN)
    standing = hosted.standing()
    branch = standing["demo"].branches["wasip2"]
    assert branch.subjects == (
        "Leave out upstream's workflows", "fix: make it so", "release 1.1.0", "begin",
    )  # fmt: skip
    assert CI not in branch.files
    (issue,) = standing[HOME].artefacts
    assert not issue.open

    hosted.next_night()
    _, writes = hosted.wrote(*RUN)
    assert writes == ()
