"""Every workflow of ours, held against the linters that know GitHub's, offline."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BIN = Path(sys.executable).parent


def lint(*argv: str | Path) -> str:
    """Return what a linter has to say; '' when it has nothing."""
    done = subprocess.run(
        [BIN / argv[0], *argv[1:]], check=False, capture_output=True, text=True, cwd=ROOT,
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1"}, timeout=120,
    )  # fmt: skip
    return "" if done.returncode == 0 else f"exit {done.returncode}\n{done.stdout}{done.stderr}"


def complaints(files: list[Path]) -> str:
    """Return all that four linters have to say about workflows."""
    schema = ("check-jsonschema", "--builtin-schema")
    return (
        lint("actionlint", *files)
        + lint(*schema, "vendor.github-workflows", *files)
        + lint("zizmor", "--offline", "--no-config", *files)
        # a reusable workflow is called by a job that can have no limit of its own
        + lint(*schema, "custom.github-workflows-require-timeout", *files)
    )


def test_the_linters_have_nothing_to_say() -> None:
    assert WORKFLOWS
    assert complaints(WORKFLOWS) == ""


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("    timeout-minutes: 40\n", "", "timeout-minutes"),
        ("persist-credentials: false", "fetch-depth: 1", "artipacked"),
        ("permissions:\n      contents: read", "permissions: write-all", "excessive-permissions"),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7", "unpinned-uses"),
        ("run: .ci/run", "run: echo ${{ github.head_ref }}", "template-injection"),
        ("branches: [main]", "branchs: [main]", "branchs"),
    ],
)
def test_the_linters_would_say_it(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert text.count(was) == 1
    spoilt = tmp_path / ".github" / "workflows" / "ci.yml"
    spoilt.parent.mkdir(parents=True)
    spoilt.write_text(text.replace(was, becomes), encoding="utf-8")
    assert says in complaints([spoilt])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_every_action_is_pinned_and_says_its_version(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if "uses:" in line and "uses: ./" not in line:
            assert re.search(r"uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v[0-9.]+$", line), line
