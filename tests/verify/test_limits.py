"""Upstream's code that takes more than its share, in a real build script: ended, and said why.

Each is ended with all it started, in seconds, and the machine is as it was.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forkbot.cargo import Cargo, cargo_env
from forkbot.process.limits import Limits, measure
from forkbot.process.seclusion import why_not
from forkbot.verify.build import Compiled, compile_package
from forkbot.verify.family import Family
from forkbot.verify.workshop import Workshop
from tests.verify.machine import quiet

_MIB = 1 << 20
LITTLE = Limits(memory=768 * _MIB, processes=400, disk=64 * _MIB, output=_MIB)
MANIFEST = '[package]\nname = "{0}"\nversion = "1.0.0"\nedition = "2021"\n'

EATS = """
fn main() {
    let mut eaten = Vec::new();
    loop { eaten.push(vec![1u8; 16 << 20]); }
}
"""
EATS_BY_MANY = """
fn main() {
    if std::env::var_os("ONE").is_none() {
        let me = std::env::current_exe().unwrap();
        for _ in 0..8 { std::process::Command::new(&me).env("ONE", "1").spawn().unwrap(); }
        std::thread::sleep(std::time::Duration::from_secs(600));
    }
    let eaten = vec![1u8; 200 << 20];
    std::thread::sleep(std::time::Duration::from_secs(600));
    drop(eaten);
}
"""
FORKS = """
fn main() {
    let me = std::env::current_exe().unwrap();
    loop { let _ = std::process::Command::new(&me).spawn(); }
}
"""
FILLS = """
use std::io::Write;
fn main() {
    let folder = std::path::PathBuf::from(std::env::var("OUT_DIR").unwrap());
    for number in 0.. {
        let mut file = std::fs::File::create(folder.join(format!("{number}"))).unwrap();
        file.write_all(&vec![1u8; 8 << 20]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
"""
ONE_FILE = """
use std::io::Write;
fn main() {
    let folder = std::path::PathBuf::from(std::env::var("OUT_DIR").unwrap());
    let mut file = std::fs::File::create(folder.join("one")).unwrap();
    loop { file.write_all(&vec![1u8; 1 << 20]).unwrap(); }
}
"""
PRINTS = """
fn main() {
    println!("what it said first");
    let line = "x".repeat(1000);
    for _ in 0..20_000 { println!("{line}"); }
    std::process::exit(1);
}
"""
PRINTS_FOR_EVER = """
fn main() {
    let line = "x".repeat(1 << 20);
    loop { println!("{line}"); }
}
"""
HANGS = """
fn main() {
    std::process::Command::new("setsid").args(["sleep", "MARK"]).spawn().unwrap();
    loop { std::thread::park(); }
}
"""


def build(
    place: Path, script: str, *, seconds: float = 120, say: Callable[[str], None] = quiet
) -> Compiled:
    """Build a crate with a build script on this machine, and return what became of it."""
    path = os.environ["PATH"]
    if why := why_not(path):
        pytest.skip(f"this system cannot seclude: {why}")
    for name, text in {
        "src/demo/Cargo.toml": MANIFEST.format("demo"),
        "src/demo/build.rs": script,
        "src/demo/src/lib.rs": "",
        "family/Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["build"]\n',
        "family/build/Cargo.toml": MANIFEST.format("build")
        + '[dependencies]\ndemo = { path = "../../src/demo" }\n',
        "family/build/src/lib.rs": "",
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    cargo = shutil.which("cargo")
    assert cargo is not None
    env = cargo_env(os.environ)
    subprocess.run([cargo, "generate-lockfile", "--offline"], cwd=place / "family", env=env,
                   check=True, capture_output=True)  # fmt: skip
    told = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    host = next(li.removeprefix("host: ") for li in told.splitlines() if li.startswith("host: "))
    return compile_package(
        "build",
        family=Family(
            workspace=place / "family", sources=place / "src", crates=("demo",), builds=(),
            smokes=(),
        ),
        workshop=Workshop(
            cargo=Cargo(program=Path(cargo), env=env), target=host,
            target_dir=place / "target", host=host, secluded=True, limits=LITTLE, seconds=seconds,
        ),
        say=say,
    )  # fmt: skip


def test_a_build_script_that_takes_little_is_let_be(tmp_path: Path) -> None:
    said: list[str] = []
    done = build(tmp_path, 'fn main() { println!("little"); }', say=said.append)
    assert (done.ok, done.why) == (True, "")
    assert any("of 4 units, compiling demo" in line for line in said), said


def test_a_build_script_that_fails_is_told_in_cargos_words(tmp_path: Path) -> None:
    """Of which the progress bar is none."""
    done = build(tmp_path, 'fn main() { panic!("it is not to be"); }')
    assert done.why == "the build script of demo 1.0.0 failed"
    assert str(tmp_path) not in done.said
    assert "it is not to be" in done.said
    assert "Building [" not in done.said


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (EATS, "it took more than 768 MiB of memory, build-script-bu the most"),
        (EATS_BY_MANY, "it took more than 768 MiB of memory, build-script-bu the most"),
        (FORKS, "processes and threads, most of them build-script-bu, at one time"),
        (FILLS, "it filled its folder with more than 64 MiB"),
        (PRINTS, "it printed more than 1 MiB"),
        # by then cargo, which keeps it all, is refused a larger place for it
        (PRINTS_FOR_EVER, "memory"),
    ],
    ids=["eats memory", "eats it by many", "forks", "fills the disk", "prints", "prints for ever"],
)
def test_a_build_that_takes_too_much_is_ended(tmp_path: Path, script: str, why: str) -> None:
    done = build(tmp_path, script)
    assert not done.ok
    assert done.why.startswith("the build was ended: it ")
    assert why in done.why
    assert "demo(build)" in done.why, "what was being compiled is told"
    assert nothing_of(tmp_path)
    assert measure(tmp_path)[0] < 4 * LITTLE.disk


def test_one_file_grows_no_larger_than_all_may(tmp_path: Path) -> None:
    """The system itself sees to that: there is no moment at which the file is too large."""
    done = build(tmp_path, ONE_FILE)
    assert not done.ok
    assert max(p.stat().st_size for p in (tmp_path / "target").rglob("one")) <= 2 * LITTLE.disk


def test_a_build_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    mark = f"2{os.getpid()}.5"
    done = build(tmp_path, HANGS.replace("MARK", mark), seconds=6)
    assert (done.ok, done.why) == (
        False, "the build was ended after 6 s, while it compiled demo(build)"
    )  # fmt: skip
    assert nothing_of(tmp_path, mark)


def nothing_of(place: Path, mark: str = "") -> bool:
    """Wait until no process of ``place`` is left, up to 10 s."""
    words = [str(place).encode(), *([mark.encode()] if mark else [])]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not any(word in line for word in words for line in commands()):
            return True
        time.sleep(0.05)
    return False


def commands() -> Iterator[bytes]:
    """Yield the command line of every process."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended
            yield file.read_bytes()
