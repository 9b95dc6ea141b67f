"""The words at the command line's door, held to git's own opinion where git has one."""

import re
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import forkbot.words
from forkbot.errors import UsageError
from forkbot.words import (
    BRANCH_NAME,
    OID,
    SUBDIR,
    WORDS,
    Word,
    parse_branch,
    parse_git_url,
    parse_oid,
    parse_patch_name,
    parse_stack_name,
)

TRICKY = st.lists(
    st.sampled_from([*"-./@{}~^:?*[\\ \t\n\x7f\0aZ9é", "..", "@{", ".lock", "HEAD", "//", "/."]),
    min_size=1,
    max_size=5,
).map("".join)


@pytest.mark.parametrize("word", WORDS.values(), ids=lambda w: w.what)
def test_each_word_fits_its_own_example_and_no_line_end(word: Word) -> None:
    assert word.fits(word.example)
    assert not word.fits(f"{word.example}\n")
    assert not word.fits(f"\n{word.example}")
    assert not word.fits(f"--{word.example}")
    assert word.meta.pattern == word.pattern


def test_no_two_words_share_a_pattern() -> None:
    words = [w for w in vars(forkbot.words).values() if isinstance(w, Word)]
    assert len(WORDS) == len({w.what for w in words}) == len(words) > 0


@settings(max_examples=60)
@given(name=TRICKY)
@example(name="@")
@example(name="HEAD")
@example(name="a.lock")
@example(name="a.lock/b")
@example(name="a\n")
def test_git_takes_every_branch_name_that_forkbot_takes(name: str) -> None:
    if BRANCH_NAME.fits(name):
        said = subprocess.run(
            ["git", "check-ref-format", "--branch", name], check=True, capture_output=True
        )
        assert said.stdout.decode() == f"{name}\n"


@pytest.mark.parametrize("name", ["a", "wasip2", "a/b", "a-b_c.d+e", "é", "v1@2", "a@", "@a", "#1"])
def test_ordinary_branch_names_are_taken(name: str) -> None:
    assert parse_branch(name) == name


@given(path=st.lists(st.sampled_from([*"ab./-", "..", ".git", ".GIT"]), max_size=6).map("".join))
def test_a_subdir_never_leaves_the_tree_or_reaches_git(path: str) -> None:
    if path and SUBDIR.fits(path):
        parts = path.split("/")
        assert not path.startswith("-")
        assert not {"", ".", ".."} & set(parts)
        assert ".git" not in path.lower().split("/")


@pytest.mark.parametrize(
    ("parse", "text", "told"),
    [
        (parse_oid, "4B825DC", "'4B825DC' is not a full object id"),
        (parse_oid, f"{OID.example}\n", f"'{OID.example}\\n' is not a full object id"),
        (parse_patch_name, "../x", "'../x' is not a patch name"),
        (parse_patch_name, "-x", "'-x' is not a patch name"),
        (parse_patch_name, "a..b", "'a..b' is not a patch name"),
        (parse_stack_name, "Tokio", "'Tokio' is not a stack name"),
        (parse_stack_name, "", "'' is not a stack name"),
        (parse_branch, "--all", "'--all' is not a branch name"),
        (parse_branch, "a b", "'a b' is not a branch name"),
    ],
)
def test_what_does_not_fit_is_told_with_the_rule_and_an_example(
    parse: type[str], text: str, told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.what == told
    assert caught.value.hint
    assert re.search(r"; as in \S+$", caught.value.hint)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/tokio-rs/tokio",
        "http://localhost:8080/x",
        "ssh://git@example.com:22/x",
        "git@example.com:x/y",
        "git://example.com/x",
        "file:///srv/x",
        "/srv/x",
        "../x",
        "C:/x",
        "https://example.com/a@b:c",
    ],
)
def test_places_that_git_may_fetch_from(url: str) -> None:
    assert parse_git_url(url, where="here") == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-x",
        "--upload-pack=x",
        "ext::sh -c id",
        "EXT::x",
        "fd::17",
        "testgit::x",
        "ftp://example.com/x",
        "https://me@example.com/x",
        "https://me:secret@example.com/x",
        "https://:secret@example.com/x",
        "ssh://me:secret@example.com/x",
        "ssh://-oProxyCommand=id/x",
        "ssh://me@-oProxyCommand=id/x",
        "https://example.com/\nx",
        "https://example.com/\x1b[2J",
        "a\0b",
    ],
)
def test_places_that_are_refused_without_repeating_a_secret(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_git_url(url, where="stack.yaml:3")
    said = str(caught.value)
    assert said.startswith("stack.yaml:3: ")
    assert caught.value.hint
    assert "secret" not in said
    assert said.isprintable() or "\n" in said
    assert "\x1b" not in said
