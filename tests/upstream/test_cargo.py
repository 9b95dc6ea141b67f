"""Running cargo: what it may see, and what its words become."""

import os
from pathlib import Path

import pytest

from forkbot.cargo import Cargo, CargoError, cargo_env, cause, read_lock
from forkbot.errors import MachineError


def test_environment() -> None:
    """Homes, proxies and registries go in; no secret, and no stranger."""
    kept = {
        "PATH": "/bin",
        "CARGO_HOME": "/c",
        "RUSTUP_HOME": "/r",
        "RUSTUP_TOOLCHAIN": "stable",
        "HTTPS_PROXY": "proxy.invalid:1",
        "CARGO_HTTP_CAINFO": "/ca.pem",
        "CARGO_NET_OFFLINE": "true",
        "CARGO_REGISTRIES_OURS_INDEX": "sparse+https://crates.invalid/",
    }
    dropped = {
        "HOME": "/home/me",
        "GITHUB_TOKEN": "x",
        "CARGO_REGISTRY_TOKEN": "x",
        "CARGO_REGISTRIES_OURS_TOKEN": "x",
        "CARGO_REGISTRIES_OURS_CREDENTIAL_PROVIDER": "x",
        "CARGO_HTTP_PASSWORD": "x",
        "CARGO_BUILD_RUSTFLAGS": "x",
        "RUSTC_WRAPPER": "x",
    }
    quiet = {"CARGO_TERM_COLOR": "never", "CARGO_TERM_PROGRESS_WHEN": "never"}
    assert cargo_env({**kept, **dropped}) == {**kept, **quiet}
    del kept["RUSTUP_HOME"]  # then rustup looks for it under HOME
    assert cargo_env({**kept, **dropped}) == {**kept, **quiet, "HOME": "/home/me"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("error: no matching package\nlocation searched: x\n", "no matching package"),
        ("warning: w\nerror: a\n\nCaused by:\n  b\n\nCaused by:\n  [7] c\n  d\n", "a: c"),
        ("error[E0425]: cannot find it\n", "cannot find it"),
        ("Killed\n", "Killed"),
        ("", ""),
    ],
)
def test_cause(said: str, expected: str) -> None:
    """What failed and the innermost reason, in a line."""
    assert cause(said) == expected


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a package that needs another one on disk."""
    for name, needs in (("one", ""), ("two", '[dependencies]\none = { path = "../one" }\n')):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "lib.rs").touch()
        manifest = f'[package]\nname = "{name}"\nversion = "1.0.0"\n[lib]\npath = "lib.rs"\n{needs}'
        (folder / "Cargo.toml").write_text(manifest)
    return tmp_path / "two"


def test_metadata_and_lock(project: Path) -> None:
    """The fields forkbot reads, from the real cargo."""
    cargo = Cargo(program=Path("cargo"), env=cargo_env(os.environ))
    metadata = cargo.metadata(project / "Cargo.toml", cwd=project, timeout=60)
    assert {
        (p.name, p.version, p.source, p.manifest_path.parent.name) for p in metadata.packages
    } == {
        ("one", "1.0.0", None, "one"),
        ("two", "1.0.0", None, "two"),
    }
    needs = {node.id: node.dependencies for node in metadata.resolve.nodes}
    assert metadata.resolve.root is not None
    assert [needs[n] for n in needs[metadata.resolve.root]] == [()]

    lock = read_lock(project / "Cargo.lock")
    assert [(p.name, p.dependencies) for p in lock.packages] == [("one", ()), ("two", ("one",))]
    assert lock.patch.unused == ()


def test_failures(project: Path) -> None:
    """cargo's own cause in few words; the rest is kept for who asks."""
    cargo = Cargo(program=Path("cargo"), env=cargo_env(os.environ))
    (project / "Cargo.toml").write_text("[package\n")
    with pytest.raises(CargoError) as caught:
        cargo.metadata(project / "Cargo.toml", cwd=project, timeout=60)
    assert caught.value.code == 101
    assert "\n" not in caught.value.last_words
    assert len(caught.value.said.splitlines()) > 1
    with pytest.raises(MachineError, match=r"not a Cargo\.lock that forkbot can read"):
        read_lock(project / "Cargo.toml")
