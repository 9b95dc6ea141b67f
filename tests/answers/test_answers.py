"""A conflict goes to its branch and the answer comes back, whatever people do there."""

from pathlib import Path

from forkbot.model.conflictbranch import BranchState
from forkbot.model.fate import Fate
from forkbot.run import Step
from tests.answers.conftest import (
    BASE,
    BRANCH,
    HEAD,
    NEWS,
    PATCHES,
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
        "delete each; to leave one as it lies there, take its line out of this file. Where\n"
        "the two sides differ in lines, the files themselves have conflict markers.\n\n"
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


def comments(nights: Nights, number: int = 1) -> list[str]:
    """Return what was commented on an artefact."""
    folder = nights.world.root / f".forkbot/forge/demo/artefacts/{number}"
    return [p.read_text() for p in sorted(folder.glob("comment-*.md"))]


def test_half_done_work_is_left_alone_with_one_comment_that_says_which_lines(
    nights: Nights,
) -> None:
    nights.night()
    person = nights.person()
    half = LAID.replace("<<<<<<< upstream v2.0.0\n", "").replace("||||||| base\nline 20\n", "")
    person.commits({"src/lib.rs": half})
    person.pushes()
    stood = nights.refs()
    branch = branch_of(nights.night())
    assert branch.state is BranchState.HALF_DONE
    assert [(u.where, u.what) for u in branch.undecided] == [
        ("src/lib.rs:22", "conflict markers are left: lines 22, 24")
    ]
    assert nights.refs() == stood
    (comment,) = comments(nights)
    assert "conflict markers are left: lines 22, 24" in comment
    nights.night()
    assert len(comments(nights)) == 1

    person.commits({"src/lib.rs": SECOND})
    person.pushes()
    assert [b.author for b in nights.night().answered] == ["Ada Lovelace"]


def test_a_file_without_lines_is_decided_by_its_line_in_the_note(nights: Nights) -> None:
    answered_second(nights)
    nights.night()
    person = nights.person(THIRD)
    note = (person.folder / "FORKBOT-CONFLICT.md").read_text()
    person.commits({"notes.md": "one\nTWO, 2\nthree\n"})
    person.pushes()
    (missing,) = branch_of(nights.night()).undecided
    assert missing.where == "gone.rs"
    assert "take its line out of FORKBOT-CONFLICT.md" in missing.hint
    # a browser sends CRLF
    left = "".join(f"{li}\r\n" for li in note.splitlines() if "gone.rs" not in li)
    person.commits({"FORKBOT-CONFLICT.md": left})
    person.pushes()
    assert nights.night().conflict_branch is None
    assert "new file mode 100644" in nights.patch("third").partition("gone.rs")[2]


def test_what_a_person_changes_besides_becomes_part_of_the_patch_and_is_said(
    nights: Nights,
) -> None:
    nights.night()
    person = nights.person()
    person.commits({"src/lib.rs": SECOND, "docs/more.md": "more\n"})
    person.commits({"clean.rs": "c, too\n"}, why="and this")
    person.pushes()
    (taken,) = nights.night().answered
    assert taken.besides == ("clean.rs", "docs/more.md")
    answer_third(nights)
    nights.night()
    assert "+++ b/docs/more.md" in nights.patch("second")
    assert "+c, too" in nights.patch("second")


def answer_third(nights: Nights) -> None:
    """Let a person answer the last conflict."""
    person = nights.person(THIRD)
    person.commits({"notes.md": "one\nTWO, 2\nthree\n", "FORKBOT-CONFLICT.md": None})
    person.pushes()


def test_an_answer_that_leaves_nothing_of_the_patch_is_not_taken_for_one(nights: Nights) -> None:
    nights.night()
    person = nights.person()
    upstream = HEAD.replace("line 20\n", "line 20, reworded\n")
    person.commits({"src/lib.rs": upstream, "clean.rs": None})
    person.pushes()
    stood = nights.refs()
    branch = branch_of(nights.night())
    assert branch.state is BranchState.EMPTY
    assert "nothing is left of the patch" in branch.why
    assert "forkbot: skip patch" in comments(nights)[0]
    assert nights.refs() == stood


def test_who_merges_the_pull_request_has_answered_it(nights: Nights) -> None:
    answered_second(nights)
    person = nights.person(BASE)
    person.git("merge", "--quiet", "--no-ff", "-m", "Merge pull request #1", f"origin/{BRANCH}")
    person.pushes("origin", f"HEAD:{BASE}")
    person.pushes("origin", f":{BRANCH}")
    stack = nights.night()
    assert [(b.patch, b.state) for b in stack.answered] == [("second", BranchState.TAKEN)]
    assert branch_of(stack).patch == "third"
    kept = [r for r in nights.refs() if "/tags/" in r]
    assert len(kept) == 1
    assert not [r for r in nights.refs() if r.endswith("conflict-second")]


def test_an_amended_commit_of_ours_is_an_answer(nights: Nights) -> None:
    nights.night()
    person = nights.person()
    (person.folder / "src/lib.rs").write_text(SECOND)
    person.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    person.pushes("--force")
    assert [b.patch for b in nights.night().answered] == ["second"]


def test_what_a_merge_or_a_rebase_brought_in_is_not_made_part_of_the_patch(
    nights: Nights,
) -> None:
    answered_second(nights)
    nights.news({"src/new.rs": "new\n"}, "2.1.0")
    person = nights.person()
    person.git("fetch", "--quiet", str(nights.upstream.path), "main")
    person.git("merge", "--quiet", "-m", "merge upstream", "FETCH_HEAD")
    person.pushes()
    stood = nights.refs()
    branch = branch_of(nights.night())
    assert branch.state is BranchState.FOREIGN
    assert f"commit {str(nights.upstream.tip)[:12]} came in beside the conflict" in branch.why
    assert nights.refs() == stood

    person.git("reset", "--quiet", "--hard", "HEAD~1")
    person.git("rebase", "--quiet", "FETCH_HEAD")
    person.pushes("--force")
    stood = nights.refs()
    branch = branch_of(nights.night())
    assert branch.state is BranchState.FOREIGN
    assert "does not stand on what forkbot laid out any more" in branch.why
    assert nights.refs() == stood


def test_a_deleted_branch_stays_deleted_until_the_conflict_is_another_one(nights: Nights) -> None:
    nights.night()
    nights.fork.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    stood = nights.refs()
    branch = branch_of(nights.night())
    assert branch.state is BranchState.DELETED
    assert "a person deleted its branch" in branch.why
    assert nights.refs() == stood
    again = {**NEWS, "src/lib.rs": TEXT.replace("line 20\n", "line 20, anew\n")}
    nights.news(again, "3.0.0")
    branch = branch_of(nights.night())
    assert (branch.state, branch.done, branch.onto.label) == (BranchState.OPEN, True, "v3.0.0")
    assert "line 20, anew" in nights.files(BRANCH)["src/lib.rs"]


def test_a_conflict_that_changes_before_anybody_came_is_laid_out_anew(nights: Nights) -> None:
    old = branch_of(nights.night())
    again = {**NEWS, "src/lib.rs": TEXT.replace("line 20\n", "line 20, anew\n")}
    nights.news(again, "3.0.0")
    branch = branch_of(nights.night())
    assert branch.done
    assert branch.writes[0].startswith(f"{BRANCH}: {str(old.tip)[:12]} → ")
    assert not [r for r in nights.refs() if "/tags/" in r]


def test_an_answer_holds_where_it_was_asked_when_upstream_moved_on_meanwhile(
    nights: Nights,
) -> None:
    answered_second(nights)
    # the same lines again, so that the answer says nothing of them
    again = {**NEWS, "src/lib.rs": TEXT.replace("line 20\n", "line 20, anew\n")}
    nights.news(again, "3.0.0")
    stack = nights.night()
    assert [(b.patch, b.onto.label) for b in stack.answered] == [("second", "v2.0.0")]
    branch = branch_of(stack)
    assert (branch.patch, branch.onto.label) == ("third", "v2.0.0")
    answer_third(nights)
    stack = nights.night()
    assert stack.rebase is not None
    assert (stack.rebase.onto.label, stack.conflict_branch) == ("v2.0.0", None)
    assert '"base-label": "v2.0.0"' in (nights.world.folder() / "stack.lock").read_text()
    branch = branch_of(nights.night())
    assert (branch.patch, branch.onto.label) == ("second", "v3.0.0")


def test_an_answer_goes_along_to_the_newest_where_it_still_fits(nights: Nights) -> None:
    answered_second(nights)
    nights.news({"src/new.rs": "new\n"}, "2.1.0")
    stack = nights.night()
    assert [(b.patch, b.onto.label) for b in stack.answered] == [("second", "v2.0.0")]
    branch = branch_of(stack)
    assert (branch.patch, branch.onto.label) == ("third", "v2.1.0")


def test_an_answer_is_not_lost_when_another_patch_stands_in_conflict_now(tmp_path: Path) -> None:
    nights = Nights(World(tmp_path))
    nights.begin({name: PATCHES[name] for name in ("first", "second")})
    nights.news()
    answered_second(nights)
    nights.news({"src/lib.rs": "no line of it\n"}, "3.0.0")
    stack = nights.night()
    assert [b.patch for b in stack.answered] == ["second"]
    assert stack.rebase is not None
    assert (stack.rebase.onto.label, stack.conflict_branch) == ("v2.0.0", None)
    assert branch_of(nights.night()).patch == "first"


def test_patches_that_changed_meanwhile_make_it_another_question(nights: Nights) -> None:
    answered_second(nights)
    mail = nights.world.folder() / "patches" / "first.patch"
    mail.write_text(mail.read_text().replace("a line of ours", "another line of ours"))
    second = nights.world.folder() / "patches" / "second.patch"
    stood = nights.refs()
    branch = branch_of(nights.night())
    assert second.is_file()
    assert branch.state is BranchState.STALE
    assert "the stack's patches changed since it was laid out" in branch.why
    assert nights.refs() == stood
    # nothing of the person's is lost by beginning anew
    for name in (BRANCH, BASE):
        nights.fork.git("update-ref", "-d", f"refs/heads/{name}")
    assert branch_of(nights.night()).done


def test_a_conflict_that_is_gone_takes_its_branches_along_and_keeps_what_people_did(
    nights: Nights,
) -> None:
    nights.night()
    person = nights.person()
    person.commits({"src/half.rs": "half\n"})
    person.pushes()
    tip = nights.refs()[f"refs/heads/{BRANCH}"]
    nights.news({"src/lib.rs": TEXT, "notes.md": "one\ntwo\nthree\n", "gone.rs": "1\n"}, "3.0.0")
    stack = nights.night()
    assert stack.conflict_branch is None
    tag = f"refs/tags/forkbot/demo/2026-11-20-{tip[:12]}"
    assert nights.refs() == {tag: tip}
    assert [a.open for a in nights.forge.artefacts("demo")] == [False]
    stood = nights.everything()
    nights.night()
    assert nights.everything() == stood


def test_upstreams_workflows_are_left_out_of_a_conflicts_branch_too(nights: Nights) -> None:
    """The token may not push them; that they are not there is no answer of anybody's."""
    ci = ".github/workflows/ci.yml"
    policy = nights.world.folder() / "stack.yaml"
    fork = "fork: {repo: demo, workflows: leave-out}"
    policy.write_text(policy.read_text().replace("fork: {repo: demo}", fork))
    nights.upstream.commit("ci", {ci: "on: push\n", ".github/dependabot.yml": "version: 2\n"})
    branch = branch_of(nights.night())
    assert branch.state is BranchState.OPEN
    for name in (BRANCH, BASE):
        assert ci not in nights.files(name)
        assert ".github/dependabot.yml" in nights.files(name)
    said = nights.fork.git("diff", "--name-only", BASE, BRANCH).stdout.decode()
    assert said == "clean.rs\nsrc/lib.rs\n"
    stood = nights.everything()
    assert branch_of(nights.night()).writes == ()
    assert nights.everything() == stood

    person = nights.person()
    person.commits({"src/lib.rs": SECOND})
    person.pushes()
    (taken,) = nights.night().answered
    assert (taken.state, taken.besides) == (BranchState.TAKEN, ())
    assert "workflows" not in nights.patch("second")


def test_workflows_that_a_person_adds_are_part_of_their_answer(nights: Nights) -> None:
    policy = nights.world.folder() / "stack.yaml"
    fork = "fork: {repo: demo, workflows: leave-out}"
    policy.write_text(policy.read_text().replace("fork: {repo: demo}", fork))
    nights.upstream.commit("ci", {".github/workflows/ci.yml": "on: push\n"})
    nights.night()
    person = nights.person()
    person.commits({"src/lib.rs": SECOND, ".github/workflows/own.yml": "on: push\n"})
    person.pushes()
    (taken,) = nights.night().answered
    assert (taken.state, taken.besides) == (BranchState.TAKEN, (".github/workflows/own.yml",))


def test_a_machine_without_a_token_proves_what_the_answer_makes(nights: Nights) -> None:
    """Where upstream's code runs, answers are read as anybody reads them; nobody is told."""
    answered_second(nights)
    nights.night()
    answer_third(nights)
    stood = nights.everything()
    heard = nights.night(steps=Step.REBASE | Step.HEAR)
    assert [b.patch for b in heard.answered] == ["third"]
    assert nights.everything() == stood
    there = nights.world.forkbot("plan").out
    assert there.startswith("demo: upstream went from v1.0.0 to v2.0.0\n")
    assert nights.everything() == stood
    kept = nights.night()
    assert kept.rebase is not None
    assert heard.rebase is not None
    assert heard.rebase.tip == kept.rebase.tip is not None
