"""``forkbot init-repo``: an empty folder becomes a stacks repository; nothing is written over."""

import shutil
from pathlib import Path

import pytest

from forkbot.stackdir.load import load_family
from forkbot.words import Channel
from tests.e2e.world import World, listing
from tests.house.source import ROOT
from tests.house.test_workflows import complaints

COMMIT = "5a1c0de" * 5 + "5a1c0"
SOURCE = f"octo/forkbot@{COMMIT}"
WROTE = [
    ".github/workflows/rebase.yml",
    ".github/workflows/watchdog.yml",
    ".gitignore",
    "README.md",
    "stacks/defaults.yaml",
    "stacks/example/stack.yaml",
    "stacks/example/patches/series",
]
NEXT = "next: forkbot new NAME --git URL; then forkbot doctor\n"


def init(world: World, folder: Path, *options: str, source: str = SOURCE, code: int = 0) -> str:
    """Call it on a folder, and return what it said."""
    said = world.forkbot("init-repo", str(folder), "--forkbot", source, *options, code=code)
    return said.out + said.err


def test_an_empty_folder_becomes_a_stacks_repository(world: World) -> None:
    folder = world.place / "mine"
    said = "".join(f"would write {name}\n" for name in WROTE) + NEXT
    assert init(world, folder, "--dry-run") == said
    assert not folder.exists()
    assert init(world, folder) == said.replace("would write", "wrote")
    files = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    assert sorted(files) == sorted(WROTE)
    (example,) = load_family(folder)
    assert (example.name, example.patches) == ("example", ())
    assert "%" not in "".join(p.read_text() for p in folder.rglob("*") if p.is_file())


def test_a_second_call_changes_nothing(world: World) -> None:
    folder = world.place / "mine"
    init(world, folder)
    before = listing(folder)
    assert init(world, folder) == "".join(f"kept {name}\n" for name in WROTE[:5]) + NEXT
    assert listing(folder) == before


def test_what_people_have_stays_and_stacks_get_no_example(world: World) -> None:
    upstream = world.upstream()
    upstream.commit("begin", {"src/lib.rs": "a\n"})
    world.stack(upstream, {"fix": {"src/lib.rs": "b\n"}})
    (world.root / "README.md").write_text("mine\n")
    before = listing(world.root)
    said = init(world, world.root)
    assert said.startswith("kept README.md\nkept stacks/defaults.yaml\n")
    after = listing(world.root)
    changed = {name for name in before if before[name][2] != after[name][2]}
    assert changed == set()
    assert [s.name for s in load_family(world.root)] == ["demo"]


def test_its_workflows_are_ours_but_for_where_they_take_forkbot_from(world: World) -> None:
    folder = world.place / "mine"
    init(world, folder)
    workflows = folder / ".github" / "workflows"
    assert complaints(sorted(workflows.glob("*.yml"))) == ""
    here = (ROOT / ".github" / "workflows" / "rebase.yml").read_text(encoding="utf-8")
    keep = ".github/workflows/keep.yml"
    for ours, theirs in (
        (
            f"./{keep} # zizmor: ignore[self-repository] act knows no other way",
            f"octo/forkbot/{keep}@{COMMIT}",
        ),
        ("${{ github.repository }}", "octo/forkbot"),
        ("${{ github.sha }}", COMMIT),
    ):
        assert here.count(ours) == 2
        here = here.replace(ours, theirs)
    assert (workflows / "rebase.yml").read_text(encoding="utf-8") == here


def test_from_commits_on_a_branch_to_what_the_bot_is_to_prove(world: World) -> None:
    """The path that the README shows, up to the first night."""
    upstream = world.upstream("tokio")
    base = upstream.commit("begin", {"src/lib.rs": "one\ntwo\nthree\n"})
    upstream.commit("mine: one", {"src/lib.rs": "ours\ntwo\nthree\n"}, branch="my-branch")
    upstream.commit("mine: new", {"src/new.rs": "new\n"}, branch="my-branch")
    folder = world.place / "mine"
    init(world, folder)
    shutil.rmtree(folder / "stacks" / "example")
    world.root = folder
    world.forkbot("new", "tokio", "--git", str(upstream.path), "--branch", "main")
    clone = ("--from", str(upstream.path), "--tip", "my-branch", "--base", base)
    world.forkbot("import", "tokio", *clone)
    (stack,) = load_family(folder)
    assert [p.name for p in stack.patches] == ["mine-one", "mine-new"]
    assert stack.branch(Channel.MAIN) == "wasip2"
    assert world.forkbot("plan").out == (
        "tokio: the result is not published\nto prove: forkbot verify tokio --newest\n"
    )


@pytest.mark.parametrize(
    "source",
    ["octo/forkbot", "octo/forkbot@main", "forkbot@" + COMMIT, "a/b/c@" + COMMIT, "o/f@v1.0.0"],
)
def test_a_source_that_could_move_is_refused(world: World, source: str) -> None:
    folder = world.place / "mine"
    said = init(world, folder, source=source, code=2)
    assert said.startswith(
        f"error: --forkbot: '{source}' is not <owner>/<repository>@<full commit id>\n"
        "hint: git ls-remote https://github.com/<owner>/forkbot main"
    )
    assert not folder.exists()
