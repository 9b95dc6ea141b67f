"""From a run's record to what the forge shall say: one artefact a stack and kind, or its end."""

import dataclasses
from collections.abc import Iterator, Mapping

from forkbot.model.artefact import Artefact, Identity, Kind, Over, PullRequest
from forkbot.model.record import RunRecord, StackRecord
from forkbot.model.stack import WhenPolicy
from forkbot.report import doubts, proofs, troubles
from forkbot.report.document import Items, Line, Paragraph, Strong
from forkbot.report.matter import Matter, artefact_of
from forkbot.report.neutral import inline
from forkbot.report.phrases import clip

# the gravest first: where a run may write no more, these are told
KINDS = (
    Kind.PUBLISH_REFUSED,
    Kind.CONFLICT,
    Kind.SUSPICIOUS,
    Kind.BUILD,
    Kind.SMOKE,
    Kind.UNREACHABLE,
    Kind.DROPPABLE,
)
_MATTERS = {
    Kind.PUBLISH_REFUSED: troubles.publish_refused,
    Kind.CONFLICT: troubles.conflict,
    Kind.SUSPICIOUS: doubts.suspicious,
    Kind.BUILD: proofs.build,
    Kind.SMOKE: proofs.smoke,
    Kind.UNREACHABLE: troubles.unreachable,
    Kind.DROPPABLE: doubts.droppable,
}
Wish = Artefact | Over


def wishes(stack: StackRecord, record: RunRecord, *, when: WhenPolicy) -> Iterator[Wish]:
    """Yield how each artefact of a stack shall be; nothing of what the run did not look at."""
    if stack.paused:
        return
    for kind in KINDS:
        identity = Identity(kind=kind, channel=record.channel, stack=stack.name)
        how = how_told(when)[kind]
        if how == "none":
            yield Over(identity=identity, reason=_silenced(kind))
        else:
            pull = _pull(stack) if how == "draft-pr" else None
            matter = _MATTERS[kind](stack, record)
            if isinstance(matter, Matter):
                matter = _with_orders(matter, stack)
            yield from _wish(matter, identity, pull=pull)


def _with_orders(matter: Matter, stack: StackRecord) -> Matter:
    """Return the matter with what people told the bot to do, and it does not do."""
    lines: list[Line] = [
        (Strong(o.order.value), f" of {clip(o.by, 60) or 'somebody'}: {clip(o.why, 300)}")
        for o in stack.orders
        if not o.obeyed
    ]
    if not lines:
        return matter
    told = (Paragraph(("Told to forkbot, and not followed:",)), Items(tuple(lines)))
    return dataclasses.replace(matter, lead=(*matter.lead, *told))


def _pull(stack: StackRecord) -> PullRequest | None:
    """Return the pull request on which a conflict is answered, where its branch lies."""
    branch = stack.conflict_branch
    if branch is None or branch.tip is None:
        return None
    return PullRequest(head=branch.branch, base=branch.base_branch)


def family_wishes(record: RunRecord) -> Iterator[Wish]:
    """Yield what is no one stack's, of a run over the whole family."""
    for kind, matter in (
        (Kind.BUILD, proofs.family(record)),
        (Kind.UNREACHABLE, troubles.outage(record)),
    ):
        yield from _wish(matter, Identity(kind=kind, channel=record.channel, stack=None))


def how_told(when: WhenPolicy) -> Mapping[Kind, str]:
    """Return how a stack's policy tells of each kind."""
    return {
        Kind.PUBLISH_REFUSED: when.publish_refused,
        Kind.CONFLICT: when.conflict,
        Kind.SUSPICIOUS: when.suspicious,
        Kind.BUILD: when.build,
        Kind.SMOKE: when.smoke,
        Kind.UNREACHABLE: when.unreachable,
        Kind.DROPPABLE: when.droppable,
    }


def _wish(
    matter: Matter | str | None, identity: Identity, *, pull: PullRequest | None = None
) -> Iterator[Wish]:
    if isinstance(matter, Matter):
        yield artefact_of(matter, identity, pull_request=pull)
    elif matter is not None:
        yield Over(identity=identity, reason=f"{inline(matter).removesuffix('.')}.")


def _silenced(kind: Kind) -> str:
    return f"stack.yaml says `when: {{{kind.value}: none}}`: of this nothing is told any more."
