"""A commit's words on their way to a forge: the same to a reader, and without any effect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkbot.text import quiet
from tests.linked import references

LOUD = [
    "@torvalds", "(@org/team)", "+@user", "é@user", "fixes #1", "Closes: #22", "resolved gh-3",
    "GH-4", "éGH-4", "#5", "rust-lang/rust#6", "user#7", "Fixes https://github.com/o/r/issues/8",
    "http://www.github.com/o/r/pull/9#issuecomment-10", "HTTPS://GitHub.com/o/r/commit/0123abc",
    "o/r@0123456789abcdef0123456789abcdef01234567", "see https://github.com/o/r/discussions/11.",
]  # fmt: skip
STILL = [
    "Signed-off-by: A <a@b.example>", "https://docs.rs/mio", "0123456789abcdef", "C# is no issue",
    "https://redirect.github.com/o/r/pull/1", "a @ b", "# heading", "user@host",
]  # fmt: skip
words = st.lists(st.one_of(st.sampled_from([*LOUD, *STILL]), st.text(max_size=3), st.just("\n")))


@pytest.mark.parametrize("text", LOUD)
def test_what_a_forge_would_act_on_is_known_and_made_quiet(text: str) -> None:
    assert references(text) != []
    assert references(quiet(text)) == []


@pytest.mark.parametrize("text", STILL)
def test_what_does_nothing_is_left_as_it_is(text: str) -> None:
    assert quiet(text) == text
    assert references(text) == []


@given(words.map("".join))
def test_a_quiet_message_has_no_effect_and_stays_so(text: str) -> None:
    told = quiet(text)
    assert references(told) == []
    assert quiet(told) == told


@given(words.map(" ".join))
def test_a_quiet_message_reads_the_same(text: str) -> None:
    def read(message: str) -> str:
        for url in (
            "http://www.github.com/",
            "HTTPS://GitHub.com/",
            "https://redirect.github.com/",
        ):
            message = message.replace(url, "https://github.com/")
        return message.replace("\u200b", "")

    assert read(quiet(text)) == read(text)


def test_a_page_of_another_forge_is_named_and_not_linked() -> None:
    url = "https://git.corp.example/o/r/-/merge_requests/12"
    assert quiet(url) == "https://git.corp.example/o/r/-/merge_requests/\u200b12"
