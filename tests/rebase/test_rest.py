"""The rest of a stack behind its first conflict, by stories: what goes on, what needs what."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forkbot.git.merge import Conflicted
from forkbot.git.repository import Repository, quarantine, sealed_env
from forkbot.git.workbench import Workbench
from forkbot.model.fate import Fate, Rebase
from forkbot.model.judgement import LaterState, Without
from forkbot.model.place import Place
from forkbot.model.stack import Stack
from forkbot.rebase.engine import rebase
from forkbot.rebase.export import make_patch
from forkbot.rebase.recreate import Change
from forkbot.words import Channel, Oid
from tests.rebase.test_breaker import Files, text
from tests.rebase.test_floor import EXAMPLES, Line, lines, rebased, scattered, tell
from tests.scenario import Upstream

Told = dict[str, str]


def told(without: Without | None) -> Told:
    """Return how each later patch stands, as people read it."""
    assert without
    said = {}
    for later in without.later:
        more = [*later.needs, *(f"{b.path}: {b.subject}" for b in later.breakers)]
        said[str(later.patch)] = ", ".join([later.state.value, *map(str, more)])
    return said


def rest(upstream: Upstream, base: Oid, patches: Mapping[str, Files], folder: Path) -> Without:
    """Rebase a stack onto upstream's tip and return the rest of it."""
    found = rebased(upstream, base, patches, folder).without
    assert found
    return found


def broken(upstream: Upstream) -> Oid:
    """Write an upstream that edits line 5 of a.rs and leaves b.rs alone; return the base."""
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("break a", {"a.rs": text(l5="FIVE")})
    return base


def test_a_patch_elsewhere_in_the_same_file_goes_on(upstream: Upstream, tmp_path: Path) -> None:
    base = broken(upstream)
    found = rest(
        upstream, base,
        {"a": {"a.rs": text(l5="five")}, "b": {"a.rs": text(l5="five", l30="thirty")}},
        tmp_path,
    )  # fmt: skip
    assert told(found) == {"b": "independent"}
    assert found.series == ("b",)
    assert found.patch == "a"
    would_be = upstream.commit("as it would be", {"a.rs": text(l5="FIVE", l30="thirty")})
    assert found.tree == upstream.place(would_be).tree


def test_a_chain_falls_whole_and_each_names_the_one_before(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = broken(upstream)
    patches: dict[str, Files] = {
        "start": {"b.rs": text(l1="one")},
        "a": {"a.rs": text(l5="five")},
        "b": {"a.rs": text(l5="five", l6="six")},
        "c": {"a.rs": text(l5="five", l6="six", l7="seven")},
        "d": {"b.rs": text(l1="one", l9="nine")},
    }
    found = rest(upstream, base, patches, tmp_path)
    assert told(found) == {"b": "needs it, a", "c": "needs it, b", "d": "independent"}
    assert found.series == ("start", "d")


def test_a_patch_that_undoes_part_of_it_is_nothing_without_it(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = broken(upstream)
    patches: dict[str, Files] = {
        "a": {"a.rs": text(l5="five", l30="thirty")},
        "b": {"a.rs": text(l5="five")},
    }
    assert told(rest(upstream, base, patches, tmp_path)) == {"b": "needs it, a"}


def test_what_needs_two_that_do_not_need_each_other(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("break a", {"a.rs": text(l5="FIVE")})
    upstream.commit("break b", {"b.rs": text(l5="FIVE")})
    patches: dict[str, Files] = {
        "a": {"a.rs": text(l5="five")},
        "b": {"b.rs": text(l5="five")},
        "c": {"a.rs": text(l5="V"), "b.rs": text(l5="V")},
        "d": {"b.rs": text(l5="V", l30="thirty")},
    }
    found = rest(upstream, base, patches, tmp_path)
    assert told(found) == {
        "b": "in conflict too, b.rs: break b",
        "c": "needs it, a, b",
        "d": "independent",
    }
    assert found.series == ("d",)


def test_every_conflict_of_the_stack_is_told_with_its_own_breaker(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text(), "c.rs": text()})
    upstream.commit("break c (#3)", {"c.rs": text(l8="EIGHT")})
    upstream.commit("break b (#2)", {"b.rs": text(l9="NINE")})
    upstream.commit("break a (#1)", {"a.rs": text(l5="FIVE")})
    patches: dict[str, Files] = {
        "a": {"a.rs": text(l5="five")},
        "b": {"b.rs": text(l9="nine"), "a.rs": text(l5="five", l30="thirty")},
        "c": {"c.rs": text(l8="eight")},
        "d": {"c.rs": text(l8="eight", l9="nine")},
        "e": {"c.rs": text(l8="eight", l9="nine", l30="thirty")},
    }
    found = rest(upstream, base, patches, tmp_path)
    assert told(found) == {
        "b": "in conflict too, b.rs: break b (#2)",
        "c": "in conflict too, c.rs: break c (#3)",
        "d": "needs it, c",
        "e": "independent",
    }
    assert found.series == ("e",)


def test_what_upstream_has_is_neither_told_nor_left(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text(), "c.rs": text()})
    upstream.commit("take taken", {"b.rs": text(l9="nine")})
    upstream.commit("have the lines of empty, and more", {"c.rs": text(l3="three", l4="four")})
    upstream.commit("break a", {"a.rs": text(l5="FIVE")})
    patches: dict[str, Files] = {
        "a": {"a.rs": text(l5="five")},
        "taken": {"b.rs": text(l9="nine")},
        "empty": {"c.rs": text(l3="three")},
        "last": {"c.rs": text(l3="three", l30="thirty")},
    }
    found = rebased(upstream, base, patches, tmp_path)
    fates = [o.fate for o in found.outcomes]
    assert fates == [Fate.CONFLICT, Fate.MERGED, Fate.BLOCKED, Fate.BLOCKED]
    assert found.without
    # upstream's own lines 3 and 4 stand where `empty` writes line 3: that is a conflict
    assert told(found.without) == {
        "empty": "in conflict too, c.rs: have the lines of empty, and more",
        "last": "independent",
    }
    assert found.without.series == ("last",)


def test_a_later_patch_that_comes_to_nothing_goes_on_and_leaves_nothing(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "c.rs": text()})
    upstream.commit("have the lines of empty, and more", {"c.rs": text(l3="three", l30="thirty")})
    upstream.commit("break a", {"a.rs": text(l5="FIVE")})
    patches: dict[str, Files] = {
        "a": {"a.rs": text(l5="five")},
        "empty": {"c.rs": text(l3="three")},
    }
    found = rest(upstream, base, patches, tmp_path)
    assert told(found) == {"empty": "independent"}
    assert found.series == ()
    assert found.tree == upstream.place(Oid(str(upstream.tip))).tree


def test_a_range_that_only_meets_without_the_conflicted_patch_is_upstreams(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text(), "c.rs": text()})
    upstream.commit("take first and last as one", {"b.rs": text(l1="one"), "c.rs": text(l2="two")})
    upstream.commit("and rework it", {"b.rs": text(l1="I"), "c.rs": text(l2="II")})
    upstream.commit("break a", {"a.rs": text(l5="FIVE")})
    patches: dict[str, Files] = {
        "a": {"a.rs": text(l5="five")},
        "first": {"b.rs": text(l1="one")},
        "middle": {"a.rs": text(l5="five", l6="six")},
        "last": {"c.rs": text(l2="two")},
    }
    found = rest(upstream, base, patches, tmp_path)
    assert told(found) == {
        "first": "independent", "middle": "needs it, a", "last": "independent",
    }  # fmt: skip
    assert found.series == ()


def test_a_clean_rebase_has_no_rest(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("elsewhere", {"b.rs": "b\n"})
    fix: dict[str, Files] = {"fix": {"a.rs": text(l5="five")}}
    assert rebased(upstream, base, fix, tmp_path).without is None


# --- the oracle: a stack built without those patches, from files, and rebased


def _stack_of(
    stack: Stack, changes: tuple[Change, ...], base: Place, bench: Workbench
) -> Stack | None:
    """Return a stack of some of the changes, made anew on the base; None where one falls."""
    tree, patches = base.tree, []
    for change in changes:
        merged = bench.merger.merge(base=change.before, upstream=tree, ours=change.after)
        if isinstance(merged, Conflicted) or merged.tree == tree:
            return None
        patches.append(make_patch(change.patch, before=tree, after=merged.tree, bench=bench))
        tree = merged.tree
    return msgspec.structs.replace(stack, patches=tuple(patches))


def _check(
    facts: Rebase, stack: Stack, changes: tuple[Change, ...], *, lent: Repository, base: Place,
    onto: Place,
) -> None:  # fmt: skip
    without = facts.without
    assert without
    fate = {o.name: o.fate for o in facts.outcomes}
    assert [later.patch for later in without.later] == [
        o.name for o in facts.outcomes if o.fate is Fate.BLOCKED
    ]
    independent = {w.patch for w in without.later if w.state is LaterState.INDEPENDENT}
    with Workbench(lent, shortcuts=False) as bench:

        def alone(keep: set[str]) -> Rebase | None:
            kept = tuple(c for c in changes if str(c.patch.name) in keep)
            small = _stack_of(stack, kept, base, bench)
            if small is None:
                return None
            return rebase(
                small, repository=lent, channel=Channel.MAIN, base=base, onto=onto, shortcuts=False
            ).facts

        before = {str(c.patch.name) for c in changes[: list(fate).index(without.patch)]}
        keep = before | {str(name) for name in independent}
        left = alone(keep)
        assert left
        assert left.tree == without.tree
        assert tuple(o.name for o in left.outcomes if o.fate.carried) == without.series
        for later in without.later:
            order = [str(c.patch.name) for c in changes]
            upto = {n for n in keep if order.index(n) < order.index(str(later.patch))}
            more = alone({*upto, str(later.patch)})
            if later.state is LaterState.NEEDS:
                assert more is None
                assert later.needs
            if later.state is LaterState.CONFLICT:
                assert more
                assert more.conflict
                assert more.conflict.patch == later.patch


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
@given(line=st.one_of(lines(), scattered()))
def test_the_rest_is_what_a_stack_without_those_patches_gives(line: Line) -> None:
    folder = Path(tempfile.mkdtemp(prefix="forkbot-rest-"))
    try:
        upstream = Upstream(folder / "u.git", env=sealed_env(dict(os.environ)))
        commits, stack, changes = tell(upstream, line)
        base = upstream.place(commits[0])
        onto = upstream.place(commits[-1])
        with quarantine(upstream.repository, scratch=folder / "scratch") as lent:
            facts = rebase(stack, repository=lent, channel=Channel.MAIN, base=base, onto=onto).facts
            if facts.tip is not None:
                assert facts.without is None
                return
            _check(facts, stack, changes, lent=lent, base=base, onto=onto)
    finally:
        shutil.rmtree(folder)
