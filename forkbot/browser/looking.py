"""Before anything is planned: what people told the bot to do, and what they answered."""

import contextlib
import dataclasses
from collections.abc import Iterable

from msgspec.structs import replace

from forkbot.attempt import Attempt, attempt_rebase
from forkbot.browser.orders import Found, orders_in, skips
from forkbot.browser.parking import park
from forkbot.browser.taking import conflict_refs, take_answers
from forkbot.connection import Connection
from forkbot.errors import RemoteError, TimedOutError
from forkbot.forge.base import Forks
from forkbot.locate import Aim
from forkbot.model.artefact import Kind, Label, Told
from forkbot.model.order import ORDER_LABELS, Order
from forkbot.session import Session
from forkbot.verify.toolchain import Toolchain


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What looking needs besides the stack."""

    session: Session
    connection: Connection
    fixed: bool  # a person said where to go
    toolchain: Toolchain | None
    held: contextlib.ExitStack

    def as_it_stands(self, attempt: Attempt) -> Attempt:
        """Return the stack as its files say it, on the base it has."""
        return attempt_rebase(
            attempt.stack, chosen=False, session=self.session, aim=Aim(stay=True),
            toolchain=self.toolchain, held=self.held,
        )  # fmt: skip


def look(attempts: list[Attempt], with_: Look) -> bool:
    """Bring each stack to what people said of it; return whether to verify again.

    Nothing is written. Where the forge does not say what people want, a stack is left alone: it
    may be paused.
    """
    try:
        home = with_.connection.forge.artefacts(with_.connection.home)
    except (RemoteError, TimedOutError) as e:
        for attempt in attempts:
            attempt.trouble = attempt.trouble or (e if attempt.chosen else None)
        return False
    for n, attempt in enumerate(attempts):
        if attempt.chosen:
            try:
                attempts[n] = _looked_at(attempt, home, with_)
            except (RemoteError, TimedOutError) as e:
                attempt.trouble = attempt.trouble or e
    given = (g for a in attempts for g in a.said.orders)
    return any(g.order is Order.RETRY and g.obeyed for g in given)


def hear(attempts: Iterable[Attempt], *, session: Session, forks: Forks, fixed: bool) -> None:
    """Take answers that can be read here, so that what they make can be proven; tell nobody.

    A fork that cannot be read from here, a private one, has its answers taken where it can.
    """
    for attempt in attempts:
        try:
            take_answers(attempt, session=session, forks=forks, fixed=fixed)
        except (RemoteError, TimedOutError) as e:
            session.say(f"{attempt.stack.name}: its fork is not read here: {e.what}")
        attempt.said.branch, attempt.said.updates = None, ()


def _looked_at(attempt: Attempt, home: Iterable[Told], with_: Look) -> Attempt:
    connection, session, stack = with_.connection, with_.session, attempt.stack
    forge, fork = connection.forge, stack.policy.fork.repo
    found = orders_in(connection.home, home, stack.name, session=session, forge=forge)
    if attempt.conflict is not None:
        attempt.said.refs = conflict_refs(attempt, session=session, forks=forge)
        if attempt.said.refs:
            there = forge.artefacts(fork)
            found += orders_in(fork, there, stack.name, session=session, forge=forge)
    if any(f.given.order is Order.PAUSE and f.given.obeyed for f in found):
        paused = with_.as_it_stands(attempt)
        paused.said.orders = tuple(f.given for f in found)
        paused.said.paused = True
        return paused
    attempt.said.told_red = any(
        t.open
        and t.mark.identity.kind in (Kind.BUILD, Kind.SMOKE)
        and t.mark.identity.channel is session.channel
        and t.mark.identity.stack in (None, stack.name)
        for t in home
    )
    orders = [f for f in found if f.given.order is not Order.SKIP_PATCH]
    attempt.said.orders = tuple(f.given for f in orders)
    attempt.said.labels = tuple(_label(f) for f in orders if f.given.by and f.given.obeyed)
    _skip([f for f in found if f.given.order is Order.SKIP_PATCH], attempt, with_)
    take_answers(attempt, session=session, forks=forge, fixed=with_.fixed)
    return attempt


def _skip(orders: list[Found], attempt: Attempt, with_: Look) -> None:
    """Park each patch in conflict of which an order speaks, as far as that goes."""
    said = attempt.said
    while (found := _first_that_skips(orders, attempt, with_)) is not None:
        assert attempt.conflict is not None
        orders.remove(found)
        why = park(attempt, attempt.conflict.patch, session=with_.session, held=with_.held)
        said.orders += (replace(found.given, obeyed=not why, why=why),)
        if not why and found.given.by:
            said.labels += (_label(found),)
        if why:
            break
    for left in orders:
        if left.told.open:
            why = left.given.why or "the conflict is about another patch by now"
            said.orders += (replace(left.given, obeyed=False, why=why),)


def _first_that_skips(orders: list[Found], attempt: Attempt, with_: Look) -> Found | None:
    if attempt.conflict is None:
        return None
    patch, refs = attempt.conflict.patch, attempt.said.refs or {}
    mine = (f for f in orders if skips(f, patch, session=with_.session, refs=refs))
    return next((f for f in mine if f.given.obeyed), None)


def _label(found: Found) -> tuple[str, Told, Label]:
    return found.repo, found.told, ORDER_LABELS[found.given.order]
