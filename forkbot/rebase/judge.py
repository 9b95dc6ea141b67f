"""What a rebase means: for each patch its fate and all that is to be said of it.

Each question has a module of its own that takes the ``Case`` and answers with facts; here they are
only put together.
"""

import dataclasses

from forkbot.git.workbench import Workbench
from forkbot.model.conflict import Breaker
from forkbot.model.fate import Fate, PatchOutcome
from forkbot.model.judgement import Drift, Floor, Suspicion, Without
from forkbot.rebase.breaker import find_breakers
from forkbot.rebase.case import Case, Pushed
from forkbot.rebase.conflict import describe_conflict
from forkbot.rebase.drift import find_drifts
from forkbot.rebase.floor import find_floor
from forkbot.rebase.line import first_parents
from forkbot.rebase.news import News
from forkbot.rebase.proposal import find_proposals
from forkbot.rebase.rangediff import range_diffs
from forkbot.rebase.rest import find_rest
from forkbot.rebase.suspicion import find_suspicions


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is to be said of each patch, in the order of the series, and of the whole."""

    outcomes: tuple[PatchOutcome, ...]
    upstream_commits: int
    floor: Floor | None
    without: Without | None
    suspicions: tuple[Suspicion, ...]
    drifts: tuple[Drift, ...]


def judge(case: Case, *, bench: Workbench) -> Judgement:
    """Return what a rebase means."""
    breakers = _breakers(case, bench)
    diffs = range_diffs(case, bench=bench)
    proposed = find_proposals(case, bench=bench)
    news = News(case, bench=bench)
    return Judgement(
        outcomes=tuple(
            proposed[pushed.patch.name].told(
                _outcome(case, pushed, breakers, diffs.get(pushed.patch.name, ""), bench)
            )
            for pushed in case.pushed
        ),
        upstream_commits=_upstream_commits(case, bench),
        floor=find_floor(case, bench=bench),
        without=find_rest(case, bench=bench),
        suspicions=find_suspicions(case, news, bench=bench),
        drifts=find_drifts(case, news, bench=bench),
    )


def _upstream_commits(case: Case, bench: Workbench) -> int:
    if not (case.moved and case.linear):
        return 0
    return len(first_parents(bench, case.base.commit, case.onto.commit, None))


def _breakers(case: Case, bench: Workbench) -> tuple[Breaker, ...]:
    """Return who broke the patch that stopped the series; nobody when none did, or none can be."""
    if case.stopped is None or not case.linear:
        return ()
    upto = slice(case.stopped + 1)
    kept = tuple(
        change
        for change, pushed in zip(case.changes[upto], case.pushed[upto], strict=True)
        if pushed.fate is not Fate.MERGED
    )
    return find_breakers(kept, base=case.base, onto=case.onto, bench=bench)


def _outcome(
    case: Case, pushed: Pushed, breakers: tuple[Breaker, ...], range_diff: str, bench: Workbench
) -> PatchOutcome:
    patch = pushed.patch
    fate = _fate(case, pushed)
    evidence = pushed.evidence
    if fate is Fate.EMPTY and pushed.replays:
        evidence = f"so it was resolved by {pushed.replays[0].author} on {pushed.replays[0].date}"
    elif fate is Fate.EMPTY:
        evidence = f"on {case.onto.label} the merge leaves nothing of it: upstream has this content"
    conflict = None
    if pushed.conflict is not None:
        conflict = describe_conflict(case, pushed, breakers, bench=bench)
    return PatchOutcome(
        name=patch.name,
        fate=fate,
        subject=patch.subject,
        purpose=patch.purpose,
        upstream_status=patch.upstream_status.value,
        drop_when=patch.drop_when,
        commit=pushed.commit,
        evidence=evidence,
        conflict=conflict,
        replays=pushed.replays,
        range_diff=range_diff,
    )


def _fate(case: Case, pushed: Pushed) -> Fate:
    if pushed.fate is not Fate.SHIFTED:
        return pushed.fate
    if not case.moved:
        return Fate.UNCHANGED
    adapted = pushed.replays or pushed.evidence or case.rewritten(pushed.patch)
    return Fate.ADAPTED if adapted else Fate.SHIFTED
