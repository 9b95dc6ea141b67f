"""A conflict goes to a person and comes back: laid out, edited, taken, recorded, replayed."""

# ruff: noqa: E501 - what forkbot says is compared whole, in its own lines

import contextlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from forkbot import resolve
from forkbot.cli.main import run_cli
from forkbot.git.worktree import WorkTree
from forkbot.resolvedir import ResolveFolder
from forkbot.stackdir.load import load_family
from forkbot.stackdir.lock import render_lock
from forkbot.words import Channel
from tests.e2e.world import Changes, World, listing
from tests.scenario import Upstream

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
HEAD = "a line of ours\n" + TEXT
PATCHES: dict[str, Changes] = {
    "first": {"src/lib.rs": HEAD},
    "second": {"src/lib.rs": HEAD.replace("line 20\n", "line twenty\n"), "clean.rs": "c\n"},
    "third": {"notes.md": "one\nTWO\nthree\n", "gone.rs": "2\n"},
}
NEWS: Changes = {
    "src/lib.rs": TEXT.replace("line 20\n", "line 20, reworded\n"),
    "notes.md": "one\n2\nthree\n",
    "gone.rs": None,
}
SECOND = HEAD.replace("line 20\n", "line twenty, reworded\n")


@pytest.fixture
def upstream(world: World) -> Upstream:
    """Return an upstream that went on, so that two patches of the stack are in conflict."""
    world.env["GIT_AUTHOR_NAME"] = "Ada Lovelace"
    upstream = world.upstream()
    files: Changes = {"src/lib.rs": TEXT, "notes.md": "one\ntwo\nthree\n", "gone.rs": "1\n"}
    upstream.commit("begin", files)
    upstream.tag("v1.0.0")
    world.stack(upstream, PATCHES)
    world.forkbot("rebase")
    upstream.commit("rework it all (#7)", NEWS)
    upstream.tag("v2.0.0")
    return upstream


def folder(world: World) -> Path:
    """Return where the conflict is laid out."""
    return world.root / ".forkbot" / "resolve" / "demo"


def git(world: World, *args: str) -> str:
    """Run git in that folder, as a person does."""
    done = subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@y", *args], cwd=folder(world),
        env=world.env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def stacks(world: World) -> dict[str, bytes]:
    """Return what the stacks' files say."""
    return {name: seen[2] for name, seen in listing(world.root / "stacks").items() if seen[2]}


def answer_second(world: World) -> None:
    """Edit the file as any tool does."""
    (folder(world) / "src" / "lib.rs").write_text(SECOND)


def answer_third(world: World) -> None:
    (folder(world) / "notes.md").write_text("one\nTWO, 2\nthree\n")
    git(world, "rm", "-q", "gone.rs")


def test_a_conflict_is_laid_out_edited_and_taken_and_so_is_the_next(
    world: World, upstream: Upstream
) -> None:
    assert upstream.tip
    broken = f"broken by {upstream.tip[:12]} of 2026-09-21 by An Upstream Dev: rework it all (#7)"
    said = world.forkbot("resolve", "demo", code=3)
    opened = f"""\
conflict: demo, patch second (2 of 3), going onto v2.0.0
  src/lib.rs: both sides edited it: line 21
  src/lib.rs: {broken}
folder: .forkbot/resolve/demo
  upstream is v2.0.0 with the patches before this one (git show HEAD), base is what the patch was made on, patch second is ours (git show patch)
next: forkbot resolve demo --continue  # when the files are as they should be
next: forkbot resolve demo --abort  # to leave everything as it was
"""
    assert said.out == opened
    assert git(world, "status", "--porcelain") == "A  clean.rs\nUU src/lib.rs\n"
    assert git(world, "log", "--format=%s") == "first: make it so\nrework it all (#7)\nbegin\n"
    assert git(world, "log", "--format=%s", "base..onto") == "rework it all (#7)\n"
    assert git(world, "show", "--format=%s", "--name-only", "patch") == (
        "second: make it so\n\nclean.rs\nsrc/lib.rs\n"
    )
    assert (folder(world) / "src" / "lib.rs").read_text() == HEAD.replace(
        "line 20\n",
        "<<<<<<< upstream v2.0.0\nline 20, reworded\n||||||| base\nline 20\n"
        "=======\nline twenty\n>>>>>>> patch second\n",
    )

    before = stacks(world)
    said = world.forkbot("resolve", "demo", "--continue", code=3)
    assert (
        said.out
        == """\
conflict: demo, patch second (2 of 3), going onto v2.0.0
not yet: .forkbot/resolve/demo/src/lib.rs:21: conflict markers are left: lines 21, 23, 25, 27
  make the lines what they should be, and take the markers out
next: forkbot resolve demo --continue  # when the files are as they should be
next: forkbot resolve demo --abort  # to leave everything as it was
"""
    )
    answer_second(world)
    assert world.forkbot("resolve", "demo", code=3).out == opened
    said = world.forkbot("resolve", "demo", "--continue", code=3)
    assert (
        said.out
        == f"""\
conflict: demo, patch third (3 of 3), going onto v2.0.0
  gone.rs: deleted upstream, edited by the patch; the patch's file lies there
    git add gone.rs  # to keep what lies there, or: git rm gone.rs
  notes.md: both sides edited it: line 2
  gone.rs: {broken}
  notes.md: {broken}
folder: .forkbot/resolve/demo
  upstream is v2.0.0 with the patches before this one (git show HEAD), base is what the patch was made on, patch third is ours (git show patch)
next: forkbot resolve demo --continue  # when the files are as they should be
next: forkbot resolve demo --abort  # to leave everything as it was
"""
    )
    (folder(world) / "notes.md").write_text("one\nTWO, 2\nthree\n")
    said = world.forkbot("resolve", "demo", "--continue", code=3)
    assert said.out.splitlines()[1:3] == [
        "not yet: .forkbot/resolve/demo/gone.rs: deleted upstream, edited by the patch; the patch's file lies there",
        "  git add gone.rs  # to keep what lies there, or: git rm gone.rs",
    ]
    assert stacks(world) == before
    git(world, "rm", "-q", "gone.rs")
    said = world.forkbot("resolve", "demo", "--continue")
    recorded = sorted(n for n in stacks(world) if "/resolutions/" in n)
    assert [n.rpartition("/")[0] for n in recorded] == [
        "demo/resolutions/second", "demo/resolutions/third", "demo/resolutions/third",
    ]  # fmt: skip
    assert "demo    v1.0.0 → v2.0.0   1 shifted, 2 adapted " in said.out
    assert said.out.partition("1 stack on main: files updated\n")[2] == (
        "".join(f"recorded: stacks/{name}\n" for name in recorded) + "next: forkbot verify demo\n"
    )
    key = Path(recorded[0]).stem
    assert (
        stacks(world)["demo/patches/second.patch"].decode().partition("Subject: ")[2]
        == f"""\
second: make it so

Because.

Patch-Name: second
Upstream-Status: Pending
Drop-When: green-without
Resolution: {key} (Ada Lovelace, 2026-11-18)

diff --git a/clean.rs b/clean.rs
new file mode 100644
index 0000000000000000000000000000000000000000..f2ad6c76f0115a6ba5b00456a849810e7ec0af20
--- /dev/null
+++ b/clean.rs
@@ -0,0 +1 @@
+c
diff --git a/src/lib.rs b/src/lib.rs
index 20fd0b7386237987471931c5bb7d741a956e9662..cff0058ee68173eb8339ec5b40bf569067b02a9c 100644
--- a/src/lib.rs
+++ b/src/lib.rs
@@ -18,7 +18,7 @@ line 16
 line 17
 line 18
 line 19
-line 20, reworded
+line twenty, reworded
 line 21
 line 22
 line 23
"""
    )
    assert not folder(world).parent.exists() or not list(folder(world).parent.iterdir())
    before_all = world.listing()
    assert "3 unchanged" in world.forkbot("rebase").out
    assert world.listing() == before_all
    assert world.forkbot("resolve", "demo").out == (
        "demo: nothing to resolve\nnext: forkbot rebase demo\n"
    )

    # the answers have done their work when the patches are next carried clean
    upstream.commit("elsewhere", {"more.rs": "m\n"})
    assert "3 shifted" in world.forkbot("rebase").out
    assert [n for n in stacks(world) if "/resolutions/" in n] == []


@pytest.mark.usefixtures("upstream")
def test_recorded_answers_replay_in_a_rebase_that_still_has_the_old_patches(world: World) -> None:
    """Before the fix lands: the resolutions are there, the patches are not refreshed yet."""
    old = stacks(world)
    world.forkbot("resolve", "demo", code=3)
    answer_second(world)
    world.forkbot("resolve", "demo", "--continue", code=3)
    answer_third(world)
    world.forkbot("resolve", "demo", "--continue")
    done = stacks(world)
    for name, data in old.items():
        (world.root / "stacks" / name).write_bytes(data)
    assert world.forkbot("resolve", "demo").out.splitlines()[0] == "demo: nothing to resolve"
    record = json.loads(world.forkbot("rebase", "--json").out)
    outcomes = record["stacks"][0]["rebase"]["outcomes"]
    assert [(o["fate"], [(r["path"], r["author"]) for r in o["replays"]]) for o in outcomes] == [
        ("shifted", []),
        ("adapted", [("src/lib.rs", "Ada Lovelace")]),
        ("adapted", [("gone.rs", "Ada Lovelace"), ("notes.md", "Ada Lovelace")]),
    ]
    # a replay gives what the person's own --continue gave: the same ids in the lock
    assert stacks(world) == done


@pytest.mark.usefixtures("upstream")
def test_abort_leaves_everything_as_it_was_and_keeps_what_was_edited(world: World) -> None:
    subprocess.run(["git", "init", "-q", world.root], env=world.env, check=True)
    (world.root / ".gitignore").write_text(".forkbot/\n")
    for words in (["add", "-A"], ["-c", "user.name=x", "-c", "user.email=y", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", world.root, *words], env=world.env, check=True)
    before = stacks(world)
    world.forkbot("resolve", "demo", code=3)
    said = world.forkbot("resolve", "demo", "--abort")
    assert said.out == "demo: the conflict is closed, and everything is as it was\n"
    assert list(folder(world).parent.iterdir()) == []

    world.forkbot("resolve", "demo", code=3)
    answer_second(world)
    said = world.forkbot("resolve", "demo", "--abort")
    assert said.out.splitlines()[1] == "what you did lies in .forkbot/resolve/demo.aborted-1"
    kept = folder(world).with_name("demo.aborted-1")
    assert (kept / "src" / "lib.rs").read_text() == SECOND
    assert stacks(world) == before
    status = subprocess.run(
        ["git", "-C", world.root, "status", "--porcelain"], env=world.env, capture_output=True,
        check=True,
    )  # fmt: skip
    assert status.stdout == b""
    assert "no conflict of demo is open" in world.forkbot("resolve", "demo", "--abort", code=2).err


@pytest.mark.usefixtures("upstream")
def test_commits_by_hand_and_notes_are_kept_and_build_output_slips_in_nowhere(
    world: World,
) -> None:
    world.forkbot("resolve", "demo", code=3)
    answer_second(world)
    (folder(world) / "target").mkdir()
    (folder(world) / "target" / "out.o").write_text("o")
    (folder(world) / "added.rs").write_text("added\n")
    git(world, "add", "added.rs")
    git(world, "commit", "-qam", "by hand")
    said = world.forkbot("resolve", "demo", code=3)
    assert "  not part of the answer unless you git add them: target/out.o" in said.out
    world.forkbot("resolve", "demo", "--continue", code=3)
    answer_third(world)
    said = world.forkbot("resolve", "demo", "--continue")
    assert "what you did besides lies in .forkbot/resolve/demo.done-1\n" in said.out
    kept = folder(world).with_name("demo.done-1")
    log = subprocess.run(
        ["git", "-C", kept, "log", "-1", "--format=%s", "yours-1"], env=world.env,
        capture_output=True, check=True,
    )  # fmt: skip
    assert log.stdout == b"by hand\n"
    patch = stacks(world)["demo/patches/second.patch"]
    assert b"+added\n" in patch
    assert b"out.o" not in patch


@pytest.mark.usefixtures("upstream")
def test_an_answer_that_leaves_nothing_has_to_be_meant(world: World) -> None:
    world.forkbot("resolve", "demo", code=3)
    git(world, "checkout", "-q", "HEAD", "--", ".")
    git(world, "rm", "-qf", "clean.rs")
    said = world.forkbot("resolve", "demo", "--continue", code=3)
    assert said.out.splitlines()[1:3] == [
        "not yet: .forkbot/resolve/demo: as it lies there, nothing is left of patch second: it would leave the series",
        "  if so: forkbot resolve demo --continue --empty",
    ]
    world.forkbot("resolve", "demo", "--continue", "--empty", code=3)
    answer_third(world)
    said = world.forkbot("resolve", "demo", "--continue")
    assert (
        "demo: patch second leaves the series, empty: so it was resolved by Ada Lovelace on 2026-11-18\n"
        in said.out
    )
    assert stacks(world)["demo/patches/series"] == b"first.patch\nthird.patch\n"
    assert [n for n in stacks(world) if "/resolutions/second/" in n] == []


@pytest.mark.usefixtures("upstream")
def test_what_is_half_answered_already_is_laid_out_answered(world: World) -> None:
    before = stacks(world)
    world.forkbot("resolve", "demo", code=3)
    answer_second(world)
    world.forkbot("resolve", "demo", "--continue", code=3)
    answer_third(world)
    world.forkbot("resolve", "demo", "--continue")
    for name, data in before.items():
        (world.root / "stacks" / name).write_bytes(data)
    (notes,) = (
        n for n, d in stacks(world).items() if "/resolutions/third/" in n and b"path: notes" in d
    )
    gone = world.root / "stacks" / notes
    gone.unlink()
    said = world.forkbot("resolve", "demo", code=3)
    lines = said.out.splitlines()
    assert lines[0] == "conflict: demo, patch third (3 of 3), going onto v2.0.0"
    assert lines[1] == "  gone.rs: answered by a recorded resolution, laid out as it says"
    assert any("of 2026-11-18 by Ada Lovelace, replayed" in line for line in lines)
    assert not (folder(world) / "gone.rs").exists()
    (folder(world) / "notes.md").write_text("one\nTWO, 2\nthree\n")
    world.forkbot("resolve", "demo", "--continue")
    assert gone.exists()


@pytest.mark.usefixtures("upstream")
def test_a_stack_that_changed_meanwhile_is_not_mixed_up(world: World) -> None:
    world.forkbot("resolve", "demo", code=3)
    patch = world.folder() / "patches" / "second.patch"
    patch.write_bytes(patch.read_bytes().replace(b"Because.", b"Because!"))
    said = world.forkbot("resolve", "demo", "--continue", code=2)
    assert said.err == (
        "error: ~/root/.forkbot/resolve/demo: the files of demo changed since this conflict was opened\n"
        "hint: forkbot resolve demo --abort  # keeps what you edited, then begin again\n"
    )
    said = world.forkbot("resolve", "demo", "--onto", "v2.0.0", code=2)
    assert "going onto v2.0.0, is open already" in said.err


@pytest.mark.usefixtures("upstream")
def test_git_must_know_a_name_and_a_dry_run_writes_nothing(world: World) -> None:
    before = world.listing()
    said = world.forkbot("resolve", "demo", "--dry-run", code=3)
    assert said.out.splitlines()[-1] == "next: forkbot resolve demo"
    assert world.listing() == before
    del world.env["GIT_AUTHOR_NAME"]
    said = world.forkbot("resolve", "demo", code=2)
    assert said.err.splitlines()[-1] == 'hint: git config --global user.name "Your Name"'
    assert world.listing() == before


def test_upstream_moves_on_and_the_open_conflict_keeps_to_its_own_commit(
    world: World, upstream: Upstream
) -> None:
    world.forkbot("resolve", "demo", code=3)
    upstream.commit("and on", {"src/lib.rs": "all new\n"})
    upstream.path.rename(upstream.path.with_name("away.git"))  # nor is it asked
    answer_second(world)
    world.forkbot("resolve", "demo", "--continue", code=3)
    answer_third(world)
    world.forkbot("resolve", "demo", "--continue")
    lock = json.loads(stacks(world)["demo/stack.lock"])
    assert lock["channels"]["main"]["base-label"] == "v2.0.0"


class KilledError(BaseException):
    """The process is gone."""


class Killer:
    """Lets a resolution die at its n-th write: before it is made, or right after."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.left, self.killed = world, -1, False
        for name, value in world.env.items():
            monkeypatch.setenv(name, value)
        for owner, name in (
            (ResolveFolder, "create"), (ResolveFolder, "write"), (ResolveFolder, "remove"),
            (WorkTree, "lay_out"), (WorkTree, "save_commits"), (resolve, "write_files_of"),
        ):  # fmt: skip
            monkeypatch.setattr(owner, name, self._guarded(getattr(owner, name)))

    def _guarded(self, real: Callable[..., object]) -> Callable[..., object]:
        def write(*args: object, **kwargs: object) -> object:
            self._step()
            result = real(*args, **kwargs)
            self._step()
            return result

        return write

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.killed = True
            raise KilledError

    def call(self, *args: str, kill: int = -1) -> None:
        """Call forkbot resolve; it dies at its ``kill``-th step, or goes through."""
        self.left = kill
        with contextlib.suppress(KilledError):
            run_cli(["-C", str(self.world.root), "resolve", "demo", *args])

    def until(self, patch: str) -> None:
        """Go on, unharmed, to where this patch is laid out."""
        while True:
            state = folder(self.world) / ".git" / "forkbot.json"
            standing = json.loads(state.read_text()) if state.exists() else {}
            if (standing.get("step"), standing.get("patch")) == ("open", patch):
                return
            # an answer that was not kept yet lies in the folder still
            self.call(*(["--continue"] if standing.get("step") == "open" else []))


@pytest.mark.usefixtures("upstream")
def test_a_kill_between_any_two_writes_costs_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write in turn is the last one before a kill, or the first one that is not made."""
    before, killer = stacks(world), Killer(world, monkeypatch)
    results = []
    for kill in range(30):
        killer.killed = False
        killer.call(kill=kill)
        killer.until("second")
        answer_second(world)
        killer.call("--continue", kill=kill)
        killer.until("third")
        answer_third(world)
        killer.call("--continue", kill=kill)
        if folder(world).exists():
            killer.call("--continue")
        assert not folder(world).exists()
        results.append(stacks(world))
        assert results[-1] == results[0], kill
        if kill and not killer.killed:
            break
        for name in results[-1].keys() - before.keys():
            (world.root / "stacks" / name).unlink()
        for name, data in before.items():
            (world.root / "stacks" / name).write_bytes(data)
    assert 10 < len(results) < 30


@pytest.mark.usefixtures("upstream")
def test_an_answer_on_one_channel_leaves_the_other_its_patches(world: World) -> None:
    (stack,) = load_family(world.root)
    main = stack.lock.channel(Channel.MAIN)
    assert main
    lock = render_lock(stack.lock.with_channel(Channel.RELEASE, main))
    (world.folder() / "stack.lock").write_bytes(lock)
    before = {p.name: p.read_bytes() for p in (world.folder() / "patches").iterdir()}
    world.forkbot("resolve", "demo", code=3)
    answer_second(world)
    world.forkbot("resolve", "demo", "--continue", code=3)
    answer_third(world)
    world.forkbot("resolve", "demo", "--continue")
    own = {p.name: p.read_bytes() for p in (world.folder() / "patches-release").iterdir()}
    assert own == before
    (after,) = load_family(world.root)
    assert after.on(Channel.RELEASE).patches == stack.patches
    assert after.on(Channel.MAIN).patches != stack.patches


def test_two_stacks_are_open_at_the_same_time(world: World, upstream: Upstream) -> None:
    assert upstream.tip
    world.stack(upstream, {"own": {"src/lib.rs": str(NEWS["src/lib.rs"]) + "end\n"}}, name="other")
    world.forkbot("rebase", "other")
    upstream.commit("end", {"src/lib.rs": str(NEWS["src/lib.rs"]) + "END\n"})
    upstream.tag("v3.0.0")
    world.forkbot("resolve", "demo", code=3)
    world.forkbot("resolve", "other", code=3)
    other = folder(world).with_name("other")
    (other / "src" / "lib.rs").write_text(str(NEWS["src/lib.rs"]) + "end, END\n")
    world.forkbot("resolve", "other", "--continue")
    assert folder(world).exists()
    assert not other.exists()
    assert {s.name: len(s.resolutions) for s in load_family(world.root)} == {"demo": 0, "other": 1}
