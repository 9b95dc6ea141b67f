"""A conflict goes to its branch and the answer comes back, whatever people do there."""

from forkbot.model.conflictbranch import BranchState
from forkbot.model.fate import Fate
from tests.browser.conftest import (
    BASE,
    BRANCH,
    HEAD,
    NEWS,
    SECOND,
    TEXT,
    Nights,
    branch_of,
)
from tests.e2e.world import World

THIRD = "forkbot/demo/conflict-third"
LAID = HEAD.replace(
    "line 20\n",
    "<<<<<<< upstream v2.0.0\nline 20, reworded\n||||||| base\nline 20\n"
    "=======\nline twenty\n>>>>>>> patch second\n",
)


def answered_second(nights: Nights) -> None:
    """Let the conflict be laid out, and a person answer it."""
    nights.night()
    person = nights.person()
    person.commits({"src/lib.rs": SECOND})
    person.pushes()


def test_a_conflict_is_laid_out_once_and_an_unchanged_one_writes_nothing(nights: Nights) -> None:
    before = nights.world.listing()
    planned = branch_of(nights.night(dry_run=True))
    assert nights.world.listing() == before
    branch = branch_of(nights.night())
    assert (
        planned.writes
        == branch.writes
        == (
            f"{BRANCH}: {branch.tip[:12] if branch.tip else ''}",
            f"{BASE}: {nights.refs()[f'refs/heads/{BASE}'][:12]}",
        )
    )
    assert (branch.state, branch.done) == (BranchState.OPEN, True)
    assert nights.files(BRANCH) == {
        "src/lib.rs": LAID, "clean.rs": "c\n", "notes.md": "one\n2\nthree\n",
    }  # fmt: skip
    # the pull request shows the conflict and nothing else
    said = nights.fork.git("diff", "--name-only", BASE, BRANCH).stdout.decode()
    assert said == "clean.rs\nsrc/lib.rs\n"
    assert nights.world.log(nights.fork, f"refs/heads/{BASE}") == [
        "first: make it so", "rework it all (#7)", "begin",
    ]  # fmt: skip
    stood = nights.everything()
    branch = branch_of(nights.night())
    assert (branch.state, branch.writes, branch.done) == (BranchState.OPEN, (), False)
    assert nights.everything() == stood


def test_one_answer_after_the_other_becomes_the_patches_and_the_branches_go(
    nights: Nights,
) -> None:
    answered_second(nights)
    tip = nights.refs()[f"refs/heads/{BRANCH}"]
    stack = nights.night()
    (taken,) = stack.answered
    assert (taken.patch, taken.author, taken.state) == ("second", "Ada Lovelace", BranchState.TAKEN)
    assert branch_of(stack).patch == "third"
    (key,) = taken.resolutions
    assert stack.files_written == (f"resolutions/second/{key}.yaml",)
    assert [c.branch for c in stack.cleared if c.done] == [BASE, BRANCH]
    tag = f"refs/tags/forkbot/demo/2026-11-20-{tip[:12]}"
    assert set(nights.refs()) == {
        f"refs/heads/{THIRD}", "refs/heads/forkbot/demo/base/conflict-third", tag,
    }  # fmt: skip
    assert nights.refs()[tag] == tip

    person = nights.person(THIRD, who="Grace Hopper <grace@example.invalid>")
    assert (person.folder / "FORKBOT-CONFLICT.md").read_text() == (
        "# Files without lines to choose from\n\n"
        "Patch third of demo is in conflict about these files as a whole. Edit, move or\n"
        "delete each; to leave one as it lies there, take its line out of this file. Where the two sides\n"
        "differ in lines, the files themselves have conflict markers.\n\n"
        "This file is not part of the patch. When nothing else is left to decide, it may go.\n\n"
        "- `gone.rs`: deleted upstream, edited by the patch; the patch's file lies there\n"
    )
    person.commits({"notes.md": "one\nTWO, 2\nthree\n", "FORKBOT-CONFLICT.md": None})
    person.pushes()
    stack = nights.night()
    assert stack.conflict_branch is None
    assert stack.rebase is not None
    assert [o.fate for o in stack.rebase.outcomes] == [Fate.SHIFTED, Fate.ADAPTED, Fate.ADAPTED]
    assert f"Resolution: {key} (Ada Lovelace, 2026-11-20)" in nights.patch("second")
    assert "(Grace Hopper, 2026-11-20)" in nights.patch("third")
    assert "+TWO, 2\n" in nights.patch("third")
    assert "FORKBOT" not in nights.patch("third")
    assert [r for r in nights.refs() if "heads" in r] == []
    artefacts = nights.forge.artefacts("demo")
    assert [(a.open, a.mark.over) for a in artefacts] == [(False, True), (False, True)]
    assert (
        "in patch third now"
        in (nights.world.root / ".forkbot/forge/demo/artefacts/2/comment-001.md").read_text()
    )
    stood = nights.everything()
    assert nights.night().files_written == ()
    assert nights.everything() == stood
