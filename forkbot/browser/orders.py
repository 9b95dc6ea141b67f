"""What people tell the bot to do: a label, or a box ticked, on one of its artefacts of a stack.

Only from people with write access. A label says in its history who set it, and those who may only
sort issues can set one too, so its setter is asked about. A box is a change of the bot's own text:
GitHub lets nobody change that but its author and who may write in the repository.
"""

import dataclasses
from collections.abc import Container, Iterable, Iterator

from forkbot.browser.branch import names_of
from forkbot.forge.base import Forge
from forkbot.forge.marker import parse
from forkbot.model.artefact import Kind, Told
from forkbot.model.order import ORDER_LABELS, Given, Order, ticked
from forkbot.session import Session
from forkbot.text import visible
from forkbot.words import PatchName, StackName

_MAY_NOT = "only people with write access tell forkbot what to do"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An order, and where it was found."""

    given: Given
    repo: str
    told: Told


def orders_in(
    repo: str, told: Iterable[Told], stack: StackName, *, session: Session, forge: Forge
) -> tuple[Found, ...]:
    """Return the orders for a stack among the artefacts of a repository."""
    return tuple(
        found
        for t in told
        if t.mark.identity.stack == stack and t.mark.identity.channel is session.channel
        for found in _orders_of(repo, t, forge)
    )


def _orders_of(repo: str, told: Told, forge: Forge) -> Iterator[Found]:
    # what is closed is over; but a patch that was to be skipped may wait in an update of the files
    heard = [o for o in Order if told.open or (o is Order.SKIP_PATCH and told.pull_request)]
    followed = list[Order]()
    for order in heard:
        if ORDER_LABELS[order].name not in told.labels:
            continue
        by = forge.who_labelled(repo, told, ORDER_LABELS[order])
        may = by is not None and forge.may_write(repo, by)
        given = Given(
            order=order, url=told.url, by=visible(by or ""), obeyed=may, why="" if may else _MAY_NOT
        )
        followed += [order] if may else []
        yield Found(repo=repo, told=told, given=given)
    parts = parse(told.text)
    for order in ticked(parts.body) if parts else ():
        if order in heard and order not in followed:
            yield Found(repo=repo, told=told, given=Given(order=order, url=told.url))


def skips(found: Found, patch: PatchName, *, session: Session, refs: Container[str]) -> bool:
    """Return whether an order speaks of this patch: its pull request does, while its branch is."""
    told = found.told
    assert told.mark.identity.stack is not None
    names = names_of(told.mark.identity.stack, session.channel, patch)
    head = told.pull_request.head if told.pull_request else None
    return (
        found.given.order is Order.SKIP_PATCH
        and told.mark.identity.kind is Kind.CONFLICT
        and head == names.head
        and names.refs[0] in refs
    )
