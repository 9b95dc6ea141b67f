"""What a search keeps between two runs, and when two reds are the same trouble."""

import datetime as dt
from pathlib import Path

import pytest
from msgspec.structs import replace

from forkbot.buildbreaker.asking import same
from forkbot.buildbreaker.kept import Kept
from forkbot.errors import MachineError
from forkbot.model.diagnostic import Diagnostic
from forkbot.model.probe import Red, RedKind
from forkbot.words import Oid, StackName

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
STACK, COMMIT = StackName("tokio"), Oid("1" * 40)


def error(message: str, *, line: int = 1) -> Diagnostic:
    """Return one of rustc's errors."""
    return Diagnostic(
        level="error", code="E0425", message=message, package="tokio", file="a.rs", line=line
    )


def build(*errors: Diagnostic, why: str = "why") -> Red:
    """Return a build that is red."""
    return Red(kind=RedKind.BUILD, stack="tokio", name="tokio", why=why, errors=errors)


def smoke(why: str) -> Red:
    """Return a component that is red."""
    return Red(kind=RedKind.SMOKE, stack="tokio", name="net/echo", why=why)


def test_an_answer_is_there_for_the_next_run_and_believed_for_a_while(tmp_path: Path) -> None:
    red, folder = build(error("a")), tmp_path / "answers"
    kept = Kept(folder, now=NOW)
    kept.keep("key", red, stack=STACK, commit=COMMIT)
    kept.keep("green", None, stack=STACK, commit=Oid("2" * 40))
    (folder / "torn.json").write_text('{"key": "torn"')
    later = Kept(folder, now=NOW + dt.timedelta(days=14))
    found = later.find("key")
    assert found is not None
    assert (found.red, later.find("other")) == (red, None)
    assert later.commits(STACK) == {COMMIT, "2" * 40}
    assert later.commits(StackName("mio")) == set()
    assert {p.name for p in folder.iterdir()} == {"key.json", "green.json"}
    assert Kept(folder, now=NOW + dt.timedelta(days=15)).find("key") is None
    assert list(folder.iterdir()) == []


def test_an_answer_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = Kept(tmp_path / "file" / "folder", now=NOW)
    with pytest.raises(MachineError, match="cannot keep an answer"):
        kept.keep("key", None, stack=STACK, commit=COMMIT)


def test_the_same_error_elsewhere_in_the_file_is_the_same_trouble() -> None:
    assert same(build(error("a")), build(error("a", line=70), error("b")))
    assert not same(build(error("a")), build(error("b")))
    assert not same(build(error("a")), build(why="why"))
    assert same(build(why="killed after 12 s"), build(why="killed after 40 s"))


def test_a_component_that_says_another_port_is_in_the_same_trouble() -> None:
    first = smoke("tokio's net/echo is red: 127.0.0.1:4001 refused (exit code 1)")
    assert same(first, smoke("tokio's net/echo is red: 127.0.0.1:5222 refused (exit code 1)"))
    assert not same(first, smoke("tokio's net/echo is red: it was ended after 30 s"))
    assert not same(first, replace(first, kind=RedKind.BUILD))
