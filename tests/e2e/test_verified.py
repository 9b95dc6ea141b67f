"""``run --verified``: a verdict from elsewhere is believed of the same commits alone."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from forkbot.model.plan import Plan
from forkbot.model.record import RunRecord
from forkbot.model.verdict import Colour, Smoke, Verdict
from forkbot.rundir import read_record
from forkbot.words import Oid, StackName
from tests.e2e.crates import Crates
from tests.e2e.proofs import Change, build, git_alone, prove
from tests.e2e.world import World

BRANCH = "refs/heads/wasip2"
UPSTREAM = "fn one() {}\nfn two() {}\nfn three() {}\n"
OURS = UPSTREAM.replace("one", "ours")
BUILD = "build: [{package: %s}]\n"


@pytest.fixture
def family(world: World) -> World:
    """Return two stacks, one built on the other, and a third that nothing links to them."""
    for name, more in (("lower", ""), ("upper", "depends: [lower]\n"), ("alone", "")):
        upstream = world.upstream(name)
        upstream.commit("begin", {"src/lib.rs": UPSTREAM})
        world.stack(upstream, {"fix": {"src/lib.rs": OURS}}, name=name, more=more + BUILD % name)
    # no toolchain: nothing can be built or run here
    world.env["PATH"] = str(git_alone(world))
    return world


def run(world: World, *paths: Path, code: int = 0) -> dict[str, tuple[str, str]]:
    """Return what becomes of each fork branch, and why."""
    options = [word for path in paths for word in ("--verified", str(path))]
    said = world.forkbot("run", "--all", "--json", *options, code=code)
    record = msgspec.json.decode(said.out, type=RunRecord)
    return {
        s.name: (s.publication.move.value, s.publication.why)
        for s in record.stacks
        if s.publication is not None
    }


def forks(world: World) -> dict[str, Oid | None]:
    """Return each fork branch's tip."""
    return {name: world.refs(name).get(BRANCH) for name in ("lower", "upper", "alone")}


def test_what_was_proven_elsewhere_is_published_without_building(family: World) -> None:
    record = prove(family)
    tips = {m.stack: m.tip for m in _verdict(record).members}
    assert run(family, record) == dict.fromkeys(tips, ("create", ""))
    assert forks(family) == tips
    lock = (family.folder("upper") / "stack.lock").read_text()
    assert f'"key": "{_verdict(record).key}"' in lock
    before = family.listing()
    assert run(family, record) == dict.fromkeys(tips, ("nothing", ""))
    assert family.listing() == before


def test_a_second_run_needs_no_record(family: World) -> None:
    run(family, prove(family))
    before = family.listing()
    (family.place / "empty").mkdir()
    assert set(run(family, family.place / "empty").values()) == {("nothing", "")}
    assert family.listing() == before


def test_a_canarys_news_is_told_from_the_record_and_then_from_the_lock(family: World) -> None:
    sings = Smoke(
        stack=StackName("upper"), name="bird", case="sings", pristine=False, canary=True,
        declared="hush", colour=Colour.NEWS, ran_green=True, exit_code=0, seconds=1.0,
        why="it sings",
    )  # fmt: skip
    record = prove(family, change=lambda v: msgspec.structs.replace(v, smokes=(sings,)))
    (family.place / "empty").mkdir()
    for night, proof in enumerate((record, record, family.place / "empty")):
        before = family.listing()
        said = family.forkbot("run", "--all", "--verified", str(proof))
        news = [line for line in said.out.splitlines() if line.startswith("news: ")]
        assert news == ["news: upper's canary bird/sings: it sings"]
        assert (family.listing() == before) is (night > 0)


def test_no_record_is_no_proof(family: World) -> None:
    (family.place / "empty").mkdir()
    why = "no record says that it was built and run"
    assert set(run(family, family.place / "empty").values()) == {("held", why)}
    assert set(forks(family).values()) == {None}
    assert not (family.folder("lower") / "stack.lock").exists()


def test_another_commit_than_the_record_proves_is_held_and_said(family: World) -> None:
    record = prove(family)
    was = next(m.tip for m in _verdict(record).members if m.stack == "lower")
    upstream = family.upstream_again("lower")
    upstream.commit("meanwhile", {"README": "new\n"})
    found = run(family, record)
    move, why = found["lower"]
    assert move == "held"
    assert why.startswith(f"its record proves {was[:12]} of lower, and recomputed here that is ")
    # one record, one verdict: it was about all of them together
    assert {m for m, _ in found.values()} == {"held"}
    assert set(forks(family).values()) == {None}


def test_a_record_speaks_for_its_own_family_alone(family: World) -> None:
    linked = prove(family, "linked", stacks=("lower", "upper"))
    upstream = family.upstream_again("alone")
    alone = prove(family, "alone", stacks=("alone",))
    upstream.commit("meanwhile", {"README": "new\n"})
    found = run(family, linked.parent.parent)
    assert {n: m for n, (m, _) in found.items()} == {
        "lower": "create", "upper": "create", "alone": "held",
    }  # fmt: skip
    assert read_record(alone).verdict is not None


def test_a_familys_problem_holds_that_family_alone(family: World) -> None:
    def problem(verdict: Verdict) -> Verdict:
        return msgspec.structs.replace(verdict, problems=("the patch of lower was not used",))

    prove(family, "linked", stacks=("lower", "upper"), change=problem)
    folder = prove(family, "alone", stacks=("alone",)).parent.parent
    found = run(family, folder, code=4)
    assert found["alone"] == ("create", "")
    assert found["lower"] == found["upper"] == ("held", "the patch of lower was not used")


def test_a_red_verdict_is_believed_too(family: World) -> None:
    def red(verdict: Verdict) -> Verdict:
        builds = (
            build(StackName("lower")),
            build(StackName("upper"), colour=Colour.RED, why="E0425"),
            build(StackName("alone")),
        )
        return msgspec.structs.replace(verdict, builds=builds)

    found = run(family, prove(family, change=red), code=4)
    assert found == {
        "lower": ("held", "verification of upper is red"),
        "upper": ("held", "verification of upper is red"),
        "alone": ("create", ""),
    }


LIES: dict[str, tuple[Change, str]] = {
    "a key of other builds": (
        lambda v: msgspec.structs.replace(v, key="0" * 32),
        "its record answers another question than the stacks' files ask",
    ),
    "an older answer that nobody gave": (
        lambda v: msgspec.structs.replace(v, reused=True, builds=()),
        "its record repeats an older answer, and no stack.lock here has that",
    ),
    "a green that nothing was built for": (
        lambda v: msgspec.structs.replace(v, builds=()),
        "nothing was built: stack.yaml names no build",
    ),
    "no stack at all": (
        lambda v: msgspec.structs.replace(v, members=()),
        "no record says that it was built and run",
    ),
    "a stack that is not here": (
        lambda v: msgspec.structs.replace(
            v, members=(*v.members, msgspec.structs.replace(v.members[0], stack=StackName("x")))
        ),
        "its record was made with x, which has no result here",
    ),
    "a stack twice": (
        lambda v: msgspec.structs.replace(v, members=(*v.members, *v.members)),
        "two records speak of it: only one can be this run's",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_made_up_record_publishes_nothing(family: World, lie: str) -> None:
    change, why = LIES[lie]
    assert set(run(family, prove(family, change=change)).values()) == {("held", why)}
    assert set(forks(family).values()) == {None}


def test_two_records_of_one_stack_prove_nothing(family: World) -> None:
    prove(family, "one")
    folder = prove(family, "two").parent.parent
    why = "two records speak of it: only one can be this run's"
    assert set(run(family, folder).values()) == {("held", why)}


def _pipe(path: Path) -> None:
    os.mkfifo(path)


FOREIGN: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (
        lambda p: p.unlink(missing_ok=True),
        "cannot read a run record: No such file or directory",
    ),
    "not JSON": (lambda p: p.write_text("{"), "not a run record of forkbot's: "),
    "another key": (
        lambda p: p.write_text('{"more": "\\u001b[2J"}'),
        "not a run record of forkbot's: Object contains unknown field `more`",
    ),
    "deep": (lambda p: p.write_text('{"stacks":' + "[" * 90_000), "not a run record of"),
    "endless": (lambda p: os.truncate(_made(p), 33 << 20), "a run record has at most 32 MiB"),
    "a link": (lambda p: p.symlink_to("/proc/self/environ"), "cannot read a run record: Too many"),
    "a pipe": (_pipe, "this is no file"),
}


def _made(path: Path) -> Path:
    path.touch()
    return path


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_record_is_said_and_nothing_waits_for_it(family: World, kind: str) -> None:
    make, said = FOREIGN[kind]
    path = family.place / "record.json"
    make(path)
    found = run(family, path)
    assert {m for m, _ in found.values()} == {"held"}
    for _, why in found.values():
        assert why.startswith(f"no record says that it was built and run (record.json: {said}")
        assert why.isprintable()


def test_believing_and_building_exclude_each_other(family: World) -> None:
    said = family.forkbot("run", "--all", "--again", "--verified", "x.json", code=2)
    assert said.err == (
        "error: --verified builds nothing, and --again and --verify-floor would\n"
        "hint: leave one of them out\n"
    )


def test_a_record_from_anywhere_can_be_read(family: World) -> None:
    record = prove(family)
    said = family.forkbot("report", str(record), "--format", "markdown")
    assert "forkbot verify --newest" in said.out or "built" in said.out


@pytest.mark.wasm
def test_what_one_machine_proves_another_publishes(crates: Crates) -> None:
    world = crates.world
    said = world.forkbot("verify", "--newest", "--json")
    record = world.place / "record.json"
    record.write_text(said.out)
    verdict = _verdict(record)
    assert (verdict.green, verdict.reused) == (True, False)
    assert set(forks(world).values()) == {None}
    assert not (world.folder("lower") / "stack.lock").exists()
    world.env["PATH"] = str(git_alone(world))
    assert run(world, record) == {"lower": ("create", ""), "upper": ("create", "")}
    tips: dict[str, Oid | None] = {m.stack: Oid(m.tip) for m in verdict.members}
    assert forks(world) == tips | {"alone": None}


def _verdict(path: Path) -> Verdict:
    verdict = read_record(path).verdict
    assert verdict is not None
    return verdict


def test_what_was_planned_is_published_though_upstream_moved_on_meanwhile(family: World) -> None:
    plan, proof = family.place / "plan.json", prove(family)
    family.forkbot("plan", "--keep", str(plan))
    family.upstream_again("alone").commit("more", {"src/lib.rs": UPSTREAM + "fn four() {}\n"})
    held = run(family, proof)["alone"]
    assert (held[0], "its record proves" in held[1]) == ("held", True)
    planned = msgspec.json.decode(plan.read_bytes(), type=Plan)
    onto = next(n.onto for n in planned.stacks if n.stack == "alone")
    said = family.forkbot("run", "--all", "--plan", str(plan), "--verified", str(proof))
    assert ", 3 published" in said.out
    assert family.log(family.fork("alone"), BRANCH) == ["fix: make it so", "begin"]
    assert family.fork("alone").git("rev-parse", f"{BRANCH}~1").stdout.decode().strip() == onto


def test_a_plan_of_another_channel_or_none_at_all_is_told(family: World) -> None:
    plan = family.place / "plan.json"
    family.forkbot("plan", "--keep", str(plan))
    said = family.forkbot("verify", "--plan", str(plan), "--channel", "release", code=2)
    assert said.err.splitlines()[-2:] == [
        "error: ~/plan.json: this plan is of the main channel",
        "hint: add --channel main",
    ]
    said = family.forkbot("run", "--all", "--plan", str(plan), "--onto", "x", code=2)
    assert said.err.splitlines()[-2:] == [
        "error: --plan says where to go, and so do --base, --onto and --upstream",
        "hint: leave one of them out",
    ]
    plan.write_text("{}")
    said = family.forkbot("verify", "--plan", str(plan), code=2)
    assert said.err.splitlines()[-1].startswith("error: ~/plan.json: not a plan of forkbot's: ")


def test_a_plan_that_leads_backwards_or_aside_publishes_nothing(family: World) -> None:
    upstream = family.upstream_again("alone")
    assert upstream.tip
    first, path = upstream.tip, family.place / "plan.json"
    upstream.commit("more", {"src/lib.rs": UPSTREAM + "fn four() {}\n"})
    family.forkbot("rebase", "alone")
    family.forkbot("plan", "--keep", str(path))
    aside = upstream.commit("aside", {"src/lib.rs": "fn one() {}\n"}, branch="aside")
    plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    for onto, code, said in ((first, 5, "behind the base"), (aside, 2, "there is no commit")):
        bent = (msgspec.structs.replace(n, onto=onto) for n in plan.stacks if n.stack == "alone")
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(plan, stacks=tuple(bent))))
        options = ("--plan", str(path), "--verified", str(path))
        told = family.forkbot("run", "alone", *options, code=code)
        assert said in told.out
        assert forks(family)["alone"] is None
