"""What publishing and telling need of a forge. Only looking has many answers; a write is one."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

from forkbot.git.remote import Remote
from forkbot.model.artefact import Label, PullRequest, Told
from forkbot.model.cron import Cron


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be opened; the text has its marker already."""

    title: str
    text: str
    labels: tuple[Label, ...]
    pull_request: PullRequest | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What an artefact becomes, all at once: no kill leaves half of it."""

    title: str
    text: str
    open: bool
    base: str | None = None  # of a pull request


class Forks(Protocol):
    """Where forks can be read."""

    def remote(self, repo: str) -> Remote:
        """Return where git reaches the repository ``repo``."""
        ...

    def exists(self, repo: str) -> bool:
        """Return whether the repository is there, as far as that can be said."""
        ...


class Forge(Protocol):
    """A place with one repository a fork, and artefacts in any of them.

    Every write may be repeated after a kill: what is opened and what is commented is looked up
    first, the rest says how things shall be.
    """

    @property
    def name(self) -> str:
        """Return what reports call it."""
        ...

    def remote(self, repo: str) -> Remote:
        """Return where git reaches the repository ``repo``."""
        ...

    def exists(self, repo: str) -> bool:
        """Return whether the repository is there."""
        ...

    def create(self, repo: str) -> None:
        """Make the repository when it is missing."""
        ...

    def artefacts(self, repo: str) -> tuple[Told, ...]:
        """Return all of ours, open and closed, oldest first: our marker, and us as author."""
        ...

    def open_artefact(self, repo: str, draft: Draft) -> Told:
        """Open an issue or a pull request; when it is there already, that one is returned."""
        ...

    def rewrite(self, repo: str, told: Told, edition: Edition) -> None:
        """Make title, text and state what ``edition`` says, as one write.

        What people wrote around our part since it was read is kept, as is the state they gave it
        where ``edition`` changes none.
        """
        ...

    def comment(self, repo: str, told: Told, text: str, *, turn: int) -> None:
        """Comment, unless the comment of that turn is there."""
        ...

    def label(self, repo: str, told: Told, labels: Sequence[Label]) -> None:
        """Add labels; those that the repository lacks are made."""
        ...

    def unlabel(self, repo: str, told: Told, label: Label) -> None:
        """Take a label off; it may be gone already."""
        ...

    def who_labelled(self, repo: str, told: Told, label: Label) -> str | None:
        """Return the login of who set a label that is there; None when nobody can say."""
        ...

    def may_write(self, repo: str, login: str) -> bool:
        """Return whether somebody has write access to the repository."""
        ...

    def cron(self, repo: str, workflow: str) -> Cron | None:
        """Return how the workflow in that file fares; None where the forge runs none at all."""
        ...

    def make_labels(self, repo: str, labels: Sequence[Label]) -> None:
        """Make the labels that the repository lacks; what people made of one is left alone."""
        ...
