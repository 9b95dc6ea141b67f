"""Since when something is red: between which two upstream commits, and with which patch."""

from collections.abc import Iterator
from typing import assert_never

from forkbot.model.buildbreaker import BuildBreaker, Ended, Spot, Turn
from forkbot.model.probe import Red, RedKind
from forkbot.model.record import RunRecord
from forkbot.report.document import Block, Items, Line, Listing, Paragraph, Section, Strong, Weight
from forkbot.report.links import Web, short
from forkbot.report.phrases import clip, count, listed
from forkbot.report.steps import search_on

_TURNS_SHOWN = 6


def broken(breaker: BuildBreaker) -> str:
    """Return in one line since when something is red along one stack's upstream and series."""
    parts = [_since(breaker)]
    if breaker.patches.ended in (Ended.FOUND, Ended.BOUNDED) and not breaker.unsteady:
        parts.append(_patch(breaker.patches))
    return f"{breaker.stack}: {'; '.join(parts)}"


def found_out(record: RunRecord) -> tuple[str, ...]:
    """Return a line for each stack that was searched; where one is to blame, for that alone."""
    return tuple(broken(b) for b, _ in _told(record))


def _told(record: RunRecord) -> Iterator[tuple[BuildBreaker, tuple[BuildBreaker, ...]]]:
    """Yield of each red what names a commit or a patch, with what was searched in vain before.

    A search ends with the first stack that has one. Where none has, each speaks for itself.
    """
    reds: dict[tuple[str, str], list[BuildBreaker]] = {}
    for breaker in record.breakers:
        reds.setdefault((breaker.red.stack, breaker.red.name), []).append(breaker)
    for searched in reds.values():
        *before, last = searched
        if last.commit or last.patch:
            yield last, tuple(before)
        else:
            yield from ((b, ()) for b in searched)


def breaker_sections(record: RunRecord, *, stack: str | None = None) -> Iterator[Section]:
    """Yield since when something is red, and how that is known; of one stack's red, or of any."""
    pages = {s.name: s for s in record.stacks}
    for breaker, before in _told(record):
        if stack is not None and stack not in (breaker.stack, breaker.red.stack):
            continue
        known = pages.get(breaker.stack)
        web = Web.of(known, record.channel) if known else Web()
        in_vain = ((f"Searched before, in vain: {broken(b)}.",) for b in before)
        evidence = Items((*_evidence(breaker, web), *in_vain))
        blocks: tuple[Block, ...] = (Paragraph((Strong(f"{_capital(_since(breaker))}."),)),)
        more = (Listing(text=search_on(breaker, record), language="sh"),) * breaker.unfinished
        yield Section(
            title=(f"{breaker.stack}: since when {_what(breaker.red)}",),
            weight=Weight.TROUBLE, blocks=(*blocks, evidence, *more, *_said(breaker)),
            shorter=(blocks,),
        )  # fmt: skip


def _what(red: Red) -> str:
    match red.kind:
        case RedKind.BUILD:
            return f"{clip(red.name, 120)} does not build"
        case RedKind.WARNING:
            return f"{clip(red.name, 120)} warns"
        case RedKind.SMOKE:
            return f"{red.stack}'s {clip(red.name, 80)} is red"
        case RedKind.GRAPH:
            return "the crate graph is red"
        case _:
            assert_never(red.kind)


def _since(breaker: BuildBreaker) -> str:
    turn, now = breaker.upstream, breaker.now
    if breaker.unsteady:
        return f"it comes and goes by itself: {clip(breaker.unsteady, 300)}"
    told = _turned(turn, breaker)
    if now is None or now.ended is not Ended.FOUND or now.bad is None:
        return told
    return f"{told}, and red as it is now since {_name(now.bad)}"


def _turned(turn: Turn, breaker: BuildBreaker) -> str:
    match turn.ended:
        case Ended.FOUND if turn.bad is not None:
            return f"red since {_name(turn.bad)}"
        case Ended.EVERYWHERE:
            return f"red on its base, {clip(breaker.base)}, too: nothing upstream did since is why"
        case Ended.GREEN:
            return "built and run once more it is green: it comes and goes by itself"
        case Ended.NOTHING | Ended.STOPPED:
            return f"not searched along upstream: {clip(turn.why, 200)}"
        case _:
            return _range(turn)


def _range(turn: Turn) -> str:
    """Return between which places the turn is, when it could not be told which one it is."""
    if turn.good is None or turn.bad is None:
        return "nothing is known yet: there was no room for two builds"
    ends = f"green on {_name(turn.good)}, red on {_name(turn.bad)}"
    many = turn.between + turn.untried + 1
    why = []
    if turn.untried:
        why.append(f"the stack does not apply to {turn.untried:,} of them")
    if turn.between:
        why.append(f"{turn.between:,} were not built")
    return f"red since one of {count(many, 'commit')}: {ends}; {' and '.join(why)}"


def _patch(turn: Turn) -> str:
    """Return with which patch it turns red; nothing of that is known where a search had no room."""
    if turn.good is None or turn.bad is None:
        return "not searched along the series for want of room"
    before = "green" if turn.good.red is None else "red otherwise"
    if turn.ended is Ended.BOUNDED:
        many = count(turn.between, "patch", "patches")
        return f"{before} on {clip(turn.good.label)}, and {many} not tried beyond"
    return f"it takes patch {turn.bad.patch}, and is {before} with those before it"


def _name(spot: Spot) -> str:
    if spot.commit is None:
        return clip(spot.label)
    if spot.commit.author == "forkbot":  # a release: its name is all there is to say
        return short(spot.commit)
    subject = spot.commit.subject.removesuffix(f"(#{spot.commit.pull_request})")
    return f"{short(spot.commit)} ({clip(subject, 100)})"


def _evidence(breaker: BuildBreaker, web: Web) -> Iterator[Line]:
    """Yield what was built and run, end for end."""
    turns = (breaker.upstream, breaker.now) if breaker.now else (breaker.upstream,)
    yield from dict.fromkeys(line for turn in turns for line in _ends(turn, web))
    if breaker.upstream.came_and_went:
        spots = breaker.upstream.came_and_went
        told = [f"{'red' if s.red else 'green'} on {clip(s.label, 60)}" for s in spots]
        yield (f"It came and went before: {listed(told, most=_TURNS_SHOWN)}.",)
    yield from _series(breaker)


def _series(breaker: BuildBreaker) -> Iterator[Line]:
    """Yield what was built with fewer of the patches."""
    patches = breaker.patches
    match patches.ended:
        case Ended.FOUND | Ended.BOUNDED:
            yield (f"Along the series, on {clip(breaker.onto)}: {_patch(patches)}.",)
            if patches.good is not None and patches.good.red is not None:
                yield (f"Before that patch: {clip(patches.good.red.why, 300)}.",)
        case Ended.EVERYWHERE:
            yield (f"Without any patch, {clip(breaker.onto)} is red in the same way.",)
        case Ended.NOTHING | Ended.STOPPED:
            yield (f"Along the series: {clip(patches.why, 200)}.",)
        case _:
            pass


def _ends(turn: Turn, web: Web) -> Iterator[Line]:
    for spot in (turn.good, turn.bad):
        if spot is not None:
            who = web.told(spot.commit) if spot.commit else (clip(spot.label),)
            why = (f": {clip(spot.red.why, 300)}",) if spot.red else ()
            yield ("Red on " if spot.red else "Green on ", *who, *why)


def _said(breaker: BuildBreaker) -> tuple[Block, ...]:
    """Return what the tools said where it first was red, if that is not what they say now."""
    first = breaker.upstream.bad
    if breaker.now is None or first is None or first.red is None:
        return ()
    said = "\n".join(d.rendered or d.message for d in first.red.errors) or first.red.output
    return (Listing(text=said),) if said else ()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
