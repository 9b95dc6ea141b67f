"""Debian's toolchain, really got; and what real crates ask of any toolchain."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkbot import process
from forkbot.errors import RemoteError
from forkbot.verify import debian
from forkbot.verify.proof import PassedOver, Prover
from forkbot.verify.toolchain import TARGET, Toolchain, find_toolchain
from forkbot.verify.wasmtime import NETWORK, NO_CACHE, find_wasmtime
from tests.verify.machine import cut_off, fastest, is_debian, quiet, tools_without_rust

_COMPONENT = b"\0asm\x0d\0\x01\0"


def _get_debian(tmp_path: Path, os_release: str, sources: str) -> object:
    (tmp_path / "apt").mkdir()
    (tmp_path / "os-release").write_text(os_release)
    (tmp_path / "apt" / "sources.list").write_text(sources)
    prover = Prover(env=os.environ, cache=tmp_path / "cache", target=TARGET)
    return debian.get(prover, say=quiet, etc=tmp_path)


def test_a_machine_that_is_not_debian_is_a_stated_reason(tmp_path: Path) -> None:
    told = 'ID=ubuntu\nVERSION_CODENAME=noble\nPRETTY_NAME="Ubuntu 24.04"\n'
    assert _get_debian(tmp_path, told, "") == PassedOver(
        name="Debian's packages of forky", why="this machine is Ubuntu 24.04, not Debian"
    )


def test_no_archive_among_apts_sources_is_a_stated_reason(tmp_path: Path) -> None:
    if shutil.which("apt-get") is None:
        pytest.skip("needs apt")
    told = "ID=debian\nVERSION_CODENAME=bookworm\n"
    third = "deb https://mirror.example/tool bookworm main\n"
    assert _get_debian(tmp_path, told, third) == PassedOver(
        name="Debian's packages of forky", why="apt's sources here name no archive of Debian's"
    )


def test_an_unreachable_archive_fails_with_its_reason_and_leaves_nothing(tmp_path: Path) -> None:
    if not is_debian():
        pytest.skip("needs Debian's apt sources")
    with pytest.raises(RemoteError) as e:
        find_toolchain(env=cut_off(os.environ), cache=tmp_path, only="debian", say=quiet)
    assert e.value.exit_code == 5
    assert "Debian's packages of forky: " in e.value.what
    assert "connect" in e.value.what
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "lock"]


_DERIVE = """\
use proc_macro::TokenStream;
#[proc_macro_derive(Word)]
pub fn word(_: TokenStream) -> TokenStream {
    "impl Said { fn word() -> &'static str { \\"derived\\" } }".parse().unwrap()
}
"""
_BUILD = """\
use std::{env::var, process::Command};
fn main() {
    for tool in ["CARGO", "RUSTC"] {
        assert!(Command::new(var(tool).unwrap()).arg("-V").status().unwrap().success(), "{tool}");
    }
    println!("cargo:rustc-env=SAID_BY_BUILD=built");
}
"""
_MAIN = """\
#[derive(derive::Word)]
struct Said;
fn main() { println!("{} {} {}", env!("SAID_BY_BUILD"), Said::word(), cfg!(by_others)); }
"""


def _build_and_run(toolchain: Toolchain, cache: Path, folder: Path) -> bytes:
    """Build a crate with a build script and a proc-macro, under RUSTFLAGS of others, and run it."""
    package = '[package]\nname = "{}"\nversion = "0.0.0"\nedition = "2021"\n'
    files = {
        "Cargo.toml": package.format("said") + '[dependencies]\nderive = { path = "derive" }\n',
        "build.rs": _BUILD,
        "src/main.rs": _MAIN,
        "derive/Cargo.toml": package.format("derive") + "[lib]\nproc-macro = true\n",
        "derive/src/lib.rs": _DERIVE,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    env = {**process.allow(os.environ), **toolchain.env}
    env |= {"RUSTFLAGS": "--cfg by_others", "CARGO_HOME": str(folder / "cargo")}
    argv: list[str | Path] = [toolchain.cargo, "build", "-q", "--offline", f"--target={TARGET}"]
    process.run(argv, env=env, timeout=300, cwd=folder)
    wasmtime = find_wasmtime(env=os.environ, cache=cache, say=quiet).program
    component = folder / "target" / TARGET / "debug" / "said.wasm"
    assert component.read_bytes()[:8] == _COMPONENT
    run: list[str | Path] = [wasmtime, "run", *NO_CACHE, *NETWORK, component]
    return process.run(run, env=process.allow(os.environ), timeout=60).stdout


@pytest.mark.wasm
def test_the_installed_one_builds_what_real_crates_have(
    installed: Toolchain, cache: Path, tmp_path: Path
) -> None:
    assert _build_and_run(installed, cache, tmp_path / "said") == b"built derived true\n"


@pytest.mark.wasm
def test_debians_builds_what_real_crates_have(
    of_debian: Toolchain, cache: Path, tmp_path: Path
) -> None:
    assert of_debian.source == "debian"
    assert _build_and_run(of_debian, cache, tmp_path / "said") == b"built derived true\n"


@contextlib.contextmanager
def _moved(of_debian: Toolchain, cache: Path) -> Iterator[Path]:
    """Lend a cache of the test's own with Debian's toolchain in it."""
    with tempfile.TemporaryDirectory(dir=cache.parent) as name:
        # Hard links on the same disk: 600 MB are not copied to learn this.
        home = of_debian.rustc.parent.parent
        process.run(["cp", "-al", home, name], env=process.allow(os.environ), timeout=60)
        yield Path(name)


@pytest.mark.wasm
def test_debians_is_found_again_at_once_without_the_network(
    of_debian: Toolchain, cache: Path
) -> None:
    env = cut_off(os.environ)
    with _moved(of_debian, cache) as own:

        def find() -> Toolchain:
            return find_toolchain(env=env, cache=own, only="debian", say=quiet)

        assert find().version == of_debian.version
        assert fastest(find) < 0.05
        assert {p.name for p in own.iterdir()} == {of_debian.rustc.parent.parent.name, "facts"}


@pytest.mark.wasm
def test_debians_needs_no_rustup_to_link_once_it_is_unpacked(
    of_debian: Toolchain, tmp_path: Path
) -> None:
    """Its linkers are its own, so a toolchain that rustup removes is not missed."""
    tools = tools_without_rust(tmp_path)
    (tmp_path / "hello.rs").write_text("fn main() {}\n")
    argv: list[str | Path] = [of_debian.rustc, tmp_path / "hello.rs", f"--target={TARGET}"]
    argv += ["-o", tmp_path / "h.wasm"]
    process.run(argv, env={"PATH": str(tools)}, timeout=60)
    assert (tmp_path / "h.wasm").read_bytes()[:8] == _COMPONENT


@pytest.mark.wasm
def test_a_cache_moved_elsewhere_still_works(of_debian: Toolchain, cache: Path) -> None:
    """Runners restore caches under other folders than they were saved from."""
    with _moved(of_debian, cache) as own:
        found = find_toolchain(env=os.environ, cache=own, only="debian", get=False, say=quiet)
        assert found.rustc == own / of_debian.rustc.relative_to(cache)
