"""The stacks repository on GitHub, brought up to date over smart HTTP and the API."""

import os

import pytest

from forkbot.errors import EXIT_DONE
from forkbot.forge.auth import parse_token
from forkbot.forge.github import GitHubForge
from forkbot.git.remote import RefUpdate, Remote
from forkbot.git.repository import Repository
from forkbot.model.update import Way
from tests.forge.emulator import OUR_TOKEN, PERSON, THEIR_TOKEN
from tests.forge.hosted import HOME, Hosted
from tests.forge.places import Seen, seen_in
from tests.update.place import PATCH, Place, lines, update_of
from tests.update.protection import protect


class OnGitHub(Place):
    """A place whose forge is GitHub; people push over http."""

    def __init__(self, hosted: Hosted) -> None:
        super().__init__(hosted.place, hosted)
        hub = self.hub = hosted.hub
        self.forge = GitHubForge(
            parse_token(OUR_TOKEN, where="a test"), owner=hub.owner, ambient=dict(os.environ),
            api=hub.gate.url, web=hub.git.url, pace=0,
        )  # fmt: skip
        self.home = f"{hub.owner}/{HOME}"
        self.git_dir = hub.repository(HOME).git_dir
        self.url = hub.url(HOME).replace("http://", f"http://{PERSON}:{THEIR_TOKEN}@")
        self.upstream_url = hosted.upstream_url()

    def seen(self) -> list[Seen]:
        """Return what is told in the stacks repository, as people see it."""
        return list(seen_in(self.hub.emulator, self.hub.at(HOME)))

    def wrote(self) -> list[str]:
        """Let a night go by; return what came to the servers, ids and numbers left out."""
        self.hub.writes.clear()
        self.night()
        return [" ".join(w.split(" ")[:3]) for w in self.hub.writes]


@pytest.fixture
def place(hosted: Hosted) -> OnGitHub:
    """Return a place on GitHub."""
    return OnGitHub(hosted)


def test_a_lock_is_one_push_and_then_nothing(place: OnGitHub) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    assert place.wrote() == []
    upstream.commit("far", {"other": "x\n"})
    assert place.wrote() == ["push stacks.git refs/heads/main"]
    assert place.wrote() == []


def test_a_patch_is_proposed_kept_current_merged_and_over(place: OnGitHub) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    upstream.commit("near", lines(d="D"))
    first = place.wrote()
    assert first[0] == f"push stacks.git refs/heads/{PATCH}"
    assert "POST stacks/pulls" in first
    assert place.wrote() == []
    upstream.commit("nearer", lines(d="D", e="E"))
    again = place.wrote()
    assert again[0] == f"push stacks.git refs/heads/{PATCH}"
    (pull,) = place.seen()
    assert (pull.title, pull.head, pull.open) == ("demo: fix rewritten", PATCH, True)
    assert "+ D\n+ E\n" in pull.text
    assert place.wrote() == []
    place.merge()
    last = place.wrote()
    assert last[-1] == f"push stacks.git refs/heads/{PATCH}"  # it is taken away
    assert set(place.refs()) == {"main"}
    assert [s.open for s in place.seen()] == [False]
    assert place.wrote() == []


def test_two_runs_at_once_propose_once(place: OnGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    place.begin({"fix": lines(b="B")}).commit("near", lines(d="D"))
    push, nights = Remote.push, [place.night]

    def late(self: Remote, source: Repository, updates: list[RefUpdate]) -> bool:
        if nights:
            nights.pop()()
        return push(self, source, updates)

    monkeypatch.setattr(Remote, "push", late)
    assert place.night().exit_code == EXIT_DONE
    assert [s.open for s in place.seen()] == [True]
    assert place.wrote() == []


def test_a_protected_main_gets_a_pull_request(place: OnGitHub) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    protect(place)
    upstream.commit("far", {"other": "x\n"})
    update = update_of(place.night())
    assert update.way is Way.PULL_REQUEST
    assert "the branch is protected" in update.why
    assert [s.title for s in place.seen()] == ["demo: stack.lock moves"]
    assert place.wrote() == []
