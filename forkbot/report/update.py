"""A stack's own files on their way to the stacks repository: the pull request, and its commit."""

import re
from collections.abc import Iterator, Mapping, Sequence

from forkbot.model.artefact import Artefact, Identity, Kind, PullRequest
from forkbot.model.fate import Rebase
from forkbot.model.publication import Move
from forkbot.model.record import StackRecord
from forkbot.model.update import Update
from forkbot.report.document import (
    Block,
    Code,
    Items,
    Line,
    Paragraph,
)
from forkbot.report.fates import fate_section, range_diff_sections, replay_section
from forkbot.report.matter import Matter, artefact_of
from forkbot.report.phrases import clip, count, listed
from forkbot.words import Oid

_LOCK = "stack.lock"
_SHOWN = 40  # files
_INSTEAD: Line = (
    "stack.yaml would have this pushed, but the branch took no push: let forkbot bypass its ",
    "protection, or ask for pull requests under ", Code("when:"), ".",
)  # fmt: skip
_HARMLESS = re.compile(r"(?!.*GH-)[A-Za-z0-9][A-Za-z0-9._+ -]*", re.IGNORECASE)


def proposal(
    stack: StackRecord, update: Update, wanted: Mapping[str, Oid], *, instead: bool
) -> Artefact:
    """Return the pull request for a stack's files; ``wanted`` are all of them as it has them.

    ``instead`` says that they would have been pushed, had the repository's branch taken the push.
    """
    assert stack.rebase is not None
    assert update.branch is not None
    assert update.base is not None
    identity = Identity(kind=Kind.UPDATE, channel=stack.rebase.channel, stack=stack.name)
    # the lock is no fact of it: a person who closes this must not see it again tomorrow
    facts = (f"{name} {wanted.get(name, 'gone')}" for name in update.files if name != _LOCK)
    matter = Matter(
        verdict=_verdict(update, wanted),
        facts=tuple(facts),
        lead=(*_lead(stack, update, wanted), *((Paragraph(_INSTEAD),) if instead else ())),
        sections=(*replay_section(stack), *fate_section(stack), *range_diff_sections(stack)),
        orders=(),
        whole=f"forkbot rebase {stack.name} --dry-run",
    )
    pull = PullRequest(head=update.branch, base=update.base, draft=False)
    return artefact_of(matter, identity, pull_request=pull)


def _verdict(update: Update, wanted: Mapping[str, Oid]) -> str:
    patches = [f for f in update.files if f.endswith(".patch")]
    kept = list(dict.fromkeys(_name(f) for f in patches if f in wanted))
    gone = [n for f in patches if (n := _name(f)) not in kept]
    told = []
    if kept:
        told.append(f"{listed(kept, most=3)} rewritten")
    if gone:
        leaves = "leaves" if len(gone) == 1 else "leave"
        told.append(f"{listed(gone, most=3)} {leaves} the series")
    if not told:
        alone = update.files == (_LOCK,)
        series = any(f.endswith("/series") for f in update.files)
        other = "the series is another one" if series else "what people answered on record changes"
        told.append("stack.lock moves" if alone else other)
    return "; ".join(told)


def _name(file: str) -> str:
    return file.rpartition("/")[2].removesuffix(".patch")


def _lead(stack: StackRecord, update: Update, wanted: Mapping[str, Oid]) -> Iterator[Block]:
    assert stack.rebase is not None
    plan, onto = stack.publication, stack.rebase.onto
    came: Line = (
        "forkbot rebased the stack onto ", Code(clip(onto.label, 60)), " (", Code(onto.commit[:12]),
        "), and that changed the files named here.",
    )  # fmt: skip
    if stack.rebase.tip is None:
        came = ("People answered a conflict; the stack stays where it is, for there is another.",)
    fork: Line = ()
    if plan is not None and (plan.done or plan.writes or plan.move is Move.NOTHING):
        fork = (" The branch ", Code(f"{plan.repo} {plan.branch}"), " is what they make.")
    yield Paragraph((*came, *fork))
    yield Paragraph((
        "Nothing waits for this: until it is merged, each run starts from ",
        Code(update.base or ""), " and comes to the same. Merged, it is where the next one starts.",
    ))  # fmt: skip
    shown = update.files[:_SHOWN]
    lines: list[Line] = [
        (Code(f"stacks/{stack.name}/{name}"), "" if name in wanted else ", deleted")
        for name in shown
    ]
    if len(update.files) > _SHOWN:
        lines.append((f"and {count(len(update.files) - _SHOWN, 'file')} more",))
    yield Items(tuple(lines))


def commit_message(moved: Sequence[tuple[Rebase, tuple[str, ...]]]) -> str:
    """Return the message of a commit that brings stacks' files, each with the names of its files.

    A commit's message is live on GitHub wherever the commit is: nothing of upstream's is in it.
    """
    names = [rebase.stack for rebase, _ in moved]
    files = [file for _, changed in moved for file in changed]
    what = "move the lock" if set(files) == {_LOCK} else "refresh the patches"
    first = f"{listed(names, most=4)}: {what}"
    told = []
    for rebase, changed in moved:
        label = rebase.onto.label if _HARMLESS.fullmatch(rebase.onto.label) else ""
        onto = " ".join(filter(None, (label, rebase.onto.commit[:12])))
        onto = onto if rebase.tip else "its old base"
        told.append(f"{rebase.stack} ({rebase.channel.value}) on {onto}: {', '.join(changed)}")
    return "\n".join((first, "", *told, ""))
