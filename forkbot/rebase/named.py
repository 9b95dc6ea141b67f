"""Upstream commits that a patch's header names: a pull request by its URL, a commit by its id.

A pull request is found by its number in a subject, as GitHub writes it when it merges one. That is
a link, no proof of content: it proposes, and never acts.
"""

import dataclasses
import functools
import re

from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.model.upstream import UpstreamCommit
from forkbot.rebase.line import pull_request, upstream_commits
from forkbot.words import Oid

_PULL = re.compile(r"(?P<repository>.+?)/(?:pulls?|-/merge_requests)/(?P<number>\d+)(?:[/?#].*)?")
_COMMIT = re.compile(r"(?:(?P<repository>.+?)/(?:-/)?commit/)?(?P<oid>[0-9a-f]{7,40})(?:[/?#].*)?")
_SCHEME = re.compile(r"^(?:[a-z+]+://)?(?:[^/@]+@)?(?:www\.)?")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The answer to a reference: the commit that is meant, or why there is none."""

    commit: UpstreamCommit | None = None
    new: bool = False  # since the base
    why: str = ""  # there is no commit
    unknown: bool = False  # and this says nothing: the question could not be answered


class NamedCommits:
    """Upstream's commits up to ``onto``, by what headers call them."""

    def __init__(self, *, upstream: str, base: Place, onto: Place, bench: Workbench) -> None:
        """``upstream`` is where the stack's upstream is, as stack.yaml says it."""
        self._upstream = _plain(upstream)
        self._base, self._onto = base, onto
        self._bench = bench

    def find(self, reference: str) -> Named:
        """Return what ``reference`` means; a reason or a made-up word means nothing."""
        pull, commit = _PULL.fullmatch(reference), _COMMIT.fullmatch(reference)
        found = pull or commit
        if found is None:
            return Named(why=f"{reference} is neither a pull request nor a commit", unknown=True)
        repository = found["repository"]
        if repository and _plain(repository) != self._upstream:
            return Named(why=f"{reference} is not upstream's", unknown=True)
        if pull is not None:
            return self._pull(int(pull["number"]))
        assert commit is not None
        return self._commit(commit["oid"])

    def _pull(self, number: int) -> Named:
        if number in self._pulls:
            return self._found(self._pulls[number])
        what = f"no commit up to {self._onto.label} says that it is pull request #{number}"
        return Named(why=what)

    @functools.cached_property
    def _pulls(self) -> dict[int, Oid]:
        """Return the first commit of each pull request; all of history in one go."""
        said = self._bench.repository.git(
            "log", "--encoding=UTF-8", "--format=%H %s", self._onto.commit
        ).stdout.decode(errors="replace")
        rows = (line.partition(" ") for line in said.splitlines())
        return {number: Oid(oid) for oid, _, subject in rows if (number := pull_request(subject))}

    def _commit(self, oid: str) -> Named:
        repository = self._bench.repository
        said = repository.git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{oid}^{{commit}}", ok=None
        )
        full = Oid(said.stdout.decode().strip())
        if said.code == 0 and repository.is_ancestor(full, self._onto.commit):
            return self._found(full)
        return Named(why=f"{oid[:12]} is not in {self._onto.label}")

    def _found(self, oid: Oid) -> Named:
        commit = upstream_commits(self._bench, [oid])[oid]
        new = not self._bench.repository.is_ancestor(oid, self._base.commit)
        return Named(commit=commit, new=new)


def _plain(url: str) -> str:
    """Return a repository's URL less what does not tell it from others."""
    place = _SCHEME.sub("", url.lower()).rstrip("/").removesuffix(".git")
    return re.sub(r"^([^/:]+):(?!\d)", r"\1/", place)
