"""What is shipped: ``python -m forkbot``, the wheel, and requirements that pin everything."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import forkbot
from tests.house.source import PACKAGE, ROOT


def test_the_package_is_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forkbot", "--version"], check=True, capture_output=True, text=True
    )
    assert done.stdout == f"forkbot, version {forkbot.__version__}\n"


def test_the_wheel_has_every_file_of_the_package(tmp_path: Path) -> None:
    code = "import sys; from flit_core.buildapi import build_wheel; print(build_wheel(sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    info = f"forkbot-{forkbot.__version__}.dist-info"
    with zipfile.ZipFile(tmp_path / built) as wheel:
        names = set(wheel.namelist())
        entry_points = wheel.read(f"{info}/entry_points.txt").decode()
        metadata = wheel.read(f"{info}/METADATA").decode()
    files = {p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {n for n in names if not n.startswith(info)} == {
        p.relative_to(ROOT).as_posix() for p in files
    }
    data = {p.suffix for p in files} - {".py"}
    assert ".txt" in data, "the package data are gone from where this test looks"
    assert entry_points == "[console_scripts]\nforkbot=forkbot.cli.main:main\n\n"
    assert {Path(n).name for n in names if "/licenses/" in n} == {
        "LICENSE", "LICENSE-APACHE", "LICENSE-MIT",
    }  # fmt: skip
    assert "License-Expression: Apache-2.0 OR MIT" in metadata


@pytest.mark.parametrize("extra", ["dev", "run"])
def test_every_dependency_is_pinned_with_its_hashes(extra: str) -> None:
    text = (ROOT / "requirements" / f"{extra}.txt").read_text(encoding="utf-8")
    pinned = {}
    for entry in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]:
        name = re.match(r"([a-z0-9._-]+)==\S+", entry)
        assert name is not None, entry
        pinned[name[1]] = entry.count("--hash=sha256:")
    assert min(pinned.values()) >= 1
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"][extra]
    names = {re.split(r"[ <>=~!;\[]", w)[0].lower().replace("_", "-") for w in wanted}
    assert names <= set(pinned), "make lock"


def test_no_requirements_file_says_where_packages_come_from() -> None:
    for path in [*ROOT.glob("requirements/*.txt"), *PACKAGE.rglob("*requirements*.txt")]:
        options = re.findall(r"^-.*", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert options == [], path
