"""A patched crate must be in the graph once, and from its fork: what real cargo resolved is read.

``lower`` is the fork, on disk. ``middle`` asks the registry for a ``lower`` that it may not be.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkbot.cargo import Cargo, cargo_env
from forkbot.verify.build import prepare
from forkbot.verify.consumer import compatible
from forkbot.verify.family import Family
from forkbot.verify.workshop import Workshop
from tests.upstream.registry import Registry, pack, serve
from tests.verify.machine import quiet

HOST = "x86_64-unknown-linux-gnu"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Return a registry with two lines of ``lower``, and what asks for the old one."""
    with serve(tmp_path / "registry") as registry:
        for name, version, needs in (
            ("lower", "0.9.0", []),
            ("lower", "1.1.0", []),
            ("middle", "1.0.0", [("lower", "^0.9")]),
            ("topmost", "1.0.0", [("middle", "^1")]),
            ("modern", "1.0.0", [("lower", "^1.1")]),
        ):
            lines = "".join(f'{n} = "{v}"\n' for n, v in needs)
            text = _manifest(name, version, lines)
            files = {"Cargo.toml": text.encode(), "src/lib.rs": b""}
            registry.publish(name, version, crate=pack(name, version, files), needs=needs)
        yield registry


def _manifest(name: str, version: str, needs: str) -> str:
    package = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n'
    return f"{package}\n[dependencies]\n{needs}"


def problems(registry: Registry, *, fork: str, needs: str) -> tuple[str, ...]:
    """Return what is wrong with a family of one fork, in which one build has ``needs``."""
    place = registry.root.parent
    family = place / "family"
    for folder, text in (
        (place / "src" / "lower", _manifest("lower", fork, "")),
        (family / "builds" / "one", _manifest("forkbot-build-lower-0", "0.0.0", needs)),
    ):
        (folder / "src").mkdir(parents=True)
        (folder / "src" / "lib.rs").touch()
        (folder / "Cargo.toml").write_text(text)
    (family / "Cargo.toml").write_text(
        '[workspace]\nresolver = "2"\nmembers = ["builds/one"]\n'
        f'[patch.crates-io]\nlower = {{ path = "{place}/src/lower" }}\n'
    )
    home = registry.cargo_home(place / "cargo")
    workshop = Workshop(
        cargo=Cargo(program=Path("cargo"), env=cargo_env({**os.environ, "CARGO_HOME": str(home)})),
        target=HOST, target_dir=place / "target", host=HOST, secluded=False,
    )  # fmt: skip
    laid = Family(workspace=family, sources=place / "src", crates=("lower",), builds=(), smokes=())
    return prepare(laid, workshop, say=quiet)[1]


def test_all_is_well_where_everybody_has_the_forks(registry: Registry) -> None:
    assert problems(registry, fork="1.1.5", needs='lower = "1"\nmodern = "1"\n') == ()


def test_a_second_copy_is_told_with_the_path_that_brings_it_in(registry: Registry) -> None:
    assert problems(registry, fork="1.1.5", needs='lower = "1"\ntopmost = "1"\n') == (
        (
            "a second copy of lower, 0.9.0, is built beside the fork's 1.1.5: "
            "topmost 1.0.0 → middle 1.0.0 → lower 0.9.0 (middle 1.0.0 wants ^0.9)"
        ),
    )


def test_a_patch_that_nobody_can_use_is_told_with_what_is_built_instead(
    registry: Registry,
) -> None:
    """Cargo takes the registry's without a word that stops anybody."""
    assert problems(registry, fork="1.0.0", needs='modern = "1"\n') == (
        "patch lower 1.0.0 was not used in the crate graph: nobody asks for that version",
        (
            "a second copy of lower, 1.1.0, is built beside the fork's: "
            "modern 1.0.0 → lower 1.1.0 (modern 1.0.0 wants ^1.1)"
        ),
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.54.1", "1.55.0", True),
        ("1.0.0", "2.0.0", False),
        ("0.6.5", "0.6.4", True),
        ("0.6.5", "0.5.10", False),
        ("0.0.2", "0.0.3", False),
        ("0.0.2", "0.0.2", True),
        ("0.13.5", "0.13.6-rc.1+build", True),
        ("0.13.5", "1.13.5", False),
        ("0.13.5", "", False),
    ],
)
def test_versions_are_of_one_line_as_cargo_has_it(one: str, other: str, *, same: bool) -> None:
    assert compatible(one, other) is same
    assert compatible(other, one) is same
