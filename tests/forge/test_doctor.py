"""``forkbot doctor`` with a token: each repository asked about what it is for, nothing written."""

import subprocess
from collections.abc import Callable, Mapping

import msgspec
import pytest

from tests.forge.gate import Answer, Asked
from tests.forge.hosted import HOME, Hosted
from tests.forge.test_access import FORBIDDEN

ASKED = ("/git/refs", "/issues", "/pulls")
SCOPES = {"X-OAuth-Scopes": "repo, workflow"}


class Check(msgspec.Struct):
    """A line of doctor's."""

    name: str
    state: str
    found: str
    hint: str


def probing(hosted: Hosted) -> list[str]:
    """Take back what the gate found wrong, where that is how a permission is asked for."""
    gate, at = hosted.hub.gate, f"POST /repos/{hosted.hub.owner}/"
    found = [w for w in gate.wrong if w.startswith(at) and ": $" in w]
    assert all(w.partition(": $")[0].endswith(ASKED) for w in found)
    gate.wrong[:] = [w for w in gate.wrong if w not in found]
    return [w.partition(":")[0].removeprefix(at) for w in found]


def examined(hosted: Hosted, env: Mapping[str, str] | None = None) -> list[Check]:
    """Return what doctor says of the forge: of the machine's tools other tests know."""
    done = subprocess.run(
        hosted.command("doctor", "--json"), env={**hosted.env, **(env or {})}, timeout=120,
        capture_output=True, check=False,
    )  # fmt: skip
    checks = msgspec.json.decode(done.stdout, type=list[Check])
    assert done.returncode == (2 if any(c.state == "missing" for c in checks) else 0)
    return checks[[c.name for c in checks].index("forge") :]


@pytest.fixture
def world(hosted: Hosted) -> Hosted:
    """Return a world with two stacks and their forks; one leaves workflows out."""
    for name, more in (("demo", ""), ("other", "workflows: leave-out")):
        upstream = hosted.upstream(name)
        upstream.commit("begin", {"src/lib.rs": "x\n"})
        hosted.forked(upstream, name)
        hosted.stack(upstream, {"fix": {"src/lib.rs": "y\n"}}, name=name)
        policy = hosted.folder(name) / "stack.yaml"
        fork = f"fork: {{repo: {name}, {more}}}"
        policy.write_text(policy.read_text().replace(f"fork: {{repo: {name}}}", fork))
    return hosted


def test_all_that_is_needed_is_there(world: Hosted) -> None:
    gate, owner = world.hub.gate, world.hub.owner
    ends = {"GitHub-Authentication-Token-Expiration": "2027-06-01 10:00:00 UTC"}
    gate.adds(lambda a: a.verb == "GET", {**SCOPES, **ends})
    refs = world.standing()
    checks = examined(world)
    asked = probing(world)
    assert [(c.name, c.state, c.found) for c in checks] == [
        ("forge", "ok", "GitHub, as forkbot, with a token that ends on 2027-06-01"),
        (f"{owner}/{HOME}", "ok",
         "metadata: read, contents: write, issues: write, pull_requests: write"),
        ("demo", "ok", "metadata: read, contents: write, pull_requests: write, workflows: write"),
        ("other", "ok", "metadata: read, contents: write, pull_requests: write"),
    ]  # fmt: skip
    assert {a for a in asked if a.startswith("other/")} == {"other/git/refs", "other/pulls"}
    assert world.standing() == refs


def test_what_is_missing_is_told_with_where_to_give_it(world: Hosted) -> None:
    gate, owner, web = world.hub.gate, world.hub.owner, world.hub.git.url

    def posted(path: str) -> Callable[[Asked], bool]:
        return lambda a: a.verb == "POST" and a.path == f"/repos/{owner}/{path}"

    gate.adds(lambda a: a.verb == "GET", {"X-OAuth-Scopes": "repo"})
    ends = {"GitHub-Authentication-Token-Expiration": "2026-11-20 10:00:00 UTC"}
    gate.adds(lambda a: a.path == f"/repos/{owner}/{HOME}", ends)
    gate.breaks(posted("demo/git/refs"), FORBIDDEN)
    gate.breaks(posted(f"{HOME}/issues"), Answer(status=410, body={"message": "Issues are off"}))
    world.hub.ask("DELETE", world.hub.at("other"))
    checks = examined(world)
    probing(world)
    assert [(c.name, c.state, c.hint) for c in checks] == [
        ("forge", "unsure", "make a new token, and put it where this one is kept"),
        (f"{owner}/{HOME}", "ok", ""),
        (f"{owner}/{HOME}: issues: write", "missing",
         "turn issues on in the repository's settings, or let the policy ask for none"),
        ("demo", "ok", ""),
        ("demo: contents: write", "missing",
         f"tick the scope repo of the token at {web}/settings/tokens"),
        ("demo: workflows: write", "missing",
         f"tick the scope workflow of the token at {web}/settings/tokens"),
        ("other: metadata: read", "missing",
         f"see that it is there; if so, tick the scope repo of the token at {web}/settings/tokens"),
    ]  # fmt: skip
    assert checks[0].found.endswith("with a token that ends on 2026-11-20, in 1 days")


def test_a_wrong_token_is_told_and_nothing_more_is_asked(world: Hosted) -> None:
    gate = world.hub.gate
    gate.breaks(lambda _: True, *[Answer(status=401, body={"message": "Bad credentials"})] * 9)
    checks = examined(world)
    assert {c.state for c in checks} == {"missing"}
    assert world.hub.gate.writes == []


def test_without_a_token_the_forge_is_this_machines(world: Hosted) -> None:
    (check,) = examined(world, {"FORKBOT_TOKEN": ""})
    assert (check.state, check.found.partition(";")[0]) == ("ok", "this machine's own")
    assert world.hub.gate.asked == []


def test_a_token_without_a_repository_of_stacks(world: Hosted) -> None:
    (check,) = examined(world, {"GITHUB_REPOSITORY": ""})
    assert check.state == "missing"
    assert check.hint == "export FORKBOT_STACKS_REPO=<owner>/<repository>"
