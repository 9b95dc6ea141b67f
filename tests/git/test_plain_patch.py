"""The Python road for plain diffs and plain merges, held against git's own answers."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from forkbot.git.merge import Clean
from forkbot.git.patching import DoesNotApply
from forkbot.git.plainpatch import apply_plain
from forkbot.git.repository import quarantine, sealed_env
from forkbot.git.workbench import Workbench
from forkbot.words import Oid
from tests.rebase.test_against_cherry_pick import EXAMPLES, Files, edited, stories
from tests.scenario import Upstream, write_tree

_DIFF = ("diff-tree", "-p", "--full-index", "--no-renames", "--no-color")


def _diff(bench: Workbench, old: Oid, new: Oid, *options: str) -> bytes:
    return bench.repository.git(*_DIFF, *options, old, new).stdout


@settings(max_examples=EXAMPLES)
@given(story=stories(), context=st.integers(0, 4), binary=st.booleans(), data=st.data())
def test_a_plain_answer_is_gits_answer(
    story: tuple[Files, Files, list[Files]], context: int, data: st.DataObject, *, binary: bool
) -> None:
    """A diff made on one tree, applied to another: the same tree as by git, or no answer."""
    base, upstream_files, states = story
    folder = Path(tempfile.mkdtemp(prefix="forkbot-plain-"))
    try:
        upstream = Upstream(folder / "u.git", env=sealed_env(dict(os.environ)))
        shifted = data.draw(edited(base))
        trees = [
            write_tree(upstream.repository, f) for f in (base, states[1], upstream_files, shifted)
        ]
        with quarantine(upstream.repository, scratch=folder) as lent, Workbench(lent) as bench:
            flags = [f"-U{context}", *(["--binary"] if binary else [])]
            diff = _diff(bench, trees[0], trees[1], *flags)
            for tree in (trees[0], trees[2], trees[3]):
                quick = apply_plain(diff, tree=tree, trees=bench.trees, objects=bench.objects)
                event("quick" if quick else "asked git")
                if quick is not None:
                    oracle = Workbench(lent, shortcuts=False)
                    assert oracle.patcher.apply(diff, tree=tree) == quick
    finally:
        shutil.rmtree(folder)


@settings(max_examples=EXAMPLES)
@given(story=stories())
def test_changes_and_edit_take_one_tree_to_the_other(
    story: tuple[Files, Files, list[Files]],
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="forkbot-trees-"))
    try:
        upstream = Upstream(folder / "u.git", env=sealed_env(dict(os.environ)))
        old, new = (write_tree(upstream.repository, f) for f in (story[0], story[1]))
        with quarantine(upstream.repository, scratch=folder) as lent, Workbench(lent) as bench:
            changes = {path: entry for path, _, entry in bench.trees.changes(old, new)}
            edited_tree = bench.trees.edit(old, changes)
            assert edited_tree in (new, None)
            listed = lent.git("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new)
            assert sorted(changes) == sorted(filter(None, listed.stdout.split(b"\0")))
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def bench(upstream: Upstream, tmp_path: Path) -> Iterator[Workbench]:
    with (
        quarantine(upstream.repository, scratch=tmp_path / "scratch") as lent,
        Workbench(lent) as opened,
    ):
        yield opened


def _tree(upstream: Upstream, text: str) -> Oid:
    return write_tree(upstream.repository, {b"a.rs": ("100644", text.encode())})


def test_a_hunk_that_moved_is_found_where_it_is_alone(upstream: Upstream, bench: Workbench) -> None:
    lines = [f"line {n}" for n in range(30)]
    old = _tree(upstream, "\n".join(lines) + "\n")
    new = _tree(upstream, "\n".join([*lines[:15], "ours", *lines[16:]]) + "\n")
    moved = _tree(upstream, "\n".join(["above", "above", *lines]) + "\n")
    quick = apply_plain(
        _diff(bench, old, new), tree=moved, trees=bench.trees, objects=bench.objects
    )
    expected = "\n".join(["above", "above", *lines[:15], "ours", *lines[16:]]) + "\n"
    assert quick == _tree(upstream, expected)


def test_a_hunk_that_fits_twice_elsewhere_is_left_to_git(
    upstream: Upstream, bench: Workbench
) -> None:
    block = ["start", "a", "b", "c", "d", "e", "f", "end"]
    old = _tree(upstream, "\n".join(["x"] * 9 + block + ["y"] * 9) + "\n")
    changed = [*block[:4], "D", *block[5:]]
    new = _tree(upstream, "\n".join(["x"] * 9 + changed + ["y"] * 9) + "\n")
    twice = _tree(upstream, "\n".join([*["z"] * 3, *block, *["z"] * 40, *block, "z"]) + "\n")
    diff = _diff(bench, old, new)
    assert apply_plain(diff, tree=twice, trees=bench.trees, objects=bench.objects) is None
    assert not isinstance(bench.patcher.apply(diff, tree=twice), DoesNotApply)


def test_changed_context_is_never_forgiven(upstream: Upstream, bench: Workbench) -> None:
    lines = [f"line {n}" for n in range(9)]
    old = _tree(upstream, "\n".join(lines) + "\n")
    new = _tree(upstream, "\n".join([*lines[:4], "ours", *lines[5:]]) + "\n")
    other = _tree(upstream, "\n".join([*lines[:3], "LINE 3", *lines[4:]]) + "\n")
    said = bench.patcher.apply(_diff(bench, old, new), tree=other)
    assert isinstance(said, DoesNotApply)
    assert said.why.splitlines() == [
        "error: patch failed: a.rs:2",
        "error: a.rs: patch does not apply",
    ]


def test_a_graft_is_only_done_where_upstream_left_the_file_alone(
    upstream: Upstream, bench: Workbench
) -> None:
    base, ours = _tree(upstream, "1\n2\n3\n"), _tree(upstream, "1\n2\nthree\n")
    theirs = write_tree(
        upstream.repository,
        {b"a.rs": ("100644", b"1\n2\n3\n"), b"b.rs": ("100644", b"new\n")},
    )
    merged = bench.merger.merge(base=base, upstream=theirs, ours=ours)
    assert isinstance(merged, Clean)
    assert merged.tree == write_tree(
        upstream.repository,
        {b"a.rs": ("100644", b"1\n2\nthree\n"), b"b.rs": ("100644", b"new\n")},
    )


@pytest.mark.parametrize("name", ["../x", "x/../../y", ".git/x", "a/.GIT/x", "x//y", "./x", "x/."])
def test_a_name_that_leaves_the_tree_makes_no_tree(
    name: str, upstream: Upstream, bench: Workbench
) -> None:
    diff = f"diff --git a/{name} b/{name}\nnew file mode 100644\n--- /dev/null\n+++ b/{name}\n"
    diff += "@@ -0,0 +1 @@\n+owned\n"
    said = bench.patcher.apply(diff.encode(), tree=_tree(upstream, "1\n"))
    assert isinstance(said, DoesNotApply)
    assert said.why.startswith("error: ")
