"""What consumers get: the patch table of two small crates, really proven and really published."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from forkbot.model.cargopatch import CargoPatchAnswer
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import LOWER, Crates, manifest
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
        f"upper: 1.0.0 ({upper.base[:12]}) + louder = {tip['upper'][:12]} built: upper "
        "ran: word (said)"
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


# --- a consumer's project


def project(
    crates: Crates, name: str, *, needs: tuple[tuple[str, str], ...] = (("upper", "1"),),
    main: str = 'fn main() {\n    println!("{}", upper::said());\n}\n', more: str = "",
) -> Path:  # fmt: skip
    """Write a project that forkbot knows nothing of; return its manifest."""
    folder = crates.world.place / "projects" / name
    (folder / "src").mkdir(parents=True)
    (folder / "src/main.rs").write_text(main)
    (folder / "Cargo.toml").write_text(manifest(name, "0.1.0", needs) + more)
    return folder / "Cargo.toml"


def table(crates: Crates) -> str:
    """Return the table as it is printed, with this machine's folders in it."""
    return crates.world.forkbot(*PATCH).out.replace("file://~/", f"file://{crates.world.place}/")


def cargo(crates: Crates, tools: tuple[Toolchain, Wasmtime], at: Path, *words: str) -> str:
    """Run cargo in a project as its owner does; return what it said."""
    env = {**crates.world.env, **tools[0].env}
    return subprocess.run(
        [tools[0].cargo, *words], cwd=at.parent, env=env, check=True, capture_output=True, text=True
    ).stderr


def checked(crates: Crates, at: Path, *, code: int = 0) -> list[str]:
    """Return what the check says of a project, its times aside; the project must stay as it is."""
    before = {p: p.read_bytes() for p in at.parent.rglob("*") if p.is_file()}
    said = crates.world.forkbot(*PATCH, "--check", str(at), code=code)
    assert {p: p.read_bytes() for p in at.parent.rglob("*") if p.is_file()} == before
    return [re.sub(r" in \d+ s", " in N s", line) for line in said.out.splitlines()]


def test_the_table_pasted_into_a_new_project_is_what_it_builds_and_runs(
    crates: Crates, tools: tuple[Toolchain, Wasmtime]
) -> None:
    """By hand, as the README has it: nothing of forkbot's is near but the lines it printed."""
    at = project(crates, "pasted", more=table(crates))
    cargo(crates, tools, at, "build", "--target", "wasm32-wasip2")
    component = at.parent / "target/wasm32-wasip2/debug/pasted.wasm"
    ran = subprocess.run(
        [tools[1].program, "run", "-C", "cache=n", component],
        env={"HOME": crates.world.env["HOME"]}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.stdout == "said: ours\n"
    assert checked(crates, at) == [
        "~/projects/pasted/Cargo.toml: its Cargo.toml has this table",
        "  lower 1.0.0: patched",
        "  upper 1.0.0: patched",
        "pasted built for wasm32-wasip2 in N s",
    ]


def test_a_fork_that_nobody_asks_for_is_no_trouble(crates: Crates) -> None:
    main = 'fn main() {\n    println!("{}", lower::word());\n}\n'
    at = project(crates, "small", needs=(("lower", "1"),), main=main)
    assert checked(crates, at) == [
        "~/projects/small/Cargo.toml: its Cargo.toml has no such table yet: checked as if it had",
        "  lower 1.0.0: patched",
        "  upper 1.0.0: not needed",
        "small built for wasm32-wasip2 in N s",
    ]


def test_a_table_loses_to_a_newer_cargo_lock_and_what_mends_that_is_tried(
    crates: Crates, tools: tuple[Toolchain, Wasmtime]
) -> None:
    crates.release("lower", "1.1.0", LOWER)
    at = project(crates, "newer")
    cargo(crates, tools, at, "generate-lockfile")
    assert checked(crates, at, code=4) == [
        "~/projects/newer/Cargo.toml: its Cargo.toml has no such table yet: checked as if it had",
        "  lower 1.1.0: not patched: cargo takes 1.1.0, and the fork is 1.0.0",
        "    newer 0.1.0 → upper 1.0.0 → lower 1.1.0",
        "  upper 1.0.0: patched",
        "newer built for wasm32-wasip2 in N s with the commands below",
        "next: cargo update lower@1.1.0 --precise 1.0.0",
    ]
    with at.open("a") as file:
        file.write(table(crates))
    cargo(crates, tools, at, "update", "lower@1.1.0", "--precise", "1.0.0")
    assert checked(crates, at)[1:3] == ["  lower 1.0.0: patched", "  upper 1.0.0: patched"]


def test_a_copy_that_no_command_replaces_is_told_with_who_wants_it(crates: Crates) -> None:
    crates.release("lower", "1.2.0", LOWER)
    crates.registry.publish(
        "picky", "1.0.0", needs=(("lower", "1.2"),),
        files={"Cargo.toml": manifest("picky", "1.0.0", (("lower", "1.2"),)).encode(),
               "src/lib.rs": b""},
    )  # fmt: skip
    at = project(crates, "stuck", needs=(("picky", "1"), ("upper", "1")))
    said = checked(crates, at, code=4)
    assert said[1:4] == [
        "  lower 1.2.0: not patched: cargo takes 1.2.0, and the fork is 1.0.0",
        "    stuck 0.1.0 → upper 1.0.0 → lower 1.2.0",
        "  upper 1.0.0: patched",
    ]
    assert said[-1].startswith("cargo update lower@1.2.0 --precise 1.0.0 does not help: ")
    assert "^1.2" in said[-1], said[-1]


def test_a_copy_of_another_line_is_told_with_who_wants_it(crates: Crates) -> None:
    crates.registry.publish(
        "lower", "0.9.0",
        files={"Cargo.toml": manifest("lower", "0.9.0").encode(), "src/lib.rs": b""},
    )  # fmt: skip
    needs = (("lower", "0.9"),)
    crates.registry.publish(
        "dusty", "1.0.0", needs=needs,
        files={"Cargo.toml": manifest("dusty", "1.0.0", needs).encode(), "src/lib.rs": b""},
    )  # fmt: skip
    at = project(crates, "mixed", needs=(("dusty", "1"), ("upper", "1")))
    assert checked(crates, at, code=4)[1:] == [
        "  lower 1.0.0: patched",
        (
            "  lower 0.9.0: not patched: cargo takes 0.9.0, and the fork is 1.0.0: "
            "dusty 1.0.0 wants ^0.9"
        ),
        "    mixed 0.1.0 → dusty 1.0.0 → lower 0.9.0",
        "  upper 1.0.0: patched",
        "mixed built for wasm32-wasip2 in N s",
    ]


def test_a_project_of_several_folders_is_taken_whole(crates: Crates) -> None:
    """A path that leads out of the project, to a member of another workspace."""
    beside = crates.world.place / "projects" / "beside"
    (beside / "member/src").mkdir(parents=True)
    (beside / "Cargo.toml").write_text(
        '[workspace]\nmembers = ["member"]\nresolver = "2"\n[workspace.package]\nedition = "2021"\n'
    )
    (beside / "member/Cargo.toml").write_text(
        '[package]\nname = "member"\nversion = "0.1.0"\nedition.workspace = true\n'
        '[dependencies]\nlower = "1"\n'
    )
    (beside / "member/src/lib.rs").write_text("pub use lower::word;\n")
    more = '[dependencies.member]\npath = "../beside/member"\n'
    main = 'fn main() {\n    println!("{} {}", upper::said(), member::word());\n}\n'
    at = project(crates, "wide", main=main, more=more)
    assert checked(crates, at)[1:] == [
        "  lower 1.0.0: patched",
        "  upper 1.0.0: patched",
        "wide built for wasm32-wasip2 in N s",
    ]


def test_a_project_that_does_not_build_is_red_in_rustcs_words(crates: Crates) -> None:
    at = project(crates, "broken", main="fn main() {\n    upper::unsaid();\n}\n")
    said = checked(crates, at, code=4)
    assert said[3].startswith("red: cannot find function `unsaid` in crate `upper`")
    assert "2 |     upper::unsaid();" in "\n".join(said)


def test_what_is_no_project_is_said(crates: Crates) -> None:
    nowhere = crates.world.place / "nowhere/Cargo.toml"
    said = crates.world.forkbot(*PATCH, "--check", str(nowhere), code=2)
    assert said.err.splitlines()[-1] == "error: ~/nowhere/Cargo.toml: there is no such manifest"
