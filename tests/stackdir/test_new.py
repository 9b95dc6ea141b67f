"""`forkbot new`: what it writes can be read, and what it refuses leaves nothing behind."""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from forkbot.begin import new_stack
from forkbot.cli.main import run_cli
from forkbot.errors import ForkbotError
from forkbot.model.stack import BuildPolicy, ForkPolicy, Policy, ReleasePolicy, UpstreamPolicy
from forkbot.session import Session
from forkbot.stackdir.load import load_family
from forkbot.words import BranchName, Channel, Subdir, Version
from tests.stackdir.house import House, told
from tests.stackdir.told import Break, expected, render


@pytest.fixture
def session(house: House, tmp_path: Path) -> Session:
    """Return a session in the house."""
    return session_in(house.root, tmp_path)


def session_in(
    root: Path,
    place: Path,
    *,
    dry_run: bool = False,
    channel: Channel = Channel.MAIN,
    cache: Path | None = None,
    ambient: Mapping[str, str] | None = None,
) -> Session:
    """Return a session in a stacks repository."""
    return Session(
        root=root,
        cache=cache or place / "cache",
        ambient=ambient or dict(os.environ),
        channel=channel,
        now=dt.datetime(2026, 11, 22, tzinfo=dt.UTC),
        say=lambda _: None,
        dry_run=dry_run,
    )


def new(session: Session, name: str = "fresh", **changed: str | None) -> Path:
    """Make a stack, with a few things changed."""
    said: dict[str, str | None] = {
        "crate": name,
        "url": "https://github.com/example/fresh",
        "branch": "main",
        "subdir": "",
        "since": None,
        "repo": None,
        **changed,
    }
    return new_stack(session, name, **said)  # type: ignore[arg-type]


def everything(root: Path) -> dict[str, bytes]:
    """Return all files and folders below."""
    return {
        str(p.relative_to(root)): p.read_bytes() if p.is_file() else b"" for p in root.rglob("*")
    }


def test_the_shortest_stack_is_written_as_a_person_would(session: Session) -> None:
    folder = new(session)
    assert (folder / "stack.yaml").read_text() == (
        "crate: fresh\n"
        'about: ""\n'
        "upstream: {git: https://github.com/example/fresh, branch: main}\n"
        "fork: {repo: fresh}\n"
        "depends: []\n"
        "build:\n"
        "  - {package: fresh}\n"
    )
    assert (folder / "patches/series").read_text() == ""
    assert sorted(p.name for p in folder.iterdir()) == ["patches", "stack.yaml"]


def test_all_that_was_said_is_read_back(session: Session) -> None:
    new(
        session,
        crate="on",  # YAML takes that for yes
        url="../up, {stream}: #1",
        branch="1.10",
        subdir="crates/x",
        since="0.6.4",
        repo="me/fresh",
    )
    policy = next(s.policy for s in load_family(session.root) if s.name == "fresh")
    assert policy == Policy(
        crate="on",
        upstream=UpstreamPolicy(
            git="../up, {stream}: #1", branch=BranchName("1.10"), subdir=Subdir("crates/x")
        ),
        release=ReleasePolicy(since=Version("0.6.4")),
        fork=ForkPolicy(
            repo="me/fresh",
            branches={
                Channel.MAIN: BranchName("wasip2"),
                Channel.RELEASE: BranchName("wasip2-release"),
            },
        ),
        build=(BuildPolicy(package="on"),),
    )


def test_the_first_stack_of_a_repository_needs_no_defaults(tmp_path: Path) -> None:
    (tmp_path / "root/stacks").mkdir(parents=True)
    folder = new(session_in(tmp_path / "root", tmp_path))
    assert "fork: {repo: fresh, branches: {main: forkbot, release: forkbot-release}}" in (
        folder / "stack.yaml"
    ).read_text().split("\n")
    assert [s.name for s in load_family(tmp_path / "root")] == ["fresh"]


def refused(**changed: str) -> Break:
    """Return what tries to make a stack that must not be, and says what was told."""

    def attempt(house: House) -> str:
        before = everything(house.root)
        said = told(lambda: new(session_in(house.root, house.root), **changed), root=house.root)
        assert everything(house.root) == before
        return said

    return attempt


CASES: dict[str, Break] = {
    "a name in capitals": refused(name="Fresh"),
    "a name above": refused(name="../fresh"),
    "a name that is taken": refused(name="demo"),
    "a crate's name with a space": refused(crate="fr esh"),
    "a URL that runs a command": refused(url="ext::sh -c id"),
    "a URL with a password": refused(url="https://me:secret@example.com/x"),
    "a branch like an option": refused(branch="-x"),
    "a folder above": refused(subdir="../x"),
    "a version of two numbers": refused(since="1.2"),
    "a repository with too many parts": refused(repo="a/b/c"),
    "a repository that another stack has": refused(repo="demo"),
}


def test_what_is_told() -> None:
    assert render(CASES) == expected("new")


def test_a_fault_of_another_stack_is_told_as_it_is(house: House, session: Session) -> None:
    house.write("stacks/demo/patches/series", "gone.patch\n")
    before = everything(session.root)
    with pytest.raises(ForkbotError) as caught:
        new(session)
    assert caught.value.where == f"{house.root}/stacks/demo/patches/gone.patch"
    assert everything(session.root) == before


def test_defaults_that_are_not_enough_leave_nothing(house: House, session: Session) -> None:
    house.write(
        "stacks/demo/stack.yaml",
        "crate: demo\nupstream: {git: u}\nfork: {repo: d, branches: {main: a, release: b}}\n",
    )
    house.write("stacks/defaults.yaml", "fork:\n  branches: {main: wasip2}\n")
    before = everything(session.root)
    with pytest.raises(ForkbotError) as caught:
        new(session)
    assert str(caught.value).replace(f"{session.root}/", "") == (
        "stacks/defaults.yaml:2: fork.branches names no branch for the release channel\n"
        "hint: add `release: <branch>` there, or for all stacks in stacks/defaults.yaml"
    )
    assert everything(session.root) == before


def test_what_a_kill_left_is_in_nobodys_way(session: Session) -> None:
    left = session.root / "stacks/.fresh.new/patches"
    left.mkdir(parents=True)
    assert [s.name for s in load_family(session.root)] == ["demo"]
    new(session)
    assert not left.exists()


def test_the_command_says_what_is_next(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["-C", str(house.root), "new", "fresh", "--git", "https://example.com/x"]
    assert run_cli(argv) == 0
    assert capsys.readouterr().out == (
        "made stacks/fresh/stack.yaml\n"
        "next: forkbot import fresh --from <your clone> --base <upstream commit>\n"
    )
    assert run_cli(argv) == 2
    assert capsys.readouterr().err.endswith(
        "stacks/fresh: there is a stack fresh already\nhint: choose another name\n"
    )
