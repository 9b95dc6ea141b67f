"""A commit of upstream's, as people know it: who, when, what, and the pull request it came by."""

from forkbot.model.base import Fact
from forkbot.words import Oid


class UpstreamCommit(Fact, frozen=True, kw_only=True):
    """One commit upstream, as a report names it."""

    commit: Oid
    author: str
    date: str  # YYYY-MM-DD
    subject: str
    pull_request: int | None = None
