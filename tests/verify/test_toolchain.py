"""The ladder to a rustc, on this machine as it is: real compilers, real packages, real refusals."""

import os
from pathlib import Path

import pytest

from forkbot import process
from forkbot.errors import MachineError, RemoteError, UsageError
from forkbot.verify.proof import cause
from forkbot.verify.rustup import candidates
from forkbot.verify.toolchain import TARGET, Toolchain, find_toolchain
from tests.verify.machine import OLD_ENOUGH, fastest, program, quiet, tools_without_rust


def test_an_installed_toolchain_proves_itself_once(installed: Toolchain, cache: Path) -> None:
    assert installed.source == "installed"
    assert installed.version.startswith("rustc 1.")
    assert installed.env["RUSTC"] == str(installed.rustc)
    assert installed.why.startswith("asked for: ")

    def find() -> Toolchain:
        return find_toolchain(env=os.environ, cache=cache, oldest=OLD_ENOUGH, say=quiet)

    assert fastest(find) < 0.05


def test_looking_downloads_nothing_and_says_what_to_type(tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    program(tmp_path / "bin" / "cc", "exit 1")
    with pytest.raises(UsageError) as e:
        find_toolchain(env=env, cache=tmp_path / "cache", get=False, say=quiet)
    assert str(e.value) == (
        f"no Rust toolchain builds {TARGET} here\n"
        "  installed: no rustc on PATH, no rustup toolchain\n"
        f"  Debian's packages of forky: not in {tmp_path / 'cache'} yet\n"
        "hint: forkbot toolchain"
    )
    assert not (tmp_path / "cache").exists()


def test_a_machine_without_a_c_compiler_is_told_so_first(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cc is not on PATH") as e:
        find_toolchain(env={"PATH": str(tmp_path)}, cache=tmp_path, say=quiet)
    assert "apt-get install gcc" in str(e.value.hint)


def test_an_empty_home_leads_to_the_rustup_home_beside_the_proxy(
    tmp_path: Path, installed: Toolchain
) -> None:
    if "RUSTUP_HOME" not in installed.env:
        pytest.skip("this machine's toolchain is not rustup's")
    # A user's folder as rustup makes it, on PATH of somebody whose HOME is another.
    (tmp_path / "user" / ".cargo" / "bin").mkdir(parents=True)
    (tmp_path / "user" / ".rustup").symlink_to(installed.env["RUSTUP_HOME"])
    proxies = tmp_path / "user" / ".cargo" / "bin"
    program(proxies / "rustup", "echo 'error: no toolchain' >&2; exit 1")
    for name in ("cargo", "rustc"):
        (proxies / name).symlink_to("rustup")
    (tmp_path / "empty").mkdir()
    env = {"PATH": f"{proxies}:{tools_without_rust(tmp_path)}", "HOME": str(tmp_path / "empty")}
    found = find_toolchain(
        env=env, cache=tmp_path / "cache", get=False, oldest=OLD_ENOUGH, say=quiet
    )
    assert found.source == "installed"
    assert found.env["RUSTUP_HOME"] == str(tmp_path / "user" / ".rustup")
    assert found.env["RUSTUP_TOOLCHAIN"] == found.rustc.parent.parent.name
    assert "rustup" not in os.path.realpath(found.cargo).rpartition("/")[2]
    run = process.run([found.cargo, "-V"], env={**env, **found.env}, timeout=60)
    assert run.stdout.startswith(b"cargo 1.")


def _stub_rustc(path: Path, version: str, sysroot: Path) -> Path:
    told = f"rustc {version} (0000000 2024-01-01)\\nhost: x86_64-unknown-linux-gnu"
    return program(
        path,
        f"[ \"$1\" = -vV ] && printf '{told}\\nrelease: {version}\\n' && exit\n"
        f"[ \"$2\" = sysroot ] && echo '{sysroot}' && exit\n"
        "echo 'error: linking with `wasm-component-ld` failed: exit status: 1' >&2\n"
        "echo '  = note: error: failed to spawn wasm-ld' >&2\n"
        "echo 'error: aborting due to 1 previous error' >&2\nexit 1",
    )


def test_each_candidate_passed_over_has_its_reason(tmp_path: Path, installed: Toolchain) -> None:
    for n, version in (("a", "1.70.0"), ("b", "1.90.0"), ("c", "1.91.0")):
        _stub_rustc(tmp_path / n / "rustc", version, tmp_path / n)
        program(tmp_path / n / "cargo", "echo cargo")
    library = tmp_path / "c" / "lib" / "rustlib" / TARGET / "lib"
    library.mkdir(parents=True)
    (library / "libstd-0.rlib").touch()
    path = ":".join(str(tmp_path / n) for n in "bc") + f":{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "RUSTC": str(tmp_path / "a" / "rustc")}
    found = find_toolchain(
        env=env, cache=tmp_path / "cache", get=False, oldest=OLD_ENOUGH, say=quiet
    )
    assert found.rustc == installed.rustc
    old = "is older than 1.85, with which sockets first work on this target"
    link = "linking with `wasm-component-ld` failed: exit status: 1 / failed to spawn wasm-ld"
    assert found.passed_over[:3] == (
        f"{tmp_path}/a/rustc: rustc 1.70.0 (0000000 2024-01-01) {old}",
        f"{tmp_path}/b/rustc: rustc 1.90.0 (0000000 2024-01-01) has no {TARGET} standard library",
        f"{tmp_path}/c/rustc: it builds nothing for {TARGET}: {link}",
    )


def test_rustc_from_the_environment_comes_first(tmp_path: Path, installed: Toolchain) -> None:
    mine = program(tmp_path / "rustc", f'exec "{installed.rustc}" "$@"')
    env = {**os.environ, "RUSTC": str(mine)}
    first = next(candidates(env))
    assert first.rustc == mine
    found = find_toolchain(
        env=env, cache=tmp_path / "cache", get=False, oldest=OLD_ENOUGH, say=quiet
    )
    assert (found.rustc, found.env) == (mine, {"RUSTC": str(mine)})


def test_toolchains_come_active_first_then_stable_then_the_newest(tmp_path: Path) -> None:
    home = tmp_path / "rustup"
    names = ("nightly-x", "1.85.0-x", "1.100.1-x", "stable-x", "beta-x")
    for name in names:
        for tool in ("rustc", "cargo"):
            program(home / "toolchains" / name / "bin" / tool, "exit 1")
    (home / "settings.toml").write_text('default_toolchain = "beta-x"\n')
    env = {"PATH": "", "RUSTUP_HOME": str(home), "RUSTUP_TOOLCHAIN": "nightly"}
    assert [c.env["RUSTUP_TOOLCHAIN"] for c in candidates(env)] == [
        "nightly-x", "beta-x", "stable-x", "1.100.1-x", "1.85.0-x",
    ]  # fmt: skip


def test_rustups_refusal_is_told_without_its_backtrace(tmp_path: Path) -> None:
    tools = tools_without_rust(tmp_path)
    bin_ = tmp_path / "home" / "toolchains" / "stable-x" / "bin"
    _stub_rustc(bin_ / "rustc", "1.97.0", bin_.parent)
    program(bin_ / "cargo", "exit 1")
    program(
        tools / "rustup",
        "echo 'info: downloading component rust-std' >&2\n"
        "echo 'error: component download failed for rust-std: Connection refused' >&2\n"
        "printf '\\nStack backtrace:\\n   0: anyhow::error\\n   1: error: not this\\n' >&2\nexit 1",
    )
    env = {"PATH": str(tools), "RUSTUP_HOME": str(tmp_path / "home")}
    said: list[str] = []
    with pytest.raises(RemoteError) as e:
        find_toolchain(env=env, cache=tmp_path / "cache", only="rustup", say=said.append)
    assert e.value.what == (
        f"no Rust toolchain builds {TARGET} here\n"
        f"  rustup target add {TARGET} --toolchain stable-x: "
        "component download failed for rust-std: Connection refused"
    )
    assert said == [f"adding {TARGET} to rustup's stable-x"]


def test_rustup_adds_the_target_to_a_toolchain_that_lacks_it(
    tmp_path: Path, installed: Toolchain
) -> None:
    """The toolchain is real; rustup's part, a download, is moving its library into place."""
    whole = installed.rustc.parent.parent
    if "RUSTUP_HOME" not in installed.env or whole.stat().st_dev != tmp_path.stat().st_dev:
        pytest.skip("needs a rustup toolchain on the disk of the temporary folder")
    mine = tmp_path / "home" / "toolchains" / "stable-x"
    mine.mkdir(parents=True)
    # Hard links: a rustc takes its sysroot from where its file is, so symbolic ones will not do.
    parts: list[str | Path] = [whole / "bin", whole / "lib"]
    process.run(["cp", "-al", *parts, mine], env=process.allow(os.environ), timeout=120)
    library = mine / "lib" / "rustlib" / TARGET
    library.rename(tmp_path / "download")
    tools = tools_without_rust(tmp_path)
    program(tools / "rustup", f"PATH=/usr/bin:/bin mv '{tmp_path}/download' '{library}'")
    env = {"PATH": str(tools), "RUSTUP_HOME": str(tmp_path / "home")}

    def find() -> Toolchain:
        return find_toolchain(env=env, cache=tmp_path / "cache", oldest=OLD_ENOUGH, say=quiet)

    found = find()
    assert (found.source, found.rustc) == ("rustup", mine / "bin" / "rustc")
    assert found.passed_over == (
        f"rustup's stable-x: {found.version} has no {TARGET} standard library",
        f"Debian's packages of forky: not in {tmp_path / 'cache'} yet",
    )
    assert find().source == "installed"


def test_where_all_are_too_old_rustup_is_asked_for_a_newer_one(tmp_path: Path) -> None:
    tools = tools_without_rust(tmp_path)
    bin_ = tmp_path / "home" / "toolchains" / "stable-x" / "bin"
    _stub_rustc(bin_ / "rustc", "1.95.0", bin_.parent)
    program(bin_ / "cargo", "exit 1")
    program(tools / "rustup", "exit 1")
    env = {"PATH": str(tools), "RUSTUP_HOME": str(tmp_path / "home")}
    with pytest.raises(UsageError) as installed:
        find_toolchain(env=env, cache=tmp_path / "cache", only="installed", say=quiet)
    assert str(installed.value) == (
        f"no Rust toolchain builds {TARGET} here\n"
        "  rustup's stable-x: rustc 1.95.0 (0000000 2024-01-01) is older than 1.97, "
        "with which sockets first work on this target\n"
        f"hint: rustup update stable && rustup target add {TARGET}"
    )
    with pytest.raises(UsageError) as by_rustup:
        find_toolchain(env=env, cache=tmp_path / "cache", only="rustup", say=quiet)
    assert str(by_rustup.value) == (
        f"no Rust toolchain builds {TARGET} here\n"
        f"  rustup target add {TARGET}: rustup has no toolchain of 1.97 or newer to add it to\n"
        f"hint: rustup update stable && rustup target add {TARGET}"
    )


def test_without_rustup_there_is_nothing_to_download_with(tmp_path: Path) -> None:
    env = {"PATH": str(tools_without_rust(tmp_path))}
    with pytest.raises(UsageError, match="rustup is not on PATH"):
        find_toolchain(env=env, cache=tmp_path / "cache", only="rustup", say=quiet)


def test_the_cause_is_found_in_a_tools_last_words() -> None:
    assert cause(
        "rustc ended with 1\nerror[E0463]: can't find crate\nerror: aborting due to 1"
    ) == ("can't find crate")
    assert cause("E: Unable to locate package x") == "Unable to locate package x"
    assert cause("nothing ended with 3") == "nothing ended with 3"
    long = cause(f"error: {'a' * 300}{'b' * 300}")
    assert (len(long), long[0], long[-1]) == (403, "a", "b")
