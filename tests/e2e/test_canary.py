"""Canaries beside a family: red as declared is nothing, all else is news, and never trouble."""

import re
import shutil

import pytest

from tests.e2e.crates import Crates, manifest
from tests.e2e.world import Changes, Said

pytestmark = pytest.mark.wasm

RUN = ("run", "--all", "--channel", "release")
DECLARED = """\
  - name: rainy
    cases: {sings: {}}
    canary: it rains
  - name: nowhere
    cases: {sings: {}}
    canary: no matching package named `no-such-crate` found
  - name: far
    cases: {sings: {}}
    canary: may not be installed
    target: wasm32-wasip3
"""
GROWN_UP = """\
  - name: able
    cases: {sings: {}}
    canary: no clang
    until: clang
  - name: unable
    cases: {sings: {}}
    canary: no clang
    until: clang
"""
RAINY = 'fn main() { assert_eq!(upper::said(), "said: ours"); panic!("it rains") }\n'
SINGS = RAINY.replace('panic!("it rains")', 'println!("la")')


def write(crates: Crates, name: str, main: str, needs: tuple[tuple[str, str], ...]) -> None:
    """Write one canary of ``upper``."""
    files: Changes = {"Cargo.toml": manifest(name, "0.0.0", needs), "src/main.rs": main}
    for path, text in files.items():
        file = crates.world.folder("upper") / "smoke" / name / str(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(text))


def foretold(said: Said) -> str:
    """Return what is said of how long it will take, at the begin of a verification."""
    (told,) = [li for li in said.progress if li.startswith("verifying lower, upper: ")]
    return re.sub(r"\d+", "N", told.removeprefix("verifying lower, upper: "))


def clang(crates: Crates) -> dict[str, str]:
    """Return an environment with a C compiler for any target, if the toolchain brings none."""
    folder = crates.world.place / "clang"
    folder.mkdir()
    (folder / "clang").write_text("#!/bin/sh\nexit 0\n")
    (folder / "clang").chmod(0o755)
    return {"PATH": f"{folder}:{crates.world.env['PATH']}"}


def test_with_what_it_waited_for_a_canary_must_be_green(crates: Crates) -> None:
    world = crates.world
    policy = world.folder("upper") / "stack.yaml"
    policy.write_text(policy.read_text() + GROWN_UP)
    write(crates, "able", SINGS, (("upper", "1"),))
    write(crates, "unable", RAINY.replace("it rains", "no clang"), (("upper", "1"),))
    said = world.forkbot(*RUN, env=clang(crates))
    why = "there is what it waited for, and it is red: exit code 134"
    told = [line for line in said.out.splitlines() if line.startswith(("news: ", "red: "))]
    assert told == [f"news: upper's canary unable/sings: {why}"]
    (report,) = world.reports()
    assert "| upper: able/sings | green | not run |\n" in report
    assert f"| upper: unable/sings | **news**: {why} | not run |\n" in report


def test_a_canary_is_never_trouble_and_tells_when_it_is_one_no_longer(crates: Crates) -> None:
    world = crates.world
    policy = world.folder("upper") / "stack.yaml"
    policy.write_text(policy.read_text() + DECLARED)
    write(crates, "rainy", RAINY, (("upper", "1"),))
    write(crates, "nowhere", "fn main() {}\n", (("no-such-crate", "1"),))
    write(crates, "far", "fn main() {}\n", ())
    said = world.forkbot(*RUN)
    assert said.out.splitlines()[-1] == "2 stacks on release: built and run, 2 published"
    assert foretold(said) == "no estimate, for nothing like it was verified here yet"
    assert not [line for line in said.out.splitlines() if line.startswith(("news: ", "red: "))]
    assert "upper: rainy     1 red as declared              not run\n" in "".join(
        f"{line.strip()}\n" for line in said.out.splitlines()
    )
    (report,) = world.reports()
    assert "| upper: rainy/sings | red, as declared: it rains | not run |\n" in report
    assert "| upper: nowhere | does not build, as declared: no matching package named" in report
    assert "| upper: far | does not build, as declared: may not be installed | not run |" in report

    write(crates, "rainy", SINGS, (("upper", "1"),))
    write(crates, "far", "fn main() { no() }\n", (("no-such-crate", "1"),))
    said = world.forkbot(*RUN)
    assert foretold(said) == "no estimate but that it took N s from nothing"
    news = [line for line in said.out.splitlines() if line.startswith("news: ")]
    assert news[0] == "news: upper's canary rainy/sings: it is green: a canary no longer"
    assert news[1].startswith("news: upper's canary far: it does not build: ")
    assert news[1].endswith("and it does not say 'may not be installed', as declared")
    assert len(news) == 2
    assert said.out.splitlines()[-1] == "2 stacks on release: built and run, files updated"
    assert "- News: upper's canary rainy/sings: it is green" in world.reports()[-1]

    # each night tells it again, wherever it runs, and writes nothing for it
    before = world.listing()
    said = world.forkbot(*RUN)
    assert [line for line in said.out.splitlines() if line.startswith("news: ")] == news
    assert said.out.splitlines()[-1] == "2 stacks on release: verified green before, nothing new"
    assert not [line for line in said.progress if line.startswith("building")]
    assert world.listing() == before
    shutil.rmtree(world.root / ".forkbot" / "runs")
    said = world.forkbot(*RUN)
    assert [line for line in said.out.splitlines() if line.startswith("news: ")] == news

    # until stack.yaml says otherwise
    rainy = "{sings: {}}\n    canary: it rains\n"
    green = "{sings: {upstream: left == right}}\n"
    policy.write_text(policy.read_text().replace(rainy, green))
    write(crates, "far", "fn main() {}\n", ())
    said = world.forkbot(*RUN)
    assert not [line for line in said.out.splitlines() if line.startswith("news: ")]
    assert foretold(said) == "about N s, as last time"
    said = world.forkbot(*RUN)
    assert not [line for line in said.out.splitlines() if line.startswith("news: ")]
