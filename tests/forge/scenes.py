"""The ways of telling that make several writes: what is there before, and what is told then."""

import dataclasses
from collections.abc import Callable

import msgspec

from forkbot.model.artefact import (
    KIND_LABELS,
    Artefact,
    Identity,
    Kind,
    Over,
    PullRequest,
)
from forkbot.words import BranchName, Channel, StackName
from tests.forge.places import Place, tell

IDENTITY = Identity(kind=Kind.CONFLICT, channel=Channel.MAIN, stack=StackName("tokio"))
LABEL = KIND_LABELS[Kind.CONFLICT]
TROUBLE = Artefact(
    identity=IDENTITY,
    title="tokio: conflict at wasi-net",
    body="# conflict\n\nat `src/net.rs`",
    facts="wasi-net src/net.rs 0123456",
    verdict="conflict at wasi-net",
    labels=(LABEL,),
)
OVER = Over(identity=IDENTITY, reason="the stack applies again")
PULL = PullRequest(head=BranchName("forkbot/tokio/conflict-wasi-net"), base=BranchName("main"))
DRAFT = msgspec.structs.replace(TROUBLE, pull_request=PULL)


def changed(wish: Artefact = TROUBLE, **how: object) -> Artefact:
    """Return another wish."""
    return msgspec.structs.replace(wish, **how)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is told, after what; ``writes`` is how many it takes on GitHub."""

    name: str
    wish: Artefact | Over
    writes: int
    before: Callable[[Place], None] = lambda _: None

    def __str__(self) -> str:
        """Name it in a test's id."""
        return self.name


def _told(*wishes: Artefact | Over) -> Callable[[Place], None]:
    def before(place: Place) -> None:
        for wish in wishes:
            tell(place, wish)

    return before


def _with_branch(*wishes: Artefact | Over) -> Callable[[Place], None]:
    def before(place: Place) -> None:
        place.branch(PULL.head)
        _told(*wishes)(place)

    return before


def _closed_by_a_person(place: Place) -> None:
    tell(place, TROUBLE)
    place.person_turns(1, open=False)
    tell(place, TROUBLE)


SCENES = (
    Scene(name="the first issue of a repository", wish=TROUBLE, writes=2),
    Scene(
        name="a pull request with two new labels",
        wish=changed(DRAFT, labels=(LABEL, KIND_LABELS[Kind.BUILD])),
        writes=4,
        before=_with_branch(),
    ),
    Scene(
        name="a new verdict",
        wish=changed(verdict="two conflicts", body="# two", title="two"),
        writes=2,
        before=_told(TROUBLE),
    ),
    Scene(name="the end of trouble", wish=OVER, writes=2, before=_told(TROUBLE)),
    Scene(name="trouble again", wish=TROUBLE, writes=2, before=_told(TROUBLE, OVER)),
    Scene(
        name="other facts than those a person closed",
        wish=changed(facts="others", body="# others"),
        writes=3,
        before=_closed_by_a_person,
    ),
    Scene(
        name="a pull request in place of an issue",
        wish=DRAFT,
        writes=4,
        before=_with_branch(TROUBLE),
    ),
)
