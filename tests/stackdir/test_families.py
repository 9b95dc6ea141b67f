"""Stacks beside each other: names, dependencies, branches, order."""

from pathlib import Path

import pytest

from forkbot.errors import UsageError
from forkbot.stackdir.load import closure, find_root, load_family, select
from tests.stackdir.house import House, told
from tests.stackdir.told import Break, expected, render


def stacks(**policies: str) -> Break:
    """Return what writes more stacks, each a few lines besides what every stack needs."""

    def write(house: House) -> None:
        for name, policy in policies.items():
            text = f"crate: {name}\nupstream: {{git: u}}\n{policy}\n"
            if "fork:" not in policy:
                text += f"fork: {{repo: {name}}}\n"
            house.write(f"stacks/{name}/stack.yaml", text)
            house.write(f"stacks/{name}/patches/series", "")

    return write


CASES: dict[str, Break] = {
    "a folder in capitals": lambda house: (house.root / "stacks/Demo").mkdir(),
    "a folder with a space": lambda house: (house.root / "stacks/my demo").mkdir(),
    "a folder like an option": lambda house: (house.root / "stacks/-demo").mkdir(),
    "an empty folder": lambda house: (house.root / "stacks/empty").mkdir(),
    "an unknown stack in depends": stacks(one="depends: [two]"),
    "a stack nearly known in depends": stacks(one="\ndepends:\n  - demo\n  - dmeo"),
    "a stack that depends on itself": stacks(one="depends: [one]"),
    "a circle": stacks(one="depends: [two]", two="depends: [three]", three="depends: [one]"),
    "two stacks on one branch": stacks(one="fork: {repo: demo}"),
    "two channels on one branch": stacks(
        one="fork:\n  repo: one\n  branches: {main: a, release: a}"
    ),
    "a branch inside another": stacks(
        one="fork:\n  repo: one\n  branches:\n    main: wasi\n    release: wasi/release"
    ),
}


def test_what_is_told() -> None:
    assert render(CASES) == expected("families")


def test_one_repository_may_hold_many_stacks(house: House) -> None:
    stacks(one="fork: {repo: demo, branches: {main: wasip2-one, release: wasip2-one-release}}")(
        house
    )
    assert house.error() == "nothing: it was taken"


def test_what_others_stand_on_comes_first(house: House) -> None:
    stacks(a="depends: [c, b]", b="depends: [c]", c="", d="depends: [a, demo]")(house)
    family = load_family(house.root)
    names: list[str] = [s.name for s in family]
    assert names.index("c") < names.index("b") < names.index("a") < names.index("d")
    chosen = select(family, ["d", "c"], root=house.root)
    assert [s.name for s in chosen] == [n for n in names if n in {"c", "d"}]
    assert {s.name for s in closure(family, select(family, ["b"], root=house.root))} == {"b", "c"}
    assert select(family, [], root=house.root) == family


def test_a_stack_nobody_knows_is_told_with_its_neighbour(house: House) -> None:
    family = load_family(house.root)
    with pytest.raises(UsageError) as near:
        select(family, ["dmo"], root=Path("r"))
    with pytest.raises(UsageError) as far:
        select(family, ["tokio"], root=Path("r"))
    assert str(near.value) == "r/stacks: there is no stack 'dmo'\nhint: did you mean 'demo'?"
    assert str(far.value) == "r/stacks: there is no stack 'tokio'\nhint: stacks here: demo"


def test_the_root_is_found_from_below(house: House, tmp_path: Path) -> None:
    assert find_root(house.root / "stacks/demo/patches") == house.root
    assert told(lambda: find_root(tmp_path), root=tmp_path.parent) == (
        f"{tmp_path.name}: there is no stacks/ folder here or above\n"
        "hint: cd into a stacks repository, or name one with -C"
    )


def test_hidden_folders_and_files_beside_the_stacks_are_nobodys(house: House) -> None:
    (house.root / "stacks/.cache").mkdir()
    house.write("stacks/README.md", "hello\n")
    assert [s.name for s in load_family(house.root)] == ["demo"]


def test_a_smoke_component_is_known_by_all_it_is_made_of(tmp_path: Path) -> None:
    # `target` is what cargo makes; a folder of that name above says nothing
    house = House(tmp_path / "target" / "house")
    seen = {_smoke(house)}
    for name, text in (
        ("a/Cargo.toml", "[package]\n"),
        ("a/src/main.rs", "fn main() {}\n"),
        ("a/src/main.rs", "fn main() { }\n"),
        ("a/src/b.rs", ""),
    ):
        house.write(f"stacks/demo/smoke/{name}", text)
        assert _smoke(house) not in seen
        seen.add(_smoke(house))
    house.write("stacks/demo/smoke/a/target/debug/x", "built\n")
    assert _smoke(house) in seen


def _smoke(house: House) -> str:
    (stack,) = load_family(house.root)
    return stack.smoke_digest
