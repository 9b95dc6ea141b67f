"""What is new, and the legs that prove it: for machines that build what no token may be near.

A family is proven in one leg. Its verdict is about all of it, and one machine builds a stack with
what it stands on anyway: a leg for each stack would build the lower ones again and again, and none
of those verdicts would count. So machines are for families; the rebase itself takes milliseconds.
"""

import contextlib
from collections.abc import Iterator

from msgspec.structs import replace

from forkbot.attempt import Attempt, attempt_rebase
from forkbot.browser.following import news_of_people
from forkbot.browser.looking import Look, hear, look
from forkbot.connection import Connection
from forkbot.errors import ForkbotError
from forkbot.green import Answers, in_locks, still_green
from forkbot.locate import Aim
from forkbot.model.order import Order
from forkbot.model.plan import Leg, News, Plan
from forkbot.model.stack import ChannelLock, Stack
from forkbot.publish import to_publish
from forkbot.session import Session
from forkbot.stackdir.load import load_family
from forkbot.verification import member_of
from forkbot.verify.judge import verification_key
from forkbot.verify.toolchain import TARGET, Toolchain, find_toolchain
from forkbot.words import Channel, StackName

MOST_LEGS = 256  # jobs that one matrix of Actions may have
_OVER = "its issue says that it is red, and it is green again"


def plan(session: Session, *, connection: Connection, most: int = MOST_LEGS) -> Plan:
    """Return what is new on the session's channel; every stack is rebased, and nothing is written.

    What people answered to a conflict is in it, where the fork can be read, and what they ordered,
    where a token lets us ask for it. ``most`` is how many legs there may be: with more families
    than that, a leg has several.
    """
    toolchain = _toolchain(session)
    with contextlib.ExitStack() as held, session.alone():
        family = tuple(
            s for s in load_family(session.root, session.channel) if s.follows(session.channel)
        )
        attempts = [
            attempt_rebase(stack, chosen=True, session=session, aim=Aim(), toolchain=toolchain,
                           held=held)
            for stack in family
        ]  # fmt: skip
        if connection.forks is not None:
            hear(attempts, session=session, forks=connection.forks, fixed=False)
        else:
            how = Look(
                session=session, connection=connection, fixed=False, toolchain=toolchain, held=held
            )
            look(attempts, how)
        groups = [[a for a in attempts if a.stack.name in names] for names in families(family)]
        news = {
            n.stack: n
            for group in groups
            for n in _news_of(group, session=session, toolchain=toolchain)
        }
    stirred = [g for g in groups if any(news[a.stack.name].new for a in g)]
    provable = [[a.stack.name for a in g] for g in stirred if not all(a.stuck for a in g)]
    return Plan(
        channel=session.channel,
        stacks=tuple(news[s.name] for s in family),
        legs=tuple(_legs(provable, most=most)),
    )


def families(stacks: tuple[Stack, ...]) -> list[set[StackName]]:
    """Return the stacks in groups that nothing links, in the order of each group's first."""
    found: list[set[StackName]] = []
    for stack in stacks:  # whoever depends comes later, and may join groups
        linked = {stack.name, *stack.policy.depends}
        touched = [g for g in found if g & linked]
        rest = [g for g in found if not g & linked]
        found = [*rest, linked.union(*touched)]
    order = [s.name for s in stacks]
    return sorted(found, key=lambda g: min(order.index(name) for name in g))


def _news_of(family: list[Attempt], *, session: Session, toolchain: Toolchain | None) -> list[News]:
    """Return the news of each stack; where there are none, what the registry has for all."""
    news = [_news(a, family, session=session, toolchain=toolchain) for a in family]
    if toolchain is None or any(n.new for n in news) or not any(a.chosen for a in family):
        return news  # where none is chosen, all are paused
    belief = still_green(
        Answers(greens=[in_locks(family, session.channel)]),
        tuple(member_of(a, session) for a in family),
        session=session,
        toolchain=toolchain,
    )
    if belief.green is None:
        return [replace(n, new=belief.said) for n in news]
    session.say(belief.said or "nothing is new of the dependencies")
    if belief.said:
        return news
    # a release that broke was withdrawn: only the issue does not know yet
    both = zip(news, family, strict=True)
    return [replace(n, new=_OVER) if a.said.told_red else n for n, a in both]


def _news(
    attempt: Attempt, family: list[Attempt], *, session: Session, toolchain: Toolchain | None
) -> News:
    again = [g for g in attempt.said.orders if g.order is Order.RETRY and g.obeyed]
    new = "a person asks for another try" if again else ""
    return news_of_people(
        attempt,
        new=new or news_of(attempt, family, session=session, toolchain=toolchain),
        release=session.channel is Channel.RELEASE,
        again=bool(again),
    )


def news_of(
    attempt: Attempt, family: list[Attempt], *, session: Session, toolchain: Toolchain | None
) -> str:
    """Return what is new of a stack in one line, or ''."""
    lock = attempt.stack.lock.channel(session.channel)
    if attempt.stuck:
        return attempt.stuck.removeprefix(f"{attempt.stack.name}: ")
    assert attempt.rebased is not None
    facts = attempt.rebased.facts
    if lock is None:
        return f"it was never rebased: upstream is at {facts.onto.label}"
    if facts.onto.commit != lock.base:
        return f"upstream went from {lock.base_label} to {facts.onto.label}"
    if facts.tip != lock.result:
        return "its patches are others than those that were rebased"
    assert attempt.repository is not None
    fork = attempt.stack.policy.fork
    if lock.published != to_publish(lock.result, fork=fork, repository=attempt.repository)[0]:
        return "the result is not published"
    return _unproven(attempt, lock, family, session=session, toolchain=toolchain)


def _unproven(
    attempt: Attempt,
    lock: ChannelLock,
    family: list[Attempt],
    *,
    session: Session,
    toolchain: Toolchain | None,
) -> str:
    """Return why the lock's verdict is not about what would be built and run now, or ''."""
    if lock.verdict is None or lock.verdict.status != "green":
        return "the result was never green"
    if toolchain is not None and toolchain.version != lock.verdict.rustc:
        return f"it was built with {lock.verdict.rustc}, and here is {toolchain.version}"
    if any(a.stuck for a in family):
        return ""  # what is stuck is the news
    key = verification_key(
        tuple(member_of(a, session) for a in family), channel=session.channel, target=TARGET,
        rustc=lock.verdict.rustc, wasmtime=lock.verdict.wasmtime,
    )  # fmt: skip
    if key != lock.verdict.key:
        return f"what {attempt.stack.name} and its family build or run is not what was green"
    return ""


def _legs(groups: list[list[StackName]], *, most: int) -> Iterator[Leg]:
    """Yield legs of whole groups, the fullest as light as can be."""
    legs: list[list[list[StackName]]] = [[] for _ in range(min(most, len(groups)))]
    for group in sorted(groups, key=len, reverse=True):
        min(legs, key=lambda leg: sum(map(len, leg))).append(group)
    for leg in legs:
        stacks = tuple(name for group in leg for name in group)
        more = f"-and-{len(stacks) - 1}-more" if len(stacks) > 1 else ""
        yield Leg(name=f"{stacks[-1]}{more}", stacks=stacks)


def _toolchain(session: Session) -> Toolchain | None:
    """Return the toolchain; the main channel does without where none is here."""
    if session.channel is Channel.RELEASE:
        return find_toolchain(env=session.ambient, cache=session.cache, say=session.say)
    try:
        return find_toolchain(env=session.ambient, cache=session.cache, get=False, say=session.say)
    except ForkbotError:
        return None
