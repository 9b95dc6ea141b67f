"""Our part of a text: whatever it says and whatever stands around it, it is found again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkbot.forge.marker import comment_marked, is_comment, marked, parse
from forkbot.model.artefact import Identity, Kind, Mark
from forkbot.words import STACK_NAME, Channel, StackName

MARK = Mark(
    identity=Identity(kind=Kind.CONFLICT, channel=Channel.MAIN, stack=StackName("tokio")),
    facts="0123456789abcdef",
    verdict="fedcba9876543210",
    turn=3,
)
# pieces of which a hostile report may be made
PIECES = st.lists(
    st.sampled_from([
        "<!--", " ", "forkbot", ":v1", ":end", "-->", "\n", "\r\n", "stack=mio", "channel=main",
        "kind=conflict", "turn=0", "<!-- forkbot:end -->", "```", "> ", "\u2028", "\x0b", "x",
        "<!-- forkbot:v1 stack=mio channel=main kind=conflict turn=0 -->", "@ann", "FORKBOT",
    ])
).map("".join)  # fmt: skip
AROUND = st.text(st.sampled_from("ab \r\n\t>-#\u00e9"))
MARKS = st.builds(
    Mark,
    identity=st.builds(
        Identity,
        kind=st.sampled_from(Kind),
        channel=st.sampled_from(Channel),
        stack=st.one_of(st.none(), st.from_regex(STACK_NAME.pattern).map(StackName)),
    ),
    facts=st.sampled_from(["", "0123456789abcdef"]),
    verdict=st.sampled_from(["", "0123456789abcdef"]),
    turn=st.integers(0, 10_000),
    over=st.booleans(),
)


@given(body=PIECES, mark=MARKS, before=AROUND, after=AROUND)
def test_what_was_marked_is_taken_apart_again(
    body: str, mark: Mark, before: str, after: str
) -> None:
    before, after = f"{before}\n" if before else "", f"\n{after}" if after else ""
    text = marked(body, mark, before=before, after=after)
    parts = parse(text)
    assert parts is not None
    assert (parts.mark, parts.before, parts.after) == (mark, before, after)
    # to mark it again is to leave it
    assert marked(parts.body, mark, before=before, after=after).replace("\r\n", "\n") == (
        text.replace("\r\n", "\n")
    )


@given(text=PIECES, turn=st.integers(0, 9))
def test_a_comment_has_one_turn(text: str, turn: int) -> None:
    comment = comment_marked(text, turn=turn)
    assert [n for n in range(10) if is_comment(comment, turn=n)] == [turn]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- forkbot:v1 stack=tokio channel=main kind=conflict -->",
        "> <!-- forkbot:v1 stack=tokio channel=main kind=conflict -->\n> <!-- forkbot:end -->",
        "<!-- forkbot:v1 stack=tokio channel=main kind=flood -->\n<!-- forkbot:end -->",
        "<!-- forkbot:v1 stack=tokio channel=side kind=conflict -->\n<!-- forkbot:end -->",
        "<!-- forkbot:v1 stack=../x channel=main kind=conflict -->\n<!-- forkbot:end -->",
        "<!-- forkbot:v1 channel=main kind=conflict turn=x -->\n<!-- forkbot:end -->",
        "<!-- forkbot:v2 channel=main kind=conflict -->\n<!-- forkbot:end -->",
        "<!-- forkbot:end -->\n<!-- forkbot:v1 stack=tokio channel=main kind=conflict -->",
    ],
)
def test_what_is_no_marker_marks_nothing(text: str) -> None:
    assert parse(text) is None


def test_the_plain_marker_is_enough() -> None:
    text = "<!-- forkbot:v1 stack=tokio channel=main kind=conflict -->\nx\n<!-- forkbot:end -->"
    parts = parse(text)
    assert parts is not None
    assert parts.mark == Mark(identity=MARK.identity)


def test_a_marker_is_what_it_says() -> None:
    assert marked("x", MARK).splitlines()[0] == (
        "<!-- forkbot:v1 stack=tokio channel=main kind=conflict facts=0123456789abcdef "
        "verdict=fedcba9876543210 turn=3 -->"
    )
