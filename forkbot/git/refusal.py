"""Why a push was refused, in words that lead on: GitHub's reasons recognised, all others passed on.

GitHub says a reason twice: a few words a ref, which git prints in its porcelain, and lines for
people, which git prints after ``remote:``. The first decide, the second are shown.
"""

import dataclasses
import re
from collections.abc import Sequence

from forkbot.errors import RefusedError
from forkbot.text import decode, redact

_AGAIN = "run the same command again: it starts from what is there now"
# the ref moved between the look and the push, as git says it here and as the other side does
_MOVED = re.compile(
    r"stale info|fetch first|non-fast-forward|cannot lock ref|reference already exists"
    r"|failed to update ref"
)
_WORKFLOW = re.compile(r"refusing to allow .+ to create or update workflow `?([^`]+?)`? without")
_LINES = 6  # of what the other side says for people


class PushRefusedError(RefusedError):
    """The other side declined: ``lease_lost`` when a ref was not what it was taken for."""

    def __init__(self, what: str, *, where: str, hint: str, lease_lost: bool) -> None:
        super().__init__(what, where=where, hint=hint)
        self.lease_lost = lease_lost


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One ref that was not taken, and the few words that git has for it."""

    ref: str
    words: str


def rejections(porcelain: bytes) -> tuple[Rejection, ...]:
    """Return what a ``git push --porcelain`` says was rejected, in its order."""
    lines = (line.split("\t") for line in decode(porcelain).splitlines() if line[:1] == "!")
    return tuple(
        Rejection(ref=parts[1].rpartition(":")[2], words=_inner(redact(parts[2])))
        for parts in lines
        if len(parts) > 2
    )


def _inner(words: str) -> str:
    """Return what stands in git's ``[rejected] (…)``."""
    found = re.fullmatch(r"\[[a-z ]+\] \((.*)\)", words)
    return found[1] if found else words


def said_for_people(stderr: bytes) -> str:
    """Return what the other side says besides, in one line: '' when nothing."""
    said = [li.removeprefix("remote:").strip() for li in decode(stderr).splitlines()
            if li.startswith("remote:")]  # fmt: skip
    # what comes before the first error is progress
    begin = next((n for n, li in enumerate(said) if li.startswith("error:")), 0)
    told = [li.removeprefix("error: ").rstrip(".") for li in said[begin:] if li.strip("-— ")]
    return redact("; ".join(told[:_LINES]))


def refusal(rejected: Sequence[Rejection], said: str, *, where: str) -> PushRefusedError:
    """Return why a push was refused, and what to do; ``where`` is the remote as it is shown."""
    # the rest of an atomic push fails with the one ref that is to blame
    blamed = [r for r in rejected if "atomic" not in r.words] or list(rejected)
    words = "; ".join(dict.fromkeys(f"{r.ref}: {r.words}" for r in blamed))
    moved = bool(_MOVED.search(words) or "cannot lock ref" in said)
    what, hint = (
        (f"not what it was when forkbot looked: {words}", _AGAIN)
        if moved
        else _explained(words, said, web=_web(where))
    )
    return PushRefusedError(
        f"the push was refused, nothing was changed: {what}",
        where=where,
        hint=hint,
        lease_lost=moved,
    )


def _explained(words: str, said: str, *, web: str) -> tuple[str, str]:
    """Return what it means and what to do about it."""
    told = f"{words}: {said}" if said else words
    if found := _WORKFLOW.search(words):
        return (
            f"it brings upstream's {found[1]}, and the token may not change workflows",
            "forkbot doctor  # or say `fork: {workflows: leave-out}` in stack.yaml",
        )
    if "GH006" in said or "protected branch" in words:
        return (
            f"the branch is protected: {told}",
            f"allow forkbot to push to it by force, {web}/settings/branches"
            if web
            else "let forkbot push to it by force",
        )
    if "PUSH PROTECTION" in said or "cannot contain secrets" in said:
        return (
            f"GitHub takes something in it for a secret: {told}",
            "open the link that it names, and allow it if upstream means it so",
        )
    if "GH013" in said or "rule violations" in words:
        return (
            f"a rule of the repository forbids it: {told}",
            f"let forkbot bypass the rule, {web}/settings/rules" if web else "change the rule",
        )
    if "GH001" in said:
        return f"a file is too large for GitHub: {told}", "take it out by a patch"
    return told, _AGAIN


def _web(where: str) -> str:
    return where.removesuffix(".git") if where.startswith(("https://", "http://")) else ""


_DENIED = re.compile(
    r"Permission to \S+ denied|Write access to repository not granted|returned error: 403"
)


def explain_denial(last_words: str, *, where: str) -> tuple[str, str] | None:
    """Return what it means that git was not let in at all, and what to do; None: it was let in."""
    if "archived so it is read-only" in last_words:
        return "the repository is archived: nobody may write to it", f"unarchive {_web(where)}"
    if _DENIED.search(last_words):
        return (
            "the token may not write here (contents: write)",
            "forkbot doctor  # says which permission is missing, and where to give it",
        )
    if "Authentication failed" in last_words:
        return "Authentication failed: the token is wrong, or it has expired", "forkbot doctor"
    return None
