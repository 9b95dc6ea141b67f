"""GitHub's answers, as far as forkbot reads them; what else they hold is passed over."""

from typing import Literal

import msgspec

from forkbot.words import BranchName


class Person(msgspec.Struct):
    """Somebody, by their login."""

    login: str


class Name(msgspec.Struct):
    """A label, by its name."""

    name: str


class Slug(msgspec.Struct):
    """An App, by its slug."""

    slug: str


class Branch(msgspec.Struct):
    """One end of a pull request."""

    ref: BranchName


class Issue(msgspec.Struct):
    """An issue, or a pull request as the list of issues has it."""

    number: int
    html_url: str
    title: str
    state: Literal["open", "closed"]
    user: Person | None  # None: the account is gone
    labels: tuple[Name, ...] = ()
    body: str | None = None
    pull_request: dict[str, object] | None = None
    updated_at: str = ""


class Pull(msgspec.Struct):
    """A pull request."""

    number: int
    html_url: str
    title: str
    state: Literal["open", "closed"]
    user: Person | None
    head: Branch
    base: Branch
    labels: tuple[Name, ...] = ()
    body: str | None = None
    draft: bool = False
    merged_at: str | None = None
    updated_at: str = ""


class Text(msgspec.Struct):
    """A body alone."""

    body: str | None = None


class Note(msgspec.Struct):
    """A comment."""

    body: str | None = None
    user: Person | None = None


class Viewer(msgspec.Struct):
    """Who asks."""

    viewer: Person


class Answer(msgspec.Struct):
    """What GraphQL says of who asks."""

    data: Viewer | None = None
