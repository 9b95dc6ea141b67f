"""Where a series stops: the commit under the patch in conflict, the question, what is answered."""

import dataclasses

from forkbot.errors import MachineError
from forkbot.git.repository import Repository
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.model.stack import Stack
from forkbot.rebase.engine import push
from forkbot.rebase.export import commit_patch
from forkbot.rebase.lockfile import Lockfiles
from forkbot.rebase.merged import find_merged
from forkbot.rebase.recreate import recreate
from forkbot.rebase.regions import lay_out, relabel
from forkbot.rebase.replay import for_people, locks, settler
from forkbot.rebase.resolutions import Filled, complete, fill, question
from forkbot.rebase.structural import Driver
from forkbot.words import Channel, Oid, PatchName


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """A patch in conflict, as a person gets to see it."""

    patch: PatchName
    head: Oid  # the prefix of the series on onto: what the patch was to be put on
    original: Oid  # the patch as a commit on its old base
    filled: Filled
    tree: Oid  # the merge with markers for people, and with what is answered already

    @property
    def open(self) -> tuple[bytes, ...]:
        """Return the paths that a person has to decide."""
        return for_people(self.filled)


def stuck_at(
    stack: Stack,
    *,
    repository: Repository,
    channel: Channel,
    base: Place,
    onto: Place,
    lockfiles: Lockfiles,
    driver: Driver | None = None,
) -> Stuck | None:
    """Return where the series stops on ``onto``; None when it goes through.

    A Cargo.lock is no question for a person: ``MachineError`` when it is all that is left, and
    cannot be made anew.

    The objects are written to where the repository writes its new ones.
    """
    with Workbench(repository) as bench:
        changes = recreate(stack, bench=bench, channel=channel, base=base)
        when = bench.objects.committed(onto.commit)
        taken = find_merged(changes, base=base, onto=onto, bench=bench)
        head = onto.commit
        settle = settler(stack, bench=bench, lockfiles=lockfiles, driver=driver, when=when)
        for change, pushed in zip(
            changes,
            push(changes, onto=onto, bench=bench, when=when, taken=taken, settle=settle),
            strict=True,
        ):
            head = pushed.commit or head
            if pushed.conflict is None:
                continue
            asked = question(change.patch.name, pushed.conflict, bench=bench)
            filled = fill(asked, stack.resolutions, bench=bench)
            if not for_people(filled):
                raise MachineError(
                    lockfiles.trouble.get(asked.patch, "the answers stand in each other's way"),
                    where=f"patch {asked.patch}",
                    hint="forkbot toolchain",
                )
            below = commit_patch(
                change.patch, tree=change.before, parent=base.commit, objects=bench.objects,
                when=when,
            )  # fmt: skip
            original = commit_patch(
                change.patch, tree=change.after, parent=below, objects=bench.objects, when=when
            )
            return Stuck(
                patch=change.patch.name, head=head, original=original, filled=filled,
                tree=_laid_out(filled, onto=onto, bench=bench),
            )  # fmt: skip
        return None


def _laid_out(filled: Filled, *, onto: Place, bench: Workbench) -> Oid:
    asked = filled.question
    labels = {"upstream": f"upstream {onto.label}", "base": "base", "ours": f"patch {asked.patch}"}
    changes = {**filled.files, **locks(filled)}
    for path in for_people(filled):
        merged = bench.trees.find(asked.tree, path)
        if merged is None or not merged.is_file:
            continue
        if path in asked.pieces:
            text = lay_out(asked.pieces[path], filled.regions[path], **labels)
        else:
            text = relabel(bench.objects.read(merged.oid)[1], **labels)
        changes[path] = dataclasses.replace(merged, oid=bench.objects.write("blob", text))
    # an answer that needs a folder where a file stands shows when it is taken, not here
    return complete(asked.tree, changes, bench=bench) or asked.tree
