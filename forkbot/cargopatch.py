"""The patch table for consumers: the forks as they are published, if just that was proven.

No verdict is taken on trust. Its key is made anew from the files and locks of the stacks: where a
stack.yaml, a component or a lower stack changed since, the stack is not in the table.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from forkbot.connection import Connection
from forkbot.forge.base import Forge, Forks
from forkbot.git.remote import is_path
from forkbot.model.cargopatch import By, CargoPatch, Certificate, ProjectCheck, Unproven
from forkbot.model.stack import ChannelLock, Stack, StackVerdict
from forkbot.red import red_of
from forkbot.report.cargopatch import build_told, component_told, table
from forkbot.rundir import RunDirectory
from forkbot.session import Session
from forkbot.stackdir.load import load_family, select
from forkbot.verification import workshop_of
from forkbot.verify import consumer
from forkbot.verify.judge import verification_key
from forkbot.verify.room import make_room
from forkbot.verify.toolchain import TARGET, find_toolchain
from forkbot.words import Channel, Oid, StackName

_READ = 10  # run records, the newest
_TAGS = "refs/tags/"
_OURS = f"{_TAGS}forkbot/"  # recovery tags, which go after a while


def cargo_patch(
    session: Session, names: tuple[str, ...], *, by: By, connection: Connection, command: str
) -> CargoPatch:
    """Return the table for the named stacks and what they are built on; for all, if none is named.

    Asks the forge where the fork branches are, and nobody else. Raises ``RemoteError`` when it does
    not answer.
    """
    channel = session.channel
    on_it = tuple(s for s in load_family(session.root, channel) if s.follows(channel))
    family = on_it if not names else load_family(session.root, channel)
    chosen = with_lower(select(family, names, root=session.root), family)
    asking = _Asking(
        channel=channel,
        by=by,
        forks=connection.forks or connection.forge,
        proven=frozenset(_proven(on_it, channel)),
        again=" ".join(["forkbot run", *(names or ["--all"]), *_on(channel)]),
    )
    found = [asking.certify(stack) for stack in chosen]
    patch = CargoPatch(
        channel=channel,
        target=TARGET,
        crates=tuple(f for f in found if isinstance(f, Certificate)),
        unproven=tuple(f for f in found if isinstance(f, Unproven)),
    )
    if patch.unproven:
        return patch
    since = _red_since(patch, RunDirectory(session.state / "runs"))
    patch = msgspec.structs.replace(patch, red_since=since)
    return msgspec.structs.replace(patch, table=table(patch, command=command))


def _red_since(patch: CargoPatch, runs: RunDirectory) -> str:
    """Return what the newest run here found red of what is proven, or ''.

    The commits are the same, so it is what a key does not know: a dependency's release, mostly.
    """
    keys = {crate.key for crate in patch.crates}
    for record in runs.newest(_READ):
        verdict = record.verdict
        if verdict is not None and verdict.key in keys:
            red = None if verdict.reused else red_of(verdict)
            return f"{red.why} (run {record.id})" if red is not None else ""
    return ""


def with_lower(stacks: Iterable[Stack], family: tuple[Stack, ...]) -> tuple[Stack, ...]:
    """Return ``stacks`` and all that they are built on, in the family's order."""
    wanted = {s.name for s in stacks}
    for stack in reversed(family):  # whoever depends comes later
        if stack.name in wanted:
            wanted |= set(stack.policy.depends)
    return tuple(s for s in family if s.name in wanted)


def _on(channel: Channel) -> list[str]:
    return [] if channel is Channel.MAIN else ["--channel", channel.value]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Sitting:
    """A stack where its lock says it sits: what a verdict's key is made of."""

    stack: Stack
    lock: ChannelLock

    @property
    def tree(self) -> Oid:
        return self.lock.result_tree

    @property
    def pristine_tree(self) -> Oid:
        return self.lock.base_tree


def _proven(family: tuple[Stack, ...], channel: Channel) -> Iterator[StackName]:
    """Yield the stacks whose green verdict answers the question that their files ask now."""
    locks = {s.name: lock for s in family if (lock := s.lock.channel(channel)) is not None}
    greens: dict[str, tuple[StackVerdict, list[Stack]]] = {}
    for stack in family:
        said = locks[stack.name].verdict if stack.name in locks else None
        if said is not None and said.status == "green":
            greens.setdefault(said.key, (said, []))[1].append(stack)
    for said, group in greens.values():
        # who took part: all stacks, or those that were named with what they are built on
        for part in (family, tuple(group), with_lower(group, family)):
            sat = tuple(_Sitting(stack=s, lock=locks[s.name]) for s in part if s.name in locks)
            key = verification_key(
                sat, channel=channel, target=TARGET, rustc=said.rustc, wasmtime=said.wasmtime
            )
            if len(sat) == len(part) and key == said.key:
                yield from (s.name for s in group)
                break


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """One question to every stack: what of it is proven and published."""

    channel: Channel
    by: By
    forks: Forge | Forks
    proven: frozenset[StackName]
    again: str  # the command that proves and publishes

    def certify(self, stack: Stack) -> Certificate | Unproven:
        """Return the stack's entry and what was proven of it, or why it has none."""
        lock = stack.lock.channel(self.channel)
        said = lock.verdict if lock is not None else None
        if lock is None or said is None:
            return self._unproven(stack, f"it was never verified on {self.channel.value}")
        if said.status != "green":
            return self._unproven(stack, "it is red")
        if stack.name not in self.proven:
            why = "what was proven is not what the files say now: they, or a lower stack, changed"
            return self._unproven(stack, why)
        repo, head = stack.policy.fork.repo, f"refs/heads/{stack.branch(self.channel)}"
        refs = self.forks.remote(repo).refs(head, f"{_TAGS}*") if self.forks.exists(repo) else {}
        if refs.get(head) != lock.wanted:
            return self._unproven(stack, _elsewhere(refs.get(head), lock.wanted))
        return self._held(stack, lock, said, refs)

    def _held(
        self, stack: Stack, lock: ChannelLock, said: StackVerdict, refs: dict[str, Oid]
    ) -> Certificate | Unproven:
        url = self.forks.remote(stack.policy.fork.repo).url
        git = Path(url).as_uri() if is_path(url) else url
        branch = stack.branch(self.channel)
        tag = _tag_at(lock.wanted, refs)
        if self.by is By.TAG and not tag:
            return Unproven(
                stack=stack.name,
                why=f"its fork has no tag at {lock.wanted[:12]}",
                next=f"git fetch {git} {branch} && "
                f"git push {git} FETCH_HEAD:{_TAGS}{branch}-{lock.base_label}",
            )
        values = {By.REVISION: lock.wanted, By.BRANCH: branch, By.TAG: tag}
        return Certificate(
            stack=stack.name,
            crate=stack.policy.crate,
            git=git,
            by=self.by,
            value=values[self.by],
            branch=branch,
            commit=lock.wanted,
            base=lock.base,
            base_label=lock.base_label,
            patches=tuple(p.name for p in stack.patches),
            builds=tuple(build_told(b) for b in stack.policy.build),
            components=tuple(component_told(s) for s in stack.policy.smoke if not s.canary),
            rustc=said.rustc,
            wasmtime=said.wasmtime,
            key=said.key,
            judged_at=said.judged_at,
        )

    def _unproven(self, stack: Stack, why: str) -> Unproven:
        return Unproven(stack=stack.name, why=why, next=self.again)


def _elsewhere(tip: Oid | None, wanted: Oid) -> str:
    if tip is None:
        return f"{wanted[:12]} is proven and not published"
    return f"{wanted[:12]} is proven, and published is {tip[:12]}"


def _tag_at(commit: Oid, refs: dict[str, Oid]) -> str:
    """Return a tag that people put at ``commit``, '' when there is none."""
    found = (r for r, oid in sorted(refs.items()) if oid == commit and r.startswith(_TAGS))
    # an annotated tag is listed twice: as itself, and with ^{} as the commit it names
    names = (r.removesuffix("^{}") for r in found if not r.startswith(_OURS))
    return next((r.removeprefix(_TAGS) for r in names), "")


def check_project(session: Session, manifest: Path, *, patch: CargoPatch) -> ProjectCheck:
    """Return what a consumer's project makes of a table; it is resolved and built in a copy.

    Raises ``UsageError`` for what is no project, ``RemoteError`` when a registry, a fork or a
    toolchain is out of reach, ``MachineError`` on a full disk.
    """
    with session.alone():
        toolchain = find_toolchain(env=session.ambient, cache=session.cache, say=session.say)
        workshop = workshop_of(session, toolchain)
        folder = session.state / "build" / session.channel.value / "check"
        target_dir = folder / workshop.target_dir.name  # of this toolchain
        make_room(target_dir, say=session.say)
        return consumer.check_project(
            manifest,
            patch=patch,
            folder=folder,
            workshop=dataclasses.replace(workshop, target_dir=target_dir),
            say=session.say,
        )
