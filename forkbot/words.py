"""The words of the field as types: parsed once at the door, trusted everywhere inside.

Each word is a ``str`` with a pattern that msgspec checks when a file is decoded; the ``parse_*``
functions do the same for text that comes from a command line or from git. ``WORDS`` says for each
pattern what to tell a person whose text does not fit it.
"""

import dataclasses
import enum
import re
from collections.abc import Mapping
from typing import Annotated, NewType

from msgspec import Meta

from forkbot.errors import UsageError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A kind of name: its pattern, and in words what it is, by which rule, with an example."""

    pattern: str
    what: str
    rule: str
    example: str

    @property
    def meta(self) -> Meta:
        """Return what the decoder checks and the JSON Schema says."""
        return Meta(
            pattern=self.pattern, title=self.what, description=self.rule, examples=[self.example]
        )

    def fits(self, text: str) -> bool:
        """Return whether ``text`` is such a name."""
        return re.search(self.pattern, text) is not None


# `$` alone would let a line end pass in Python; both regular expression dialects know `(?!\n)`
_END = r"$(?!\n)"

OID = Word(
    pattern=rf"^[0-9a-f]{{40}}{_END}",
    what="a full object id",
    rule="40 hex digits in lower case",
    example="4b825dc642cb6eb9a060e54bf8d69288fbee4904",
)
STACK_NAME = Word(
    pattern=rf"^[a-z0-9][a-z0-9_-]{{0,63}}{_END}",
    what="a stack name",
    rule="lower-case letters, digits, '_' and '-'; begin with a letter or digit",
    example="tokio",
)
PATCH_NAME = Word(
    pattern=rf"^[A-Za-z0-9](?!.*\.\.)[A-Za-z0-9._+-]{{0,127}}(?<!\.){_END}",
    what="a patch name",
    rule="letters, digits, '.', '_', '+', '-', no '..'; begin with a letter or digit",
    example="wasi-inline-lookup",
)
BRANCH_NAME = Word(
    # git check-ref-format, plus: a leading dash would read as an option
    pattern=(
        r"^(?![-/.])(?!.*(?:\.\.|@\{|//|/\.|\.lock(?:/|$)))(?!(?:HEAD|@)$)"
        rf"[^\x00-\x20~^:?*\[\\\x7f]{{1,200}}(?<![/.]){_END}"
    ),
    what="a branch name",
    rule="as git takes it: no spaces, none of ~^:?*[\\, no '..', no leading '-', '.' or '/'",
    example="wasip2",
)
SUBDIR = Word(
    pattern=(
        r"^(?!-)(?:(?!\.{1,2}(?:/|$)|\.[gG][iI][tT](?:/|$))[A-Za-z0-9._+-]+(?:/(?!$)|$))*" + _END
    ),
    what="a folder in the repository",
    rule="relative, with '/' between and none at the ends, no '..'; \"\" is the root",
    example="crates/core",
)
VERSION = Word(
    pattern=rf"^[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?{_END}",
    what="a version",
    rule="three numbers",
    example="1.10.0",
)
REPO_NAME = Word(
    pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)?{_END}",
    what="a repository name",
    rule="letters, digits, '.', '_', '-', at most one '/'; begin with a letter or digit",
    example="tokio",
)
CRATE_NAME = Word(
    pattern=rf"^[A-Za-z][A-Za-z0-9_-]*{_END}",
    what="a crate name",
    rule="letters, digits, '_' and '-'; begin with a letter",
    example="hyper-util",
)
COMPONENT_NAME = Word(
    pattern=rf"^[a-z0-9][a-z0-9-]*{_END}",
    what="a smoke component's name",
    rule="lower-case letters, digits and '-', as its folder under smoke/",
    example="get-by-name",
)
CASE_NAME = Word(
    pattern=rf"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?{_END}",
    what="the name of a component's case",
    rule="lower-case letters, digits and '-', as the component gets it for an argument",
    example="by-name",
)
TARGET_NAME = Word(
    pattern=rf"^[a-z][a-z0-9_]*(?:-[a-z0-9_]+)+{_END}",
    what="a target of rustc's",
    rule="as `rustc --print target-list` has it",
    example="wasm32-wasip3",
)
BLOB_ENTRY = Word(
    pattern=rf"^[0-7]{{6}} [0-9a-f]{{40}}{_END}",
    what="a mode and an object id",
    rule="six octal digits, a blank, 40 hex digits in lower case",
    example="100644 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
)
PIN = Word(
    pattern=(
        r"^[A-Za-z][A-Za-z0-9_-]{0,63} [0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]{1,64})? "
        rf"[0-9a-f]{{64}}{_END}"
    ),
    what="a crate, its version and its checksum",
    rule="as in a Cargo.lock, with a blank between",
    example=f"itoa 1.0.15 {'4a5f13b858c8d314' * 4}",
)
WORDS: Mapping[str, Word] = {
    word.pattern: word
    for word in (
        OID, STACK_NAME, PATCH_NAME, BRANCH_NAME, SUBDIR, VERSION, REPO_NAME, CRATE_NAME,
        COMPONENT_NAME, CASE_NAME, TARGET_NAME, BLOB_ENTRY, PIN,
    )
}  # fmt: skip

Oid = NewType("Oid", Annotated[str, OID.meta])
StackName = NewType("StackName", Annotated[str, STACK_NAME.meta])
PatchName = NewType("PatchName", Annotated[str, PATCH_NAME.meta])
BranchName = NewType("BranchName", Annotated[str, BRANCH_NAME.meta])
Subdir = NewType("Subdir", Annotated[str, SUBDIR.meta])
Version = NewType("Version", Annotated[str, VERSION.meta])
RepoName = Annotated[str, REPO_NAME.meta]
CrateName = Annotated[str, CRATE_NAME.meta]
ComponentName = Annotated[str, COMPONENT_NAME.meta]
Pin = NewType("Pin", Annotated[str, PIN.meta])
CaseName = Annotated[str, CASE_NAME.meta]
TargetName = Annotated[str, TARGET_NAME.meta]
GitUrl = NewType("GitUrl", str)


class Channel(enum.Enum):
    """Which line of upstream a stack sits on."""

    MAIN = "main"
    RELEASE = "release"


def parse_word(text: str, word: Word, *, where: str | None = None) -> str:
    """Return ``text`` when it is such a word; ``UsageError`` with its rule otherwise."""
    if not word.fits(text):
        raise UsageError(
            f"{text!r} is not {word.what}", where=where, hint=f"{word.rule}; as in {word.example}"
        )
    return text


def parse_oid(text: str) -> Oid:
    """Return ``text`` as an object id; ``UsageError`` unless it is 40 lower-case hex digits."""
    return Oid(parse_word(text, OID))


def parse_patch_name(text: str) -> PatchName:
    """Return ``text`` as a patch name (a slug, without ``.patch``)."""
    return PatchName(parse_word(text, PATCH_NAME))


def parse_stack_name(text: str) -> StackName:
    """Return ``text`` as a stack name (a folder's name under ``stacks/``)."""
    return StackName(parse_word(text, STACK_NAME))


def parse_branch(text: str) -> BranchName:
    """Return ``text`` as a branch name that git and a command line both accept."""
    return BranchName(parse_word(text, BRANCH_NAME))


def parse_git_url(text: str, *, where: str) -> GitUrl:
    """Return ``text`` as a place git may fetch from: https, ssh, file or a path.

    Refused: a leading dash (it would be an option), ``ext::`` and every other remote helper (they
    run commands), a password inside the URL (it would reach logs), control characters. What is
    refused is not repeated where it may hold a secret.
    """
    hint = "use an https://, ssh:// or file:// URL, or a path"
    if not text:
        raise UsageError("the git URL is empty", where=where, hint=hint)
    if text.startswith("-"):
        raise UsageError(
            f"{text!r} is not a git URL: it would be read as an option",
            where=where,
            hint=f"{hint}; for such a path, ./{text}",
        )
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise UsageError("the git URL has control characters in it", where=where, hint=hint)
    helper = re.match(r"^([A-Za-z0-9+.-]+)::", text)
    if helper:
        raise UsageError(
            f"git's {helper[1]}:: helpers run commands, so forkbot refuses them",
            where=where,
            hint=hint,
        )
    scheme = re.match(r"^([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)", text)
    if scheme:
        _check_host(scheme[1].lower(), scheme[2], where=where, hint=hint)
    return GitUrl(text)


def _check_host(scheme: str, host: str, *, where: str, hint: str) -> None:
    if scheme not in {"https", "http", "ssh", "git", "file"}:
        raise UsageError(f"git cannot fetch from {scheme}://", where=where, hint=hint)
    user, at, place = host.rpartition("@")
    # a user name alone is how ssh works; with https it is as often a token
    if at and (":" in user or scheme != "ssh"):
        raise UsageError(
            f"the URL {scheme}://…@{place} carries credentials",
            where=where,
            hint="take them out of the URL; let git's credential helper supply them",
        )
    if host.startswith("-") or place.startswith("-"):
        raise UsageError(f"the host {place!r} would be read as an option", where=where, hint=hint)
