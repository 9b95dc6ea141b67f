"""A recorded human answer to one conflict of one patch: exactly to what, and what stands there."""

import hashlib

from forkbot.model.base import Fact
from forkbot.words import Channel, Oid, PatchName


class HunkAnswer(Fact, frozen=True, kw_only=True):
    """What stands in place of one conflicting region; all texts are whole lines, byte for byte."""

    path: bytes
    above: bytes  # up to three lines of the merged file before and after the region
    base: bytes
    upstream: bytes
    ours: bytes
    below: bytes
    resolved: bytes


class FileAnswer(Fact, frozen=True, kw_only=True):
    """What becomes of one whole file. Entries are git's ``mode oid``, or '' where there is none."""

    path: bytes
    base: str = ""  # its three sides, when it is in conflict
    upstream: str = ""
    ours: str = ""
    merged: str = ""  # what the merge made of it, when it is not
    mode: str = ""  # '' when the file goes
    content: bytes = b""


class Resolution(Fact, frozen=True, kw_only=True):
    """An answer for one patch: to a region, or to whole files that belong together."""

    patch: PatchName
    author: str
    date: str  # YYYY-MM-DD
    channel: Channel
    onto: Oid  # the upstream commit it was made on
    onto_label: str
    tool: str = ""  # the merge driver and its version, where no person but a tool resolved it
    hunk: HunkAnswer | None = None
    files: tuple[FileAnswer, ...] = ()  # when it is not a region

    @property
    def path(self) -> bytes:
        """Return the path it speaks of; the first one, of files that belong together."""
        return self.hunk.path if self.hunk else self.files[0].path

    @property
    def key(self) -> str:
        """Return 12 hex digits of what the answer is an answer to; the answer is no part of it."""
        parts = [self.patch.encode()]
        if self.hunk is not None:
            h = self.hunk
            parts += [h.path, h.above, h.base, h.upstream, h.ours, h.below]
        for f in self.files:
            parts += [f.path, *(e.encode() for e in (f.base, f.upstream, f.ours, f.merged))]
        whole = b"".join(b"%d:%b" % (len(part), part) for part in parts)
        return hashlib.sha256(whole).hexdigest()[:12]
