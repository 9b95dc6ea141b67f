"""Texts beside each other: every line of each side stands once, in order, beside what it became."""

from hypothesis import given
from hypothesis import strategies as st

from forkbot.report.sides import Row, aligned, changed, diff, lines_of

LINES = st.lists(st.sampled_from(["a", "b", "use std::io;", "use std::vec;", "", "}"]), max_size=8)
text = LINES.map(lambda lines: "".join(f"{line}\n" for line in lines))


def test_a_line_stands_beside_the_one_it_became() -> None:
    base = 'bytes = "1.0"\nmio = "1.0"\n'
    ours = '# switch once it is merged\nbytes = "1.0"\n# later\nmio = { git = "1.0" }\n'
    upstream = 'bytes = "1.2"\n'
    assert aligned(base, upstream, ours) == (
        Row(base=None, upstream=None, ours="# switch once it is merged"),
        Row(base='bytes = "1.0"', upstream='bytes = "1.2"', ours='bytes = "1.0"'),
        Row(base=None, upstream=None, ours="# later"),
        Row(base='mio = "1.0"', upstream=None, ours='mio = { git = "1.0" }'),
    )


@given(text, text, text)
def test_no_line_is_lost(base: str, upstream: str, ours: str) -> None:
    rows = aligned(base, upstream, ours)
    assert [r.base for r in rows if r.base is not None] == lines_of(base)
    assert [r.upstream for r in rows if r.upstream is not None] == lines_of(upstream)
    assert [r.ours for r in rows if r.ours is not None] == lines_of(ours)


@given(text, text)
def test_a_diff_holds_both_texts(before: str, after: str) -> None:
    told = diff(before, after, above="above", below="below").split("\n")
    assert told[0] == " above"
    assert told[-1] == " below"
    assert [line[1:] for line in told[1:-1] if line[0] in " -"] == lines_of(before)
    assert [line[1:] for line in told[1:-1] if line[0] in " +"] == lines_of(after)


@given(st.text(max_size=30), st.text(max_size=30))
def test_words_that_are_not_marked_were_there(before: str, after: str) -> None:
    spans = changed(before, after)
    kept = "".join(c for n, c in enumerate(after) if not any(a <= n < b for a, b in spans))
    it = iter(before)
    assert all(c in it for c in kept)


def test_a_thousand_equal_lines_take_no_time() -> None:
    told = diff("same\n" * 1_000, "same\n" * 1_001)
    assert told.count("\n-") + told.startswith("-") == 1_000
    assert len(aligned("same\n" * 1_000, "same\n" * 1_001, "")) == 1_001


def test_words_changed_in_a_line_are_marked() -> None:
    assert changed("spawn(move || {", 'spawn("dns", move || {') == ((6, 13),)
