"""A conflict as a branch: its names, the commit with its markers, and what that commit says.

Equal conflicts give equal commits on every machine, so an unchanged one is there already.
"""

import dataclasses
import hashlib
import re

from forkbot.git.repository import Repository
from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.laid import silent_paths
from forkbot.model.place import Place
from forkbot.model.stack import Stack
from forkbot.publish import WORKFLOWS, leave_out_workflows
from forkbot.rebase.answer import files_digest
from forkbot.rebase.export import COMMITTER
from forkbot.rebase.stuck import Stuck
from forkbot.report.neutral import code
from forkbot.text import decode
from forkbot.words import OID, BranchName, Channel, Oid, PatchName, StackName

HEADS = "refs/heads/"
_ONTO, _FILES = "Forkbot-Onto", "Forkbot-Files"
_TRAILER = re.compile(rf"^({_ONTO}|{_FILES}): ([0-9a-f]+)$", re.MULTILINE)
_NOTE = "FORKBOT-CONFLICT.md"
_LONG = 60  # characters of a patch's name that a branch has room for


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The branch of one patch's conflict, and the one it is compared with."""

    head: BranchName
    base: BranchName

    @property
    def refs(self) -> tuple[str, str]:
        """Return both as full refs."""
        return HEADS + self.head, HEADS + self.base


def folder_of(stack: StackName) -> str:
    """Return what the full refs of all of a stack's conflicts begin with."""
    return f"{HEADS}forkbot/{stack}/"


def names_of(stack: StackName, channel: Channel, patch: PatchName) -> Names:
    """Return the names for one patch.

    No name of a patch gives the base of another: they hold no slash, so a folder is out of reach.
    """
    kind = "conflict" if channel is Channel.MAIN else f"{channel.value}-conflict"
    short = patch
    if len(patch) > _LONG:
        digest = hashlib.sha256(patch.encode()).hexdigest()[:12]
        short = PatchName(f"{patch[:_LONG]}-{digest}")
    name = f"{kind}-{short}"
    return Names(
        head=BranchName(f"forkbot/{stack}/{name}"), base=BranchName(f"forkbot/{stack}/base/{name}")
    )


def is_conflicts(ref: str, stack: StackName, channel: Channel) -> bool:
    """Return whether a ref is one of a conflict of the stack on this channel."""
    name = ref.removeprefix(folder_of(stack)).removeprefix("base/")
    kind = "conflict-" if channel is Channel.MAIN else f"{channel.value}-conflict-"
    return ref.startswith(folder_of(stack)) and name.startswith(kind)


def ground_of(stuck: Stuck, stack: Stack, *, repository: Repository) -> Oid:
    """Return what the conflict is laid out on: the series up to it.

    Without upstream's workflows where the policy leaves them out, for the token may not push them;
    unless the patch itself changes them, and a person has to see that.
    """
    if stack.policy.fork.workflows == "keep":
        return stuck.head
    with Workbench(repository) as bench:
        before = bench.trees.find(bench.objects.tree(stuck.head), WORKFLOWS)
        if before != bench.trees.find(stuck.tree, WORKFLOWS):
            return stuck.head
    return leave_out_workflows(stuck.head, repository=repository)[0]


def lay_commit(
    stuck: Stuck, stack: Stack, *, channel: Channel, base: Place, onto: Place,
    repository: Repository,
) -> Oid:  # fmt: skip
    """Write the commit with the markers, on top of the series up to them."""
    silent = silent_paths(stuck, lent=repository)
    ground = ground_of(stuck, stack, repository=repository)
    with Workbench(repository) as bench:
        changes: dict[bytes, Entry | None] = {WORKFLOWS: None} if ground != stuck.head else {}
        if silent:
            text = bench.objects.write("blob", _note(stuck, stack, silent).encode())
            changes[note_path(stuck, bench=bench)] = Entry(b"100644", text)
        tree = bench.trees.edit(stuck.tree, changes)
        assert tree is not None, "nothing stands where the note is put"
        who = f"{COMMITTER} {bench.objects.committed(onto.commit)} +0000".encode()
        return bench.objects.write_commit(
            tree=tree, parents=(ground,), author=who, committer=who,
            message=_message(stuck, stack, channel=channel, base=base, onto=onto).encode(),
        )  # fmt: skip


def note_path(stuck: Stuck, *, bench: Workbench) -> bytes:
    """Return where the note lies: at the root, where upstream has nothing."""
    name = _NOTE
    while bench.trees.find(stuck.tree, name.encode()) is not None:
        name = f"{name.removesuffix('.md')}-.md"
    return name.encode()


def told_in(note: bytes, stuck: Stuck, *, lent: Repository) -> frozenset[bytes]:
    """Return the paths whose lines a person took out of the note: they stay as they lie there."""
    lines = tuple(line.strip() for line in note.decode(errors="replace").splitlines())
    silent = (path for path, _ in silent_paths(stuck, lent=lent))
    # by path alone: another forkbot may have laid it out in other words
    return frozenset(p for p in silent if not any(li.startswith(_item(p)) for li in lines))


KEEP = (
    f"edit it, move it or delete it; or take its line out of {_NOTE}, and it stays as it lies there"
)


def _note(stuck: Stuck, stack: Stack, silent: tuple[tuple[bytes, str], ...]) -> str:
    lines = "\n".join(f"{_item(path)} {what}" for path, what in silent)
    return f"""\
# Files without lines to choose from

Patch {stuck.patch} of {stack.name} is in conflict about these files as a whole. Edit, move or
delete each; to leave one as it lies there, take its line out of this file. Where
the two sides differ in lines, the files themselves have conflict markers.

This file is not part of the patch. When nothing else is left to decide, it may go.

{lines}
"""


def _item(path: bytes) -> str:
    return f"- {code(decode(path))}:"


def _message(stuck: Stuck, stack: Stack, *, channel: Channel, base: Place, onto: Place) -> str:
    # no word of upstream's, not even a tag: GitHub makes links and pings of what commits say
    return f"""\
Conflict: {stuck.patch} does not apply

Make the files what they should be, take the conflict markers out, and push to
this branch. The next run of forkbot takes the result as the patch.

Forkbot-Stack: {stack.name}
Forkbot-Channel: {channel.value}
Forkbot-Patch: {stuck.patch}
Forkbot-Base: {base.commit}
{_ONTO}: {onto.commit}
{_FILES}: {files_digest(stack, channel)}
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LaidFrom:
    """What a conflict was laid out from, as its commit says."""

    onto: Oid
    files: str  # the digest of the stack's files


def laid_from(message: str) -> LaidFrom | None:
    """Return what the commit with this message was laid from; None when it is no such commit."""
    said = dict(_TRAILER.findall(message))
    if not OID.fits(said.get(_ONTO, "")) or _FILES not in said:
        return None
    return LaidFrom(onto=Oid(said[_ONTO]), files=said[_FILES])
