"""The wall behind the door: whatever a diff says, nothing is written outside the tree.

The door (``diff_paths``) refuses these by their names; here they go past it, straight to what makes
trees of diffs, and what comes of it is checked out by git.
"""

from pathlib import Path

import pytest

from forkbot.errors import UsageError
from forkbot.git.patching import DoesNotApply
from forkbot.git.repository import quarantine
from forkbot.git.workbench import Workbench
from forkbot.stackdir.diff import diff_paths
from tests.scenario import Upstream, write_tree

HOWS = pytest.mark.parametrize("how", ["in Python", "by git"])


def new(path: str, *, mode: str = "100644") -> str:
    """Return a diff that adds a file."""
    header = f"diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n"
    return f"{header}@@ -0,0 +1 @@\n+owned\n"


def link(path: str, to: Path | str) -> str:
    """Return a diff that adds a symlink."""
    return new(path, mode="120000").replace("+owned\n", f"+{to}\n\\ No newline at end of file\n")


def moved(how: str, old: str, to: str) -> str:
    """Return a diff that renames or copies a file."""
    return f"diff --git a/{old} b/{to}\nsimilarity index 100%\n{how} from {old}\n{how} to {to}\n"


BAD_NAMES = [
    "../owned",
    "x/../../owned",
    "/owned",
    "x//owned",
    "./owned",
    ".git/owned",
    ".GIT/owned",
    ".git",
    "x/.git/hooks/post-checkout",
    "git~1/owned",
]


@HOWS
def test_a_bad_name_is_stopped_at_the_door_and_harmless_behind_it(
    upstream: Upstream, tmp_path: Path, how: str
) -> None:
    moves = (moved(word, "lib.rs", name) for word in ("rename", "copy") for name in BAD_NAMES)
    for number, diff in enumerate((*map(new, BAD_NAMES), *moves)):
        with pytest.raises(UsageError):
            diff_paths(diff.encode(), where="x.patch")
        place = tmp_path / str(number)
        applied(upstream, [diff], how=how, place=place)
        written = {str(p.relative_to(place)) for p in place.rglob("*")}
        assert written <= {"work", "work/lib.rs", "work/x", "work/x/owned", "index"}
    found = {p.relative_to(tmp_path).parts[1:] for p in tmp_path.rglob("owned")}
    assert found <= {("work", "x", "owned")}
    assert not list(tmp_path.rglob(".git"))
    assert not Path("/owned").exists()


def outside(tmp_path: Path) -> Path:
    """Return a folder that no patch may reach."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "passwd").write_text("root\n")
    return folder


@HOWS
@pytest.mark.parametrize("patches", [1, 3])
def test_nothing_is_written_through_a_symlink(
    upstream: Upstream, tmp_path: Path, how: str, patches: int
) -> None:
    place = outside(tmp_path)
    diffs = [link("sub", place), new("sub/owned"), new("sub/deeper/owned")]
    diffs = ["".join(diffs)] if patches == 1 else diffs
    assert not applied(upstream, diffs, how=how, place=tmp_path / "made")
    assert sorted(p.name for p in place.iterdir()) == ["passwd"]


@HOWS
def test_nothing_is_read_or_changed_through_a_symlink(
    upstream: Upstream, tmp_path: Path, how: str
) -> None:
    place = outside(tmp_path)
    change = "diff --git a/sub/passwd b/sub/passwd\n--- a/sub/passwd\n+++ b/sub/passwd\n"
    for diff in (
        f"{change}@@ -1 +1 @@\n-root\n+owned\n",
        moved("rename", "sub/passwd", "mine"),
        moved("copy", "sub/passwd", "mine"),
        "diff --git a/sub/passwd b/sub/passwd\nold mode 100644\nnew mode 100755\n",
    ):
        assert not applied(upstream, [link("sub", place), diff], how=how, place=tmp_path / "made")
    assert (place / "passwd").read_text() == "root\n"


@HOWS
def test_a_folder_may_take_the_place_of_a_symlink_that_went(
    upstream: Upstream, tmp_path: Path, how: str
) -> None:
    place = outside(tmp_path)
    away = link("sub", place).replace("new file", "deleted file")
    away = away.replace("--- /dev/null\n+++ b/sub", "--- a/sub\n+++ /dev/null")
    away = away.replace("@@ -0,0 +1 @@\n+", "@@ -1 +0,0 @@\n-")
    diffs = [link("sub", place), away, new("sub/ours")]
    assert applied(upstream, diffs, how=how, place=tmp_path / "made")
    assert (tmp_path / "made" / "work" / "sub" / "ours").read_text() == "owned\n"
    assert sorted(p.name for p in place.iterdir()) == ["passwd"]


def applied(upstream: Upstream, diffs: list[str], *, how: str, place: Path) -> bool:
    """Apply the diffs, one after the other, and check the result out; return whether all fit."""
    repository = upstream.repository
    tree = write_tree(repository, {b"lib.rs": ("100644", b"lib\n")})
    with (
        quarantine(repository, scratch=repository.git_dir / "scratch") as lent,
        Workbench(lent, shortcuts=how == "in Python") as bench,
    ):
        for diff in diffs:
            made = bench.patcher.apply(diff.encode(), tree=tree)
            if isinstance(made, DoesNotApply):
                return False
            tree = made
        bench.objects.flush()
        work = place / "work"
        work.mkdir(parents=True)
        env = {"GIT_WORK_TREE": str(work), "GIT_INDEX_FILE": str(place / "index")}
        lent.git("read-tree", tree, env=env, ok=None)
        lent.git("checkout-index", "-a", env=env, ok=None)
    return True
