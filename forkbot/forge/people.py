"""Who did what on GitHub, and what they may do there."""

from collections.abc import Iterator
from urllib.parse import quote

import msgspec

from forkbot.forge.api import AnswerError, Api


class _Person(msgspec.Struct):
    login: str


class _Name(msgspec.Struct):
    name: str


class _Event(msgspec.Struct):
    event: str
    actor: _Person | None = None  # None: the account is gone
    label: _Name | None = None


class _Role(msgspec.Struct):
    permission: str  # admin, write, read or none: what a role is worth at the least
    role_name: str = ""


def who_labelled(api: Api, issue: str, label: str) -> str | None:
    """Return who was the last to set a label on the issue or pull request at ``issue``."""
    events: Iterator[_Event] = api.pages(f"{issue}/events", _Event, {})
    setters = [
        e.actor
        for e in events
        if e.event == "labeled" and e.label is not None and e.label.name == label
    ]
    return setters[-1].login if setters and setters[-1] is not None else None


def may_write(api: Api, repo: str, login: str) -> bool:
    """Return whether somebody may push to the repository at ``repo``."""
    try:
        role = api.get(f"{repo}/collaborators/{quote(login, safe='')}/permission", _Role)
    except AnswerError as e:
        if e.status == 404:  # no such user, or none that this repository knows
            return False
        raise
    return role.permission in ("admin", "write") or role.role_name in ("maintain", "write")
