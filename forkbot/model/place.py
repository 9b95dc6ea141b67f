"""A commit to sit on or to go to."""

from forkbot.model.base import Fact
from forkbot.words import Oid


class Place(Fact, frozen=True, kw_only=True):
    """A commit with a name for people: a version, a tag, or a date."""

    commit: Oid
    tree: Oid
    label: str
