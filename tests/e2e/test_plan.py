"""``forkbot plan``: what is new, and which machine proves what; nothing is written."""

import msgspec
import pytest

from forkbot.model.plan import Plan
from tests.e2e.proofs import git_alone, prove
from tests.e2e.world import World

TEXT = "fn one() {}\nfn two() {}\nfn three() {}\n"
OURS = TEXT.replace("one", "ours")
NEVER = "it was never rebased: upstream is at 2026-09-21 "


@pytest.fixture
def stacks(world: World) -> World:
    """Return two stacks, one built on the other, and a third that nothing links to them."""
    for name, depends in (("lower", ""), ("upper", "depends: [lower]\n"), ("alone", "")):
        upstream = world.upstream(name)
        upstream.commit("begin", {"src/lib.rs": TEXT})
        more = f"{depends}build: [{{package: {name}}}]\n"
        world.stack(upstream, {"fix": {"src/lib.rs": OURS}}, name=name, more=more)
    world.env["PATH"] = str(git_alone(world))
    return world


@pytest.fixture
def kept(stacks: World) -> World:
    """Return them proven and published."""
    prove(stacks, "linked", stacks=("lower", "upper"))
    records = prove(stacks, "alone", stacks=("alone",)).parent.parent
    stacks.forkbot("run", "--all", "--verified", str(records))
    return stacks


def plan(world: World, *options: str) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return the news of each stack that has some, and the legs; nothing may be written."""
    before = world.listing()
    found = msgspec.json.decode(world.forkbot("plan", "--json", *options).out, type=Plan)
    assert world.listing() == before
    legs = {leg.name: tuple(map(str, leg.stacks)) for leg in found.legs}
    return {s.stack: s.new for s in found.stacks if s.new}, legs


def move(world: World, name: str, text: str) -> None:
    """Let an upstream move."""
    world.upstream_again(name).commit("more", {"src/lib.rs": text})


def test_a_family_is_a_leg(stacks: World) -> None:
    news, legs = plan(stacks)
    assert sorted(news) == ["alone", "lower", "upper"]
    assert all(new.startswith(NEVER) for new in news.values())
    assert legs == {"alone": ("alone",), "upper-and-1-more": ("lower", "upper")}


def test_with_few_machines_a_leg_has_several_families(stacks: World) -> None:
    _, legs = plan(stacks, "--legs", "1")
    assert [sorted(leg) for leg in legs.values()] == [["alone", "lower", "upper"]]


def test_with_nothing_new_there_is_no_leg(kept: World) -> None:
    assert plan(kept) == ({}, {})
    said = kept.forkbot("plan")
    assert said.out == "alone: nothing new\nlower: nothing new\nupper: nothing new\n"


def test_upstreams_news_stir_the_whole_family_and_no_other(kept: World) -> None:
    move(kept, "lower", TEXT + "fn four() {}\n")
    news, legs = plan(kept)
    assert sorted(news) == ["lower", "upper"]
    assert news["upper"] == "what upper and its family build or run is not what was green"
    assert news["lower"].startswith("upstream went from 2026-09-21 ")
    assert legs == {"upper-and-1-more": ("lower", "upper")}


def test_a_conflict_is_news_and_with_nothing_to_build_there_is_no_leg(kept: World) -> None:
    move(kept, "alone", TEXT.replace("one", "uno"))
    assert plan(kept) == ({"alone": "alone is in conflict at patch fix"}, {})


def test_an_upstream_out_of_reach_is_news(kept: World) -> None:
    (kept.place / "alone.git").rename(kept.place / "gone.git")
    news, legs = plan(kept)
    assert list(news) == ["alone"]
    assert "alone.git" in news["alone"] or "not a git repository" in news["alone"]
    assert legs == {}


@pytest.mark.parametrize(
    ("file", "was", "becomes", "new"),
    [
        (
            "stack.yaml", "{package: alone}", "{package: alone, features: [more]}",
            "what alone and its family build or run is not what was green",
        ),
        ("stack.lock", '"status": "green"', '"status": "red"', "the result was never green"),
        (
            "patches/fix.patch", "Because.", "For a reason.",
            "its patches are others than those that were rebased",
        ),
    ],
)  # fmt: skip
def test_what_people_change_is_news(
    kept: World, file: str, was: str, becomes: str, new: str
) -> None:
    path = kept.folder("alone") / file
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, becomes))
    assert plan(kept) == ({"alone": new}, {"alone": ("alone",)})


def test_the_terminal_names_the_commands_that_prove(stacks: World) -> None:
    lines = stacks.forkbot("plan").out.splitlines()
    assert lines[3:] == [
        "to prove: forkbot verify lower upper --newest",
        "to prove: forkbot verify alone --newest",
    ]
