"""Where upstream's commits and pull requests can be read: addresses on GitHub, when it lives there.

Built from a checked repository address, an object id and a number: no foreign text is in them.
"""

import dataclasses
import re

from forkbot.model.record import StackRecord
from forkbot.model.upstream import UpstreamCommit
from forkbot.report.document import Code, Line, Link, Word
from forkbot.report.phrases import clip
from forkbot.words import Channel, Oid

_GITHUB = re.compile(r"https://github\.com/([A-Za-z0-9-]+)/([A-Za-z0-9._-]+?)(?:\.git)?/?")
_PAGE = re.compile(r"https://[A-Za-z0-9./_-]+")


def is_page(url: str) -> bool:
    """Return whether a forge's address of its own can stand in a link as it is."""
    return _PAGE.fullmatch(url) is not None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """Upstream's pages; no addresses where there are none."""

    home: str = ""  # https://github.com/owner/repo
    commits: bool = True  # whether the ids at hand are upstream's own

    @classmethod
    def of(cls, stack: StackRecord, channel: Channel) -> "Web":
        """Return the pages of a stack's upstream; on the release channel the commits are ours."""
        found = _GITHUB.fullmatch(stack.upstream_url)
        home = f"https://github.com/{found[1]}/{found[2]}" if found else ""
        return cls(home=home, commits=channel is Channel.MAIN)

    def commit(self, oid: Oid) -> Word:
        """Return a commit's name, leading to its page."""
        if self.home and self.commits:
            return Link(Code(oid[:12]), f"{self.home}/commit/{oid}")
        return Code(oid[:12])

    def between(self, base: Oid, onto: Oid, words: str) -> Word:
        """Return words that lead to all that upstream did from one commit to another."""
        if self.home and self.commits:
            return Link(words, f"{self.home}/compare/{base}...{onto}")
        return words

    def pull(self, number: int) -> Word:
        """Return a pull request's number, leading to its page."""
        return Link(f"#{number}", f"{self.home}/pull/{number}") if self.home else f"#{number}"

    def brief(self, commit: UpstreamCommit) -> Word:
        """Return the shortest name by which people know a commit, leading to its page."""
        if commit.author == "forkbot":
            return short(commit)
        if commit.pull_request is None:
            return self.commit(commit.commit)
        return self.pull(commit.pull_request)

    def told(self, commit: UpstreamCommit) -> Line:
        """Return a commit as people know it: id, date, author, subject, pull request."""
        subject = clip(commit.subject)
        if (
            commit.author == "forkbot"
        ):  # a release's commit is ours: its date and author say nothing
            return (subject, " (releases carry no finer history)")
        line = (self.commit(commit.commit), f" of {commit.date} by {clip(commit.author, 60)}: ")
        if commit.pull_request is None:
            return (*line, subject)
        subject = subject.removesuffix(f"(#{commit.pull_request})").rstrip()
        return (*line, subject, " (", self.pull(commit.pull_request), ")")


def short(commit: UpstreamCommit) -> str:
    """Return the shortest name by which people know a commit."""
    if commit.author == "forkbot":
        return clip(commit.subject, 60)
    return f"#{commit.pull_request}" if commit.pull_request else commit.commit[:12]
