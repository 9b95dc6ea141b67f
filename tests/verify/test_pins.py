"""What cargo took from crates.io, in lines, and cargo held to them: real cargo, real index."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forkbot.cargo import Cargo, CargoError, Lock, cargo_env, read_lock
from forkbot.verify.dependencies import difference
from forkbot.verify.pins import changed, pins_of, write_pins
from forkbot.words import PIN, Pin, StackName
from tests.e2e.conftest import AMBIENT
from tests.e2e.crates import manifest
from tests.upstream.registry import Registry, serve


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Return a registry with a crate and what that one needs."""
    with serve(tmp_path / "registry") as registry:
        _release(registry, "leaf", "1.0.0")
        _release(registry, "twig", "1.0.0", ("leaf", "1"))
        yield registry


def _release(registry: Registry, name: str, version: str, *needs: tuple[str, str]) -> None:
    files = {"Cargo.toml": manifest(name, version, needs).encode(), "src/lib.rs": b""}
    registry.publish(name, version, files=files, needs=needs)


class Project:
    """A workspace of two packages; one needs nothing."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        for name, needs in (("bare", ()), ("tree", (("twig", "1"),))):
            (folder / name / "src").mkdir(parents=True)
            (folder / name / "src" / "lib.rs").write_text("")
            (folder / name / "Cargo.toml").write_text(manifest(name, "0.0.0", needs))
        (folder / "Cargo.toml").write_text('[workspace]\nmembers = ["bare", "tree"]\n')
        home = registry.cargo_home(folder.parent / "cargo")
        env = {**cargo_env(AMBIENT), "CARGO_HOME": str(home), "CARGO_NET_RETRY": "0"}
        self.cargo = Cargo(program=Path("cargo"), env=env)

    def resolve(self, *words: str) -> Lock:
        """Have cargo resolve the workspace, and return what it took."""
        self.cargo.run(words or ["generate-lockfile"], cwd=self.folder, timeout=60)
        return read_lock(self.folder / "Cargo.lock")


@pytest.fixture
def project(tmp_path: Path, registry: Registry) -> Project:
    """Return a project whose crates come from the registry."""
    return Project(tmp_path / "project", registry)


def test_a_package_has_the_pins_of_all_it_needs(project: Project) -> None:
    lock = project.resolve()
    pins = pins_of(lock, ["tree"])
    assert [pin.rpartition(" ")[0] for pin in pins] == ["leaf 1.0.0", "twig 1.0.0"]
    assert all(PIN.fits(pin) for pin in pins)
    assert pins_of(lock, ["bare"]) == ()


def test_cargo_keeps_to_pins_whatever_was_released_or_yanked_since(
    project: Project, registry: Registry
) -> None:
    pins = pins_of(project.resolve(), ["tree"])
    _release(registry, "leaf", "1.0.1")
    fresh = pins_of(project.resolve(), ["tree"])
    assert changed(pins, fresh) == ("leaf",)
    for version in ("1.0.0", "1.0.1"):
        registry.yank("leaf", version)
    with pytest.raises(CargoError, match="leaf"):
        project.resolve()
    write_pins(project.folder / "Cargo.lock", pins)
    assert pins_of(project.resolve("fetch"), ["tree"]) == pins


def test_a_pin_that_fits_no_more_gives_way(project: Project, registry: Registry) -> None:
    pins = pins_of(project.resolve(), ["tree"])
    _release(registry, "leaf", "1.0.1")
    _release(registry, "twig", "1.1.0", ("leaf", "1.0.1"))
    (project.folder / "tree" / "Cargo.toml").write_text(
        manifest("tree", "0.0.0", (("twig", "1.1"),))
    )
    write_pins(project.folder / "Cargo.lock", pins)
    taken = pins_of(project.resolve("fetch"), ["tree"])
    assert [pin.rpartition(" ")[0] for pin in taken] == ["leaf 1.0.1", "twig 1.1.0"]


def test_versions_are_held_against_each_other_by_crate() -> None:
    def pin(name: str, version: str) -> Pin:
        return Pin(f"{name} {version} {'0' * 64}")

    was = (pin("both", "1.0.0"), pin("both", "2.0.0"), pin("gone", "1.0.0"), pin("same", "1.0.0"))
    now = (pin("both", "1.0.0"), pin("both", "2.0.1"), pin("new", "1.0.0"), pin("same", "1.0.0"))
    assert changed(was, now) == ("both",)
    assert changed(was, was) == ()


def test_what_is_taken_now_and_was_not_is_told_in_a_line() -> None:
    lower, upper = StackName("lower"), StackName("upper")

    def pins(*told: str, content: str = "0") -> tuple[Pin, ...]:
        return tuple(Pin(f"{crate} {content * 64}") for crate in told)

    was = {lower: pins("both 1.0.0", "both 2.0.0", "old 1.0.0"), upper: pins("both 1.0.0")}
    now = {lower: pins("both 1.0.0", "both 2.0.1", "fresh 1.0.0"), upper: pins("both 1.0.1")}
    assert difference(was, now) == (
        "both 1.0.0 → 1.0.1, both 2.0.0 → 2.0.1, fresh 1.0.0 is new, and 1 more"
    )
    assert difference({lower: now[lower]}, {lower: was[lower]}) == (
        "both 2.0.1 → 2.0.0, old 1.0.0 is new, fresh 1.0.0 is gone"
    )
    more = {lower: pins("both 1.0.0", "both 2.0.0"), upper: pins("both 1.0.0", "both 2.0.0")}
    assert difference(was, more) == "both 2.0.0 is new, old 1.0.0 is gone"
    other = {lower: pins("both 1.0.0", "both 2.0.0", "old 1.0.0", content="1")}
    assert difference(was, other) == "the same versions with other contents"
