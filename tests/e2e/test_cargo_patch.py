"""What consumers get: the patch table of two small crates, really proven and really published."""

import json
from collections.abc import Iterator

import msgspec
import pytest

from forkbot.model.cargopatch import CargoPatchAnswer
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import Crates
from tests.e2e.world import World
from tests.upstream.registry import serve

# one family for all: the Makefile keeps the tests of a file in one process
pytestmark = pytest.mark.wasm
PATCH = ("cargo-patch", "--channel", "release")
BRANCH = "refs/heads/wasip2-release"


@pytest.fixture(scope="module")
def crates(
    tmp_path_factory: pytest.TempPathFactory, tools: tuple[Toolchain, Wasmtime]
) -> Iterator[Crates]:
    """Return the two crates after a run: proven together, and published."""
    world = World(tmp_path_factory.mktemp("consumers"))
    with serve(world.place / "registry") as registry:
        crates = Crates(world, registry, tools).everything()
        world.forkbot("run", "--all", "--channel", "release")
        yield crates


def tips(crates: Crates) -> dict[str, str]:
    """Return where the fork branches are."""
    return {name: crates.world.refs(name)[BRANCH] for name in ("lower", "upper")}


def test_the_table_holds_each_fork_at_its_proven_commit(
    crates: Crates, tools: tuple[Toolchain, Wasmtime]
) -> None:
    world, tip = crates.world, tips(crates)
    answer = msgspec.json.decode(world.forkbot(*PATCH, "--json").out, type=CargoPatchAnswer)
    lower, upper = answer.patch.crates
    assert (lower.key, lower.rustc, lower.wasmtime) == (
        upper.key, tools[0].version, tools[1].version,
    )  # fmt: skip
    text = " ".join(li.removeprefix("#").strip() for li in answer.patch.table.splitlines()[:-3])
    assert text == (
        "forkbot cargo-patch --channel release "
        f"lower, upper: built together for wasm32-wasip2 with {lower.rustc}, run with "
        f"{lower.wasmtime}, 2026-11-18 11:06 UTC; verdict {lower.key} "
        f"lower: 1.0.0 ({lower.base[:12]}) + our-word = {tip['lower'][:12]} built: lower "
        f"upper: 1.0.0 ({upper.base[:12]}) + louder = {tip['upper'][:12]} built: upper ran: word"
    )
    assert answer.patch.table.splitlines()[-3:] == [
        "[patch.crates-io]",
        f'lower = {{ git = "file://~/root/.forkbot/forge/lower.git", rev = "{tip["lower"]}" }}',
        f'upper = {{ git = "file://~/root/.forkbot/forge/upper.git", rev = "{tip["upper"]}" }}',
    ]
    assert world.forkbot(*PATCH).out == answer.patch.table


def test_a_stack_brings_what_it_is_built_on_and_no_more(crates: Crates) -> None:
    assert crates.world.forkbot(*PATCH, "lower", "--by", "branch").out.splitlines()[-2:] == [
        "[patch.crates-io]",
        'lower = { git = "file://~/root/.forkbot/forge/lower.git", branch = "wasip2-release" }',
    ]
    assert crates.world.forkbot(*PATCH, "upper").out.count(" = { git = ") == 2


def test_a_tag_that_people_put_at_the_commit_is_taken(crates: Crates) -> None:
    world, tip = crates.world, tips(crates)["lower"]
    said = world.forkbot(*PATCH, "lower", "--by", "tag", code=4)
    where = "file://~/root/.forkbot/forge/lower.git"
    push = f"git push {where} FETCH_HEAD:refs/tags/wasip2-release-1.0.0"
    assert said.err.splitlines() == [
        f"lower: its fork has no tag at {tip[:12]}",
        f"next: git fetch {where} wasip2-release && {push}",
    ]
    fork = world.fork("lower")
    fork.git("update-ref", "refs/tags/forkbot/lower/2026-11-18-000000000000", tip)
    assert world.forkbot(*PATCH, "lower", "--by", "tag", code=4).err == said.err
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    fork.git(*who, "tag", "-a", "-m", "ours", "ours-1", tip)
    assert world.forkbot(*PATCH, "lower", "--by", "tag").out.splitlines()[-1] == (
        'lower = { git = "file://~/root/.forkbot/forge/lower.git", tag = "ours-1" }'
    )


def test_what_is_not_published_as_it_was_proven_is_in_no_table(crates: Crates) -> None:
    world, tip = crates.world, tips(crates)["upper"]
    fork = world.fork("upper")
    try:
        fork.git("update-ref", BRANCH, f"{tip}~1")
        below = fork.resolve(BRANCH)
        said = world.forkbot(*PATCH, code=4)
        assert said.out == ""
        assert said.err.splitlines() == [
            f"upper: {tip[:12]} is proven, and published is {below[:12]}",
            "next: forkbot run --all --channel release",
        ]
        fork.git("update-ref", "-d", BRANCH)
        said = world.forkbot(*PATCH, "upper", code=4)
        assert said.err.splitlines() == [
            f"upper: {tip[:12]} is proven and not published",
            "next: forkbot run upper --channel release",
        ]
    finally:
        fork.git("update-ref", BRANCH, tip)


def test_a_verdict_on_other_files_proves_nothing(crates: Crates) -> None:
    """The lock says green, and the component that it was green with is another one by now."""
    main = crates.world.folder("upper") / "smoke/word/src/main.rs"
    before = main.read_text()
    try:
        main.write_text(f"{before}// and more\n")
        said = crates.world.forkbot(*PATCH, "--json", code=4)
        patch = json.loads(said.out)["patch"]
        changed = "what was proven is not what the files say now: they, or a lower stack, changed"
        again = "forkbot run --all --channel release"
        assert patch["unproven"] == [
            {"stack": name, "why": changed, "next": again} for name in ("lower", "upper")
        ]
        assert patch["table"] == ""
    finally:
        main.write_text(before)


def test_what_was_never_proven_is_said(crates: Crates) -> None:
    assert crates.world.forkbot("cargo-patch", "lower", code=4).err.splitlines() == [
        "lower: it was never verified on main",
        "next: forkbot run lower",
    ]
