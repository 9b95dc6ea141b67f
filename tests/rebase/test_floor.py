"""What still works: the newest upstream commit on which a stopped stack applies, by stories."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forkbot.git.repository import quarantine, sealed_env
from forkbot.git.workbench import Workbench
from forkbot.model.fate import Rebase
from forkbot.model.judgement import Floor
from forkbot.model.stack import Stack
from forkbot.rebase import floor as floor_module
from forkbot.rebase.engine import push, rebase
from forkbot.rebase.merged import find_merged
from forkbot.rebase.recreate import Change
from forkbot.words import Channel, Oid
from tests.rebase.test_against_cherry_pick import Files as Tree
from tests.rebase.test_against_cherry_pick import edited
from tests.rebase.test_breaker import Files, text
from tests.rebase.test_resolutions import BOTH, LINES, OURS, UPSTREAM, scene
from tests.scenario import Content, Upstream, carried, make_stack

EXAMPLES = int(os.environ.get("FORKBOT_EXAMPLES", "30")) // 2  # a story of this kind is long


def rebased(
    upstream: Upstream,
    base: Oid,
    patches: Mapping[str, Files],
    folder: Path,
    channel: Channel = Channel.MAIN,
) -> Rebase:
    """Rebase a stack onto upstream's tip and return the facts."""
    stack, _ = make_stack(upstream, base, patches)
    return carried(stack, upstream, base, folder, channel=channel).facts


def told(floor: Floor | None, upstream: Upstream) -> tuple[str, int, str]:
    """Return a floor as people read it: its subject, how far behind, and what blocks."""
    assert floor
    assert floor.blocked_by
    subject = upstream.repository.commit(floor.place.commit).subject
    return subject, floor.behind, floor.blocked_by.subject


FIX: dict[str, Files] = {"fix": {"a.rs": text(l5="five")}}


def test_the_commit_before_the_one_that_breaks_it(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("near", {"a.rs": text(l30="thirty")})
    upstream.commit("elsewhere", {"b.rs": "b\n"})
    upstream.commit("break it (#7)", {"a.rs": text(l30="thirty", l5="FIVE")})
    upstream.commit("after", {"b.rs": "B\n"})
    found = rebased(upstream, base, FIX, tmp_path).floor
    assert told(found, upstream) == ("elsewhere", 2, "break it (#7)")
    assert found
    assert found.blocked_by
    assert (found.blocked_by.pull_request, found.blocked_by.author) == (7, "An Upstream Dev")
    assert found.place.tree == upstream.place(found.place.commit).tree
    assert found.place.label == f"2026-09-21 {found.place.commit[:9]}"


def test_a_release_is_told_by_its_version(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("demo 1.0.0", {"a.rs": text()})
    upstream.tag("v1.0.0")
    upstream.commit("demo 1.0.1", {"a.rs": text(l30="thirty")})
    upstream.tag("v1.0.1")
    upstream.commit("demo 1.1.0", {"a.rs": text(l5="FIVE")})
    upstream.tag("v1.1.0")
    found = rebased(upstream, base, FIX, tmp_path, Channel.RELEASE).floor
    assert told(found, upstream) == ("demo 1.0.1", 1, "demo 1.1.0")
    assert found
    assert found.place.label == "1.0.1"


def test_a_stack_that_applies_has_no_floor_to_tell_of(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("break it", {"a.rs": text(l5="FIVE")})
    upstream.commit("and take it back", {"a.rs": text()})
    assert rebased(upstream, base, FIX, tmp_path).floor is None


def test_a_conflict_that_came_and_went_lies_below_the_floor(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("break it", {"a.rs": text(l5="FIVE")})
    upstream.commit("revert that", {"a.rs": text()})
    upstream.commit("break it again", {"a.rs": text(l5="V")})
    found = rebased(upstream, base, FIX, tmp_path).floor
    assert told(found, upstream) == ("revert that", 1, "break it again")


def test_the_base_is_the_floor_where_the_first_commit_breaks_it(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("break it", {"a.rs": text(l5="FIVE")})
    upstream.commit("after", {"b.rs": "b\n"})
    found = rebased(upstream, base, FIX, tmp_path).floor
    assert told(found, upstream) == ("base", 2, "break it")
    assert found
    assert found.place == upstream.place(base)


TWO: dict[str, Files] = {
    "one": {"a.rs": text(l5="five")},
    "two": {"b.rs": text(l9="nine")},
}


def test_two_patches_that_break_at_different_commits(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("break the second", {"b.rs": text(l9="NINE")})
    upstream.commit("break the first", {"a.rs": text(l5="FIVE")})
    # the rebase stops at the first patch, and its breaker is the later one
    found = rebased(upstream, base, TWO, tmp_path)
    assert found.conflict
    assert [b.subject for b in found.conflict.breakers] == ["break the first"]
    assert told(found.floor, upstream) == ("base", 2, "break the second")


def test_what_another_patch_met_meanwhile_is_over(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("break the second for a while", {"b.rs": text(l9="NINE")})
    upstream.commit("mend the second", {"b.rs": text(l30="thirty")})
    upstream.commit("break the first", {"a.rs": text(l5="FIVE")})
    found = rebased(upstream, base, TWO, tmp_path).floor
    assert told(found, upstream) == ("mend the second", 1, "break the first")


def test_a_merged_branch_counts_as_the_merge_that_brought_it(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("break it on a branch", {"a.rs": text(l5="FIVE")}, branch="side")
    side = upstream.tip
    assert side
    upstream.go_to(base)
    upstream.commit("meanwhile", {"b.rs": "b\n"})
    upstream.commit("Merge pull request #12", {"a.rs": text(l5="FIVE")}, merging=(side,))
    upstream.commit("after", {"b.rs": "B\n"})
    found = rebased(upstream, base, FIX, tmp_path).floor
    assert told(found, upstream) == ("meanwhile", 2, "Merge pull request #12")


def test_a_base_that_came_in_by_a_merge(upstream: Upstream, tmp_path: Path) -> None:
    root = upstream.commit("root", {"a.rs": text()})
    base = upstream.commit("base", {"a.rs": text(l20="twenty")}, branch="side")
    upstream.go_to(root)
    upstream.commit("meanwhile", {"a.rs": text(l5="FIVE")})
    merged = text(l5="FIVE", l20="twenty")
    upstream.commit("merge the side", {"a.rs": merged}, merging=(base,))
    fix: dict[str, Files] = {"fix": {"a.rs": text(l5="five", l20="twenty")}}
    found = rebased(upstream, base, fix, tmp_path).floor
    # the commit before the merge lies on upstream's line, and has nothing of the base
    assert told(found, upstream) == ("base", 2, "meanwhile")


def test_no_line_leads_from_another_branch(upstream: Upstream, tmp_path: Path) -> None:
    root = upstream.commit("root", {"a.rs": text()})
    base = upstream.commit("base", {"a.rs": text(l20="twenty")}, branch="side")
    upstream.go_to(root)
    upstream.commit("break it", {"a.rs": text(l5="FIVE")})
    fix: dict[str, Files] = {"fix": {"a.rs": text(l5="five", l20="twenty")}}
    found = rebased(upstream, base, fix, tmp_path)
    assert found.conflict
    assert found.floor is None


def test_an_edit_of_a_file_that_upstream_had_moved_before(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("move it", {"a.rs": None, "src/b.rs": text()})
    upstream.commit("move it on", {"src/b.rs": None, "src/deep/c.rs": text()})
    upstream.commit("elsewhere", {"x.rs": "x\n"})
    upstream.commit("break it", {"src/deep/c.rs": text(l5="FIVE")})
    found = rebased(upstream, base, FIX, tmp_path).floor
    assert told(found, upstream) == ("elsewhere", 1, "break it")


def test_a_folder_that_upstream_moved_from_under_a_new_file(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"sys/a.rs": text(), "sys/b.rs": text(l1="one")})
    upstream.commit("elsewhere", {"x.rs": "x\n"})
    moved: Files = {"sys/a.rs": None, "sys/b.rs": None, "os/a.rs": text(), "os/b.rs": text(l1="1")}
    upstream.commit("move the folder", moved)
    upstream.commit("after", {"x.rs": "X\n"})
    found = rebased(upstream, base, {"fix": {"sys/wasi.rs": "ours\n"}}, tmp_path).floor
    assert told(found, upstream) == ("elsewhere", 2, "move the folder")


SQUASHED: Files = {"a.rs": text(l5="V", l20="twenty")}
TAKEN: dict[str, Files] = {
    "one": {"a.rs": text(l5="five")},
    "two": {"a.rs": text(l5="V", l20="twenty")},
    "three": {"b.rs": text(l9="nine")},
}


def test_what_upstream_took_is_left_out_on_the_way(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("take one and two", SQUASHED)
    upstream.commit("and rework them", {"a.rs": text(l5="VV", l20="twenty")})
    upstream.commit("break three", {"b.rs": text(l9="NINE")})
    found = rebased(upstream, base, TAKEN, tmp_path).floor
    assert told(found, upstream) == ("and rework them", 1, "break three")


def test_what_upstream_took_and_took_back_counts_for_that_while(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("take one and two", SQUASHED)
    upstream.commit("elsewhere", {"x.rs": "x\n"})
    # one and two are ours again, and the line below theirs is another
    upstream.commit("take them back, and break them", {"a.rs": text(l6="SIX")})
    upstream.commit("and on", {"a.rs": text(l6="SIX", l30="thirty")})
    found = rebased(upstream, base, TAKEN, tmp_path).floor
    assert told(found, upstream) == ("elsewhere", 2, "take them back, and break them")


def test_a_long_line_is_bisected(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floor_module, "SCAN_LIMIT", 3)
    base = upstream.commit("base", {"a.rs": text()})
    for n in range(9):
        upstream.commit(f"near {n}", {"a.rs": text(l30=f"{n}")})
    upstream.commit("elsewhere", {"x.rs": "x\n"})
    upstream.commit("break it", {"a.rs": text(l5="FIVE")})
    for n in range(4):
        upstream.commit(f"after {n}", {"a.rs": text(l5="FIVE", l30=f"{n}")})
    found = rebased(upstream, base, FIX, tmp_path).floor
    assert told(found, upstream) == ("elsewhere", 5, "break it")


def test_what_a_person_resolved_blocks_no_longer(upstream: Upstream, tmp_path: Path) -> None:
    here = scene(
        upstream, tmp_path, base={"a.rs": LINES, "b.rs": text()}, news={"a.rs": UPSTREAM},
        patches={"other": {"b.rs": text(l9="nine")}, "fix": {"a.rs": OURS}},
    )  # fmt: skip
    answer = here.answered({"a.rs": BOTH}, number=1)
    here.onto = upstream.place(upstream.commit("break other", {"b.rs": text(l9="NINE")}))
    asked, resolved = here.rebased().facts, here.rebased(*answer).facts
    assert told(asked.floor, upstream) == ("begin", 2, "news")
    assert told(resolved.floor, upstream) == ("news", 1, "break other")
    assert asked.without
    assert resolved.without
    states = [later.state.value for w in (asked.without, resolved.without) for later in w.later]
    assert states == ["in conflict too", "independent"]
    assert (asked.without.series, resolved.without.series) == ((), ("fix",))


# --- the oracle: a rebase onto every commit of the line

Line = tuple[list[Tree], list[Tree]]


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """Return upstream's states from the base on, and the states after one to three patches."""
    base = {
        b"a.rs": ("100644", b"alpha\nbeta\ndelta\nend\none\ntwo\n"),
        b"src/lib.rs": ("100644", b"1\n2\n3\n4\n5\n6\n7\n8\n"),
        b"src/b.rs": ("100644", b"x\ny\nz\n"),
    }
    states, patched = [base], [base]
    for _ in range(draw(st.integers(1, 3))):
        patched.append(draw(edited(patched[-1])))
    for _ in range(draw(st.integers(2, 6))):
        taken = draw(st.sampled_from([0, 0, 0, 0, 1, 2, 3]))
        if taken == 3:
            states.append(draw(st.sampled_from(states)))  # a revert
        elif taken:
            states.append(_with(states[-1], patched[0], patched[min(taken, len(patched) - 1)]))
        else:
            states.append(draw(edited(states[-1])))
    return states, patched


@st.composite
def scattered(draw: st.DrawFn) -> Line:
    """Return a line and a series that edit single lines here and there: many meet, many do not."""
    numbers = range(9)
    base = {b"%d.rs" % n: ("100644", b"".join(b"%d\n" % m for m in numbers)) for n in range(3)}

    def step(tree: Tree, word: bytes) -> Tree:
        path = draw(st.sampled_from(sorted(tree)))
        rows = tree[path][1].split(b"\n")
        rows[draw(st.sampled_from([1, 4, 7]))] = word
        return {**tree, path: ("100644", b"\n".join(rows))}

    states, patched = [base], [base]
    for n in range(draw(st.integers(2, 5))):
        patched.append(step(patched[-1], b"ours %d" % n))
    for n in range(draw(st.integers(1, 4))):
        states.append(step(states[-1], b"upstream's %d" % n))
    return states, patched


def _with(tree: Tree, before: Tree, after: Tree) -> Tree:
    """Return ``tree`` with what was changed between two others, as upstream might take it."""
    result = dict(tree)
    for path in before.keys() | after.keys():
        if before.get(path) != after.get(path):
            result.pop(path, None)
            if path in after:
                result[path] = after[path]
    return result


def changed(old: Tree, new: Tree) -> Mapping[str | bytes, Content]:
    """Return what leads from one tree to another, as a scenario writes it."""
    gone: dict[str | bytes, Content] = dict.fromkeys(set(old) - set(new))
    return {**gone, **{p: c for p, c in new.items() if old.get(p) != c}}


def tell(upstream: Upstream, line: Line) -> tuple[list[Oid], Stack, tuple[Change, ...]]:
    """Write the line's commits and make its stack."""
    states, patched = line
    commits = [upstream.commit("base", changed({}, states[0]))]
    for n, (old, new) in enumerate(itertools.pairwise(states)):
        commits.append(upstream.commit(f"step {n}", changed(old, new)))
    pairs = [(a, b) for a, b in itertools.pairwise(patched) if a != b]
    stack, changes = make_stack(
        upstream, commits[0], {f"p{n}": changed(a, b) for n, (a, b) in enumerate(pairs)}
    )
    return commits, stack, changes


@settings(max_examples=EXAMPLES)
@given(line=st.one_of(lines(), scattered()))
def test_the_floor_is_the_newest_commit_that_a_rebase_onto_each_finds(line: Line) -> None:
    folder = Path(tempfile.mkdtemp(prefix="forkbot-floor-"))
    try:
        upstream = Upstream(folder / "u.git", env=sealed_env(dict(os.environ)))
        commits, stack, changes = tell(upstream, line)
        base, onto = upstream.place(commits[0]), upstream.place(commits[-1])
        with quarantine(upstream.repository, scratch=folder / "scratch") as lent:
            facts = rebase(stack, repository=lent, channel=Channel.MAIN, base=base, onto=onto).facts
            with Workbench(lent, shortcuts=False) as bench:
                applies = []
                for oid in commits:
                    there = upstream.place(oid)
                    taken = find_merged(changes, base=base, onto=there, bench=bench)
                    pushed = push(changes, onto=there, bench=bench, when=1, taken=taken)
                    applies.append(all(p.conflict is None for p in pushed))
        assert applies[0]
        assert (facts.tip is None) == (not applies[-1])
        if facts.tip is None:
            assert facts.floor
            newest = max(n for n, it in enumerate(applies) if it)
            assert facts.floor.place.commit == commits[newest]
            assert facts.floor.behind == len(commits) - 1 - newest
            assert facts.floor.blocked_by
            assert facts.floor.blocked_by.commit == commits[newest + 1]
        else:
            assert facts.floor is None
    finally:
        shutil.rmtree(folder)
