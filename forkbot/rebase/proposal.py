"""What a person may drop: patches that upstream seems to have, wholly or in part. Never acts.

Four grounds, each a module: likeness, hunks that upstream has line for line, what the header's
Upstream-Status names, and its Drop-When. Reading all of upstream's diffs costs half a millisecond
a commit; that is done for a patch in conflict, and for others only when the sum of what upstream
changed says that it is worth it.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping

import msgspec

from forkbot.git.workbench import Workbench
from forkbot.model.fate import Fate, PatchOutcome
from forkbot.model.judgement import DropCheck, Proposal, ProposalKind
from forkbot.model.stack import Patch, UpstreamStatus
from forkbot.model.upstream import UpstreamCommit
from forkbot.rebase.case import Case
from forkbot.rebase.dropwhen import check_drop
from forkbot.rebase.likeness import (
    FEWEST,
    LIKELY,
    PARTLY,
    Likeness,
    added_lines,
    likeness,
    novel_lines,
)
from forkbot.rebase.line import first_parents, upstream_commits
from forkbot.rebase.named import NamedCommits
from forkbot.rebase.partly import TakenHunks, taken_hunks
from forkbot.words import Oid, PatchName

_LINKS = (UpstreamStatus.SUBMITTED, UpstreamStatus.ACCEPTED, UpstreamStatus.BACKPORT)
_DELIVERS = (ProposalKind.SUPERSEDED, ProposalKind.STATUS, ProposalKind.CONDITION)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What is proposed for one patch, and its Drop-When."""

    proposals: tuple[Proposal, ...]
    drop_check: DropCheck

    def told(self, outcome: PatchOutcome) -> PatchOutcome:
        """Return the patch's outcome with what is proposed.

        In conflict, a patch that upstream seems to deliver is superseded: its conflict still stops
        the series, but the question it asks is another.
        """
        deliver = [p.evidence for p in self.proposals if p.kind in _DELIVERS]
        superseded = outcome.fate is Fate.CONFLICT and deliver
        return msgspec.structs.replace(
            outcome,
            fate=Fate.SUPERSEDED if superseded else outcome.fate,
            evidence=deliver[0] if superseded else outcome.evidence,
            proposals=self.proposals,
            drop_check=self.drop_check,
        )


def find_proposals(case: Case, *, bench: Workbench) -> dict[PatchName, Proposed]:
    """Return for each patch what a person may decide about it."""
    named = NamedCommits(
        upstream=case.stack.policy.upstream.git, base=case.base, onto=case.onto, bench=bench
    )
    staying = {p.patch.name for p in case.pushed if p.fate not in (Fate.MERGED, Fate.EMPTY)}
    alike = _likenesses(case, staying, bench)
    found = {}
    for patch in case.stack.patches:
        check = check_drop(patch, case, named=named, bench=bench)
        proposals: tuple[Proposal, ...] = ()
        if patch.name in staying:
            proposals = (
                *_content(patch, case, alike.get(patch.name), bench),
                *_status(patch, named),
                *_condition(check),
            )
        found[patch.name] = Proposed(proposals=proposals, drop_check=check)
    return found


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Alike:
    likeness: Likeness
    lines: int  # of the patch: new ones that say something

    @property
    def worth(self) -> bool:
        """Whether the sum of upstream's changes is near enough to look at each of them.

        What upstream rewrote after taking it is lost to the sum: a quarter in a year of mio's.
        """
        return self.likeness.share >= PARTLY / 2


_Novel = Mapping[PatchName, frozenset[bytes]]
_Alikes = Mapping[PatchName, _Alike]


def _likenesses(case: Case, names: Collection[PatchName], bench: Workbench) -> _Alikes:
    if not (case.moved and case.linear and case.changes):
        return {}
    last = case.changes[-1].after
    novel = {
        c.patch.name: novel_lines(c.before, c.after, base=case.base.tree, last=last, bench=bench)
        for c in case.changes
        if c.patch.name in names
    }
    novel = {name: lines for name, lines in novel.items() if len(lines) >= FEWEST}
    if case.stopped is None or case.pushed[case.stopped].patch.name not in novel:
        all_in_one = {case.onto.commit: case.base.commit}
        sums = _compare(novel, all_in_one, bench)
        novel = {name: novel[name] for name, found in sums.items() if found.worth}
    line = first_parents(bench, case.base.commit, case.onto.commit, None) if novel else []
    return _compare(novel, {oid: bench.objects.parents(oid)[0] for oid in line}, bench)


def _compare(novel: _Novel, steps: Mapping[Oid, Oid], bench: Workbench) -> _Alikes:
    if not novel:
        return {}
    added = added_lines(steps, frozenset().union(*novel.values()), bench=bench)
    found = {name: likeness(lines, added) for name, lines in novel.items()}
    return {n: _Alike(likeness=f, lines=len(novel[n])) for n, f in found.items() if f is not None}


def _content(
    patch: Patch, case: Case, alike: _Alike | None, bench: Workbench
) -> Iterator[Proposal]:
    """Yield one proposal for what upstream has of the patch's content, by lines and by hunks."""
    exact = None
    if case.moved:
        exact = taken_hunks(
            patch.diff, base=case.base, onto=case.onto, linear=case.linear, bench=bench
        )
    share = alike.likeness.share if alike else 0
    if exact is None and share < PARTLY:
        return
    every = exact is not None and len(exact.taken) == exact.hunks
    oids = dict.fromkeys(alike.likeness.commits if alike and share >= PARTLY else ())
    oids |= dict.fromkeys(exact.commits if exact else ())
    told = upstream_commits(bench, oids)
    yield Proposal(
        kind=ProposalKind.SUPERSEDED if every or share >= LIKELY else ProposalKind.PARTLY,
        evidence="; ".join((*_by_lines(alike, told), *_by_hunks(exact, case))),
        commits=tuple(told[oid] for oid in oids),
        likeness=round(share, 2) if share >= PARTLY else None,
        hunks=exact.hunks if exact else 0,
        taken=len(exact.taken) if exact else 0,
    )


def _by_lines(alike: _Alike | None, told: Mapping[Oid, UpstreamCommit]) -> Iterator[str]:
    if alike is None or alike.likeness.share < PARTLY:
        return
    commits = [f"{oid[:12]} ({told[oid].subject})" for oid in alike.likeness.commits]
    adds = "add between them" if commits[1:] else "adds"
    yield f"{', '.join(commits)} {adds} {alike.likeness.lines} of its {alike.lines} new lines"


def _by_hunks(exact: TakenHunks | None, case: Case) -> Iterator[str]:
    if exact is not None:
        places = ", ".join(dict.fromkeys(h.path.decode(errors="replace") for h in exact.taken))
        count = f"{len(exact.taken)} of its {exact.hunks} hunks"
        yield f"{case.onto.label} has {count} as they are, in {places}"


def _status(patch: Patch, named: NamedCommits) -> Iterator[Proposal]:
    if patch.upstream_status not in _LINKS:
        return
    found = named.find(patch.upstream_reference)
    if found.commit is not None and found.new:
        yield Proposal(
            kind=ProposalKind.STATUS,
            evidence=f"{patch.upstream_reference} is {found.commit.commit[:12]} "
            f"({found.commit.subject})",
            commits=(found.commit,),
        )


def _condition(check: DropCheck) -> Iterator[Proposal]:
    if check.met:
        yield Proposal(
            kind=ProposalKind.CONDITION, evidence=f"`{check.condition}`: {check.evidence}"
        )
