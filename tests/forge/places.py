"""A repository on a forge, with us at work in it, and a person who uses it as people do."""

import dataclasses
import itertools
import os
from pathlib import Path
from typing import Protocol

import msgspec

from forkbot.forge.auth import parse_token
from forkbot.forge.base import Forge
from forkbot.forge.github import GitHubForge
from forkbot.forge.local import LocalForge
from forkbot.forge.patience import Budget, Patience
from forkbot.model.artefact import Artefact, Over, Telling
from forkbot.tell import carry_out, plan_telling
from tests.forge.emulator import OUR_TOKEN, PERSON, THEIR_TOKEN, US, Emulator
from tests.forge.gate import Gate

_serial = itertools.count(1)
ANSWER = 60.0  # on a busy machine; a test of the limit has its own


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One issue or pull request, whoever wrote it, as a person sees it."""

    number: int
    author: str
    open: bool
    title: str
    text: str
    labels: tuple[str, ...]
    head: str  # '' for an issue
    comments: tuple[str, ...]


class Place(Protocol):
    """A repository, us and a person."""

    forge: Forge
    repo: str

    def seen(self) -> list[Seen]:
        """Return all there is, oldest first."""
        ...

    def branch(self, name: str) -> None:
        """Make a branch that a pull request can be opened for."""
        ...

    def person_opens(self, title: str, text: str) -> int:
        """Let a person open an issue; return its number."""
        ...

    def person_writes(self, number: int, text: str) -> None:
        """Let a person edit a text."""
        ...

    def person_turns(self, number: int, *, open: bool) -> None:  # noqa: A002 - as it is called
        """Let a person close or reopen one."""
        ...


def tell(place: Place, wish: Artefact | Over) -> Telling:
    """Tell: look at what is there, plan, write."""
    plan = plan_telling(wish, place.forge.artefacts(place.repo), repo=place.repo)
    return carry_out(plan, forge=place.forge)


class LocalPlace:
    """Files; a person edits them."""

    def __init__(self, folder: Path, repo: str = "demo") -> None:
        self.repo = repo
        self.forge: Forge = LocalForge(folder, ambient=dict(os.environ))
        self._home = folder / repo / "artefacts"

    def _page(self, number: int) -> tuple[dict[str, object], str]:
        text = (self._home / str(number) / "artefact.md").read_bytes().decode()
        head, _, rest = text.removeprefix("---\n").partition("\n---\n")
        return msgspec.json.decode(head, type=dict[str, object]), rest

    def _write(self, number: int, head: dict[str, object], text: str) -> None:
        page = f"---\n{msgspec.json.encode(head).decode()}\n---\n{text}"
        (self._home / str(number)).mkdir(parents=True, exist_ok=True)
        (self._home / str(number) / "artefact.md").write_bytes(page.encode())

    def _numbers(self) -> list[int]:
        return sorted(int(p.name) for p in self._home.glob("[0-9]*"))

    def seen(self) -> list[Seen]:
        """Return all there is, oldest first."""
        return [self._seen(n) for n in self._numbers()]

    def _seen(self, number: int) -> Seen:
        head, text = self._page(number)
        pull = head["pull-request"]
        comments = sorted((self._home / str(number)).glob("comment-*.md"))
        return Seen(
            number=number,
            author=str(head["author"]),
            open=head["open"] is True,
            title=str(head["title"]),
            text=text,
            labels=msgspec.convert(head["labels"], tuple[str, ...]),
            head=str(pull["head"]) if isinstance(pull, dict) else "",
            comments=tuple(p.read_text() for p in comments),
        )

    def branch(self, name: str) -> None:
        """Make nothing: files need no branch."""

    def person_opens(self, title: str, text: str) -> int:
        """Let a person open an issue; return its number."""
        number = max(self._numbers(), default=0) + 1
        head = {"title": title, "author": PERSON, "open": True, "labels": [], "pull-request": None}
        self._write(number, head, text)
        return number

    def person_writes(self, number: int, text: str) -> None:
        """Let a person edit a text."""
        self._write(number, self._page(number)[0], text)

    def person_turns(self, number: int, *, open: bool) -> None:  # noqa: A002
        """Let a person close or reopen one."""
        head, text = self._page(number)
        self._write(number, {**head, "open": open}, text)


class _User(msgspec.Struct):
    login: str


class _Named(msgspec.Struct):
    name: str


class _Ref(msgspec.Struct):
    ref: str


class _Object(msgspec.Struct):
    sha: str


class _Tip(msgspec.Struct):
    object: _Object


class _Entry(msgspec.Struct):
    number: int
    user: _User
    state: str
    title: str
    labels: tuple[_Named, ...]
    body: str | None = None
    head: _Ref | None = None


class _Comment(msgspec.Struct):
    body: str


def seen_in(emulator: Emulator, at: str) -> list[Seen]:
    """Return all that the repository at a path of the API has, oldest first."""
    found: list[_Entry] = []
    for kind in ("issues", "pulls"):
        path = f"{at}/{kind}?state=all&per_page=100"
        found += msgspec.convert(emulator.ask("GET", path), list[_Entry])
    return [_seen(emulator, at, e) for e in sorted(found, key=lambda e: e.number)]


def _seen(emulator: Emulator, at: str, entry: _Entry) -> Seen:
    path = f"{at}/issues/{entry.number}/comments"
    comments = msgspec.convert(emulator.ask("GET", path), list[_Comment])
    return Seen(
        number=entry.number,
        author=entry.user.login,
        open=entry.state == "open",
        title=entry.title,
        text=entry.body or "",
        labels=tuple(la.name for la in entry.labels),
        head=entry.head.ref if entry.head else "",
        comments=tuple(c.body for c in comments),
    )


class GitHubPlace:
    """A repository on emulate; a person has a token of their own, and comes past the gate."""

    def __init__(self, gate: Gate, emulator: Emulator) -> None:
        self.gate = gate
        self.emulator = emulator
        self.repo = f"demo-{next(_serial)}"
        self.at = f"/repos/{US}/{self.repo}"
        emulator.ask("POST", "/user/repos", {"name": self.repo, "auto_init": True})
        self.slept: list[float] = []
        self.forge: Forge = self.client()

    def client(
        self,
        *,
        budget: Budget | None = None,
        answer: float = ANSWER,
        whole: float = 3_600.0,
        token: str = OUR_TOKEN,
    ) -> GitHubForge:
        """Return a forge that sleeps in no time."""
        return GitHubForge(
            parse_token(token, where="a test"),
            owner=US,
            ambient=dict(os.environ),
            api=self.gate.url,
            web=self.gate.url,
            budget=budget,
            patience=Patience(answer=answer, whole=whole, sleep=self.slept.append),
            pace=0,
        )

    def seen(self) -> list[Seen]:
        """Return all there is, oldest first."""
        return seen_in(self.emulator, self.at)

    def branch(self, name: str) -> None:
        """Make a branch that a pull request can be opened for."""
        tip = msgspec.convert(self.emulator.ask("GET", f"{self.at}/git/ref/heads/main"), _Tip)
        new = {"ref": f"refs/heads/{name}", "sha": tip.object.sha}
        self.emulator.ask("POST", f"{self.at}/git/refs", new)

    def person_opens(self, title: str, text: str) -> int:
        """Let a person open an issue; return its number."""
        body = {"title": title, "body": text}
        made = self.emulator.ask("POST", f"{self.at}/issues", body, token=THEIR_TOKEN)
        return msgspec.convert(made, _Entry).number

    def person_writes(self, number: int, text: str) -> None:
        """Let a person edit a text."""
        self._edit(number, {"body": text})

    def person_turns(self, number: int, *, open: bool) -> None:  # noqa: A002
        """Let a person close or reopen one."""
        self._edit(number, {"state": "open" if open else "closed"})

    def _edit(self, number: int, body: object) -> None:
        is_pull = any(s.number == number and s.head for s in self.seen())
        path = f"{self.at}/{'pulls' if is_pull else 'issues'}/{number}"
        self.emulator.ask("PATCH", path, body, token=THEIR_TOKEN)
