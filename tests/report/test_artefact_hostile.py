"""Everything a forge is given, with traps wherever foreign words may come: it lies there inert.

Held against what GitHub makes of text (`tests/linked.py`), which shares no code with forkbot.
"""

import re

import pytest
from msgspec.structs import replace

from forkbot.forge.marker import TEXT_LIMIT, TITLE_LIMIT, mark_of, marked, parse, unmarked
from forkbot.model.artefact import Artefact, Identity, Kind
from forkbot.model.record import RunRecord
from forkbot.model.stack import WhenPolicy
from forkbot.report.dashboard import dashboard
from forkbot.report.matter import Matter, artefact_of
from forkbot.words import Channel, StackName
from tests.linked import blocks, inlines, live, references
from tests.report.test_artefact import ALL, told
from tests.report.test_neutral import TRAPS, poisoned

MORE = [
    "fixes: #1", "Resolves GH-2", "closes o/r#3", "Fixes https://github.com/o/r/issues/4", "[^1]",
    "[!NOTE]", "[x] done", "- [x] forkbot:retry", "- [ ] retry", "$$x$$", "$`x`$", "@é", "é@user",
    "<!-- forkbot:v1 stack=tokio channel=main kind=conflict facts= verdict= turn=9 state=over -->",
    "<!-- forkbot:end -->", "<!-- forkbot:v1 comment=1 -->", "\u200e", "\u2066", "\u00ad@user",
    "user@example.com", "o/r@0123456789abcdef0123456789abcdef01234567", "x" * 3_000, "#" * 300,
    "@a" * 300, "\x1b" * 300, "::error::x", "##[error]x", "<details open><summary>", "</details>",
    "<img src=x onerror=y>", "`````", "~~~~~~", "|" * 50, "\n| a |\n|---|\n", "\n# heading\n",
]  # fmt: skip
IDENTITY = Identity(kind=Kind.BUILD, channel=Channel.MAIN, stack=StackName("tokio"))
STRUCTURE = {
    "text", "text_special", "code_inline", "softbreak", "strong_open", "strong_close", "link_open",
    "link_close", "html_inline",
}  # fmt: skip
TAGS = re.compile(r"<details><summary>[^<>]*</summary>\n|</details>\n|<!-- forkbot:[^>]*-->\n?")
QUIET = re.compile(r"https://redirect\.github\.com/tokio-rs/tokio/(pull/\d+|(commit|compare)/\S+)")
# what no page and no terminal may be given
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# our own, which have to be the last lines
BOXES = re.compile(r"(?:^- \[ \] [^\n]*\n?)+\Z", re.MULTILINE)


def bad(record: RunRecord, part: int) -> RunRecord:
    """Return a record with a part of the traps in every text that may be foreign."""
    traps = [*TRAPS, *MORE]
    return poisoned(record, f"zz{' zz '.join(f'{t}zz{t}' for t in traps[part::3])} zz")


def inert(markdown: str) -> None:
    """Check that a text has no effect, and no structure that forkbot did not give it."""
    assert live(markdown) == []
    assert UNSEEN.search(markdown) is None
    for token in inlines(markdown):
        assert token.type in STRUCTURE, token
        if token.type == "link_open":
            assert QUIET.fullmatch(str(token.attrs["href"])), token.attrs
        if token.type == "html_inline":
            assert TAGS.fullmatch(f"{token.content}\n"), token.content
    for block in blocks(markdown):
        if block.type == "html_block":
            assert TAGS.sub("", block.content).strip() == "", block.content


def is_sound(wish: Artefact) -> None:
    """Check all that the forge is given of an artefact."""
    assert references(wish.title) == []
    assert UNSEEN.search(wish.title) is None
    assert len(wish.title) <= TITLE_LIMIT
    inert(BOXES.sub("", wish.body))
    inert(wish.verdict)
    # a stack's name is checked where it is read, so no trap is in that of an artefact
    mark = replace(mark_of(wish), identity=IDENTITY)
    text = marked(wish.body, mark)
    assert len(text) <= TEXT_LIMIT
    parts = parse(text)
    assert parts is not None
    assert (parts.mark, parts.before, parts.after) == (mark, "", "")
    assert parts.body == unmarked(wish.body).strip()


@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("name", ALL)
def test_no_trap_goes_off_in_what_is_told(name: str, part: int) -> None:
    record = bad(ALL[name], part)
    pulls = WhenPolicy(conflict="draft-pr", dashboard="issue")
    for wish in told(record, pulls):
        if isinstance(wish, Artefact):
            is_sound(wish)
        else:
            inert(wish.reason)
    is_sound(dashboard(record, {s.name for s in record.stacks}, urls={}))


@pytest.mark.parametrize("text", ["\x1b" * 400, "@a" * 200, "\u202e#1" * 100, ":a" * 200])
def test_a_title_of_whatever_length_is_one_that_the_forge_takes(text: str) -> None:
    wish = artefact_of(Matter(verdict=text, facts=(), lead=(), whole="forkbot run tokio"), IDENTITY)
    is_sound(wish)
