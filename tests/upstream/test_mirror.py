"""The mirror of upstream's branch: shared, never losing what was there, made anew when damaged."""

import multiprocessing
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from forkbot import process
from forkbot.errors import RemoteError, UsageError
from forkbot.git.repository import Repository
from forkbot.upstream.mirror import Mirror
from forkbot.words import BranchName, GitUrl, Oid
from tests.scenario import Upstream

MAIN = BranchName("main")


@pytest.fixture
def said() -> list[str]:
    """Return the lines of progress."""
    return []


@pytest.fixture
def mirror(upstream: Upstream, tmp_path: Path, git_env: dict[str, str]) -> Mirror:
    """Return the mirror of an upstream with one tagged commit."""
    upstream.commit("one", {"a": "a\n"})
    upstream.tag("v1")
    return Mirror(GitUrl(str(upstream.path)), cache=tmp_path / "cache", ambient=git_env)


def test_it_follows_branch_and_tags(mirror: Mirror, upstream: Upstream, said: list[str]) -> None:
    first, tip = mirror.update(MAIN, say=said.append)
    assert tip == upstream.tip
    second = upstream.commit("two", {"a": "b\n"})
    upstream.repository.git("tag", "-d", "v1")
    upstream.tag("v2")
    again, tip = mirror.update(MAIN, say=said.append)
    assert (again.git_dir, tip) == (first.git_dir, second)
    assert again.refs() == {"refs/heads/main": second, "refs/tags/v2": second}
    assert said == [f"mirroring {upstream.path} (the first time takes a while)"]


def test_a_rewritten_branch_is_followed_and_its_old_commits_stay(
    mirror: Mirror, upstream: Upstream, said: list[str]
) -> None:
    """A stack's base may be one of them."""
    _, old = mirror.update(MAIN, say=said.append)
    upstream.repository.git("tag", "-d", "v1")
    upstream.tip = None
    new = upstream.commit("other", {"b": "b\n"})
    repository, tip = mirror.update(MAIN, say=said.append)
    assert tip == new
    assert repository.has(old)


def test_two_branches_of_one_upstream_live_together(
    mirror: Mirror, upstream: Upstream, said: list[str]
) -> None:
    _, one = mirror.update(MAIN, say=said.append)
    two = upstream.commit("two", {"a": "b\n"}, branch="next")
    repository, tip = mirror.update(BranchName("next"), say=said.append)
    assert tip == two
    assert repository.refs("refs/heads") == {"refs/heads/main": one, "refs/heads/next": two}


def test_a_missing_branch_is_said(mirror: Mirror, said: list[str]) -> None:
    with pytest.raises(RemoteError) as e:
        mirror.update(BranchName("gone"), say=said.append)
    assert e.value.what == "git could not reach it: couldn't find remote ref refs/heads/gone"
    mirror.update(MAIN, say=said.append)


def test_a_sound_mirror_is_never_taken_away(mirror: Mirror, said: list[str]) -> None:
    repository, tip = mirror.update(MAIN, say=said.append)
    assert not mirror.mend(say=said.append)
    assert repository.has(tip)


def _break_blob(repository: Repository) -> None:
    oid = repository.git("rev-parse", "main:a").stdout.decode().strip()
    path = repository.git_dir / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(b"")


def _break_head(repository: Repository) -> None:
    (repository.git_dir / "HEAD").write_text("")


@pytest.mark.parametrize("damage", [_break_blob, _break_head])
def test_a_damaged_one_is_made_anew(
    mirror: Mirror, upstream: Upstream, said: list[str], damage: Callable[[Repository], None]
) -> None:
    repository, _ = mirror.update(MAIN, say=said.append)
    damage(repository)
    said.clear()
    assert mirror.mend(say=said.append)
    assert said == [f"the mirror of {upstream.path} is damaged: making it anew"]
    _, tip = mirror.update(MAIN, say=said.append)
    assert tip == upstream.tip
    assert not mirror.mend(say=said.append)


def test_an_unreachable_upstream_leaves_the_mirror(
    mirror: Mirror, upstream: Upstream, said: list[str]
) -> None:
    repository, tip = mirror.update(MAIN, say=said.append)
    away = upstream.path.rename(upstream.path.with_name("away"))
    with pytest.raises(RemoteError):
        mirror.update(MAIN, say=said.append)
    assert repository.has(tip)
    away.rename(upstream.path)
    assert mirror.update(MAIN, say=said.append)[1] == tip


def _update(url: str, cache: Path, env: dict[str, str]) -> Oid:
    return Mirror(GitUrl(url), cache=cache, ambient=env).update(MAIN, say=lambda _: None)[1]


def test_six_processes_at_once_from_nothing(
    mirror: Mirror, upstream: Upstream, tmp_path: Path, git_env: dict[str, str]
) -> None:
    assert mirror.url == str(upstream.path)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        args = [(str(upstream.path), tmp_path / "cache", git_env)] * 6
        assert set(pool.starmap(_update, args)) == {upstream.tip}
    names = sorted(p.suffix for p in (tmp_path / "cache" / "mirrors").iterdir())
    assert names == [".git", ".lock"]


@pytest.mark.parametrize("known", [False, True], ids=["new here", "mirrored before"])
def test_a_shallow_clone_is_refused_with_the_command_that_deepens_it(
    mirror: Mirror, upstream: Upstream, said: list[str], tmp_path: Path, *, known: bool
) -> None:
    """Git would leave the branch where it was, and call that done."""
    git = upstream.repository
    shallow = tmp_path / "a clone"
    if known:
        git.git("clone", "--quiet", "--bare", f"file://{upstream.path}", shallow)
        mirror = Mirror(GitUrl(str(shallow)), cache=tmp_path / "cache", ambient=git.env)
        mirror.update(MAIN, say=said.append)
        shutil.rmtree(shallow)
    upstream.commit("two", {"a": "b\n"})
    tip = upstream.commit("three", {"a": "c\n"})
    git.git("clone", "--quiet", "--bare", "--depth=1", f"file://{upstream.path}", shallow)
    mirror = Mirror(GitUrl(str(shallow)), cache=tmp_path / "cache", ambient=git.env)
    with pytest.raises(UsageError) as refused:
        mirror.update(MAIN, say=said.append)
    assert str(refused.value) == (
        f"{shallow}: this is a shallow clone: its history is cut off\n"
        f"hint: git -C '{shallow}' fetch --unshallow"
    )
    deepen = refused.value.hint
    assert deepen is not None
    process.run(shlex.split(deepen), env=git.env, timeout=60)
    assert mirror.update(MAIN, say=said.append)[1] == tip
