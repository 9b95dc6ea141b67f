"""The forge of one machine: under ``.forkbot/forge/`` bare repositories, and artefacts as files.

An artefact is a folder ``<repo>/artefacts/<number>/``: ``artefact.md`` is the text below a head in
JSON, ``comment-<n>.md`` a comment. People may edit them as they would in a browser.
"""

import itertools
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from forkbot import process
from forkbot.errors import MachineError, RemoteError, UsageError
from forkbot.forge.base import Draft, Edition
from forkbot.forge.marker import is_comment, moved, parse
from forkbot.git.remote import Remote, local_url
from forkbot.git.repository import init_bare, sealed_env
from forkbot.model.artefact import Label, PullRequest, Told
from forkbot.model.base import Fact

LOGIN = "forkbot"
PERSON = "whoever edits its files"
_FENCE = "---\n"


class _Head(Fact, frozen=True, kw_only=True):
    title: str
    author: str
    open: bool
    labels: tuple[str, ...] = ()
    pull_request: PullRequest | None = None


class LocalForge:
    """Everything can be tried on one machine before anything is connected."""

    name = "local"

    def __init__(self, folder: Path, *, ambient: process.Env) -> None:
        self._folder = folder
        self._ambient = ambient

    def _path(self, repo: str) -> Path:
        return self._folder / f"{repo}.git"

    def remote(self, repo: str) -> Remote:
        """Return where git reaches the repository ``repo``."""
        return Remote(local_url(self._path(repo)), ambient=self._ambient)

    def exists(self, repo: str) -> bool:
        """Return whether the repository is there."""
        return (self._path(repo) / "HEAD").is_file()

    def create(self, repo: str) -> None:
        """Make the repository when it is missing."""
        path = self._path(repo)
        try:
            init_bare(path, env=sealed_env(self._ambient))
        except OSError as e:
            raise RemoteError(
                f"cannot make the repository: {e.strerror}",
                where=str(path),
                hint="see that forkbot may write there, then run the same command again",
            ) from e

    # --- artefacts

    def artefacts(self, repo: str) -> tuple[Told, ...]:
        """Return all of ours, open and closed, oldest first: our marker, and us as author."""
        return tuple(told for n in self._numbers(repo) if (told := self._told(repo, n)) is not None)

    def open_artefact(self, repo: str, draft: Draft) -> Told:
        """Write a new one, under the next free number, as one step."""
        head = _Head(
            title=draft.title,
            author=LOGIN,
            open=True,
            labels=tuple(la.name for la in draft.labels),
            pull_request=draft.pull_request,
        )
        home = self._artefacts(repo)
        fresh = home / f".{os.getpid()}.new"
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            (fresh / "artefact.md").write_bytes(_page(head, draft.text))
            for number in itertools.count(max(self._numbers(repo), default=0) + 1):
                try:
                    fresh.rename(home / str(number))
                except FileExistsError:  # another run was quicker
                    continue
                break
        except OSError as e:
            shutil.rmtree(fresh, ignore_errors=True)
            raise _unwritable(home, e) from e
        told = self._told(repo, number)
        assert told is not None, "what was written has no marker"
        return told

    def rewrite(self, repo: str, told: Told, edition: Edition) -> None:
        """Make title, text and state what ``edition`` says, as one write."""
        head, text = self._read(repo, told.number)
        pull = head.pull_request
        if pull is not None and edition.base is not None:
            pull = msgspec.structs.replace(pull, base=edition.base)
        is_open = head.open if edition.open == told.open else edition.open
        head = msgspec.structs.replace(head, title=edition.title, open=is_open, pull_request=pull)
        page = _page(head, moved(edition.text, onto=text))
        self._write(self._file(repo, told.number), page)

    def comment(self, repo: str, told: Told, text: str, *, turn: int) -> None:
        """Comment, unless the comment of that turn is there."""
        folder = self._file(repo, told.number).parent
        there = sorted(folder.glob("comment-*.md"))
        if not any(is_comment(_text(p), turn=turn) for p in there):
            self._write(folder / f"comment-{len(there) + 1:03}.md", text.encode())

    def label(self, repo: str, told: Told, labels: Sequence[Label]) -> None:
        """Add labels."""
        head, text = self._read(repo, told.number)
        names = (*head.labels, *(la.name for la in labels if la.name not in head.labels))
        head = msgspec.structs.replace(head, labels=names)
        self._write(self._file(repo, told.number), _page(head, text))

    def unlabel(self, repo: str, told: Told, label: Label) -> None:
        """Take a label off; it may be gone already."""
        head, text = self._read(repo, told.number)
        names = tuple(name for name in head.labels if name != label.name)
        head = msgspec.structs.replace(head, labels=names)
        self._write(self._file(repo, told.number), _page(head, text))

    def who_labelled(self, repo: str, told: Told, label: Label) -> str | None:
        """Return who may edit these files: whoever sits at this machine."""
        return PERSON if label.name in self._read(repo, told.number)[0].labels else None

    def may_write(self, repo: str, login: str) -> bool:  # noqa: ARG002 - files know no logins
        """Return whether it is somebody of this machine."""
        return login in (PERSON, LOGIN)

    # --- files

    def _artefacts(self, repo: str) -> Path:
        return self._folder / repo / "artefacts"

    def _file(self, repo: str, number: int) -> Path:
        return self._artefacts(repo) / str(number) / "artefact.md"

    def _numbers(self, repo: str) -> list[int]:
        home = self._artefacts(repo)
        names: Iterator[str] = (p.name for p in home.iterdir()) if home.is_dir() else iter(())
        return sorted(int(name) for name in names if name.isdecimal())

    def _told(self, repo: str, number: int) -> Told | None:
        head, text = self._read(repo, number)
        parts = parse(text)
        if parts is None or head.author != LOGIN:
            return None
        return Told(
            number=number,
            url=str(self._file(repo, number)),
            title=head.title,
            text=text,
            mark=parts.mark,
            labels=head.labels,
            open=head.open,
            pull_request=head.pull_request,
        )

    def make_labels(self, repo: str, labels: Sequence[Label]) -> None:
        """Do nothing: a file has whatever labels it names."""

    def cron(self, repo: str, workflow: str) -> None:
        """Return nothing: this machine runs no workflows."""

    def _read(self, repo: str, number: int) -> tuple[_Head, str]:
        path = self._file(repo, number)
        top, fence, text = _text(path).removeprefix(_FENCE).partition(f"\n{_FENCE}")
        try:
            return msgspec.json.decode(top if fence else b"", type=_Head), text
        except msgspec.DecodeError as e:
            raise UsageError(
                f"the head of this artefact is not what forkbot wrote: {e}",
                where=str(path),
                hint=f"mend it, or take the folder away: rm -r {path.parent}",
            ) from e

    def _write(self, path: Path, data: bytes) -> None:
        fresh = path.with_name(f".{path.name}.new")
        try:
            fresh.write_bytes(data)
            fresh.replace(path)
        except OSError as e:
            raise _unwritable(path, e) from e


def _page(head: _Head, text: str) -> bytes:
    top = msgspec.json.format(msgspec.json.encode(head), indent=2)
    return _FENCE.encode() + top + f"\n{_FENCE}{text}".encode()


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError as e:
        raise MachineError(f"cannot read this artefact: {e.strerror}", where=str(path)) from e


def _unwritable(path: Path, e: OSError) -> MachineError:
    return MachineError(
        f"cannot write the artefact: {e.strerror}",
        where=str(path),
        hint="see that forkbot may write there, then run the same command again",
    )
