"""Our part of a text on the forge: hidden marker, report, end; what people write around it stays.

    <!-- forkbot:v1 stack=tokio channel=main kind=conflict facts=… verdict=… turn=0 -->
    the report
    <!-- forkbot:end -->

Only whole lines are markers. What a report quotes may hold such lines too, from somebody who would
like to be us; the quotation is broken by a character that is not seen, so the first marker is ours
and the first end after it is its end.
"""

import dataclasses
import hashlib
import re

from forkbot.errors import ForkbotError
from forkbot.model.artefact import Artefact, Identity, Kind, Mark
from forkbot.words import STACK_NAME, Channel, StackName

TEXT_LIMIT = 65_536  # GitHub's for a body and for a comment, in characters
TITLE_LIMIT = 256
_BEGIN = re.compile(r"^<!-- forkbot:v1 ([a-z0-9=_ -]+) -->\r?$", re.MULTILINE)
_END = re.compile(r"^<!-- forkbot:end -->\r?$", re.MULTILINE)
_FAKE = re.compile(r"<!--(?=\s*forkbot)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A text on the forge, taken apart; put together again it is the same text."""

    before: str
    mark: Mark
    body: str
    after: str


def digest(text: str) -> str:
    """Return a short digest, for a marker."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def mark_of(artefact: Artefact, *, turn: int = 0) -> Mark:
    """Return the marker of an artefact that is open."""
    return Mark(
        identity=artefact.identity,
        facts=digest(artefact.facts),
        verdict=digest(artefact.verdict),
        turn=turn,
    )


def marked(body: str, mark: Mark, *, before: str = "", after: str = "") -> str:
    """Return the whole text; ``ForkbotError`` when it is longer than the forge takes."""
    text = f"{before}{_line(mark)}\n{unmarked(body).strip()}\n<!-- forkbot:end -->{after}"
    return checked(text, what=f"the report of {mark.identity.kind.value}")


def moved(text: str, *, onto: str) -> str:
    """Return ``text`` with what people have around our part now: they may have written since."""
    ours, there = parse(text), parse(onto)
    if ours is None or there is None:
        return text
    return marked(ours.body, ours.mark, before=there.before, after=there.after)


def checked(text: str, *, what: str, limit: int = TEXT_LIMIT) -> str:
    """Return ``text``; ``ForkbotError`` when it is longer than the forge takes."""
    if len(text) > limit:
        raise ForkbotError(
            f"{what} has {len(text):,} characters; GitHub takes {limit:,}",
            hint="this is a fault of forkbot's: reports leave out whole sections to fit",
        )
    return text


def unmarked(text: str) -> str:
    """Return foreign text in which nothing is taken for a marker."""
    return _FAKE.sub("<!\u200b--", text)


def parse(text: str) -> Parts | None:
    """Return the parts of a text with our marker, None when it has none."""
    begin = _BEGIN.search(text)
    end = _END.search(text, begin.end()) if begin else None
    mark = _mark(begin[1]) if begin else None
    if begin is None or end is None or mark is None:
        return None
    # a person's browser sends the whole text with CRLF, our part too
    body = text[begin.end() : end.start()].replace("\r\n", "\n").strip()
    after = text[end.end() - end[0].endswith("\r") :]
    return Parts(before=text[: begin.start()], mark=mark, body=body, after=after)


def comment_marked(text: str, *, turn: int) -> str:
    """Return a comment that is found again by its turn."""
    whole = f"{_comment_line(turn)}\n{unmarked(text).strip()}"
    return checked(whole, what="a comment")


def is_comment(text: str, *, turn: int) -> bool:
    """Return whether a comment's text is the one of that turn."""
    return text.splitlines()[:1] == [_comment_line(turn)]


def _comment_line(turn: int) -> str:
    return f"<!-- forkbot:v1 comment={turn} -->"


def _line(mark: Mark) -> str:
    identity = mark.identity
    words = {
        **({"stack": identity.stack} if identity.stack else {}),
        "channel": identity.channel.value,
        "kind": identity.kind.value,
        "facts": mark.facts,
        "verdict": mark.verdict,
        "turn": str(mark.turn),
        **({"state": "over"} if mark.over else {}),
    }
    return f"<!-- forkbot:v1 {' '.join(f'{k}={v}' for k, v in words.items() if v)} -->"


def _mark(text: str) -> Mark | None:
    words = dict(word.partition("=")[::2] for word in text.split())
    stack, turn = words.get("stack"), words.get("turn", "0")
    try:
        kind, channel = Kind(words.get("kind")), Channel(words.get("channel"))
    except ValueError:
        return None
    if (stack is not None and not STACK_NAME.fits(stack)) or not turn.isdecimal():
        return None
    return Mark(
        identity=Identity(kind=kind, channel=channel, stack=StackName(stack) if stack else None),
        facts=words.get("facts", ""),
        verdict=words.get("verdict", ""),
        turn=int(turn),
        over=words.get("state") == "over",
    )
