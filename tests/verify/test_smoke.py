"""A component's cases under a real wasmtime: each judged by itself, with what it was granted."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from forkbot import process
from forkbot.cargo import Cargo
from forkbot.model.smoke import SmokePolicy
from forkbot.model.stack import ForkPolicy, Lock, Policy, Stack, UpstreamPolicy
from forkbot.model.verdict import Colour, How, Smoke
from forkbot.process.seclusion import why_not
from forkbot.verify.build import prepare
from forkbot.verify.component import Stage
from forkbot.verify.family import Family, SmokeUnit
from forkbot.verify.smoke import run_smoke
from forkbot.verify.toolchain import TARGET, find_toolchain
from forkbot.verify.wasmtime import find_wasmtime
from forkbot.verify.workshop import Workshop
from forkbot.words import StackName
from tests.e2e.crates import manifest
from tests.verify.machine import quiet

pytestmark = pytest.mark.wasm

_ENV = dict(os.environ)
_MAIN = r"""
use std::io::{Error, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};

fn get(host: &str) -> Result<String, Error> {
    let port: u16 = std::env::var("FORKBOT_HTTP_PORT").unwrap().parse().unwrap();
    let address = (host, port).to_socket_addrs()?.next().unwrap();
    let mut link = TcpStream::connect(address)?;
    link.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut page = String::new();
    link.read_to_string(&mut page)?;
    Ok(page)
}

fn main() -> Result<(), Error> {
    let case = std::env::args().nth(1).unwrap();
    assert_eq!(std::env::args().count(), 2);
    match case.as_str() {
        "by-ip" => println!("{}", get("127.0.0.1")?),
        "by-name" => println!("{}", get("localhost")?),
        "silent" => drop(get("127.0.0.1")?),
        "denied" => match get("127.0.0.1") {
            Err(e) if e.kind() == ErrorKind::PermissionDenied => println!("{e}"),
            other => panic!("not denied: {other:?}"),
        },
        "nameless" => println!("{}", get("localhost").unwrap_err()),
        "stuck" => { println!("asking"); loop { std::hint::spin_loop() } }
        "aborts" => panic!("no threads here"),
        _ => println!("{:?}", std::env::vars().collect::<Vec<_>>()),
    }
    Ok(())
}
"""
PURE = {"fetches": False}
DEAD = {"fetches": False, "upstream": "no threads here"}

STACK = Stack(
    name=StackName("demo"),
    policy=Policy(crate="demo", upstream=UpstreamPolicy(git="x"), fork=ForkPolicy(repo="demo")),
    patches=(), lock=Lock(), smoke_digest="",
)  # fmt: skip

Run = Callable[..., dict[str, Smoke]]


@pytest.fixture(scope="module")
def run(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return what runs cases of the one component; what it is told is its policy."""
    place = tmp_path_factory.mktemp("smoke")
    toolchain = find_toolchain(env=_ENV, cache=cache, say=quiet)
    wasmtime = find_wasmtime(env=_ENV, cache=cache, say=quiet)
    env = {**process.allow(_ENV, names=["HOME", "RUSTUP_HOME"]), **toolchain.env}
    stage = Stage(
        workshop=Workshop(
            cargo=Cargo(program=toolchain.cargo, env=env), target=TARGET,
            target_dir=place / "build" / "target", host=TARGET,
            secluded=not why_not(_ENV["PATH"]),
        ),
        wasmtime=wasmtime.program,
        env=process.allow(_ENV),
    )  # fmt: skip

    def run(pristine: bool, main: str = _MAIN, **policy: object) -> dict[str, Smoke]:  # noqa: FBT001
        unit = SmokeUnit(
            stack=STACK,
            policy=msgspec.convert({"name": "client", "serves": ("http",), **policy}, SmokePolicy),
            package="client",
        )
        workspace = place / "family"
        for name, text in {
            "Cargo.toml": '[workspace]\nmembers = ["client"]\nresolver = "2"\n',
            "client/Cargo.toml": manifest("client", "1.0.0"),
            "client/src/main.rs": main,
        }.items():
            (workspace / name).parent.mkdir(parents=True, exist_ok=True)
            (workspace / name).write_text(text)
        family = Family(
            workspace=workspace, sources=place / "src", crates=(), builds=(), smokes=(unit,)
        )
        prepare(family, stage.workshop, say=quiet)
        found = run_smoke(unit, family=family, stage=stage, pristine=pristine, say=quiet)
        return {smoke.case: smoke for smoke in found}

    return run


def colours(ran: dict[str, Smoke]) -> dict[str, tuple[Colour, str]]:
    """Return each case's colour and why."""
    return {case: (smoke.colour, smoke.why) for case, smoke in ran.items()}


def test_each_case_is_judged_by_itself_with_what_it_is_granted(run: Run) -> None:
    ran = run(
        pristine=False, timeout=5,
        cases={
            "by-ip": {}, "by-name": {}, "silent": {}, "aborts": PURE, "stuck": PURE,
            "denied": {"grants": [], "fetches": False},
            "nameless": {"grants": ["network"], "fetches": False},
        },
    )  # fmt: skip
    assert colours(ran) == {
        "by-ip": (Colour.GREEN, ""),
        "by-name": (Colour.GREEN, ""),
        "silent": (Colour.RED, "it ended well but did not print the word that is served"),
        "aborts": (Colour.RED, "exit code 134"),
        "stuck": (Colour.RED, "it was ended after 5 s"),
        "denied": (Colour.GREEN, ""),
        "nameless": (Colour.GREEN, ""),
    }
    assert [ran[case].how for case in ("aborts", "stuck")] == [How.ENDED, How.HUNG]
    assert ran["stuck"].output == "asking"
    assert "no threads here" in ran["aborts"].output
    assert "forkbot serves " in ran["by-name"].output


def test_on_pristine_upstream_each_case_must_do_what_is_declared(run: Run) -> None:
    hangs = {"upstream": "asking", "hangs": True, "fetches": False}
    said = {"upstream": "another word", "fetches": False}
    declared = {"by-ip": {}, "aborts": DEAD, "stuck": hangs}
    assert colours(run(pristine=True, timeout=3, cases=declared)) == {
        "by-ip": (Colour.GREEN, ""),
        "aborts": (Colour.GREEN, "exit code 134"),
        "stuck": (Colour.GREEN, "it was ended after 3 s"),
    }
    otherwise = {"by-ip": {"upstream": "dead"}, "aborts": said, "stuck": PURE}
    assert colours(run(pristine=True, timeout=3, cases=otherwise)) == {
        "by-ip": (
            Colour.RED,
            "upstream is green by itself: the patch that made the difference may go",
        ),
        "aborts": (
            Colour.RED, "exit code 134, and it does not say 'another word', as declared",
        ),
        "stuck": (Colour.RED, "it was ended after 3 s"),
    }  # fmt: skip


def test_what_does_not_build_is_one_red_unless_that_is_declared(run: Run) -> None:
    broken = "fn main() { no_such_thing() }\n"
    cases = {"one": PURE, "two": PURE}
    why = "it does not build: cannot find function `no_such_thing` in this scope"
    for pristine in (False, True):
        ran = run(pristine=pristine, main=broken, cases=cases)
        assert colours(ran) == {"": (Colour.RED, why)}
        assert ran[""].how is How.UNBUILT
        assert "error[E0425]" in ran[""].output
    fails = {"fails": "cannot find function `no_such_thing`"}
    declared = run(pristine=True, main=broken, cases=cases, upstream=fails)
    assert colours(declared) == {"": (Colour.GREEN, why)}


def test_a_component_knows_only_what_it_is_told(run: Run) -> None:
    (ran,) = run(pristine=False, serves=("udp-echo",), cases={"vars": {}}).values()
    port = ran.output.removeprefix('[("FORKBOT_UDP_PORT", "').removesuffix('")]')
    assert port.isdecimal(), ran.output


def test_machine_code_is_made_once_and_anew_for_another_component(
    run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (code,) = tmp_path_factory.getbasetemp().glob("smoke0/build/components/client-stacks.cwasm")
    one = {"cases": {"vars": PURE}}
    assert colours(run(pristine=False, **one)) == {"vars": (Colour.GREEN, "")}
    before = code.stat().st_mtime_ns
    assert colours(run(pristine=False, **one)) == {"vars": (Colour.GREEN, "")}
    assert code.stat().st_mtime_ns == before
    loud = 'fn main() { println!("another") }\n'
    assert run(pristine=False, main=loud, **one)["vars"].output == "another"
    assert code.stat().st_mtime_ns > before
    code.with_suffix(".made-of").unlink()
    assert run(pristine=False, main=loud, **one)["vars"].output == "another"
