"""The words of the field as types: parsed once at the door, trusted everywhere inside.

Each word is a ``str`` with a pattern that msgspec checks when a file is decoded; the ``parse_*``
functions do the same for text that comes from a command line or from git.
"""

import enum
import re
from typing import Annotated, NewType

from msgspec import Meta

from forkbot.errors import UsageError

_OID = r"^[0-9a-f]{40}$"
_STACK = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_PATCH = r"^[A-Za-z0-9](?!.*\.\.)[A-Za-z0-9._+-]{0,127}$"
# git check-ref-format, plus: a leading dash would read as an option.
_BRANCH = (
    r"^(?![-/.])(?!.*(?:\.\.|@\{|//|/\.|\.lock(?:/|$)))"
    r"[^\x00-\x20~^:?*\[\\\x7f]{1,200}(?<![/.])$"
)
_SUBDIR = r"^(?:(?!\.{1,2}(?:/|$)|\.git(?:/|$))[A-Za-z0-9._+-]+(?:/(?!$)|$))*$"
_VERSION = r"^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$"

Oid = NewType("Oid", Annotated[str, Meta(pattern=_OID, description="a git object id, 40 hex")])
StackName = NewType("StackName", Annotated[str, Meta(pattern=_STACK)])
PatchName = NewType("PatchName", Annotated[str, Meta(pattern=_PATCH)])
BranchName = NewType("BranchName", Annotated[str, Meta(pattern=_BRANCH)])
Subdir = NewType("Subdir", Annotated[str, Meta(pattern=_SUBDIR, description="'' is the root")])
Version = NewType("Version", Annotated[str, Meta(pattern=_VERSION)])
GitUrl = NewType("GitUrl", str)


class Channel(enum.Enum):
    """Which line of upstream a stack sits on."""

    MAIN = "main"
    RELEASE = "release"


def parse_oid(text: str) -> Oid:
    """Return ``text`` as an object id; ``UsageError`` unless it is 40 lower-case hex digits."""
    if not re.match(_OID, text):
        raise UsageError(f"{text!r} is not a full object id (40 hex digits)")
    return Oid(text)


def parse_patch_name(text: str) -> PatchName:
    """Return ``text`` as a patch name (a slug, without ``.patch``)."""
    if not re.match(_PATCH, text):
        raise UsageError(
            f"{text!r} is not a patch name",
            hint="use letters, digits, '.', '_', '+', '-'; begin with a letter or digit",
        )
    return PatchName(text)


def parse_stack_name(text: str) -> StackName:
    """Return ``text`` as a stack name (a folder's name under ``stacks/``)."""
    if not re.match(_STACK, text):
        raise UsageError(
            f"{text!r} is not a stack name",
            hint="use lower-case letters, digits, '_' and '-'; begin with a letter or digit",
        )
    return StackName(text)


def parse_branch(text: str) -> BranchName:
    """Return ``text`` as a branch name that git and a command line both accept."""
    if not re.match(_BRANCH, text):
        raise UsageError(
            f"{text!r} is not a branch name",
            hint="see git check-ref-format; a leading '-' is never taken",
        )
    return BranchName(text)


def parse_git_url(text: str, *, where: str) -> GitUrl:
    """Return ``text`` as a place git may fetch from: https, ssh, file or a path.

    Refused: a leading dash (it would be an option), ``ext::`` and every other remote helper (they
    run commands), credentials inside the URL (they would reach logs), control characters.
    """
    if not text or text.startswith("-"):
        raise UsageError(f"{text!r} is not a git URL: it would be read as an option", where=where)
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise UsageError(f"{text!r} is not a git URL: it has control characters", where=where)
    helper = re.match(r"^([A-Za-z0-9+.-]+)::", text)
    if helper:
        raise UsageError(
            f"{text!r}: git's {helper[1]}:: helpers run commands, so forkbot refuses them",
            where=where,
            hint="use an https://, ssh:// or file:// URL, or a path",
        )
    scheme = re.match(r"^([A-Za-z][A-Za-z0-9+.-]*)://([^/]*)", text)
    if scheme and scheme[1].lower() not in {"https", "http", "ssh", "git", "file"}:
        raise UsageError(f"{text!r}: git cannot fetch from {scheme[1]}://", where=where)
    if scheme and scheme[1].lower() != "ssh" and "@" in scheme[2]:
        shown = f"{scheme[1]}://…@{scheme[2].rpartition('@')[2]}"
        raise UsageError(
            f"the URL {shown} carries credentials",
            where=where,
            hint="take them out of the URL; let git's credential helper supply them",
        )
    return GitUrl(text)
