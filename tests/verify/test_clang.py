"""Whether there is a C compiler for the target: asked of the very program, not of its name."""

from pathlib import Path

import pytest

from forkbot.cargo import Cargo
from forkbot.verify.canary import has_clang
from forkbot.verify.workshop import Workshop

ASKED = """\
case "$*" in
*--target=wasm32-wasip2*) {answer} ;;
esac
exit 0
"""


def workshop(folder: Path, env: dict[str, str]) -> Workshop:
    """Return a workshop whose cargo has an environment."""
    return Workshop(
        cargo=Cargo(program=Path("cargo"), env=env), target="wasm32-wasip2",
        target_dir=folder / "target", host="", secluded=False,
    )  # fmt: skip


def compiler(folder: Path, name: str, *, answer: str) -> Path:
    """Write a compiler that answers to the target in its own way."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{ASKED.format(answer=answer)}")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(("answer", "has"), [("exit 0", True), ("exit 1", False)])
def test_the_clang_on_path_is_asked_for_the_target(
    tmp_path: Path, answer: str, *, has: bool
) -> None:
    compiler(tmp_path, "clang", answer=answer)
    assert has_clang(workshop(tmp_path, {"PATH": f"{tmp_path}:/usr/bin:/bin"})) is has


def test_one_that_the_environment_names_goes_before_it(tmp_path: Path) -> None:
    compiler(tmp_path, "clang", answer="exit 1")
    named = compiler(tmp_path, "other", answer="exit 0")
    path = f"{tmp_path}:/usr/bin:/bin"
    env = {"PATH": path, "CC_wasm32_wasip2": str(named)}
    assert has_clang(workshop(tmp_path, env))


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert not has_clang(workshop(tmp_path, {"PATH": str(tmp_path)}))
