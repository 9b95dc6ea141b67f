"""The search for the newest place that is green: which places it asks, and what it answers."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from forkbot.ground import newest_green

Answer = tuple[int | None, tuple[int, str]]


def asked(reds: Mapping[int, str], places: list[int]) -> tuple[list[int], Answer]:
    """Return the places that were asked, in order, and the answer."""
    order: list[int] = []

    def red(place: int) -> str:
        order.append(place)
        return reds.get(place, "")

    return order, newest_green(places, red)


def test_a_green_floor_is_asked_alone() -> None:
    assert asked({}, [0, 3, 7]) == ([7], (7, (7, "")))


def test_a_base_that_is_red_leaves_nothing() -> None:
    assert asked({0: "bad", 3: "bad", 7: "worse"}, [0, 3, 7]) == ([7, 0], (None, (7, "worse")))
    assert asked({0: "bad"}, [0]) == ([0], (None, (0, "bad")))


def test_halves_down_to_two_neighbours() -> None:
    reds = {n: f"red {n}" for n in range(40, 100)}
    order, answer = asked(reds, list(range(100)))
    assert answer == (39, (40, "red 40"))
    assert order == [99, 0, 49, 24, 36, 42, 39, 40]


@given(reds=st.lists(st.booleans(), min_size=1, max_size=40))
def test_what_is_found_is_green_and_the_next_is_red(reds: list[bool]) -> None:
    places = list(range(0, 2 * len(reds), 2))
    why = {place: f"red {place}" for place, it in zip(places, reds, strict=True) if it}
    order, answer = asked(why, places)
    green, (bad, said) = answer
    assert len(order) <= 2 + len(reds).bit_length()
    if not reds[-1]:
        assert (green, bad, said) == (places[-1], places[-1], "")
    elif reds[0]:
        assert (green, bad, said) == (None, places[-1], f"red {places[-1]}")
    else:
        assert green is not None
        assert (green not in why, said, bad - green) == (True, why[bad], 2)
