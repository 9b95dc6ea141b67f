"""On the main channel: an upstream on this disk moves; a stack follows it, or says why not."""

# ruff: noqa: E501 - what forkbot says is compared whole, in its own lines

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from forkbot.git.repository import Repository, sealed_env
from tests.e2e.world import Changes, World, listing
from tests.scenario import Upstream

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
HEAD = "a line of ours\n" + TEXT
PATCHES: dict[str, Changes] = {
    "first": {"src/lib.rs": HEAD},
    "second": {"src/lib.rs": HEAD.replace("line 20\n", "line twenty\n")},
    "third": {"notes.md": "one\nTWO\nthree\n"},
}


@pytest.fixture
def upstream(world: World) -> Upstream:
    """Return an upstream with one release, and a stack of three patches that sits on it."""
    upstream = world.upstream()
    upstream.commit("begin", {"src/lib.rs": TEXT, "notes.md": "one\ntwo\nthree\n"})
    upstream.tag("v1.0.0")
    world.stack(upstream, PATCHES)
    world.forkbot("rebase")
    return upstream


def release(upstream: Upstream, version: str, files: Changes) -> None:
    """Commit to upstream and tag it."""
    upstream.commit(f"release {version}", files)
    upstream.tag(f"v{version}")


def easy_news(upstream: Upstream) -> None:
    """Let upstream take one patch in and touch the neighbourhood of another."""
    text = TEXT.replace("line 17\n", "line 17\nline 17 and a half\n")
    release(upstream, "1.1.0", {"src/lib.rs": text, "notes.md": "one\nTWO\nthree\n"})


def hard_news(upstream: Upstream) -> None:
    """Let upstream rewrite a line that a patch rewrites too."""
    release(upstream, "2.0.0", {"src/lib.rs": TEXT.replace("line 20\n", "line 20, reworded\n")})


def table(text: str) -> str:
    """Return expected output: a blank line, and the rest without its indent."""
    return "\n" + dedent(text).lstrip("\n")


def test_a_stack_follows_upstream_and_a_second_run_writes_nothing(
    world: World, upstream: Upstream
) -> None:
    easy_news(upstream)
    said = world.forkbot("rebase")
    assert said.out == table("""
         stack   upstream          patches                         verified    fork branch
         ─────────────────────────────────────────────────────────────────────────────────
         demo    v1.0.0 → v1.1.0   1 shifted, 1 adapted, 1 empty   not asked   not asked

        demo: patch third leaves the series, empty: on v1.1.0 the merge leaves nothing of it: upstream has this content
        demo: 1 of 3 patches as reviewed; read second; besides: 1 empty
        1 stack on main: files updated
        """)
    assert said.progress == ["demo: locating upstream", "demo: rebasing onto v1.1.0"]
    patches = world.folder() / "patches"
    assert (patches / "series").read_text() == "first.patch\nsecond.patch\n"
    assert sorted(p.name for p in patches.iterdir()) == ["first.patch", "second.patch", "series"]
    assert " line 17 and a half\n" in (patches / "second.patch").read_text()

    before, cache = world.listing(), listing(world.cache)
    said = world.forkbot("rebase")
    assert said.out == table("""
         stack   upstream   patches       verified    fork branch
         ────────────────────────────────────────────────────────
         demo    v1.1.0     2 unchanged   not asked   not asked

        1 stack on main: nothing new
        """)
    assert world.listing() == before
    assert {k: v[2] for k, v in listing(world.cache).items()} == {k: v[2] for k, v in cache.items()}


def test_a_conflict_touches_nothing_and_says_where(world: World, upstream: Upstream) -> None:
    hard_news(upstream)
    assert upstream.tip
    broke = upstream.tip[:12]
    before = world.listing(".forkbot")
    said = world.forkbot("rebase", code=3)
    assert said.out == table(f"""
         stack   upstream          patches                            verified    fork branch
         ────────────────────────────────────────────────────────────────────────────────────
         demo    v1.0.0 → v2.0.0   1 shifted, 1 conflict, 1 blocked   not asked   not asked

        conflict: demo: patch second is in conflict with v2.0.0 in 1 file, broken by {broke}
          it is for: Because.
          src/lib.rs: both edited, needs a small edit, line 21
            broken by {broke} of 2026-09-21 by An Upstream Dev: release 2.0.0
          behind it: third goes on without it
          floor: the whole stack goes no further than it is: the next commit after its base ({broke}) is in the way
        the whole report: .forkbot/runs/20261118T110640000Z-2/report.html
        1 stack on main: 1 in conflict
        next: forkbot resolve demo
        """)
    assert world.listing(".forkbot") == before
    report = world.reports()[-1]
    assert report.startswith(
        dedent(f"""\
        # demo: patch second is in conflict with v2.0.0 in 1 file, broken by {broke[:6]}\u200b{broke[6:]}

        Next:

        ```sh
        forkbot resolve demo
        ```
        """)
    )
    assert world.forkbot("report", "--format", "markdown").out == report


def test_a_dry_run_prints_each_write_and_makes_none(world: World, upstream: Upstream) -> None:
    easy_news(upstream)
    before = world.listing()
    said = world.forkbot("rebase", "demo", "--dry-run")
    assert said.out == table("""
         stack   upstream          patches                         verified    fork branch
         ─────────────────────────────────────────────────────────────────────────────────
         demo    v1.0.0 → v1.1.0   1 shifted, 1 adapted, 1 empty   not asked   not asked

        demo: patch third leaves the series, empty: on v1.1.0 the merge leaves nothing of it: upstream has this content
        demo: 1 of 3 patches as reviewed; read second; besides: 1 empty
        would write stacks/demo/patches/second.patch
        would write stacks/demo/patches/series
        would delete stacks/demo/patches/third.patch
        would write stacks/demo/stack.lock
        would write .forkbot/runs/20261118T110640000Z-2/
        1 stack on main: files would be updated
        next: forkbot rebase demo
        """)
    assert world.listing() == before

    world.forkbot("rebase", "demo")
    after = world.listing()
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    folders = {"stacks/demo", "stacks/demo/patches", ".forkbot/runs"}
    told = {li.split()[2].rstrip("/") for li in said.out.splitlines() if li.startswith("would")}
    run = ".forkbot/runs/20261118T110640000Z-2"
    assert {n for n in changed if not n.startswith(f"{run}/")} - folders == told

    nothing = world.forkbot("rebase", "demo", "--dry-run")
    assert "would" not in nothing.out
    assert world.listing() == after


def test_a_dry_run_in_a_new_root_makes_no_folder_of_its_own(world: World) -> None:
    upstream = world.upstream()
    upstream.commit("begin", {"src/lib.rs": TEXT})
    world.stack(upstream, {"first": {"src/lib.rs": HEAD}})
    before = world.listing()
    world.forkbot("rebase", "--dry-run")
    world.forkbot("publish", "--dry-run")
    assert world.listing() == before
    assert not (world.root / ".forkbot").exists()


def test_another_upstream_for_one_run(world: World, upstream: Upstream) -> None:
    """A relative path counts from where the person stands."""
    clone = world.place / "clone.git"
    shutil.copytree(upstream.path, clone)
    easy_news(upstream)
    before = world.listing()
    assert "nothing new" in world.forkbot("rebase", "demo", "--upstream", "clone.git").out
    assert world.listing() == before
    assert "v1.1.0" in world.forkbot("rebase", "demo", "--upstream", f"file://{upstream.path}").out
    said = world.forkbot("rebase", "--upstream", "clone.git", code=2)
    assert said.err == (
        "error: --base, --onto and --upstream speak of one upstream, so they need one stack\n"
        "hint: forkbot rebase tokio --onto …\n"
    )


def test_a_path_in_a_policy_counts_from_the_root(world: World) -> None:
    upstream = world.upstream()
    upstream.commit("begin", {"src/lib.rs": TEXT})
    world.stack(upstream, {"first": {"src/lib.rs": HEAD}}, url="../upstream.git")
    world.forkbot("rebase")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("--upload-pack=x", "option"),
        ("ext::sh -c id", "ext:: helpers run commands"),
        ("ftp://x/y", "git cannot fetch from ftp://"),
        ("https://u:p@x/y", "credentials"),
        ("a\x1b[2Jb", "control characters"),
        ("", "URL"),
    ],
)
def test_bad_urls_are_refused(world: World, upstream: Upstream, url: str, what: str) -> None:
    before = world.listing()
    said = world.forkbot("rebase", "demo", f"--upstream={url}", code=2)
    assert said.err.startswith("error: --upstream: ")
    assert what in said.err
    assert "u:p" not in said.err
    assert "\x1b" not in said.err
    assert world.listing() == before

    policy = world.folder() / "stack.yaml"
    quoted = '"' + url.replace("\x1b", "\\e") + '"'
    policy.write_text(policy.read_text().replace(str(upstream.path), quoted))
    before = world.listing()
    said = world.forkbot("rebase", code=2)
    assert said.err.startswith("error: ~/root/stacks/demo/stack.yaml:2: ")
    assert what in said.err
    assert "u:p" not in said.err
    assert world.listing() == before


def test_an_unreachable_upstream_stops_its_own_stack_only(world: World, upstream: Upstream) -> None:
    """A closed port, a missing path and a missing branch; the fourth stack goes on."""
    easy_news(upstream)
    closed = "http://127.0.0.1:1/gone.git"
    world.stack(upstream, {}, name="far", url=closed)
    world.stack(upstream, {}, name="gone", url=str(world.place / "gone.git"))
    world.stack(upstream, {}, name="other")
    policy = world.folder("other") / "stack.yaml"
    policy.write_text(policy.read_text().replace("{git:", "{branch: release, git:"))
    said = world.forkbot("rebase", code=5)
    told = [li for li in said.out.splitlines() if li.startswith("error")]
    assert told[0].startswith(f"error: {closed}: git could not reach it: unable to access")
    assert told[1:] == [
        "error: ~/gone.git: git could not reach it: '~/gone.git' does not appear to be a git repository",
        "error: ~/upstream.git: git could not reach it: couldn't find remote ref refs/heads/release",
    ]
    assert said.out.splitlines()[-4:] == [
        "4 stacks on main: 1 rebased, 3 without an answer",
        f"next: git ls-remote {closed}",
        "next: git ls-remote ~/gone.git",
        "next: git ls-remote ~/upstream.git",
    ]
    assert world.folder().joinpath("patches/series").read_text() == "first.patch\nsecond.patch\n"


Damage = Callable[[Path], None]


def _overwrite(path: Path) -> None:
    path.chmod(0o644)
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:half] + b"\0" * (len(whole) - half))


def _empty_objects(mirror: Path) -> None:
    for path in mirror.glob("objects/??/*"):
        path.chmod(0o644)
        path.write_bytes(b"")  # as a power cut leaves them


def _bad_pack(mirror: Path) -> None:
    repository = Repository(git_dir=mirror, env=sealed_env({"PATH": "/usr/bin:/bin"}))
    repository.git("repack", "-a", "-d", "-q")
    _overwrite(next(mirror.glob("objects/pack/*.pack")))


def _one_blob(mirror: Path) -> None:
    repository = Repository(git_dir=mirror, env=sealed_env({"PATH": "/usr/bin:/bin"}))
    oid = repository.git("rev-parse", "v1.0.0:src/lib.rs").stdout.decode().strip()
    _overwrite(mirror / "objects" / oid[:2] / oid[2:])


@pytest.mark.parametrize(
    "damage",
    [
        _empty_objects,
        _bad_pack,
        _one_blob,
        lambda m: (m / "HEAD").write_text("what"),
        lambda m: (m / "HEAD").unlink(),
        lambda m: (m / "config").write_text("[what"),
        lambda m: (m / "refs/heads/main").write_text("0123456789" * 4),
        lambda m: shutil.rmtree(m / "objects"),
    ],
    ids=["objects", "pack", "blob", "bad HEAD", "no HEAD", "config", "ref", "no objects"],
)
def test_a_damaged_mirror_heals(world: World, upstream: Upstream, damage: Damage) -> None:
    mirror = next((world.cache / "mirrors").glob("*.git"))
    damage(mirror)
    easy_news(upstream)
    world.forkbot("rebase")
    assert (world.folder() / "patches/series").read_text() == "first.patch\nsecond.patch\n"
    release(upstream, "1.2.0", {"notes.md": "nothing\n"})
    assert "v1.1.0 → v1.2.0" in world.forkbot("rebase").out
    assert not list(world.cache.glob("mirrors/*.damaged"))


def test_of_two_runs_at_once_one_acts_and_the_other_says_so(
    world: World, upstream: Upstream
) -> None:
    easy_news(upstream)
    slow = world.shim(
        "git", f'case "$*" in *fetch*) while [ ! -e {world.place}/go ]; do sleep 0.05; done;; esac'
    )
    with world.start("rebase", env=slow) as first:
        assert first.stderr is not None
        assert b"locating upstream" in first.stderr.readline()
        before = world.listing()
        second = world.forkbot("rebase", code=6)
        assert second.err == (
            "error: ~/root: another forkbot is at work in this repository\n"
            "hint: wait for it to end, then run the same command again\n"
        )
        assert world.listing() == before
        assert world.forkbot("status").code == 0
        (world.place / "go").touch()
        first.communicate(timeout=60)
        assert first.returncode == 0
    assert "nothing new" in world.forkbot("rebase").out


def test_two_repositories_share_a_mirror_at_once(world: World, upstream: Upstream) -> None:
    """Both start with an empty cache; one fetches, the other waits for it."""
    shutil.rmtree(world.cache)
    easy_news(upstream)
    twin = world.place / "twin"
    shutil.copytree(world.root, twin)
    slow = world.shim("git", 'case "$*" in *fetch*) sleep 0.5;; esac')
    said: list[str] = []

    def follow(root: Path) -> None:
        # the later -C counts
        said.append(world.forkbot("-C", str(root), "rebase", env=slow).err)

    both = [threading.Thread(target=follow, args=(root,)) for root in (world.root, twin)]
    for one in both:
        one.start()
    for one in both:
        one.join(timeout=60)
    waited = "forkbot: another forkbot is fetching ~/upstream.git: waiting for it\n"
    assert sum(waited in err for err in said) == 1
    stacks = [listing(root / "stacks") for root in (world.root, twin)]
    contents = [{name: seen[2] for name, seen in stack.items()} for stack in stacks]
    assert contents[0] == contents[1]
    assert len(list((world.cache / "mirrors").glob("*.git"))) == 1


def test_a_base_that_upstream_no_longer_has(world: World, upstream: Upstream) -> None:
    """Upstream's branch was rewritten, and this machine never saw the old one."""
    base = world.forkbot("rebase", "--json").out
    shutil.rmtree(world.cache)
    shutil.rmtree(upstream.path)
    anew = world.upstream()
    anew.commit("begin otherwise", {"src/lib.rs": TEXT, "notes.md": "one\ntwo\nthree\n", "x": "x"})
    assert anew.tip
    assert anew.tip not in base
    before = world.listing(".forkbot")
    said = world.forkbot("rebase", code=2)
    told = [li for li in said.out.splitlines() if li.startswith(("error", "next"))]
    lock = world.folder() / "stack.lock"
    old = lock.read_text().split('"base": "')[1][:12]
    assert told == [
        f"error: stacks/demo/stack.lock: the base {old} (v1.0.0) is not in upstream",
        (
            f"next: forkbot rebase demo --base {anew.tip[:12]}  # if main was rewritten: "
            "where the patches fit exactly"
        ),
    ]
    assert world.listing(".forkbot") == before
    world.forkbot("rebase", "demo", "--base", "main")


def test_an_upstream_behind_the_base_is_a_stale_copy(world: World, upstream: Upstream) -> None:
    stale = world.place / "stale.git"
    shutil.copytree(upstream.path, stale)
    easy_news(upstream)
    world.forkbot("rebase")
    before = world.listing(".forkbot")
    repository = Repository(git_dir=upstream.path, env=sealed_env(world.env))
    repository.git("update-ref", "refs/heads/main", repository.resolve("v1.0.0"))
    said = world.forkbot("rebase", code=5)
    told = [li for li in said.out.splitlines() if li.startswith(("error", "next"))]
    assert told == [
        "error: ~/upstream.git: upstream's newest is v1.0.0, behind the base v1.1.0",
        (
            "next: forkbot rebase demo --onto v1.0.0  # to go back on purpose; "
            "else a mirror is out of date"
        ),
    ]
    assert world.listing(".forkbot") == before
    world.forkbot("rebase", "demo", "--onto", "v1.0.0")


def test_to_the_floor_and_no_further(world: World, upstream: Upstream) -> None:
    easy_news(upstream)
    broke = upstream.commit("reword it", {"src/lib.rs": TEXT.replace("line 20\n", "reworded\n")})
    upstream.commit("after", {"new.rs": "new\n"})
    said = world.forkbot("rebase", "demo", "--onto", "floor")
    assert said.out == table(f"""
         stack   upstream          patches                         verified    fork branch
         ─────────────────────────────────────────────────────────────────────────────────
         demo    v1.0.0 → v1.1.0   1 shifted, 1 adapted, 1 empty   not asked   not asked

        demo: patch third leaves the series, empty: on v1.1.0 the merge leaves nothing of it: upstream has this content
        demo: the whole stack goes as far as v1.1.0, 2 commits behind; the next ({broke[:12]}) is in the way
        demo: 1 of 3 patches as reviewed; read second; besides: 1 empty
        1 stack on main: files updated
        """)
    assert said.progress == [
        "demo: locating upstream",
        f"demo: rebasing onto v1.1.0-2-g{upstream.tip[:9] if upstream.tip else None}",
        "demo: in conflict there: rebasing onto v1.1.0, its floor",
    ]
    before = world.listing()
    said = world.forkbot("rebase", "--onto", "floor")
    assert said.out == table(f"""
         stack   upstream   patches       verified    fork branch
         ────────────────────────────────────────────────────────
         demo    v1.1.0     2 unchanged   not asked   not asked

        demo: the whole stack goes no further than it is: the next commit after its base ({broke[:12]}) is in the way
        1 stack on main: nothing new
        """)
    assert world.listing() == before
    upstream.commit("take it back", {"src/lib.rs": TEXT})
    label = f"v1.1.0-3-g{upstream.tip[:9] if upstream.tip else None}"
    assert label in world.forkbot("rebase", "demo", "--onto", "floor").out
