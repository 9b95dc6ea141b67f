"""A person says of suspicious lines that they are well, and why; the stack's files remember it."""

import contextlib
import dataclasses

from forkbot.attempt import attempt_rebase
from forkbot.errors import UsageError
from forkbot.locate import Aim
from forkbot.model.judgement import Suspicion
from forkbot.model.stack import Stack
from forkbot.session import Session
from forkbot.stackdir.acknowledged import FILE, read_acknowledged, with_acknowledged
from forkbot.stackdir.load import load_family, select, stack_folder
from forkbot.stackdir.reading import read_text
from forkbot.stackdir.update import write_files
from forkbot.verify.toolchain import find_toolchain
from forkbot.words import Channel


def acknowledge(
    session: Session, name: str, keys: tuple[str, ...], *, why: str
) -> tuple[Suspicion, ...]:
    """Acknowledge the suspicions with these keys; return them, but for those that were already.

    The rebase is computed anew, on each channel until all keys are found: no record is needed, and
    nobody acknowledges what is not there. Raises ``UsageError`` for such a key.
    """
    why = why.strip()
    if not why or len(why.splitlines()) != 1:
        raise UsageError(
            "the reason must be one line of text",
            where="--why",
            hint=f'forkbot acknowledge {name} {" ".join(keys)} --why "WASI has no such call"',
        )
    with session.alone():
        (stack,) = select(load_family(session.root), (name,), root=session.root)
        there = _look_up(stack, keys, session=session)
        folder = stack_folder(session.root, stack.name)
        known = read_acknowledged(folder / FILE)
        fresh = tuple(there[key] for key in dict.fromkeys(keys) if key not in known)
        text = read_text(folder / FILE) if (folder / FILE).exists() else ""
        if fresh and not session.dry_run:
            write_files(folder, {FILE: with_acknowledged(text, fresh, why=why).encode()})
    return fresh


def _look_up(stack: Stack, keys: tuple[str, ...], *, session: Session) -> dict[str, Suspicion]:
    """Return the stack's suspicions by key, all of ``keys`` among them."""
    found: dict[str, Suspicion] = {}
    for channel in Channel:
        if found.keys() >= {*keys} or (channel is Channel.RELEASE and not stack.policy.release):
            continue
        here = dataclasses.replace(session, channel=channel)
        found.update((s.key, s) for s in _suspicions(stack.on(channel), session=here))
    unknown = [key for key in keys if key not in found]
    if unknown:
        open_ = [key for key, s in found.items() if not s.acknowledged]
        raise UsageError(
            f"{stack.name} has no suspicion {unknown[0]!r} now",
            where=f"stacks/{stack.name}",
            hint=f"those to look at: {', '.join(open_)}" if open_ else "there is none to look at",
        )
    return found


def _suspicions(stack: Stack, *, session: Session) -> tuple[Suspicion, ...]:
    toolchain = None
    if session.channel is Channel.RELEASE:
        toolchain = find_toolchain(env=session.ambient, cache=session.cache, say=session.say)
    with contextlib.ExitStack() as held:
        attempt = attempt_rebase(
            stack, chosen=True, session=session, aim=Aim(), toolchain=toolchain, held=held
        )
    if attempt.trouble is not None:
        raise attempt.trouble
    assert attempt.rebased is not None
    return attempt.rebased.facts.suspicions
