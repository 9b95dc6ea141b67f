"""Which patches a probe asks about, and what it makes of the answers; nothing is built here."""

import itertools
from collections.abc import Callable, Mapping

import pytest
from msgspec.structs import replace

from forkbot.model.diagnostic import Diagnostic
from forkbot.model.probe import ProbeAnswer, Red, RedKind
from forkbot.model.verdict import Build, Colour, How, Smoke
from forkbot.probe import decide
from forkbot.rebase.leaveout import LeftOut
from forkbot.red import UnclearError, clear_red, red_of
from forkbot.verify.build import NO_UNIT
from forkbot.verify.trial import Trial
from forkbot.words import Oid, PatchName, StackName

RED = Red(kind=RedKind.BUILD, stack="demo", name="demo", why="demo does not build")


def probe(
    series: Mapping[str, tuple[str, ...]], *, red: Callable[[set[str]], bool]
) -> tuple[list[str], list[ProbeAnswer]]:
    """Decide about patches, each with those that fall without it; return what was asked, and said.

    ``red`` says of the patches that are in place whether a family with them is.
    """
    lefts = tuple(
        LeftOut(patch=PatchName(name), with_it=tuple(map(PatchName, later)), tree=Oid("0" * 40))
        for name, later in series.items()
    )
    asked: list[str] = []

    def ask(left: LeftOut) -> Red | None:
        asked.append("+".join((left.patch, *left.with_it)))
        return RED if red(set(series) - {left.patch, *left.with_it}) else None

    return asked, list(decide(lefts, ask))


def without(*patches: str) -> Callable[[set[str]], bool]:
    """Return what is red as soon as one of ``patches`` is missing."""
    return lambda there: not there.issuperset(patches)


def told(answers: list[ProbeAnswer]) -> list[tuple[str, bool, str]]:
    """Return the answers as people read them."""
    return [(a.patch, a.needed, a.why) for a in answers]


def test_each_patch_is_left_out_once_and_told_in_the_order_of_the_series() -> None:
    asked, answers = probe({"one": (), "two": (), "three": ()}, red=without("two"))
    assert asked == ["three", "two", "one"]
    assert told(answers) == [
        ("one", False, ""),
        ("two", True, "demo does not build"),
        ("three", False, ""),
    ]
    assert [a.red for a in answers] == [None, RED, None]


def test_what_a_needed_patch_edits_is_needed_for_its_sake() -> None:
    series = {"one": ("two", "three"), "two": ("three",), "three": (), "four": ()}
    asked, answers = probe(series, red=without("three"))
    assert asked == ["four", "three", "two+three", "one+two+three"]
    assert told(answers) == [
        ("one", True, "two, three edit what it wrote, and are needed"),
        ("two", True, "three edits what it wrote, and is needed"),
        ("three", True, "demo does not build"),
        ("four", False, ""),
    ]
    assert [a.needed_by for a in answers] == [("two", "three"), ("three",), (), ()]
    assert [a.without for a in answers] == [("two", "three"), ("three",), (), ()]


def test_what_cannot_do_without_a_needless_patch_is_left_out_together_with_it() -> None:
    series: dict[str, tuple[str, ...]] = {"one": ("two",), "two": ()}
    asked, answers = probe(series, red=without())
    assert asked == ["two", "one+two"]
    assert told(answers) == [("one", False, ""), ("two", False, "")]
    assert [a.without for a in answers] == [("two",), ()]
    _, answers = probe(series, red=without("one"))
    assert told(answers) == [("one", True, "demo does not build"), ("two", False, "")]


def test_a_patch_that_only_mends_another_one_keeps_it_not() -> None:
    """Red without the second, green without both: the two may go together."""
    series: dict[str, tuple[str, ...]] = {"breaks": ("mends",), "mends": ()}
    _, answers = probe(series, red=lambda there: "breaks" in there and "mends" not in there)
    assert told(answers) == [("breaks", False, ""), ("mends", True, "demo does not build")]
    assert [a.without for a in answers] == [("mends",), ()]


def test_no_patch_is_called_needless_that_was_missed_nor_needed_without_a_red() -> None:
    """All series of four patches, all that may edit what, and all that may be missed."""
    names = ("a", "b", "c", "d")
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    for edits in itertools.product((False, True), repeat=len(pairs)):
        needs = {p for p, there in zip(pairs, edits, strict=True) if there}
        series = {
            name: tuple(names[j] for j in range(i + 1, 4) if (i, j) in needs)
            for i, name in enumerate(names)
        }
        for missed in itertools.product((False, True), repeat=4):
            misses = {n for n, miss in zip(names, missed, strict=True) if miss}
            asked, answers = probe(series, red=without(*misses))
            assert [a.patch for a in answers] == list(names)
            assert len(asked) == 4
            for answer in answers:
                assert answer.needed == bool(misses.intersection((answer.patch, *answer.without)))
                assert (answer.why != "") == (answer.red is not None) == answer.needed
                assert {*answer.needed_by} <= {*answer.without}


def test_what_nobody_knows_of_is_no_reason_to_need_another_patch() -> None:
    def ask(left: LeftOut) -> Red | None:
        if left.patch == "two":
            raise UnclearError("killed")
        return RED if left.patch == "three" else None

    names = {"one": ("two",), "two": (), "three": ()}
    lefts = tuple(
        LeftOut(patch=PatchName(name), with_it=tuple(map(PatchName, later)), tree=Oid("0" * 40))
        for name, later in names.items()
    )
    answers = list(decide(lefts, ask))
    assert told(answers) == [
        ("one", False, ""), ("two", False, ""), ("three", True, "demo does not build"),
    ]  # fmt: skip
    assert [a.unknown for a in answers] == ["", "killed", ""]


def test_what_no_compiler_explains_is_asked_once_more() -> None:
    said: list[str] = []
    killed = replace(RED, unexplained=True)

    def clear(*reds: Red | None) -> Red | None:
        left = iter(reds)
        said.clear()
        return clear_red(lambda: next(left), say=said.append)

    assert (clear(None, RED), said) == (None, [])
    assert (clear(RED, None), said) == (RED, [])
    assert (clear(killed, None), len(said)) == (None, 1)
    assert (clear(killed, RED), len(said)) == (RED, 1)
    with pytest.raises(UnclearError, match="demo does not build"):
        clear(killed, killed)


def test_what_a_compiler_a_component_or_the_graph_says_is_an_explanation() -> None:
    unbuilt = replace(smoke(Colour.RED), how=How.UNBUILT)
    error = build(Colour.RED, "a").diagnostics[0]
    for trial, unexplained in (
        (Trial(builds=(build(Colour.RED, "a"),)), False),
        (Trial(builds=(build(Colour.RED, why=NO_UNIT),)), False),
        (Trial(builds=(build(Colour.RED, why="the build was ended after 40 min"),)), True),
        (Trial(smokes=(smoke(Colour.RED),)), False),
        (Trial(smokes=(replace(unbuilt, diagnostics=(error,)),)), False),
        (Trial(smokes=(unbuilt,)), True),
        (Trial(problems=("patch demo 1.0.0 was not used",)), False),
        (Trial(problems=("failed to read `demo/Cargo.toml`: (os error 2)",)), False),
        (Trial(problems=("failed to write `Cargo.lock`: no space (os error 28)",)), True),
        (Trial(problems=("cannot resolve it: cargo was ended by signal 9",)), True),
    ):
        red = red_of(trial)
        assert red is not None
        assert red.unexplained is unexplained, red


def build(colour: Colour, *errors: str, why: str = "") -> Build:
    """Return a build of demo with the errors of rustc."""
    return Build(
        stack=StackName("demo"), package="demo", features=("net",), default_features=False,
        colour=colour, units=1, seconds=1.0, why=why,
        diagnostics=tuple(
            Diagnostic(level="error", code="", message=e, package="demo", file="demo/src/lib.rs",
                       line=7, rendered=f"error: {e}\n" + "more\n" * 40)
            for e in errors
        ),
    )  # fmt: skip


def smoke(colour: Colour) -> Smoke:
    """Return a run of a component."""
    return Smoke(
        stack=StackName("demo"), name="get", pristine=False, colour=colour,
        ran_green=colour is Colour.GREEN, exit_code=134, seconds=0.1, why="exit code 134",
        output="thread 'main' panicked at src/main.rs:3:5:\nno threads here\n",
    )  # fmt: skip


def test_the_first_red_is_told_with_its_errors_cut_to_a_few() -> None:
    assert red_of(Trial(builds=(build(Colour.GREEN),), smokes=(smoke(Colour.GREEN),))) is None
    red = red_of(Trial(builds=(build(Colour.GREEN), build(Colour.RED, "a", "b", "c", "d"))))
    assert red is not None
    assert (red.kind, red.stack, red.name) == (
        RedKind.BUILD, "demo", "demo (no default features; net)",
    )  # fmt: skip
    assert red.why == "demo does not build: demo/src/lib.rs:7: a"
    assert [e.message for e in red.errors] == ["a", "b", "c"]
    assert red.more_errors == 1
    assert {len(e.rendered.splitlines()) for e in red.errors} == {30}


def test_a_component_is_told_with_its_words_and_a_graph_with_its_problem() -> None:
    red = red_of(Trial(builds=(build(Colour.GREEN),), smokes=(smoke(Colour.RED),)))
    assert red == Red(
        kind=RedKind.SMOKE, stack="demo", name="get",
        why="demo's get is red: no threads here (exit code 134)",
        output="thread 'main' panicked at src/main.rs:3:5:\nno threads here\n",
    )  # fmt: skip
    assert red_of(Trial(problems=("patch demo 1.0.0 was not used",))) == Red(
        kind=RedKind.GRAPH, stack="", name="", why="patch demo 1.0.0 was not used"
    )
