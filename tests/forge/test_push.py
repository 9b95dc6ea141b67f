"""Fork branches over smart HTTP: git gets the token, and nobody else does."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkbot.errors import RemoteError
from forkbot.forge.auth import parse_token
from forkbot.forge.github import GitHubForge
from forkbot.git.remote import RefUpdate, Remote
from forkbot.git.repository import init_bare
from tests.forge.smarthttp import GitServer
from tests.scenario import Upstream

SECRET = "ghp_ofTheBotAlone"  # noqa: S105
HEAD = "refs/heads/wasip2"


@pytest.fixture
def server(tmp_path: Path, git_env: dict[str, str]) -> Iterator[GitServer]:
    """Lend a server with an empty repository."""
    init_bare(tmp_path / "served" / "forkbot" / "demo.git", env=git_env)
    with GitServer(tmp_path / "served", SECRET).opened() as running:
        yield running


def remote(server: GitServer, secret: str = SECRET) -> Remote:
    """Return the way to the fork."""
    token = parse_token(secret, where="a test")
    ambient = dict(os.environ)
    return GitHubForge(token, owner="forkbot", ambient=ambient, web=server.url).remote("demo")


def push(there: Remote, upstream: Upstream) -> None:
    """Publish upstream's tip as the fork branch."""
    assert upstream.tip
    there.push(upstream.repository, [RefUpdate(ref=HEAD, expected=None, new=upstream.tip)])


def everywhere(home: Path) -> str:
    """Return what all files below a folder hold, and all names of files."""
    files = [p for p in home.rglob("*") if p.is_file()]
    return "\n".join(f"{p}\n{p.read_bytes().decode(errors='replace')}" for p in files)


def test_git_pushes_with_the_token_and_nobody_sees_it(
    server: GitServer, upstream: Upstream, tmp_path: Path
) -> None:
    # a user who keeps what worked, and a header that actions/checkout left behind
    (tmp_path / "home" / ".gitconfig").write_text(
        "[credential]\n\thelper = store\n"
        f'[credential "{server.url}"]\n\thelper = store\n'
        f'[http "{server.url}/"]\n\textraHeader = Authorization: Basic c29tZWJvZHk6ZWxzZQ==\n'
    )
    commands: set[str] = set()

    def look() -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                commands.add(path.read_bytes().decode(errors="replace").replace("\0", " "))
            except OSError:
                continue

    server.asked = look
    tip = upstream.commit("one", {"a": "a\n"})
    push(remote(server), upstream)
    assert remote(server).refs(HEAD) == {HEAD: tip}
    assert set(server.told) == {server.wanted}
    assert any("push" in c and server.url in c for c in commands)
    assert [c for c in commands if SECRET in c] == []
    assert SECRET not in everywhere(tmp_path)
    assert SECRET not in server.wanted


def test_a_token_that_is_refused_is_tried_once(server: GitServer, upstream: Upstream) -> None:
    upstream.commit("one", {"a": "a\n"})
    with pytest.raises(RemoteError) as caught:
        push(remote(server, "ghp_old"), upstream)
    assert "Authentication failed" in str(caught.value)
    assert "ghp_old" not in str(caught.value)
    assert len(server.told) == 1


def test_a_redirect_to_another_host_does_not_get_the_token(
    server: GitServer, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.commit("one", {"a": "a\n"})
    with GitServer(tmp_path / "served", SECRET).opened() as other:
        server.redirect = other.url
        reached: list[bool] = []
        other.asked = lambda: reached.append(True)
        with pytest.raises(RemoteError):
            push(remote(server), upstream)
        assert reached
        assert other.told == []
