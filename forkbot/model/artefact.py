"""What speaks for a stack and a kind of trouble: as it should be, and as it stands on the forge."""

import enum

from forkbot.model.base import Fact
from forkbot.words import BranchName, Channel, StackName


class Kind(enum.Enum):
    """The kind of trouble (or of news) that an artefact speaks for."""

    CONFLICT = "conflict"
    BUILD = "build"
    SMOKE = "smoke"
    SUSPICIOUS = "suspicious"
    UNREACHABLE = "unreachable"
    PUBLISH_REFUSED = "publish-refused"
    DROPPABLE = "droppable"
    UPDATE = "update"  # of the stack's own files: told by ``update``, not with the troubles
    WATCH = "watch"  # of forkbot's own cron: told by ``watch``
    DASHBOARD = "dashboard"  # of the whole family, so without a stack


class Identity(Fact, frozen=True, kw_only=True):
    """Which artefact it is: there is at most one open of each in a repository."""

    kind: Kind
    channel: Channel
    stack: StackName | None = None  # None: the whole family


class Label(Fact, frozen=True, kw_only=True):
    """A label, made with this colour and description where the repository has none of the name."""

    name: str
    colour: str  # six hex digits
    about: str  # at most 100 characters


KIND_LABELS = {
    Kind.CONFLICT: Label(
        name="forkbot: conflict", colour="d73a4a", about="a patch does not apply to upstream"
    ),
    Kind.BUILD: Label(
        name="forkbot: build", colour="b60205", about="the stack applies, and does not build"
    ),
    Kind.SMOKE: Label(
        name="forkbot: smoke", colour="b60205", about="the stack builds, and does not run"
    ),
    Kind.SUSPICIOUS: Label(
        name="forkbot: suspicious", colour="fbca04", about="a clean rebase that a person should see"
    ),
    Kind.UNREACHABLE: Label(
        name="forkbot: unreachable", colour="c5def5", about="upstream or the fork does not answer"
    ),
    Kind.PUBLISH_REFUSED: Label(
        name="forkbot: publish refused", colour="e99695", about="the fork branch could not be moved"
    ),
    Kind.DROPPABLE: Label(
        name="forkbot: droppable", colour="0e8a16", about="a patch that may go now"
    ),
    Kind.UPDATE: Label(
        name="forkbot: update", colour="5319e7", about="a stack's files as a rebase left them"
    ),
    Kind.WATCH: Label(
        name="forkbot: not running",
        colour="000000",
        about="forkbot itself did not run as it should",
    ),
    Kind.DASHBOARD: Label(
        name="forkbot: dashboard", colour="1d76db", about="how the family's stacks are"
    ),
}
CLOSED_BY_A_PERSON = Label(
    name="forkbot: closed by a person",
    colour="bfdadc",
    about="forkbot leaves it closed until the facts change",
)


class PullRequest(Fact, frozen=True, kw_only=True):
    """What a pull request has and an issue has not."""

    head: BranchName  # a branch of the same repository
    base: BranchName
    draft: bool = True  # only how it is opened: a person may mark it ready


class Artefact(Fact, frozen=True, kw_only=True):
    """An artefact as it should be: an issue, or a pull request where ``pull_request`` is given.

    ``facts`` is whatever makes the trouble the trouble it is: while it is the same, what a person
    closed stays closed. ``verdict`` is the line that a comment says when it is another one than
    before; ``body`` is the report, kept current without a comment.
    """

    identity: Identity
    title: str
    body: str
    facts: str
    verdict: str
    labels: tuple[Label, ...] = ()
    pull_request: PullRequest | None = None


class Mark(Fact, frozen=True, kw_only=True):
    """What the hidden marker in an artefact's text says."""

    identity: Identity
    facts: str = ""  # a digest
    verdict: str = ""  # a digest
    turn: int = 0  # how often the verdict changed: the name of the comment that said so
    over: bool = False  # closed by forkbot; closed without it, by a person


class Told(Fact, frozen=True, kw_only=True):
    """An artefact of ours as it stands on the forge, with all that people wrote around it."""

    number: int
    url: str
    title: str
    text: str
    mark: Mark
    labels: tuple[str, ...] = ()
    open: bool = True
    merged: bool = False
    pull_request: PullRequest | None = None
    updated: str = ""  # when anybody last touched it, in ISO 8601; '' where nobody says


class Over(Fact, frozen=True, kw_only=True):
    """There is nothing more to tell: what stands open is closed with the reason."""

    identity: Identity
    reason: str


class Act(enum.Enum):
    """What telling does to the artefact."""

    NOTHING = "nothing"  # it says so already, or there is nothing to say
    OPEN = "open"
    UPDATE = "update"
    REOPEN = "reopen"
    CLOSE = "close"
    MEANWHILE = "meanwhile"  # another run has just told the same
    LEFT_CLOSED = "left-closed"  # a person closed it, and the facts are what they were


class Telling(Fact, frozen=True, kw_only=True):
    """What telling of one identity does, known whole before anything is written."""

    repo: str
    identity: Identity
    act: Act
    url: str = ""  # '' before it is opened
    writes: tuple[str, ...] = ()  # each write in words, in their order
    done: int = 0  # how many of them were made; 0 in a dry run
