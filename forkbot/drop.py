"""``patch drop``: what a person types to accept a proposal. Offline, where the cache has the bases.

Channels share patch files, so the result is worked out for each that has a lock, and all is written
in one step. A channel whose base is out of reach stops it before anything is written: a
lock that its own patches no longer reproduce would be worse than a patch too many.
"""

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping

from forkbot.attempt import cargo_of
from forkbot.errors import UsageError
from forkbot.git.repository import quarantine
from forkbot.git.workbench import Workbench
from forkbot.locate import Aim, at_hand, locate
from forkbot.model.place import Place
from forkbot.model.stack import ChannelLock, Lock, Stack
from forkbot.rebase.drop import Dropped, Ground, drop_patches
from forkbot.session import Session
from forkbot.stackdir.files import write_stack
from forkbot.stackdir.load import load_family, select, stack_folder
from forkbot.verify.toolchain import find_toolchain
from forkbot.words import Channel, PatchName, parse_patch_name


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """What a drop did, or would do."""

    dropped: tuple[PatchName, ...]
    rewritten: tuple[PatchName, ...]
    channels: tuple[Channel, ...]
    files: tuple[str, ...]


def drop(session: Session, name: str, patches: tuple[str, ...]) -> Drop:
    """Take ``patches`` out of the stack ``name``; its files change in one step, or not at all.

    Raises ``UsageError`` when a later patch does not stand without them, ``RemoteError`` when a
    base is neither in the cache nor to be had.
    """
    with contextlib.ExitStack() as held, session.alone():
        (stack,) = select(load_family(session.root), (name,), root=session.root)
        names = _named(stack, patches)
        if not stack.lock.channels:
            raise UsageError(
                f"{stack.name} sits nowhere yet, so nothing can be proven of it",
                where=f"stacks/{stack.name}",
                hint=f"forkbot rebase {stack.name}",
            )
        grounds = {
            channel: ground_of(stack, lock, channel, session=session, held=held)
            for channel, lock in stack.lock.channels.items()
        }
        sharing = {c: g for c, g in grounds.items() if c not in stack.apart}
        found = _drop_from(stack, names, sharing)
        apart = {
            channel: _drop_from(stack.on(channel), names, {channel: grounds[channel]})
            for channel in stack.apart
            if channel in grounds
        }
        every = (found, *apart.values())
        files = write_stack(
            stack_folder(session.root, stack.name),
            old=stack,
            patches=found.patches,
            apart={c: d.patches for c, d in apart.items() if d.patches != found.patches},
            lock=without_verdicts(stack.lock, every),
            resolutions=tuple(r for r in stack.resolutions if r.patch not in names),
            dry_run=session.dry_run,
        )
    return Drop(
        dropped=names,
        rewritten=tuple(dict.fromkeys(name for d in every for name in d.rewritten)),
        channels=tuple(c for d in every for c in d.results),
        files=files,
    )


def _drop_from(
    stack: Stack, names: tuple[PatchName, ...], grounds: Mapping[Channel, Ground]
) -> Dropped:
    here = {p.name for p in stack.patches}
    return drop_patches(stack, tuple(n for n in names if n in here), grounds)


def _named(stack: Stack, patches: tuple[str, ...]) -> tuple[PatchName, ...]:
    asked = {parse_patch_name(name.removesuffix(".patch")) for name in patches}
    sets = (stack.patches, *stack.apart.values())
    known = list(dict.fromkeys(p.name for patches in sets for p in patches))
    for name in sorted(asked.difference(known)):
        raise UsageError(
            f"there is no patch {name!r}",
            where=f"stacks/{stack.name}/patches/series",
            hint=f"patches here: {', '.join(known) or 'none'}",
        )
    return tuple(name for name in known if name in asked)


def ground_of(
    stack: Stack,
    lock: ChannelLock,
    channel: Channel,
    *,
    session: Session,
    held: contextlib.ExitStack,
) -> Ground:
    """Return the base that a lock names, from the cache where it has it, lent as ``held`` is."""
    base = Place(commit=lock.base, tree=lock.base_tree, label=lock.base_label)
    repository = at_hand(stack, channel, base.commit, session=session)
    if repository is None:
        on = dataclasses.replace(session, channel=channel)
        cargo = None
        if channel is Channel.RELEASE:
            found = find_toolchain(env=session.ambient, cache=session.cache, say=session.say)
            cargo = cargo_of(found, session)
        session.say(f"{stack.name}: locating {base.label}")
        located = locate(stack, session=on, aim=Aim(stay=True), cargo=cargo)
        if located.base is None:
            raise UsageError(
                f"the base {base.label} is not among the releases any more",
                where=f"stacks/{stack.name}/stack.lock",
                hint=f"forkbot rebase {stack.name} --channel {channel.value}",
            )
        repository, base = located.repository, located.base
    lent = held.enter_context(quarantine(repository, scratch=session.scratch))
    return Ground(base=base, bench=held.enter_context(Workbench(lent)))


def without_verdicts(lock: Lock, every: Iterable[Dropped]) -> Lock:
    """Return the lock with the new results; what was proven of the old ones is forgotten."""
    for channel, result in (item for dropped in every for item in dropped.results.items()):
        base = result.base
        after = ChannelLock(
            base=base.commit, base_label=base.label, base_tree=base.tree,
            result=result.commit, result_tree=result.tree,
            published=lock.channels[channel].published,
            published_of=lock.channels[channel].published_of,
        )  # fmt: skip
        lock = lock.with_channel(channel, after)
    return lock
