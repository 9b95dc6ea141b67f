"""The fork branch: pushed with an exact lease or not at all; nobody's commits are ever lost."""

# ruff: noqa: E501 - what forkbot says is compared whole, in its own lines

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forkbot.git.repository import Repository
from forkbot.rebase.export import COMMITTER
from forkbot.words import Oid
from tests.e2e.world import NOW, World
from tests.publish.conftest import OURS, move_on
from tests.scenario import Upstream

BRANCH = "refs/heads/wasip2"


def last_lines(said: str) -> list[str]:
    """Return what follows the table."""
    return said.rsplit("\n\n", maxsplit=1)[-1].splitlines()


def row(said: str) -> str:
    """Return the fork branch's cell of a table with one stack."""
    return said.splitlines()[3].split("not asked")[-1].strip()


def commit(fork: Repository, *, on: Oid, who: str, subject: str = "by hand") -> Oid:
    """Write a commit into a fork, as somebody who pushed it."""
    name, _, email = who.partition(" <")
    env = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER")
           for key, value in (("NAME", name), ("EMAIL", email.rstrip(">")), ("DATE", "@1795000000 +0000"))}  # fmt: skip
    said = fork.git("commit-tree", "-p", on, "-m", subject, f"{on}^{{tree}}", env=env)
    return Oid(said.stdout.decode().strip())


@pytest.mark.usefixtures("upstream")
def test_publishing_makes_the_branch_once(world: World) -> None:
    said = world.forkbot("publish")
    assert said.progress == [
        "demo: locating upstream",
        "demo: rebasing onto v1.0.0",
        "demo: publishing demo wasip2",
    ]
    assert row(said.out) == "demo wasip2: created"
    assert last_lines(said.out) == ["1 stack on main: 1 published"]
    assert list(world.refs()) == [BRANCH]
    assert world.log(world.fork(), BRANCH) == ["fix: make it so", "begin"]
    assert f'"published": "{world.refs()[BRANCH]}"' in (world.folder() / "stack.lock").read_text()
    before = world.listing()
    said = world.forkbot("publish")
    assert row(said.out) == "demo wasip2: up to date"
    assert last_lines(said.out) == ["1 stack on main: nothing new"]
    assert world.listing() == before


def test_an_overwritten_tip_stays_reachable(world: World, upstream: Upstream) -> None:
    world.forkbot("publish")
    old = world.refs()[BRANCH]
    move_on(world, upstream, "1.1.0")
    tag = f"refs/tags/forkbot/demo/2026-11-18-{old[:12]}"

    before = world.listing()
    said = world.forkbot("publish", "--dry-run")
    new = (world.folder() / "stack.lock").read_text().split('"result": "')[1][:12]
    assert last_lines(said.out) == [
        f"would push demo wasip2: {old[:12]} → {new}",
        f"would push demo {tag}: keeps {old[:12]}",
        "would write stacks/demo/stack.lock",
        "would write .forkbot/runs/20261118T110640000Z-4/",
        "1 stack on main: 1 would be published",
        "next: forkbot publish",
    ]
    assert world.listing() == before

    world.forkbot("publish")
    refs = world.refs()
    assert set(refs) == {BRANCH, tag}
    assert refs[tag] == old
    assert refs[BRANCH].startswith(new)
    assert world.log(world.fork(), BRANCH) == ["fix: make it so", "release 1.1.0", "begin"]
    before = world.listing()
    world.forkbot("publish")
    assert world.listing() == before


def test_what_was_never_found_green_is_not_published(world: World, upstream: Upstream) -> None:
    world.forkbot("publish")
    upstream.commit("release 1.1.0", {"src/new.rs": ""})
    upstream.tag("v1.1.0")
    world.forkbot("rebase")
    before = world.listing()
    said = world.forkbot("publish")
    assert row(said.out) == "demo wasip2: held back"
    assert last_lines(said.out) == [
        "held back: demo: no green verdict for this result: forkbot verify demo",
        "1 stack on main: 1 held back",
    ]
    assert world.listing() == before


def test_a_policy_holds_a_stack_and_what_is_built_on_it(world: World, upstream: Upstream) -> None:
    world.stack(upstream, {"up": OURS}, name="upper", more="depends: [demo]\n")
    world.forkbot("rebase")
    world.bless("demo", "upper")
    with (world.folder() / "stack.yaml").open("a") as policy:
        policy.write("when: {clean: hold}\n")
    said = world.forkbot("publish")
    assert last_lines(said.out) == [
        "held back: demo: stack.yaml says `when: {clean: hold}`",
        "held back: upper: waits: demo is held",
        "2 stacks on main: 2 held back",
    ]
    assert not (world.root / ".forkbot" / "forge").exists()
    assert "created" in world.forkbot("publish", "upper").out, "asked for by name, alone"


def test_a_lease_lost_between_plan_and_push(world: World, upstream: Upstream) -> None:
    """Another machine's forkbot was quicker: nothing changes here, and the next run goes on from there."""
    world.forkbot("publish")
    old = world.refs()[BRANCH]
    move_on(world, upstream, "1.1.0")
    other = commit(world.fork(), on=old, who=COMMITTER)
    race = world.shim(
        "git",
        f'case "$*" in *" push "*) env -i PATH=$PATH $real --git-dir={world.fork().git_dir} update-ref {BRANCH} {other};; esac',
    )
    before = world.listing(".forkbot")
    said = world.forkbot("publish", env=race, code=6)
    assert last_lines(said.out) == [
        "refused: demo: the push was refused, nothing was changed: not what it was when forkbot looked: refs/heads/wasip2: stale info",
        "1 stack on main: 1 refused",
        "next: run the same command again: it starts from what is there now",
    ]
    assert world.listing(".forkbot") == before
    assert world.refs() == {BRANCH: other}

    world.forkbot("publish")
    assert world.refs()[f"refs/tags/forkbot/demo/2026-11-18-{other[:12]}"] == other
    assert world.log(world.fork(), BRANCH) == ["fix: make it so", "release 1.1.0", "begin"]


def test_a_lost_lease_holds_what_is_built_on_it(world: World, upstream: Upstream) -> None:
    world.stack(upstream, {"up": OURS}, name="upper", more="depends: [demo]\n")
    move_on(world, upstream, "1.1.0", "demo", "upper")
    world.forkbot("publish")
    upper = world.refs("upper")
    old = world.refs()[BRANCH]
    move_on(world, upstream, "1.2.0", "demo", "upper")
    other = commit(world.fork(), on=old, who=COMMITTER)
    race = world.shim(
        "git",
        f'case "$*" in *" push "*/demo.git*) env -i PATH=$PATH $real --git-dir={world.fork().git_dir} update-ref {BRANCH} {other};; esac',
    )
    said = world.forkbot("publish", env=race, code=6)
    assert "held back: upper: waits: demo was not published" in said.out.splitlines()
    assert world.refs("upper") == upper
    world.forkbot("publish")
    assert world.log(world.fork("upper"), BRANCH)[1] == "release 1.2.0"


@pytest.mark.parametrize("how", ["added", "amended", "buried"])
def test_a_persons_commits_stop_the_bot(world: World, upstream: Upstream, how: str) -> None:
    """Added on top, the tip amended, or under a commit of the bot's: all are a person's work."""
    world.forkbot("publish")
    fork, old = world.fork(), world.refs()[BRANCH]
    who = "A Person <person@example.invalid>"
    theirs = commit(fork, on=old if how != "amended" else fork.resolve(f"{old}^"), who=who)
    tip = commit(fork, on=theirs, who=COMMITTER) if how == "buried" else theirs
    fork.git("update-ref", BRANCH, tip)
    move_on(world, upstream, "1.1.0")
    before, forge = world.listing(".forkbot/runs"), world.refs()
    said = world.forkbot("publish", code=6)
    assert row(said.out) == "demo wasip2: refused"
    assert last_lines(said.out) == [
        f"refused: demo: wasip2 has commits that are not forkbot's: {theirs[:12]} by {who}",
        "1 stack on main: 1 refused",
        "next: git -C ~/root/.forkbot/forge/demo.git log wasip2  # then take it into a patch, or move the branch away",
    ]
    after = world.listing(".forkbot/runs")
    assert {k: v for k, v in after.items() if k != ".forkbot"} == {
        k: v for k, v in before.items() if k != ".forkbot"
    }
    assert world.refs() == forge
    assert f"""
## demo: not published

```
wasip2 has commits that are not forkbot's: {theirs[:12]} by {who}
```

Nothing was pushed; the stack's files are as they were.
""" in world.reports()[-1]


def test_killed_between_push_and_lock(world: World, upstream: Upstream) -> None:
    """The branch is right and the lock is not: the next run says so, and pushes nothing."""
    world.forkbot("publish")
    move_on(world, upstream, "1.1.0")
    kill = world.shim("git", 'case "$*" in *" push "*) $real "$@"; kill -9 $PPID; exit;; esac')
    lock = (world.folder() / "stack.lock").read_bytes()
    world.forkbot("publish", env=kill, code=-9)
    refs = world.refs()
    assert world.log(world.fork(), BRANCH)[1] == "release 1.1.0"
    assert (world.folder() / "stack.lock").read_bytes() == lock

    never = world.shim("git", 'case "$*" in *" push "*) exit 99;; esac')
    said = world.forkbot("publish", env=never)
    assert row(said.out) == "demo wasip2: up to date"
    assert world.refs() == refs
    assert f'"published": "{refs[BRANCH]}"' in (world.folder() / "stack.lock").read_text()
    before = world.listing()
    world.forkbot("publish", env=never)
    assert world.listing() == before


@pytest.mark.usefixtures("upstream")
def test_a_push_whose_answer_was_lost(world: World) -> None:
    """It arrived, and git came to grief afterwards: the next run finds it there."""
    lost = world.shim(
        "git",
        'case "$*" in *" push "*) $real "$@"; echo "fatal: the remote end hung up unexpectedly" >&2; exit 128;; esac',
    )
    said = world.forkbot("publish", env=lost, code=5)
    assert last_lines(said.out)[-2:] == [
        "1 stack on main: 1 failed",
        "next: git ls-remote ~/root/.forkbot/forge/demo.git",
    ]
    assert row(world.forkbot("publish").out) == "demo wasip2: up to date"


def test_upstreams_workflows_are_left_out_where_the_policy_says_so(
    world: World, upstream: Upstream
) -> None:
    with (world.folder() / "stack.yaml").open("a") as policy:
        policy.write("fork: {repo: demo, workflows: leave-out}\n")
    text = (world.folder() / "stack.yaml").read_text().replace("fork: {repo: demo}\n", "", 1)
    (world.folder() / "stack.yaml").write_text(text)
    world.forkbot("publish")
    assert "published_of" not in (world.folder() / "stack.lock").read_text()
    upstream.commit("ci", {".github/workflows/ci.yml": "on: push\n", ".github/workflows/x": "x"})
    move_on(world, upstream, "1.1.0")
    old = world.refs()[BRANCH]
    said = world.forkbot("publish", "--dry-run")
    push = last_lines(said.out)[0]
    assert push.startswith(f"would push demo wasip2: {old[:12]} → ")
    assert push.endswith(", without 2 workflow files of upstream's")
    assert "differs" in world.forkbot("status").out
    world.forkbot("publish")
    assert world.log(world.fork(), BRANCH)[:2] == [
        "Leave out upstream's workflows", "fix: make it so",
    ]  # fmt: skip
    names = world.fork().git("ls-tree", "-r", "--name-only", BRANCH).stdout.decode().split()
    assert names == ["src/lib.rs", "src/new.rs"]
    assert "differs" not in world.forkbot("status").out
    before = world.listing()
    assert row(world.forkbot("publish").out) == "demo wasip2: up to date"
    assert world.listing() == before


def test_recovery_tags_end_with_their_policy(world: World, upstream: Upstream) -> None:
    text = (world.folder() / "stack.yaml").read_text()
    more = "fork: {repo: demo, recovery: {days: 10, least: 1}}\n"
    (world.folder() / "stack.yaml").write_text(text.replace("fork: {repo: demo}\n", more))
    world.forkbot("publish")
    first = world.refs()[BRANCH]
    move_on(world, upstream, "1.1.0")
    world.forkbot("publish")
    move_on(world, upstream, "1.2.0")
    later = {"SOURCE_DATE_EPOCH": str(NOW + 11 * 86_400)}
    tag = f"refs/tags/forkbot/demo/2026-11-18-{first[:12]}"
    said = world.forkbot("publish", "--dry-run", env=later)
    assert f"would delete demo {tag}: {first[:12]}" in last_lines(said.out)
    assert tag in world.refs()
    second = world.refs()[BRANCH]
    world.forkbot("publish", env=later)
    assert set(world.refs()) == {BRANCH, f"refs/tags/forkbot/demo/2026-11-29-{second[:12]}"}


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder one that nobody can write to, root included."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(0o755)
        return
    mount = ["mount", "--bind", str(folder), str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("root may not mount here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_forge_that_cannot_be_written(world: World, upstream: Upstream) -> None:
    forge = world.root / ".forkbot" / "forge"
    forge.mkdir(parents=True)
    lock = (world.folder() / "stack.lock").read_bytes()
    with read_only(forge):
        said = world.forkbot("publish", code=5)
    assert last_lines(said.out)[-2:] == [
        "1 stack on main: 1 failed",
        "next: see that forkbot may write there, then run the same command again",
    ]
    assert (world.folder() / "stack.lock").read_bytes() == lock
    assert not list(forge.iterdir())
    world.forkbot("publish")

    move_on(world, upstream, "1.1.0")
    before = world.refs()
    with read_only(forge):
        said = world.forkbot("publish", code=5)
    assert last_lines(said.out)[-1] == "next: git ls-remote ~/root/.forkbot/forge/demo.git"
    assert world.refs() == before
    world.forkbot("publish")
    assert world.log(world.fork(), BRANCH)[1] == "release 1.1.0"
