"""Which patches a probe asks about, and what it makes of the answers; nothing is built here."""

import itertools
from collections.abc import Mapping

from forkbot.model.probe import ProbeAnswer, Red, RedKind
from forkbot.model.verdict import Build, Colour, Diagnostic, Smoke
from forkbot.probe import decide, red_of
from forkbot.rebase.leaveout import LeftOut
from forkbot.verify.trial import Trial
from forkbot.words import Oid, PatchName, StackName

RED = Red(kind=RedKind.BUILD, stack="demo", name="demo", why="demo does not build")


def probe(
    series: Mapping[str, tuple[str, ...]], *, misses: set[str]
) -> tuple[list[str], list[ProbeAnswer]]:
    """Decide about patches, each with those that edit its lines; return what was asked, and said.

    A family is red as soon as one of ``misses`` is left out.
    """
    lefts = tuple(
        LeftOut(patch=PatchName(name), with_it=tuple(map(PatchName, later)), tree=Oid("0" * 40))
        for name, later in series.items()
    )
    asked: list[str] = []

    def ask(left: LeftOut) -> Red | None:
        asked.append("+".join((left.patch, *left.with_it)))
        return RED if misses.intersection((left.patch, *left.with_it)) else None

    return asked, list(decide(lefts, ask))


def told(answers: list[ProbeAnswer]) -> list[tuple[str, bool, str]]:
    """Return the answers as people read them."""
    return [(a.patch, a.needed, a.why) for a in answers]


def test_each_patch_is_left_out_once_and_told_in_the_order_of_the_series() -> None:
    asked, answers = probe({"one": (), "two": (), "three": ()}, misses={"two"})
    assert asked == ["three", "two", "one"]
    assert told(answers) == [
        ("one", False, ""),
        ("two", True, "demo does not build"),
        ("three", False, ""),
    ]
    assert [a.red for a in answers] == [None, RED, None]


def test_what_a_needed_patch_stands_on_is_needed_and_not_built() -> None:
    series = {"one": ("two", "three"), "two": ("three",), "three": (), "four": ()}
    asked, answers = probe(series, misses={"three"})
    assert asked == ["four", "three"]
    assert told(answers) == [
        ("one", True, "two, three edit what it wrote, and are needed"),
        ("two", True, "three edits what it wrote, and is needed"),
        ("three", True, "demo does not build"),
        ("four", False, ""),
    ]
    assert [a.needed_by for a in answers] == [("two", "three"), ("three",), (), ()]


def test_what_a_needless_patch_stands_on_is_left_out_together_with_it() -> None:
    series: dict[str, tuple[str, ...]] = {"one": ("two",), "two": ()}
    asked, answers = probe(series, misses=set())
    assert asked == ["two", "one+two"]
    assert told(answers) == [("one", False, ""), ("two", False, "")]
    assert [a.without for a in answers] == [("two",), ()]
    asked, answers = probe(series, misses={"one"})
    assert asked == ["two", "one+two"]
    assert told(answers) == [("one", True, "demo does not build"), ("two", False, "")]


def test_every_patch_has_one_answer_and_none_is_called_needless_that_was_missed() -> None:
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
            asked, answers = probe(series, misses=misses)
            assert [a.patch for a in answers] == list(names)
            assert len(asked) == len(set(asked)) <= 4
            needed = {a.patch for a in answers if a.needed}
            assert misses <= needed
            assert all((a.why != "") == a.needed for a in answers)
            # needed without being missed: only for what stands on it
            assert all(set(series[p]) & needed for p in needed - misses)


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
