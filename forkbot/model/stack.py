"""A stack as its files say it: policy (people write it), patches, and the lock (the bot writes it).

These types *are* the file formats: the decoder, the error messages, and the shipped JSON Schema
all come from them.
"""

import datetime as dt
import enum
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from forkbot.model.base import Fact
from forkbot.model.probed import Probed, UnmissedPolicy
from forkbot.model.proven import Proven
from forkbot.model.resolution import Resolution
from forkbot.model.smoke import SmokePolicy
from forkbot.words import (
    BranchName,
    Channel,
    CrateName,
    Oid,
    PatchName,
    RepoName,
    StackName,
    Subdir,
    Version,
)

LOCK_VERSION = 1


class UpstreamPolicy(Fact, frozen=True, kw_only=True):
    """Where the crate is developed; `subdir` is the crate's folder in that repository."""

    git: Annotated[str, Meta(description="a git URL or a path")]
    branch: BranchName = BranchName("main")
    subdir: Subdir = Subdir("")


class ReleasePolicy(Fact, frozen=True, kw_only=True):
    """The release channel: the crate's published versions from `since` on."""

    since: Annotated[Version, Meta(description="first release in the channel's history")]
    pre_releases: Annotated[
        tuple[Version, ...], Meta(description="pre-releases to follow; none unless named here")
    ] = ()


class RecoveryPolicy(Fact, frozen=True, kw_only=True):
    """How long an overwritten tip of the fork branch stays reachable by its recovery tag."""

    days: Annotated[int, Meta(ge=1, le=36_500, description="keep those of the last so many")] = 90
    least: Annotated[
        int, Meta(ge=1, le=1000, description="keep the newest so many, however old they are")
    ] = 10


class ForkPolicy(Fact, frozen=True, kw_only=True):
    """The repository the stack is published to, and its branch for each channel."""

    repo: RepoName
    branches: Annotated[
        dict[Channel, BranchName], Meta(description="one for each channel; all stacks may share it")
    ] = msgspec.field(default_factory=dict)
    workflows: Annotated[
        Literal["keep", "leave-out"],
        Meta(description="what becomes of upstream's .github/workflows in the fork"),
    ] = "keep"
    recovery: RecoveryPolicy = RecoveryPolicy()


class BuildPolicy(Fact, frozen=True, kw_only=True):
    """One build of the verify step: a package with a feature set."""

    package: CrateName
    default_features: bool = True
    features: tuple[str, ...] = ()


class NativePolicy(Fact, frozen=True, kw_only=True):
    """What must be the same with the stacks on the machine that builds: `forkbot neutral`."""

    default_features: bool = True
    features: tuple[str, ...] = ()
    unit: Annotated[
        tuple[str, ...],
        Meta(description="the crate's unit tests whose names hold one of these; none: none is run"),
    ] = ()
    tests: Annotated[
        tuple[str, ...], Meta(description="its integration tests, by their files' names")
    ] = ()


_Issue = Literal["issue", "none"]


class WhenPolicy(Fact, frozen=True, kw_only=True):
    """What to do with an outcome, and how people hear of it: one artefact a stack and kind."""

    clean: Annotated[
        Literal["publish", "hold"], Meta(description="publish a verified stack, or only report it")
    ] = "publish"
    patches_changed: Annotated[
        Literal["pr", "push"],
        Meta(description="how rewritten patches come to the stacks repository on the forge"),
    ] = "pr"
    lock_changed: Annotated[
        Literal["push", "pr"], Meta(description="the same, where only stack.lock changed")
    ] = "push"
    conflict: Annotated[
        Literal["draft-pr", "issue", "none"],
        Meta(description="a patch does not apply; the draft pull request is answered in a browser"),
    ] = "draft-pr"
    build: Annotated[_Issue, Meta(description="it applies, and does not build")] = "issue"
    smoke: Annotated[_Issue, Meta(description="it builds, and does not run")] = "issue"
    suspicious: Annotated[
        _Issue, Meta(description="clean, and yet what upstream added is gone")
    ] = "issue"
    unreachable: Annotated[_Issue, Meta(description="upstream or the fork gives no answer")] = (
        "issue"
    )
    publish_refused: Annotated[_Issue, Meta(description="the fork branch could not be moved")] = (
        "issue"
    )
    droppable: Annotated[_Issue, Meta(description="a patch seems to be needed no longer")] = "issue"
    dashboard: Annotated[
        _Issue, Meta(description="a row of the family's issue says how this stack is")
    ] = "none"


class MergePolicy(Fact, frozen=True, kw_only=True):
    """Whether a tool may merge what conflicts in lines, and what becomes of that."""

    driver: Annotated[
        Literal["none", "mergiraf"],
        Meta(description="a structural merge driver on PATH, asked where lines conflict"),
    ] = "none"
    publish: Annotated[
        bool, Meta(description="publish also what the driver merged and no person has read")
    ] = False


class Policy(Fact, frozen=True, kw_only=True):
    """stack.yaml: what people decide about one fork."""

    crate: CrateName
    about: Annotated[str, Meta(description="what this fork gives, in one line")] = ""
    upstream: UpstreamPolicy
    release: ReleasePolicy | None = None
    fork: ForkPolicy
    depends: tuple[StackName, ...] = ()
    build: tuple[BuildPolicy, ...] = ()
    smoke: tuple[SmokePolicy, ...] = ()
    unmissed: tuple[UnmissedPolicy, ...] = ()
    native: NativePolicy | None = None
    when: WhenPolicy = WhenPolicy()
    merge: MergePolicy = MergePolicy()


class UpstreamStatus(enum.Enum):
    """Yocto's words for how far a patch is from upstream."""

    PENDING = "Pending"
    SUBMITTED = "Submitted"
    ACCEPTED = "Accepted"
    BACKPORT = "Backport"
    INAPPROPRIATE = "Inappropriate"
    DENIED = "Denied"


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """One named change of ours, as its mail says it; `mail` is the file, byte for byte."""

    name: PatchName
    author_name: str
    author_email: str
    author_date: dt.datetime  # aware: the offset is part of the commit
    message: str  # whole: subject, body, trailers
    upstream_status: UpstreamStatus
    upstream_reference: str  # URL, oid or reason; '' for Pending
    drop_when: str
    diff: bytes  # from the first `diff --git` on
    paths: tuple[bytes, ...]  # every path the diff names, sorted
    mail: bytes

    @property
    def subject(self) -> str:
        """Return the first line of the message."""
        return self.message.partition("\n")[0]

    @property
    def purpose(self) -> str:
        """Return what the patch is for: the first paragraph below the subject, '' without one."""
        paragraphs = self.message.split("\n\n")[1:-1]  # the last one is the trailers
        return " ".join(paragraphs[0].split()) if paragraphs else ""


class StackVerdict(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """What verification said of a result; `key` names everything that went into it."""

    status: Literal["green", "red"]
    key: str
    rustc: str
    wasmtime: str
    judged_at: Annotated[
        dt.datetime | None, Meta(description="when this key was first answered so")
    ] = None
    news: Annotated[
        tuple[str, ...], Meta(description="what its canaries did that is not as declared")
    ] = ()


class ChannelLock(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Where one channel of a stack sits: remaking it from the files must give `result_tree`."""

    base: Oid
    base_label: Annotated[str, Meta(description="version, tag or date of the base, for people")]
    base_tree: Oid
    result: Annotated[Oid, Meta(description="the stack's tip commit on the base")]
    result_tree: Oid
    published: Oid | None = None
    published_of: Annotated[
        Oid | None, Meta(description="the result below `published`, where workflows are left out")
    ] = None
    verdict: StackVerdict | None = None
    proven: Annotated[Proven | None, Meta(description="what a red is held against")] = None
    probed: Annotated[Probed | None, Meta(description="of `result`; goes when that changes")] = None
    hunks: Annotated[
        Probed | None, Meta(description="the same, each hunk of each patch left out alone")
    ] = None

    @property
    def wanted(self) -> Oid:
        """Return what the fork branch is when `result` is published, as far as that is known."""
        if self.published is not None and self.published_of == self.result:
            return self.published
        return self.result


class Lock(Fact, frozen=True, kw_only=True):
    """stack.lock: what the bot knows; nobody edits it."""

    version: Annotated[int, Meta(ge=1)] = LOCK_VERSION
    channels: dict[Channel, ChannelLock] = msgspec.field(default_factory=dict)

    def channel(self, channel: Channel) -> ChannelLock | None:
        """Return the part for ``channel``, or None before the first rebase there."""
        return self.channels.get(channel)

    def with_channel(self, channel: Channel, state: ChannelLock) -> "Lock":
        """Return a lock in which ``channel`` says ``state`` and the rest is as it was."""
        merged = {**self.channels, channel: state}
        return Lock(version=self.version, channels={c: merged[c] for c in Channel if c in merged})


Patches = tuple[Patch, ...]


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """base + series + policy: one folder under `stacks/`, read whole.

    The channels share their patches until one needs other ones than the rest: upstream's branch
    takes a patch that no release has yet, or moves the lines around it. Then that channel has a
    series of its own, as long as it needs it.
    """

    name: StackName
    policy: Policy
    patches: Patches  # of the channel this is about; those of `patches/` where it is about none
    shared: Patches | None = None  # what `patches/` holds; None: `patches` is just that
    apart: Mapping[Channel, Patches] = {}  # of each channel that has a series of its own
    lock: Lock
    left_out: tuple[str, ...] = ()  # patch files that no series names
    acknowledged: Mapping[str, str] = {}  # a suspicion's key → why it is well
    resolutions: tuple[Resolution, ...] = ()
    smoke_digest: str  # of everything under smoke/, so that a changed component is a new question

    def on(self, channel: Channel) -> "Stack":
        """Return the stack with the patches that ``channel`` has."""
        patches = self.apart.get(channel, self.common)
        return msgspec.structs.replace(self, patches=patches, shared=self.common)

    def file_of(self, patch: PatchName) -> str:
        """Return where a patch of this channel's lies, from the stacks repository's top."""
        own = (f"-{c.value}" for c, patches in self.apart.items() if patches is self.patches)
        return f"stacks/{self.name}/patches{next(own, '')}/{patch}.patch"

    @property
    def common(self) -> Patches:
        """Return the patches of all channels that have none of their own."""
        return self.patches if self.shared is None else self.shared

    @property
    def lacking(self) -> tuple[PatchName, ...]:
        """Return the shared patches that are not among those of the channel this is about."""
        here = {p.name for p in self.patches}
        return tuple(p.name for p in self.common if p.name not in here)

    def divided(
        self, channel: Channel, patches: Patches
    ) -> tuple[Patches, Mapping[Channel, Patches]]:
        """Return what all channels share, and what some have apart, once ``channel`` has these.

        `patches/` is the main channel's where there is one; no other channel's patches change.
        """
        common, apart = self.common, dict(self.apart)
        others = [c for c in self.lock.channels if c is not channel]
        if channel is Channel.MAIN or not others:
            apart = {c: apart.get(c, common) for c in others}
            common = patches
        else:
            apart[channel] = patches
        return common, {c: own for c, own in apart.items() if own != common}

    def follows(self, channel: Channel) -> bool:
        """Return whether the stack is on a channel at all: not all crates are released."""
        return channel is Channel.MAIN or self.policy.release is not None

    def branch(self, channel: Channel) -> BranchName:
        """Return the fork branch this stack becomes on ``channel``."""
        return self.policy.fork.branches[channel]

    def green_without(self, tree: Oid) -> dict[PatchName, bool]:
        """Return of each patch that was probed whether all stays green without it.

        ``tree`` is what the series gives now. What was probed of another result says nothing of
        this one: then, as before any probe, nothing is returned.
        """
        known = (lock.probed for lock in self.lock.channels.values() if lock.result_tree == tree)
        return {p.patch: p.green for probed in known if probed for p in probed.patches}
