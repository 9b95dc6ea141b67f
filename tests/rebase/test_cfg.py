"""Conditions: read as rustc reads them, compared by truth and not by text."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkbot.rebase.cfg import (
    FALSE,
    TRUE,
    Condition,
    every,
    implies,
    negated,
    on_wasi,
    parse_condition,
    parts_unix_from_wasi,
    some,
)


def test_a_condition_is_read() -> None:
    text = 'all(unix, not(feature = "net"), any(target_os = "wasi", miri,),)'
    assert parse_condition(text) == every(
        (
            Condition("unix"),
            negated(Condition('feature = "net"')),
            some((Condition('target_os = "wasi"'), Condition("miri"))),
        )
    )


@pytest.mark.parametrize("text", ["", "all(", "not()", "not(a, b)", "a b", "=", ")", "any(,)"])
def test_what_is_no_condition_is_a_name_of_its_own(text: str) -> None:
    found = parse_condition(text)
    assert found.parts is None
    assert implies(found, found)
    assert not implies(TRUE, found)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("unix", False),
        ("windows", False),
        ("not(windows)", True),
        ('target_os = "wasi"', True),
        ('all(target_os = "wasi", not(target_env = "p1"))', True),
        ('not(target_family = "wasm")', False),
        ('feature = "net"', None),
        ('all(unix, feature = "net")', False),
        ('any(target_os = "wasi", feature = "net")', True),
        ("test", False),
        ("loom", False),
    ],
)
def test_a_condition_on_wasi(text: str, answer: bool | None) -> None:  # noqa: FBT001
    assert on_wasi(parse_condition(text)) is answer


@pytest.mark.parametrize(
    ("first", "second", "answer"),
    [
        ("unix", 'not(target_os = "wasi")', True),
        ('not(target_os = "wasi")', "unix", False),
        ("unix", "not(windows)", True),
        ("test", 'target_os = "linux"', True),  # no build that anybody publishes
        ('feature = "net"', 'all(feature = "net", not(target_os = "wasi"))', False),
        ('all(tokio_unstable, target_os = "wasi")', 'target_os = "wasi"', True),
        ('target_env = "p2"', 'target_os = "wasi"', True),
        ("any(a, b)", "any(b, a)", True),
        ("unix", 'not(target_os = "vita")', False),
        ("all()", 'not(target_os = "zkvm")', False),
        ("windows", 'not(target_os = "vita")', True),
        ('target_os = "vita"', "not(windows)", True),
        ("not(all(a, b))", "any(not(a), not(b))", True),
    ],
)
def test_what_follows_from_what(first: str, second: str, answer: bool) -> None:  # noqa: FBT001
    assert implies(parse_condition(first), parse_condition(second)) is answer


def test_a_macro_says_its_platform_by_name() -> None:
    unix, no_wasi = Condition("cfg_net_unix!"), Condition("cfg_not_wasi!")
    assert on_wasi(unix) is False
    assert on_wasi(no_wasi) is False
    assert on_wasi(Condition("cfg_net!")) is None
    assert on_wasi(Condition("cfg_not_unix!")) is None
    assert implies(unix, parse_condition('not(target_os = "wasi")'))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("unix", True),
        ('any(unix, target_os = "hermit")', True),
        ("not(windows)", True),
        ('all(unix, feature = "net")', True),
        ("windows", False),
        ('any(target_os = "linux", target_os = "android")', False),
        ('not(any(target_os = "haiku", target_os = "vita"))', False),
        ('feature = "net"', False),
        ("test", False),
    ],
)
def test_what_a_port_must_know_of(text: str, answer: bool) -> None:  # noqa: FBT001
    assert parts_unix_from_wasi(parse_condition(text)) is answer


CONDITIONS = st.recursive(
    st.sampled_from("abcd").map(Condition),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(every),
        st.lists(inner, max_size=3).map(some),
        inner.map(negated),
    ),
    max_leaves=8,
)


def _plain(condition: Condition, given: dict[str, bool]) -> bool:
    """The oracle: Python's own and, or, not."""
    if condition.parts is None:
        return given[condition.word]
    values = [_plain(part, given) for part in condition.parts]
    return {"all": all(values), "any": any(values), "not": values[:1] == [False]}[condition.word]


@given(CONDITIONS, CONDITIONS)
def test_implication_is_by_truth(first: Condition, second: Condition) -> None:
    worlds = [
        dict(zip("abcd", values, strict=True))
        for values in itertools.product((False, True), repeat=4)
    ]
    follows = all(_plain(second, w) for w in worlds if _plain(first, w))
    assert implies(first, second) is follows
    assert implies(FALSE, first)
    assert implies(first, TRUE)


@given(CONDITIONS)
def test_a_condition_survives_its_text(condition: Condition) -> None:
    assert parse_condition(_text(condition)) == condition


def _text(condition: Condition) -> str:
    if condition.parts is None:
        return condition.word
    return f"{condition.word}({', '.join(map(_text, condition.parts))})"
