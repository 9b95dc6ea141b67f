"""Who we are on GitHub, what we may do there, and that nobody else learns of the token."""

import logging
import os

import pytest

from forkbot.errors import RemoteError, UsageError
from forkbot.forge.auth import Token, parse_app, parse_token
from forkbot.forge.github import GitHubForge
from forkbot.forge.patience import Patience
from forkbot.model.artefact import Act
from tests.forge.emulator import (
    APP,
    INSTALLATION,
    POOR_APP,
    POOR_INSTALLATION,
    THEIR_TOKEN,
    US,
    Emulator,
)
from tests.forge.gate import Answer, Asked, Gate
from tests.forge.places import GitHubPlace, tell
from tests.forge.scenes import DRAFT, OVER, PULL, TROUBLE

FORBIDDEN = Answer(status=403, body={"message": "Resource not accessible by integration"})


def app_forge(
    gate: Gate, running: Emulator, app: int = APP, installation: int = INSTALLATION
) -> GitHubForge:
    """Return a forge for an App."""
    auth = parse_app(str(app), running.app_key, str(installation), where="a test")
    patience = Patience(answer=10, sleep=lambda _: None)
    return GitHubForge(
        auth, owner=US, ambient=dict(os.environ), api=gate.url, web=gate.url, patience=patience,
        pace=0,
    )  # fmt: skip


def states(forge: GitHubForge, repo: str) -> dict[str, str]:
    """Return for each permission whether it is there."""
    return {p.name: p.state for p in forge.permissions(repo)}


def probing(gate: Gate, at: str) -> list[str]:
    """Take back what the gate found wrong, where that is how a permission is asked for."""
    probes = {f"POST {at}/{path}: $" for path in ("git/refs", "issues", "pulls")}
    found = [w for w in gate.wrong if any(w.startswith(p) for p in probes)]
    gate.wrong[:] = [w for w in gate.wrong if w not in found]
    return found


def test_an_app_tells_in_its_own_name_with_no_more_than_it_needs(
    github: GitHubPlace, gate: Gate, running: Emulator
) -> None:
    github.forge = app_forge(gate, running)
    tell(github, TROUBLE)
    (seen,) = github.seen()
    assert seen.author == "keeper[bot]"
    assert tell(github, TROUBLE).act is Act.NOTHING
    github.branch(PULL.head)
    tell(github, DRAFT)
    tell(github, OVER)
    (asked,) = [a for a in gate.asked if a.path.endswith("/access_tokens")]
    assert asked.body == {
        "permissions": {
            "metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write",
            "workflows": "write",
        }
    }  # fmt: skip


def test_what_another_of_the_same_repository_wrote_is_not_ours(
    github: GitHubPlace, gate: Gate, running: Emulator
) -> None:
    tell(github, TROUBLE)
    github.forge = app_forge(gate, running)
    assert github.forge.artefacts(github.repo) == ()


def test_an_apps_permissions_are_as_its_installation_lists_them(
    github: GitHubPlace, gate: Gate, running: Emulator
) -> None:
    assert set(states(app_forge(gate, running), github.repo).values()) == {"granted"}
    poor = app_forge(gate, running, POOR_APP, POOR_INSTALLATION)
    found = {p.name: p for p in poor.permissions(github.repo)}
    assert {n: p.state for n, p in found.items()} == {
        "metadata": "granted", "contents": "missing", "issues": "granted",
        "pull_requests": "missing", "workflows": "missing",
    }  # fmt: skip
    assert found["contents"].found == "the installation has contents=none"
    assert found["contents"].hint == (
        "give the App contents: write in its settings, then accept it at "
        f"{gate.url}/settings/installations/{POOR_INSTALLATION}"
    )
    github.forge = poor
    with pytest.raises(RemoteError, match="The permissions requested are not granted"):
        tell(github, TROUBLE)


def test_a_classic_tokens_permissions_are_asked_for_without_writing(github: GitHubPlace) -> None:
    forge = github.client()
    scopes = {"X-OAuth-Scopes": "repo, workflow"}
    github.gate.adds(lambda a: a.path == github.at, scopes)
    assert states(forge, github.repo) == {
        "metadata": "granted", "contents": "granted", "issues": "granted",
        "pull_requests": "granted", "workflows": "granted",
    }  # fmt: skip
    assert len(probing(github.gate, github.at)) > 2
    assert github.seen() == []


def test_what_a_token_lacks_comes_with_where_to_click(github: GitHubPlace) -> None:
    github.gate.breaks(lambda a: a.verb == "POST" and a.path.endswith("/issues"), FORBIDDEN)
    github.gate.breaks(lambda a: a.path == github.at, Answer(
        status=200, body=b"{}", headers={"X-OAuth-Scopes": "public_repo"}
    ))  # fmt: skip
    found = {p.name: p for p in github.client().permissions(github.repo)}
    probing(github.gate, github.at)
    assert {n: p.state for n, p in found.items()} == {
        "metadata": "granted", "contents": "granted", "issues": "missing",
        "pull_requests": "granted", "workflows": "missing",
    }  # fmt: skip
    assert found["issues"].hint == (
        f"tick the scope repo of the token at {github.gate.url}/settings/tokens"
    )
    assert found["workflows"].hint == (
        f"tick the scope workflow of the token at {github.gate.url}/settings/tokens"
    )


def test_of_a_fine_grained_token_nobody_can_know_all(github: GitHubPlace) -> None:
    github.gate.breaks(lambda a: a.verb == "POST" and a.path.endswith("/pulls"), FORBIDDEN)
    forge = github.client(token="github_pat_ofTheBot")  # noqa: S106
    found = {p.name: p for p in forge.permissions(github.repo)}
    probing(github.gate, github.at)
    assert (found["pull_requests"].state, found["workflows"].state) == ("missing", "unknown")
    assert found["pull_requests"].hint == (
        f"at {github.gate.url}/settings/personal-access-tokens choose the token, this repository, "
        "and under Repository permissions Pull requests: Read and write"
    )


def test_a_repository_that_is_not_seen_gives_nothing(github: GitHubPlace) -> None:
    assert set(states(github.client(), "not-there").values()) == {"missing"}
    assert github.gate.writes == []
    assert not github.client().exists("not-there")
    assert github.client().exists(github.repo)
    with pytest.raises(RemoteError, match="there is no such repository"):
        github.client().create("not-there")
    github.client().create(github.repo)


def test_a_token_of_actions_is_asked_another_way(github: GitHubPlace) -> None:
    def user(asked: Asked) -> bool:
        return asked.path in ("/user", "/graphql")

    told = Answer(status=200, body={"data": {"viewer": {"login": "github-actions[bot]"}}})
    github.gate.breaks(user, FORBIDDEN, told)
    assert github.client().login == "github-actions[bot]"
    github.gate.breaks(user, FORBIDDEN, Answer(status=200, body={"data": None, "errors": []}))
    with pytest.raises(UsageError, match="GitHub does not say whose token this is"):
        _ = github.client().login
    github.gate.fresh()
    told_so = parse_token("ghs_ofTheJob", where="a test", login="github-actions[bot]")
    forge = GitHubForge(told_so, owner=US, ambient={}, api=github.gate.url, web=github.gate.url)
    assert forge.login == "github-actions[bot]"
    assert github.gate.asked == []


def test_a_token_is_shown_nowhere(
    github: GitHubPlace, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "ghp_ofTheBot"  # noqa: S105
    forge = github.client(token=secret)
    github.forge = forge
    tell(github, TROUBLE)
    refusal = Answer(status=401, body={"message": f"Bad credentials: token {secret}"})
    github.gate.breaks(lambda a: a.verb == "PATCH", refusal)
    with pytest.raises(RemoteError) as caught:
        tell(github, OVER)
    token = parse_token(f" {secret}\n", where="FORKBOT_TOKEN")
    shown = [
        str(caught.value), repr(caught.value), repr(forge), repr(token), str(token.secret),
        repr(forge.remote(github.repo)), forge.remote(github.repo).url, caplog.text,
        *capfd.readouterr(),
    ]  # fmt: skip
    assert [s for s in shown if secret in s or "ofTheBot" in s] == []
    assert isinstance(token, Token)
    assert token.secret.reveal() == secret


@pytest.mark.parametrize("text", ["", " ", "two words", "caf\u00e9", "a\nb"])
def test_what_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match=r"^FORKBOT_TOKEN: this is not a token: ") as caught:
        parse_token(text, where="FORKBOT_TOKEN")
    assert text.strip() not in str(caught.value) or not text.strip()


def test_what_is_no_app_is_refused() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\\nAAAA\\n-----END RSA PRIVATE KEY-----"
    assert "\nAAAA\n" in parse_app("1", key, "2", where="x").key.reveal()
    with pytest.raises(UsageError, match="this is not a private key"):
        parse_app("1", "AAAA", "2", where="x")
    with pytest.raises(UsageError, match="are numbers"):
        parse_app("one", key, "2", where="x")


@pytest.mark.parametrize("url", ["http://github.invalid", "https://me@github.invalid", "ftp://x"])
def test_a_token_goes_over_https_only(url: str) -> None:
    token = parse_token(THEIR_TOKEN, where="a test")
    for api, web in ((url, "https://github.com"), ("https://api.github.com", url)):
        with pytest.raises(UsageError, match="a token goes over https only"):
            GitHubForge(token, owner=US, ambient={}, api=api, web=web)
