"""``forkbot tell`` on files: what stands there after each night, and what is printed of it."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.world import World, listing
from tests.scenario import Upstream

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
OURS = TEXT.replace("line 20\n", "line twenty\n")
NEWS = TEXT.replace("line 20\n", "line 20, reworded\n")


@pytest.fixture
def upstream(world: World) -> Upstream:
    """Return an upstream that has rewritten the line that our patch rewrites."""
    upstream = world.proven(TEXT, {"src/lib.rs": OURS})
    upstream.commit("reword it", {"src/lib.rs": NEWS})
    upstream.tag("v2.0.0")
    return upstream


def artefacts(world: World, repo: str = "stacks") -> dict[str, tuple[bool, str]]:
    """Return each artefact of a repository: whether it is open, and its title."""
    home = world.root / ".forkbot" / "forge" / repo / "artefacts"
    found = {}
    for page in sorted(home.glob("*/artefact.md")):
        head = json.loads(page.read_text().removeprefix("---\n").partition("\n---\n")[0])
        found[page.parent.name] = (head["open"], head["title"])
    return found


def comments(world: World, repo: str, number: int) -> list[str]:
    """Return what was commented."""
    home: Path = world.root / ".forkbot" / "forge" / repo / "artefacts" / str(number)
    return [p.read_text().partition("\n")[2] for p in sorted(home.glob("comment-*.md"))]


@pytest.mark.parametrize(("how", "what", "repo"), [
    ("draft-pr", "pull request", "demo"), ("issue", "issue", "stacks"),
])  # fmt: skip
def test_a_conflict_is_told_once_and_closed_when_it_is_over(
    how: str, what: str, repo: str, world: World, upstream: Upstream
) -> None:
    policy = world.folder() / "stack.yaml"
    policy.write_text(policy.read_text() + f"when: {{conflict: {how}}}\n")
    broke = (upstream.tip or "")[:12]
    before = world.listing()
    said = world.forkbot("tell", "--dry-run", code=3)
    title = f"demo: patch fix is in conflict in 1 file, broken by {broke[:6]}\u2060{broke[6:]}"
    would = [li for li in said.out.splitlines() if li.startswith("would ")]
    assert would[-2:] == [
        f"would open {what} '{title}' in {repo}".replace("\u2060", ""),
        "would write .forkbot/runs/20261118T110640000Z-2/",
    ]
    pushed = [li.partition(": ")[0] for li in would[:-2]]
    branches = [
        "would push demo forkbot/demo/conflict-fix",
        "would push demo forkbot/demo/base/conflict-fix",
    ]
    assert sorted(pushed) == (sorted(branches) if how == "draft-pr" else [])
    assert world.listing() == before

    said = world.forkbot("tell", code=3)
    page = f"~/root/.forkbot/forge/{repo}/artefacts/1/artefact.md"
    assert f"told: demo, conflict: opened, {page}" in said.out
    assert artefacts(world, repo) == {"1": (True, title)}
    forge = listing(world.root / ".forkbot" / "forge")
    said = world.forkbot("tell", code=3)
    assert "told:" not in said.out
    assert listing(world.root / ".forkbot" / "forge") == forge

    upstream.commit("take it back", {"src/lib.rs": TEXT})
    upstream.tag("v2.0.1")
    files = world.listing(".forkbot")
    said = world.forkbot("tell")
    gone = "demo: 2 branches of what is over taken away\n" * (how == "draft-pr")
    assert said.out.replace(gone, "", 1) == "\n" + dedent(f"""\
         stack   upstream          patches     verified    fork branch
         ─────────────────────────────────────────────────────────────
         demo    v1.0.0 → v2.0.1   1 shifted   not asked   not asked

        told: demo, conflict: closed, {page}
        1 stack on main: 1 can move
        """)
    assert gone in said.out
    assert artefacts(world, repo) == {"1": (False, title)}
    assert comments(world, repo, 1) == ["The series applies to v2.0.1: 1 patch, as reviewed."]
    assert [ref for ref in world.refs() if "conflict" in ref] == []
    assert world.listing(".forkbot") == files  # it tells; the stack's files are not its business
    everything = world.listing()
    world.forkbot("tell")
    assert world.listing() == everything


def test_who_wants_no_issue_gets_none(world: World, upstream: Upstream) -> None:
    assert upstream.tip
    policy = world.folder() / "stack.yaml"
    policy.write_text(policy.read_text() + "when: {conflict: none, dashboard: issue}\n")
    world.forkbot("tell", code=3)
    assert artefacts(world) == {"1": (True, "forkbot: how the stacks are")}
    assert artefacts(world, "demo") == {}
    assert world.refs() == {}
