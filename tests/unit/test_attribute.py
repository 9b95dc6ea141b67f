"""Whose fault a red is, from what was looked at: the order of the looks, and what they say."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from forkbot.model.attribution import Cell, Part, Seen, Suspect
from forkbot.model.diagnostic import Diagnostic
from forkbot.model.probe import Red, RedKind
from forkbot.verify.attribute import Ask, Case, Found, next_of
from forkbot.words import StackName

ERROR = Diagnostic(level="error", code="E0425", message="cannot find", package="upper")
BUILD = Red(
    kind=RedKind.BUILD, stack="upper", name="upper", why="upper does not build", errors=(ERROR,)
)  # fmt: skip
KILLED = Red(
    kind=RedKind.BUILD, stack="upper", name="upper", why="the build was ended", unexplained=True
)  # fmt: skip
RUN = Red(kind=RedKind.SMOKE, stack="upper", name="word", why="upper's word is red")
GRAPH = Red(kind=RedKind.GRAPH, stack="", name="", why="cargo cannot resolve the family")

DEPENDENCIES = Suspect(part=Part.DEPENDENCIES, names=("leaf",))
TOOLCHAIN = Suspect(part=Part.TOOLCHAIN, was="rustc 1.97.1", now="rustc 1.98.0")
PATCHES = Suspect(part=Part.PATCHES, stack=StackName("upper"), names=("fix",))
UPPER = Suspect(part=Part.UPSTREAM, stack=StackName("upper"), was="1.0.0", now="1.0.1")
LOWER = Suspect(part=Part.UPSTREAM, stack=StackName("lower"), was="2.0.0", now="2.0.1")
ALL = (DEPENDENCIES, PATCHES, UPPER, LOWER, TOOLCHAIN)


@dataclasses.dataclass
class Hidden:
    """A world that knows what is to blame, and is asked."""

    to_blame: frozenset[Suspect] = frozenset()  # one of these turned back, and it is green
    together: bool = False  # all of these must be turned back
    flaky: bool = False
    untried: frozenset[Suspect] = frozenset()
    pristine: Seen = Seen.GREEN
    host: Seen = Seen.GREEN

    def seen(self, ask: Ask) -> Seen:
        """Return what is seen where ``ask`` looks."""
        if ask == Ask():
            return Seen.GREEN if self.flaky else Seen.RED
        if ask.pristine:
            return self.host if ask.host else self.pristine
        if self.untried & set(ask.back):
            return Seen.UNTRIED
        turned = self.to_blame & set(ask.back)
        green = turned == self.to_blame if self.together else bool(turned)
        return Seen.GREEN if green else Seen.RED

    def solve(self, case: Case) -> tuple[list[Ask], Found]:
        """Return what was asked, in order, and what came of it."""
        asked: list[Ask] = []
        cells: list[Cell] = []
        while isinstance(step := next_of(case, cells), Ask):
            assert step not in asked, "asked twice"
            assert len(asked) < 20
            asked.append(step)
            cells.append(
                Cell(back=step.back, pristine=step.pristine, host=step.host, seen=self.seen(step))
            )
        return asked, step


def test_a_component_that_is_green_once_more_is_a_flake() -> None:
    asked, found = Hidden(flaky=True).solve(Case(red=RUN, suspects=ALL))
    assert asked == [Ask()]
    assert found == Found(guilty=(), flake=True)


def test_a_build_in_which_rustc_found_nothing_is_asked_again() -> None:
    asked, found = Hidden(flaky=True).solve(Case(red=KILLED, suspects=ALL))
    assert (asked, found) == ([Ask()], Found(guilty=(), flake=True))


def test_what_rustc_finds_wrong_is_not_asked_again() -> None:
    hidden = Hidden(to_blame=frozenset({DEPENDENCIES}))
    asked, found = hidden.solve(Case(red=BUILD, suspects=(DEPENDENCIES,)))
    assert asked == [Ask(back=(DEPENDENCIES,))]
    assert found == Found(guilty=(DEPENDENCIES,))


def test_each_is_turned_back_on_top_of_the_last_and_then_alone() -> None:
    hidden = Hidden(to_blame=frozenset({LOWER}))
    asked, found = hidden.solve(Case(red=RUN, suspects=(DEPENDENCIES, UPPER, LOWER, TOOLCHAIN)))
    assert asked == [
        Ask(), Ask(back=(DEPENDENCIES,)), Ask(back=(DEPENDENCIES, UPPER)),
        Ask(back=(DEPENDENCIES, UPPER, LOWER)), Ask(back=(LOWER,)),
    ]  # fmt: skip
    assert found == Found(guilty=(LOWER,))


def test_two_that_break_it_together_are_both_named() -> None:
    hidden = Hidden(to_blame=frozenset({UPPER, LOWER}), together=True)
    _, found = hidden.solve(Case(red=RUN, suspects=(UPPER, LOWER)))
    assert found == Found(guilty=(LOWER, UPPER))


def test_what_cannot_be_turned_back_is_guilty_when_nothing_else_is() -> None:
    case = Case(red=BUILD, suspects=(DEPENDENCIES, TOOLCHAIN), fixed=(TOOLCHAIN,))
    asked, found = Hidden().solve(case)
    assert asked == [Ask(back=(DEPENDENCIES,))]
    assert found == Found(guilty=(TOOLCHAIN,))


def test_of_two_that_cannot_be_turned_back_nobody_can_say_which() -> None:
    case = Case(red=RUN, suspects=(PATCHES, TOOLCHAIN), fixed=(PATCHES, TOOLCHAIN))
    assert Hidden().solve(case)[1] == Found(guilty=(PATCHES, TOOLCHAIN), sure=False)


def test_nothing_is_other_than_it_was() -> None:
    assert Hidden().solve(Case(red=RUN, suspects=()))[1] == Found(guilty=())


def test_upstream_that_is_red_by_itself_is_asked_about_on_this_machine_too() -> None:
    case = Case(red=BUILD, suspects=(UPPER,))
    asked, found = Hidden(to_blame=frozenset({UPPER}), pristine=Seen.RED).solve(case)
    assert asked[1:] == [Ask(pristine=True), Ask(pristine=True, host=True)]
    assert found == Found(guilty=(UPPER,), by_itself=True, host_too=False)
    _, found = Hidden(to_blame=frozenset({UPPER})).solve(case)
    assert found == Found(guilty=(UPPER,)), "only our patch does not fit it any more"
    asked, found = Hidden(to_blame=frozenset({UPPER}), pristine=Seen.RED).solve(
        dataclasses.replace(case, red=GRAPH)
    )
    assert asked[1:] == [Ask(pristine=True)]
    assert found == Found(guilty=(UPPER,), by_itself=True)


def test_never_green_it_is_a_patch_or_upstream() -> None:
    case = Case(red=BUILD, suspects=(PATCHES,), known=False)
    _, found = Hidden(to_blame=frozenset({PATCHES})).solve(case)
    assert found == Found(guilty=(PATCHES,))
    asked, found = Hidden(host=Seen.RED).solve(case)
    assert asked == [Ask(back=(PATCHES,)), Ask(pristine=True, host=True)]
    assert found == Found(guilty=(), by_itself=True, host_too=True)


SUSPECTS = st.lists(st.sampled_from(ALL), unique=True, min_size=1)


@given(suspects=SUSPECTS, data=st.data(), red=st.sampled_from([BUILD, RUN, GRAPH]))
def test_one_cause_is_found_whatever_stands_beside_it(
    suspects: list[Suspect], data: st.DataObject, red: Red
) -> None:
    """The guilty one is named, alone, in at most one look for each suspect and four more."""
    guilty = data.draw(st.sampled_from(suspects))
    stuck = frozenset(data.draw(st.sets(st.sampled_from(suspects))) - {guilty})
    fixed = tuple(s for s in data.draw(st.sets(st.sampled_from(suspects))) if s not in stuck)
    hidden = Hidden(to_blame=frozenset({guilty}), untried=stuck)
    asked, found = hidden.solve(Case(red=red, suspects=tuple(suspects), fixed=fixed))
    assert len(asked) <= len(suspects) + 4
    assert not any(set(ask.back) & set(fixed) for ask in asked)
    if guilty not in fixed:
        assert (found.guilty, found.sure) == ((guilty,), True)
    else:
        assert guilty in found.guilty
        assert set(found.guilty) == stuck | set(fixed)
        assert found.sure is (len(found.guilty) == 1)


@given(suspects=SUSPECTS, data=st.data())
def test_nobody_is_accused_of_what_turning_it_back_does_not_mend(
    suspects: list[Suspect], data: st.DataObject
) -> None:
    """Whoever is named has a part in it: with all that are named turned back, it is green."""
    causes = frozenset(data.draw(st.sets(st.sampled_from(suspects), min_size=1)))
    hidden = Hidden(to_blame=causes, together=data.draw(st.booleans()))
    _, found = hidden.solve(Case(red=RUN, suspects=tuple(suspects)))
    assert found.guilty
    assert hidden.seen(Ask(back=found.guilty)) is Seen.GREEN
