"""A verdict from another machine, believed as far as it answers this machine's own question.

Where upstream's code ran there is no token, and where the token is none of that code runs: what was
proven comes over as a record. A record is a stranger's word, for upstream's code ran beside whoever
wrote it. Nothing in it counts but the verdict, and that only where it speaks of the very commits
that were recomputed here, and of the very builds and components that the stacks' files ask for.
"""

import dataclasses
from collections.abc import Iterable, Mapping

import msgspec

from forkbot.attempt import Attempt
from forkbot.model.verdict import Build, Colour, FamilyMember, Verdict
from forkbot.rundir import Records
from forkbot.session import Session
from forkbot.text import visible
from forkbot.verification import Verification, held_of, member_of
from forkbot.verify.judge import as_facts, held_builds, verification_key
from forkbot.verify.toolchain import TARGET
from forkbot.words import Channel, StackName


def believe(records: Records, attempts: list[Attempt], *, session: Session) -> Verification:
    """Return what ``records`` prove of ``attempts``; what they do not prove is held, with why.

    A stack that nobody speaks of is as its lock says, if that is about the same result.
    """
    yard = _Yard(
        attempts={a.stack.name: a for a in attempts if a.rebased is not None and not a.stuck},
        session=session,
    )
    parts: dict[StackName, Verdict] = {}
    doubts: dict[StackName, str] = {}
    for record in records.read:
        verdict = record.verdict
        if verdict is None or verdict.channel is not session.channel:
            continue
        why, own = yard.doubt(verdict), yard.own(verdict)
        for member in verdict.members:
            if member.stack in parts or member.stack in doubts:
                parts.pop(member.stack, None)
                doubts[member.stack] = "two records speak of it: only one can be this run's"
            elif why:
                doubts[member.stack] = why
            else:
                parts[member.stack] = own
    unread = f" ({records.troubles[0]})" if records.troubles else ""
    held = held_of(attempts)
    for name, attempt in yard.attempts.items():
        if name in held:
            doubts[name] = held[name]
        elif name not in parts and name not in doubts:
            known = yard.known(attempt)
            if known is None:
                doubts[name] = f"no record says that it was built and run{unread}"
            else:
                parts[name] = known
    held |= {name: why for name, why in doubts.items() if name in yard.attempts}
    nothing = _nothing(session.channel)
    parts = {n: v for n, v in parts.items() if n not in held} | {
        n: msgspec.structs.replace(nothing, builds=held_builds({n: why})) for n, why in held.items()
    }
    return Verification(verdict=_whole(parts, nothing), parts=parts)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Yard:
    """What was recomputed here."""

    attempts: Mapping[StackName, Attempt]
    session: Session

    def doubt(self, verdict: Verdict) -> str:
        """Return why a verdict does not answer this machine's question, or ''."""
        names = [m.stack for m in verdict.members]
        if missing := [name for name in names if name not in self.attempts]:
            return f"its record was made with {missing[0]}, which has no result here"
        for member in verdict.members:
            if other := self._elsewhere(member):
                return other
        if self._key(names, verdict) != verdict.key:
            return "its record answers another question than the stacks' files ask"
        if verdict.reused and not all(self._green(n, verdict.key) for n in names):
            return "its record repeats an older answer, and no stack.lock here has that"
        return ""

    def _elsewhere(self, member: FamilyMember) -> str:
        rebased = self.attempts[member.stack].rebased
        assert rebased is not None
        tip = rebased.facts.tip
        if member.tip == tip:
            return ""
        return (
            f"its record proves {visible(member.tip)[:12]} of {member.stack}, and recomputed here "
            f"that is {(tip or 'nothing')[:12]} on {rebased.facts.onto.label}"
        )

    def _key(self, names: Iterable[StackName], verdict: Verdict) -> str:
        """Return the key of the same question, asked here with that machine's tools."""
        wanted = set(names)
        members = [
            member_of(a, self.session) for n, a in self.attempts.items() if n in wanted
        ]  # fmt: skip
        return verification_key(
            tuple(members), channel=self.session.channel, target=TARGET, rustc=verdict.rustc,
            wasmtime=verdict.wasmtime,
        )  # fmt: skip

    def _green(self, name: StackName, key: str) -> bool:
        lock = self.attempts[name].stack.lock.channel(self.session.channel)
        said = lock.verdict if lock is not None else None
        return said is not None and said.status == "green" and said.key == key

    def own(self, verdict: Verdict) -> Verdict:
        """Return a verdict without what it says of stacks that were no part of it.

        A green one that every lock here remembers is told as that: nothing is new. A red one may
        be new all the same: of a dependency no key knows.
        """
        names = {m.stack for m in verdict.members}
        known = names <= set(self.attempts) and all(self._green(n, verdict.key) for n in names)
        if known and (verdict.reused or verdict.green):
            news = {name: told for name, told in verdict.news.items() if name in names}
            return msgspec.structs.replace(
                verdict, builds=(), smokes=(), attributions=(), known_news=news, reused=True
            )
        return msgspec.structs.replace(
            verdict,
            builds=tuple(b for b in verdict.builds if b.stack in names),
            smokes=tuple(s for s in verdict.smokes if s.stack in names),
        )

    def known(self, attempt: Attempt) -> Verdict | None:
        """Return what the stack's own lock proves of this very result, if anything."""
        lock = attempt.stack.lock.channel(self.session.channel)
        assert attempt.rebased is not None
        if lock is None or lock.verdict is None or lock.result != attempt.rebased.facts.tip:
            return None
        if lock.verdict.status != "green":
            return None
        return msgspec.structs.replace(
            _nothing(self.session.channel),
            key=lock.verdict.key, rustc=lock.verdict.rustc, wasmtime=lock.verdict.wasmtime,
            members=as_facts((member_of(attempt, self.session),)), reused=True,
            known_news={attempt.stack.name: lock.verdict.news} if lock.verdict.news else {},
        )  # fmt: skip


def _nothing(channel: Channel) -> Verdict:
    return Verdict(
        channel=channel, key="", target=TARGET, rustc="", wasmtime="", members=(), builds=(),
        smokes=(),
    )  # fmt: skip


def _whole(parts: Mapping[StackName, Verdict], nothing: Verdict) -> Verdict:
    """Return all that is said, as one; a family's problem stays its own."""
    said = list({id(v): v for v in parts.values()}.values())
    first = next((v for v in said if v.members), nothing)
    several = len([v for v in said if v.members]) > 1
    if several:
        said = [_as_builds(v) for v in said]
    return msgspec.structs.replace(
        first,
        key="" if several else first.key,
        members=tuple(m for v in said for m in v.members),
        builds=tuple(b for v in said for b in v.builds),
        smokes=tuple(s for v in said for s in v.smokes),
        problems=tuple(p for v in said for p in v.problems),
        attributions=tuple(a for v in said for a in v.attributions),
        known_news={name: told for v in said for name, told in v.known_news.items()},
        reused=first.reused and all(v.reused for v in said if v.members),
    )


def _as_builds(verdict: Verdict) -> Verdict:
    """Return a verdict whose problems are told of its own stacks alone."""
    if not verdict.problems:
        return verdict
    why = verdict.problems[0]
    reds = tuple(
        Build(stack=m.stack, package=m.stack, features=(), default_features=True,
              colour=Colour.RED, units=0, seconds=0.0, why=why)
        for m in verdict.members
    )  # fmt: skip
    return msgspec.structs.replace(verdict, builds=reds, problems=())
