"""What a person left of a conflict, made an answer: the same wherever they edited it."""

import dataclasses
import hashlib
from collections.abc import Iterable

from forkbot.git.repository import Repository
from forkbot.git.workbench import Workbench
from forkbot.model.resolution import Resolution
from forkbot.model.stack import Stack
from forkbot.rebase.replay import locks
from forkbot.rebase.resolutions import Provenance, complete, record
from forkbot.rebase.stuck import Stuck
from forkbot.stackdir.resolutions import file_name
from forkbot.words import Channel, Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What makes of the conflict what the person made of it."""

    resolutions: tuple[Resolution, ...]
    besides: tuple[bytes, ...]  # paths that were no question, and are part of the patch now
    empty: bool  # nothing is left of the patch


def answer_of(stuck: Stuck, theirs: Oid, by: Provenance, *, repository: Repository) -> Answer:
    """Return what the tree ``theirs`` answers, in which nothing is left undecided."""
    asked = stuck.filled.question
    with Workbench(repository) as bench:
        remade = locks(stuck.filled)
        answers = {path: bench.trees.find(theirs, path) for path in asked.sides}
        answers |= {p: new for p, _, new in bench.trees.changes(stuck.tree, theirs)}
        answers = {path: new for path, new in answers.items() if path not in remade}
        whole = complete(asked.tree, {**answers, **remade}, bench=bench)
        return Answer(
            resolutions=record(asked, answers, by, bench=bench),
            besides=tuple(sorted(answers.keys() - asked.sides.keys())),
            empty=whole == bench.objects.tree(stuck.head),
        )


def with_answer(
    known: Iterable[Resolution], stuck: Stuck, made: Iterable[Resolution]
) -> tuple[Resolution, ...]:
    """Return all resolutions once ``made`` answer the conflict; one that says the same stays."""
    before = {r.key: r for r in known}
    kept = [r for r in before.values() if r not in stuck.filled.used]
    fresh = [before[r.key] if _same_answer(before.get(r.key), r) else r for r in made]
    return tuple(sorted({r.key: r for r in (*kept, *fresh)}.values(), key=file_name))


def _same_answer(old: Resolution | None, new: Resolution) -> bool:
    return old is not None and (old.hunk, old.files) == (new.hunk, new.files)


def files_digest(stack: Stack, channel: Channel) -> str:
    """Return a digest of what a rebase of the stack begins with."""
    whole = hashlib.sha256()
    lock = stack.lock.channel(channel)
    for part in (lock.base.encode() if lock else b"", *(p.mail for p in stack.patches)):
        whole.update(b"%d:%b" % (len(part), part))
    return whole.hexdigest()
