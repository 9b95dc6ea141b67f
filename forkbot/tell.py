"""One artefact for a stack and a kind of trouble: planned against what stands there, then written.

The order of writes is such that a run that is killed between any two of them leaves what the next
one goes on from: a comment comes before the text that counts it, and is found by its turn; what is
opened is found by its marker; title, text and state change as one. So nothing is there twice.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import msgspec

from forkbot.errors import RemoteError
from forkbot.forge.base import Draft, Edition, Forge
from forkbot.forge.marker import (
    TITLE_LIMIT,
    Parts,
    checked,
    comment_marked,
    digest,
    mark_of,
    marked,
    parse,
    unmarked,
)
from forkbot.forge.patience import EnoughError
from forkbot.model.artefact import (
    CLOSED_BY_A_PERSON,
    Act,
    Artefact,
    Label,
    Over,
    PullRequest,
    Telling,
    Told,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Open a new one."""

    draft: Draft


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """Say a thing once."""

    told: Told
    text: str
    turn: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """Make title, text and state anew."""

    told: Told
    edition: Edition


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AddLabels:
    """Add what is missing of our labels."""

    told: Told
    labels: tuple[Label, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unlabel:
    """Take one of our labels off."""

    told: Told
    label: Label


Step = Open | Comment | Rewrite | AddLabels | Unlabel


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps of a telling, each one write."""

    telling: Telling
    steps: tuple[Step, ...]
    since: str = ""  # when what it changes was last touched

    @property
    def turn(self) -> tuple[bool, str]:
        """Return when its turn comes, where a run may not write all that there is to write.

        New trouble first; then what waited longest: it is behind what was touched tonight, so
        every night goes on where the last one ended, though each has news of all.
        """
        return self.telling.act not in (Act.OPEN, Act.REOPEN), self.since


def plan_telling(wish: Artefact | Over, told: Sequence[Told], *, repo: str) -> Plan:
    """Return what brings ``told``, all that stands in ``repo``, to ``wish``; nothing is written."""
    mine = [t for t in told if t.mark.identity == wish.identity]
    standing = [t for t in mine if t.open]
    if isinstance(wish, Over):
        # what a person opened again after us is theirs, until there is trouble again
        ours = [t for t in standing if not t.mark.over]
        keep = next(iter(ours), None)
        act, steps = Act.CLOSE if ours else Act.NOTHING, _closing(ours, wish.reason)
    else:
        keep = next((t for t in standing if _fits(t, wish)), None)
        if keep is not None:
            act, steps = _kept(keep, wish)
        elif not standing and mine:
            keep, act, steps = _again(mine[-1], wish)
        else:
            act, steps = Act.OPEN, [_open(wish)]
        for other in standing:
            if other is not keep:
                steps += _closing([other], _elsewhere(other, keep, wish))
    telling = Telling(
        repo=repo,
        identity=wish.identity,
        act=act,
        url=keep.url if keep else "",
        writes=tuple(_words(s) for s in steps),
    )
    since = min((t.updated for t in standing), default="")
    return Plan(telling=telling, steps=tuple(steps), since=since)


def plan_withdrawal(opened: Telling, told: Sequence[Told]) -> Plan | None:
    """Return what closes again what was opened, where another run was quicker; None where not."""
    twins = [t for t in told if t.open and t.mark.identity == opened.identity]
    ours = next((t for t in twins if t.url == opened.url), None)
    if ours is None or not (earlier := [t for t in twins if t.number < ours.number]):
        return None
    steps = _closing([ours], _twice(earlier[0]))
    telling = Telling(
        repo=opened.repo,
        identity=opened.identity,
        act=Act.MEANWHILE,
        url=earlier[0].url,
        writes=tuple(_words(s) for s in steps),
    )
    return Plan(telling=telling, steps=tuple(steps))


def carry_out(plan: Plan, *, forge: Forge) -> Telling:
    """Write what the plan says. A ``RemoteError`` tells what was done and what was not.

    After an ``EnoughError`` nothing more can be told in this run.
    """
    telling = plan.telling
    for step in plan.steps:
        try:
            told = _write(step, repo=telling.repo, forge=forge)
        except RemoteError as e:
            done = ", ".join(telling.writes[: telling.done]) or "nothing"
            left = ", ".join(telling.writes[telling.done :])
            kind = EnoughError if isinstance(e, EnoughError) else RemoteError
            raise kind(
                f"{e.what} (done: {done}; not done: {left})", where=e.where, hint=e.hint
            ) from e
        url = telling.url or (told.url if told else "")
        telling = msgspec.structs.replace(telling, done=telling.done + 1, url=url)
    return telling


def _write(step: Step, *, repo: str, forge: Forge) -> Told | None:
    match step:
        case Open():
            return forge.open_artefact(repo, step.draft)
        case Comment():
            forge.comment(repo, step.told, step.text, turn=step.turn)
        case Rewrite():
            forge.rewrite(repo, step.told, step.edition)
        case AddLabels():
            forge.label(repo, step.told, step.labels)
        case Unlabel():
            forge.unlabel(repo, step.told, step.label)
    return None


def _words(step: Step) -> str:
    match step:
        case Open():
            what = "pull request" if step.draft.pull_request else "issue"
            title = step.draft.title.replace("\u2060", "")  # which keeps it quiet over there
            return f"open {what} {title!r}"
        case Comment():
            return f"comment on {_name(step.told)}"
        case Rewrite():
            if step.edition.open == step.told.open:
                return f"update {_name(step.told)}"
            return f"{'reopen' if step.edition.open else 'close'} {_name(step.told)}"
        case AddLabels():
            return f"label {_name(step.told)} {', '.join(la.name for la in step.labels)}"
        case Unlabel():
            return f"take {step.label.name!r} off {_name(step.told)}"


def _name(told: Told) -> str:
    return f"#{told.number}"


def _fits(told: Told, wish: Artefact) -> bool:
    """Whether it can become the wish: an issue never a pull request, nor one of another branch."""
    return _head(told.pull_request) == _head(wish.pull_request)


def _head(pull: PullRequest | None) -> str | None:
    return pull.head if pull else None


def _title(wish: Artefact) -> str:
    return checked(" ".join(wish.title.split()), what="the title", limit=TITLE_LIMIT)


def _open(wish: Artefact) -> Open:
    text = marked(wish.body, mark_of(wish))
    return Open(
        draft=Draft(
            title=_title(wish), text=text, labels=wish.labels, pull_request=wish.pull_request
        )
    )


def _kept(told: Told, wish: Artefact) -> tuple[Act, list[Step]]:
    """Bring an open one to the wish."""
    steps = [*_current(told, wish), *_labelled(told, wish.labels)]
    return Act.UPDATE if steps else Act.NOTHING, steps


def _again(told: Told, wish: Artefact) -> tuple[Told | None, Act, list[Step]]:
    """Decide about one that is closed: by us, or by a person who is respected."""
    if not told.mark.over and told.mark.facts == digest(wish.facts):
        seen = CLOSED_BY_A_PERSON.name in told.labels
        note: list[Step] = [] if seen else [AddLabels(told=told, labels=(CLOSED_BY_A_PERSON,))]
        return told, Act.LEFT_CLOSED, note
    # GitHub reopens no pull request whose branch was moved meanwhile, as ours are
    if told.pull_request is not None or not _fits(told, wish):
        return None, Act.OPEN, [_open(wish)]
    return told, Act.REOPEN, [*_current(told, wish), *_labelled(told, wish.labels)]


def _current(told: Told, wish: Artefact) -> Iterator[Step]:
    parts = _parts(told)
    news = told.mark.verdict != digest(wish.verdict) or told.mark.over or not told.open
    mark = mark_of(wish, turn=told.mark.turn + news)
    if news:
        yield _comment(told, wish.verdict)
    base = wish.pull_request.base if wish.pull_request else None
    same = (
        told.open
        and mark == told.mark
        and told.title == _title(wish)
        and base == (told.pull_request.base if told.pull_request else None)
        and parts.body == unmarked(wish.body).replace("\r\n", "\n").strip()
    )
    if not same:
        text = marked(wish.body, mark, before=parts.before, after=parts.after)
        edition = Edition(title=_title(wish), text=text, open=True, base=base)
        yield Rewrite(told=told, edition=edition)


def _labelled(told: Told, labels: tuple[Label, ...]) -> Iterator[Step]:
    missing = tuple(la for la in labels if la.name not in told.labels)
    if missing:
        yield AddLabels(told=told, labels=missing)
    if CLOSED_BY_A_PERSON.name in told.labels:
        yield Unlabel(told=told, label=CLOSED_BY_A_PERSON)


def _closing(standing: Sequence[Told], reason: str) -> list[Step]:
    steps: list[Step] = []
    for told in standing:
        parts = _parts(told)
        mark = msgspec.structs.replace(told.mark, over=True, turn=told.mark.turn + 1)
        text = marked(parts.body, mark, before=parts.before, after=parts.after)
        edition = Edition(title=told.title, text=text, open=False)
        steps += [_comment(told, reason), Rewrite(told=told, edition=edition)]
    return steps


def _parts(told: Told) -> Parts:
    parts = parse(told.text)
    assert parts is not None, "a text without a marker is none of ours"
    return parts


def _comment(told: Told, text: str) -> Comment:
    turn = told.mark.turn + 1
    return Comment(told=told, text=comment_marked(text, turn=turn), turn=turn)


def _elsewhere(other: Told, keep: Told | None, wish: Artefact) -> str:
    if keep is not None and _fits(other, wish):
        return _twice(keep)
    kind = "a pull request" if wish.pull_request else "an issue"
    return f"Told in {kind} of its own from now on."


def _twice(keep: Told) -> str:
    return f"Two runs at once told the same; it goes on in {_name(keep)}."
