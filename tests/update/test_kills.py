"""Killed before or after any of its writes, an update is what the next night makes it: once."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from forkbot.forge.local import LocalForge
from forkbot.git.remote import Remote
from tests.update.place import PATCH, Place, lines
from tests.update.protection import protect

P = ParamSpec("P")
T = TypeVar("T")
WRITES = ("open_artefact", "rewrite", "comment", "label", "unlabel")


class Killed(BaseException):
    """The process is gone."""


@dataclasses.dataclass(slots=True)
class Fate:
    """How many writes there were, and at which the process ends."""

    at: int = -1
    done: bool = False  # the write is done all the same
    count: int = 0

    def of(self, write: Callable[P, T]) -> Callable[P, T]:
        """Return the write as one that may be the last."""

        def mortal(*args: P.args, **kwargs: P.kwargs) -> T:
            here, self.count = self.count, self.count + 1
            if here == self.at and not self.done:
                raise Killed
            try:
                return write(*args, **kwargs)
            finally:
                if here == self.at:
                    raise Killed

        return mortal


@contextlib.contextmanager
def fated(fate: Fate) -> Iterator[None]:
    """Let every write to the forge meet its fate."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Remote, "push", fate.of(Remote.push))
        for name in WRITES:
            patch.setattr(LocalForge, name, fate.of(getattr(LocalForge, name)))
        yield


def _first(place: Place) -> None:
    place.begin({"fix": lines(b="B")}).commit("near", lines(d="D"))


def _again(place: Place) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    upstream.commit("near", lines(d="D"))
    place.night()
    upstream.commit("nearer", {**lines(d="D"), "more": "x\n"})
    upstream.commit("nearest", lines(d="D", e="E"))


def _straight(place: Place) -> None:
    place.begin({"fix": lines(b="B")}).commit("far", {"other": "x\n"})


def _over(place: Place) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    upstream.commit("near", lines(d="D"))
    place.night()
    upstream.commit("taken back", lines())


def _merged(place: Place) -> None:
    _first(place)
    place.night()
    place.merge()


def _protected(place: Place) -> None:
    _straight(place)
    protect(place)


def _foreign(place: Place) -> None:
    _first(place)
    place.night()
    place.person({"stacks/demo/about": "mine\n"}, branch=PATCH)


def _closed(place: Place) -> None:
    _first(place)
    place.night()
    (told,) = place.told()
    page = Path(told.url)
    page.write_text(page.read_text().replace('"open": true', '"open": false'))


@pytest.mark.parametrize(
    "scene", [_first, _again, _straight, _over, _merged, _protected, _foreign, _closed]
)
def test_killed_at_any_write_the_next_night_mends_it(
    scene: Callable[[Place], None], tmp_path: Path
) -> None:
    begun, fate = Place(tmp_path / "begun"), Fate()
    scene(begun)
    whole = begun.copied(tmp_path / "whole")
    with fated(fate):
        whole.night()
    expected = whole.standing()
    assert fate.count
    for at in range(fate.count):
        for done in (False, True):
            place = begun.copied(tmp_path / f"{at}-{done}")
            with fated(Fate(at=at, done=done)), pytest.raises(Killed):
                place.night()
            place.night()
            assert place.standing() == expected, (at, done)
            again = Fate()
            with fated(again):
                place.night()
            # a refused push is no write; it is not even tried
            assert again.count == 0, (at, done)
