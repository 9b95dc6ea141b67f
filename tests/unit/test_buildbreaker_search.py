"""The search for where a line turned bad: which places it asks, and what it then knows."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from forkbot.buildbreaker.search import Found, seek
from forkbot.model.buildbreaker import Ended

GOOD, BAD, UNTRIED = False, True, None
Line = list[bool | None]


def search(
    line: Line, *, most: int = 1000, known: Mapping[int, bool] | None = None, around: bool = True
) -> tuple[list[int], Found]:
    """Return the places of a line that were asked, in order, and what was found."""
    asked: list[int] = []

    def ask(at: int) -> bool | None:
        asked.append(at)
        return line[at]

    def more() -> bool:
        return len([at for at in asked if line[at] is not None]) < most

    found = seek(0, len(line) - 1, ask, more=more, known=known, look_around=around)
    return asked, found


def ends(found: Found) -> tuple[Ended, int | None, int | None]:
    """Return how a search ended, and between which two places."""
    return found.ended, found.good_end, found.bad_end


def test_halves_down_to_two_neighbours_and_then_looks_around() -> None:
    line: Line = [n >= 40 for n in range(100)]
    asked, found = search(line)
    assert ends(found) == (Ended.FOUND, 39, 40)
    assert asked == [99, 0, 50, 25, 38, 44, 41, 40, 39, 75]


def test_what_was_good_again_moves_the_turn_to_where_it_went_bad_for_good() -> None:
    line: Line = [10 <= n < 60 or n >= 80 for n in range(100)]
    asked, found = search(line, known={70: GOOD}, around=False)
    assert (ends(found), found.turns) == ((Ended.FOUND, 79, 80), [])
    asked, found = search(line)
    # the search alone ends at the first turn; the look around finds that it was good once more
    assert (ends(found), found.turns) == ((Ended.FOUND, 79, 80), [10, 75])
    assert len(asked) == 14


def test_what_lies_between_is_told_where_it_cannot_be_tried() -> None:
    _, found = search([GOOD, GOOD, UNTRIED, UNTRIED, BAD])
    assert (ends(found), found.untried) == ((Ended.UNTRIED, 1, 4), {2, 3})
    _, found = search([GOOD, BAD, UNTRIED])
    assert ends(found) == (Ended.UNTRIED, None, None)


def test_a_line_that_is_bad_from_the_first_or_good_at_the_last_has_no_turn() -> None:
    assert search([BAD, GOOD, BAD])[0] == [2, 0]
    assert search([BAD, GOOD, BAD])[1].ended is Ended.EVERYWHERE
    asked, found = search([GOOD, BAD, GOOD])
    assert (asked, found.ended) == ([2], Ended.GREEN)
    assert search([BAD])[1].ended is Ended.EVERYWHERE


def test_without_room_for_a_question_nothing_is_asked() -> None:
    asked, found = search([GOOD, BAD], most=0)
    assert (asked, found.ended) == ([], Ended.BOUNDED)


LINES = st.lists(st.sampled_from([GOOD, BAD, UNTRIED]), min_size=1, max_size=40)


@given(line=LINES, most=st.integers(0, 20), data=st.data())
def test_what_is_found_holds_on_any_line(line: Line, most: int, data: st.DataObject) -> None:
    line[0], line[-1] = line[0] or GOOD, line[-1] or GOOD  # the stack applies at both ends
    tried = [n for n, said in enumerate(line) if said is not None]
    kept = data.draw(st.sets(st.sampled_from(tried)))
    known = {n: bool(line[n]) for n in kept}
    asked, found = search(line, most=most, known=known)
    assert len(asked) == len(set(asked)), "no place is asked twice"
    assert not kept & set(asked), "what is known is not asked"
    assert len([n for n in asked if line[n] is not None]) <= most
    assert all(line[n] is said for n, said in found.bad.items())
    assert all(line[n] is None for n in found.untried)
    good, bad = found.good_end, found.bad_end
    if found.ended is Ended.FOUND:
        assert good is not None
        assert (line[good], line[good + 1], bad) == (GOOD, BAD, good + 1)
    elif found.ended is Ended.UNTRIED and good is not None:
        assert bad is not None
        assert {line[n] for n in range(good + 1, bad)} == {None}
    elif found.ended is Ended.EVERYWHERE:
        assert (line[0], line[-1], good) == (BAD, BAD, None)
    elif found.ended is Ended.GREEN:
        assert line[-1] is GOOD
    elif found.ended is Ended.BOUNDED:
        assert len([n for n in asked if line[n] is not None]) == most


@given(
    size=st.integers(2, 300), turn=st.integers(1, 299), holes=st.sets(st.integers(1, 298)),
    around=st.booleans(),
)  # fmt: skip
def test_one_turn_is_found_where_looking_at_all_places_finds_it(
    size: int, turn: int, holes: set[int], *, around: bool
) -> None:
    turn = min(turn, size - 1)
    line: Line = [UNTRIED if n in holes and n < size - 1 else n >= turn for n in range(size)]
    good = max(n for n, said in enumerate(line) if said is GOOD)
    bad = min(n for n, said in enumerate(line) if said is BAD)
    asked, found = search(line, around=around)
    assert (found.good_end, found.bad_end) == (good, bad)
    assert found.ended is (Ended.FOUND if bad == good + 1 else Ended.UNTRIED)
    probes = [n for n in asked if line[n] is not None]
    assert len(probes) <= 2 + size.bit_length() + 3 * around


@given(size=st.integers(3, 300), turn=st.integers(1, 299), most=st.integers(0, 12))
def test_ended_early_and_begun_again_it_asks_no_more_than_at_a_stretch(
    size: int, turn: int, most: int
) -> None:
    line: Line = [n >= min(turn, size - 1) for n in range(size)]
    first, found = search(line, most=most)
    again, whole = search(line, known=found.bad)
    stretch, _ = search(line)
    assert (whole.good_end, whole.ended) == (min(turn, size - 1) - 1, Ended.FOUND)
    assert len(first) + len(again) == len(stretch)
