"""What is to be told of one stack and one kind of trouble, and the artefact that it becomes.

Nothing in it changes from one run to the next unless upstream, the stack or the trouble did: no
number of a run, no time, no port. Else every night would rewrite every artefact.
"""

import dataclasses
import re

from forkbot.model.artefact import KIND_LABELS, Artefact, Identity, Kind, PullRequest
from forkbot.model.order import Order, checkboxes
from forkbot.report.document import (
    Block,
    Document,
    Line,
    Listing,
    Paragraph,
    Section,
    Strong,
    Weight,
)
from forkbot.report.markdown import render_body
from forkbot.report.neutral import inline
from forkbot.report.neutral import title as quiet_title
from forkbot.report.phrases import clip
from forkbot.words import Channel

LIMIT = 60_000  # of 65,536: what people write around it stays, and needs room
_TITLE = 160
_QUIET_TITLE = 256  # as long as GitHub takes: foreign words grow when they are made harmless
_SENTENCE = 400
_FOOT: Line = (
    "forkbot keeps this current, and closes it when it is over. Close it yourself, and it stays ",
    "closed until the facts change. What you write above or below this report is kept.",
)
_CHANGING = (
    (re.compile(r"\b(127\.0\.0\.1|localhost|\[::1\]):\d+"), r"\1:…"),
    (re.compile(r"\b0x[0-9a-f]{4,}\b", re.IGNORECASE), "0x…"),
    (re.compile(r"(/tmp|/var/tmp)/[^\s:'\"]+"), r"\1/…"),
    (re.compile(r"\b\d+(?:\.\d+)?\s?(ns|µs|us|ms|s|secs?|seconds|milliseconds)\b"), r"… \1"),
    (re.compile(r"(\bthread '[^']*' )\(\d+\)"), r"\1(…)"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?"), "…"),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One trouble of one stack, in plain words.

    ``verdict`` is one line without a full stop, and the title; ``state`` says how far people are
    with it: a comment follows both. ``facts`` make the trouble the trouble it is. ``lead`` is what
    comes of it and what to do. ``orders`` are what people may tell the bot to do about it.
    """

    verdict: str
    state: str = ""
    facts: tuple[str, ...]
    lead: tuple[Block, ...]
    steps: tuple[str, ...] = ()  # to type
    typed: str = "Next, in a clone of the stacks repository:"
    sections: tuple[Section, ...] = ()
    orders: tuple[Order, ...] = (Order.PAUSE,)
    whole: str  # the command that shows all of it


def steady(text: str) -> str:
    """Return what a program said without what it says otherwise each time: ports, times."""
    for pattern, same in _CHANGING:
        text = pattern.sub(same, text)
    return text


def artefact_of(
    matter: Matter, identity: Identity, *, pull_request: PullRequest | None = None
) -> Artefact:
    """Return what speaks for the matter on the forge."""
    told = f"{_whose(identity)}: {matter.verdict}"
    return Artefact(
        identity=identity,
        title=clip(quiet_title(clip(told, _TITLE)), _QUIET_TITLE),
        body=_body(matter),
        facts="\n".join(matter.facts),
        verdict=_said(told, matter.state),
        labels=(KIND_LABELS[identity.kind],),
        pull_request=pull_request,
    )


def _said(told: str, state: str) -> str:
    sentence = f"**{inline(clip(told, _SENTENCE)).removesuffix('.')}.**"
    return f"{sentence}\n\n{inline(clip(state, 1_000))}" if state else sentence


def _whose(identity: Identity) -> str:
    name = identity.stack or ("forkbot" if identity.kind is Kind.WATCH else "the family")
    return f"{name} (release)" if identity.channel is Channel.RELEASE else name


def _body(matter: Matter) -> str:
    blocks: list[Block] = []
    if matter.state:
        blocks.append(Paragraph((Strong(clip(matter.state, 1_000)),)))
    blocks += matter.lead
    if matter.steps:
        blocks += [Paragraph((matter.typed,)), Listing(text="\n".join(matter.steps), language="sh")]
    top = Section(weight=Weight.MUST, blocks=tuple(blocks))
    sections = (top, *matter.sections)
    document = Document(title="", sections=sections, origin=_FOOT, whole=matter.whole)
    # the boxes come last, where nothing that is quoted can stand for one
    return f"{render_body(document, limit=LIMIT)}\n{checkboxes(matter.orders)}"
