"""Components that take more than their share, under a real wasmtime: ended, and told why.

One component has them all, as cases; each is run as `Stage` runs any.
"""

import os
from pathlib import Path

import pytest

from forkbot import process
from forkbot.cargo import Cargo
from forkbot.model.smoke import CasePolicy, SmokePolicy
from forkbot.model.verdict import How
from forkbot.process.seclusion import why_not
from forkbot.verify.component import Stage
from forkbot.verify.declared import Ran
from forkbot.verify.toolchain import TARGET, find_toolchain
from forkbot.verify.wasmtime import find_wasmtime
from forkbot.verify.workshop import Workshop
from forkbot.words import CaseName, ComponentName
from tests.verify.machine import quiet

pytestmark = pytest.mark.wasm

_ENV = dict(os.environ)
_MAIN = """
fn main() {
    println!("begun");
    match std::env::args().nth(1).as_deref() {
        Some("eats") => { let mut all = Vec::new(); loop { all.push(vec![1u8; 64 << 20]); } }
        Some("prints") => loop { println!("{}", "x".repeat(1000)); },
        Some("complains") => loop { eprintln!("{}", "x".repeat(1000)); },
        Some("hangs") => { println!("before it hung"); loop { std::hint::spin_loop(); } }
        Some("waits") => std::thread::sleep(std::time::Duration::from_secs(600)),
        Some("takes") => {
            let all = vec![1u8; 900 << 20];
            println!("{}", all.iter().step_by(1 << 20).map(|b| u64::from(*b)).sum::<u64>());
        }
        _ => println!("little"),
    }
}
"""
CASES = ("little", "takes", "eats", "prints", "complains", "hangs", "waits")


@pytest.fixture(scope="module")
def stage(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, Path]:
    """Return where components run, and one that was built and is ready to run there."""
    place = tmp_path_factory.mktemp("greedy")
    toolchain = find_toolchain(env=_ENV, cache=cache, say=quiet)
    wasmtime = find_wasmtime(env=_ENV, cache=cache, say=quiet)
    for name, text in {
        "Cargo.toml": '[package]\nname = "greedy"\nversion = "1.0.0"\nedition = "2021"\n',
        "src/main.rs": _MAIN,
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    env = {**process.allow(_ENV, names=["HOME", "RUSTUP_HOME"]), **toolchain.env}
    argv: list[str | Path] = [toolchain.cargo, "build", "-q", "--offline", f"--target={TARGET}"]
    process.run(argv, env=env, timeout=300, cwd=place)
    stage = Stage(
        workshop=Workshop(
            cargo=Cargo(program=toolchain.cargo, env=env), target=TARGET,
            target_dir=place / "build" / "target", host="",
            secluded=not why_not(_ENV["PATH"]),
        ),
        wasmtime=wasmtime.program,
        env=process.allow(_ENV),
    )  # fmt: skip
    ready = stage.make_ready(place / "target" / TARGET / "debug" / "greedy.wasm", name="greedy")
    assert isinstance(ready, Path), ready
    return stage, ready


def run(stage: tuple[Stage, Path], case: str, *, timeout: int = 60) -> Ran:
    """Run one case."""
    policy = SmokePolicy(
        name=ComponentName("greedy"),
        cases={CaseName(c): CasePolicy() for c in CASES},
        timeout=timeout,
    )
    return stage[0].run(policy, CaseName(case), stage[1])


def test_a_component_may_take_its_share(stage: tuple[Stage, Path]) -> None:
    assert run(stage, "little").why == ""
    ran = run(stage, "takes")
    assert (ran.why, ran.said.splitlines()[:2]) == ("", ["begun", "900"])


def test_a_component_that_eats_memory_is_told_no(stage: tuple[Stage, Path]) -> None:
    ran = run(stage, "eats")
    assert (ran.how, ran.exit_code) == (How.ENDED, 134)
    assert ran.why == "exit code 134: it asked for more memory than there is, 1.0 GiB"
    assert ran.shown.startswith("begun\n")


@pytest.mark.parametrize("case", ["prints", "complains"])
def test_a_component_that_prints_without_end_is_ended(stage: tuple[Stage, Path], case: str) -> None:
    ran = run(stage, case)
    assert (ran.how, ran.why) == (How.HUNG, "it was ended: it printed more than 4 MiB")
    assert len(ran.said) < 5 << 20
    assert len(ran.shown.splitlines()) < 30


@pytest.mark.parametrize("case", ["hangs", "waits"])
def test_a_component_that_hangs_is_ended_and_its_last_words_are_told(
    stage: tuple[Stage, Path], case: str
) -> None:
    ran = run(stage, case, timeout=4)
    assert (ran.how, ran.why) == (How.HUNG, "it was ended after 4 s")
    assert ran.shown == ("begun\nbefore it hung" if case == "hangs" else "begun")
    assert 4 <= ran.seconds < 8
