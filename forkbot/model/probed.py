"""What stack.lock remembers of a probe, and what stack.yaml says of what no probe can miss."""

from typing import Annotated

from msgspec import Meta

from forkbot.model.base import Fact
from forkbot.words import PatchName


class UnmissedPolicy(Fact, frozen=True, kw_only=True):
    """A hunk of a patch that nothing built or run can miss, in a person's words."""

    patch: PatchName
    path: Annotated[str, Meta(min_length=1, description="the file it changes")]
    having: Annotated[str, Meta(min_length=1, description="a piece of one of its changed lines")]
    why: Annotated[str, Meta(min_length=1, description="why nothing can miss it")]


class ProbedPatch(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Whether all that is built and run stays green without a patch, and if not, why."""

    patch: PatchName
    hunk: Annotated[str, Meta(description="file and line, where only a hunk was left out")] = ""
    green: bool
    why: Annotated[str, Meta(description="in one line")] = ""
    without: Annotated[
        tuple[PatchName, ...], Meta(description="left out with it: they do not apply without it")
    ] = ()
    excuse: Annotated[str, Meta(description="why nothing can miss the hunk")] = ""


class Probed(Fact, frozen=True, kw_only=True):
    """What `forkbot probe` found of a result; `key` names everything that went into it."""

    key: str
    patches: tuple[ProbedPatch, ...]
