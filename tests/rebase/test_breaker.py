"""Who broke it: stories on real histories, each told with the breaker's subject and path."""

from collections.abc import Mapping
from pathlib import Path

from forkbot.model.conflict import Breaker, Conflict
from forkbot.words import Oid
from tests.scenario import Content, Upstream, carried, make_stack

Files = dict[str | bytes, Content]
LINES = [f"line {n}" for n in range(40)]


def text(**changed: str) -> str:
    """Return forty lines, some of them changed: ``l5="five"``."""
    lines = list(LINES)
    for name, line in changed.items():
        lines[int(name[1:])] = line
    return "\n".join(lines) + "\n"


def conflict(upstream: Upstream, base: Oid, patches: Mapping[str, Files], folder: Path) -> Conflict:
    """Rebase a stack onto upstream's tip and return its conflict."""
    stack, _ = make_stack(upstream, base, patches)
    facts = carried(stack, upstream, base, folder).facts
    assert facts.conflict
    return facts.conflict


def breakers(
    upstream: Upstream, base: Oid, patches: Mapping[str, Files], folder: Path
) -> tuple[Breaker, ...]:
    """Rebase a stack onto upstream's tip and return who broke it."""
    return conflict(upstream, base, patches, folder).breakers


def told(found: tuple[Breaker, ...]) -> list[str]:
    """Return the breakers as people read them."""
    return [f"{b.path}: {b.subject}" for b in found]


def test_the_commit_that_edits_our_lines(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("elsewhere", {"a.rs": text(l30="thirty")})
    broke = upstream.commit("io: rework (#812)", {"a.rs": text(l30="thirty", l5="FIVE")})
    upstream.commit("later", {"a.rs": text(l30="thirty", l5="FIVE", l20="twenty")})
    (found,) = breakers(upstream, base, {"fix": {"a.rs": text(l5="five")}}, tmp_path)
    assert (found.commit, found.path, found.pull_request) == (broke, "a.rs", 812)
    assert (found.author, found.date, found.came_and_went) == ("An Upstream Dev", "2026-09-21", ())
    assert upstream.repository.resolve(f"{broke}^") == found.parent


def test_two_paths_have_two_breakers(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("break b", {"b.rs": text(l7="SEVEN")})
    upstream.commit("something else", {"c.rs": "c\n"})
    upstream.commit("break a", {"a.rs": text(l5="FIVE")})
    patch: Files = {"a.rs": text(l5="five"), "b.rs": text(l7="seven")}
    assert told(breakers(upstream, base, {"fix": patch}, tmp_path)) == [
        "a.rs: break a",
        "b.rs: break b",
    ]


def test_a_break_that_was_reverted_and_came_back(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    first = upstream.commit("break it", {"a.rs": text(l5="FIVE")})
    revert = upstream.commit("revert that", {"a.rs": text()})
    again = upstream.commit("break it again", {"a.rs": text(l5="V")})
    (found,) = breakers(upstream, base, {"fix": {"a.rs": text(l5="five")}}, tmp_path)
    assert (found.commit, found.came_and_went) == (again, (first, revert))


def test_an_earlier_patch_is_not_blamed_on_the_later_ones_breaker(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("hides everything for a while", {"a.rs": text(l5="FIVE")})
    upstream.commit("breaks the second patch meanwhile", {"b.rs": text(l9="NINE")})
    upstream.commit("revert the first", {"a.rs": text()})
    patches: dict[str, Files] = {
        "one": {"a.rs": text(l5="five")},
        "two": {"b.rs": text(l9="nine")},
    }
    assert told(breakers(upstream, base, patches, tmp_path)) == [
        "b.rs: breaks the second patch meanwhile"
    ]


def test_where_an_earlier_patch_hides_the_answer_nobody_is_blamed(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("hides everything for a while", {"a.rs": text(l5="FIVE", l20="TWENTY")})
    upstream.commit("takes back a part", {"a.rs": text(l20="TWENTY")})
    patches: dict[str, Files] = {
        "one": {"a.rs": text(l5="five")},
        "two": {"a.rs": text(l5="cinq", l20="vingt")},
    }
    assert breakers(upstream, base, patches, tmp_path) == ()


def test_a_deletion_breaks_an_edit(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": "b\n"})
    upstream.commit("other", {"b.rs": "B\n"})
    upstream.commit("remove a", {"a.rs": None})
    found = breakers(upstream, base, {"fix": {"a.rs": text(l5="five")}}, tmp_path)
    assert told(found) == ["a.rs: remove a"]


def test_a_rename_of_a_file_in_conflict_is_followed_to_the_edit(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": "b\n"})
    upstream.commit("break a", {"a.rs": text(l5="FIVE")})
    upstream.commit("move a", {"a.rs": None, "src/moved.rs": text(l5="FIVE")})
    (found,) = breakers(upstream, base, {"fix": {"a.rs": text(l5="five")}}, tmp_path)
    assert told((found,)) == ["src/moved.rs: break a"]
    assert found.earlier_names == ("a.rs",)


def test_both_sides_add_the_same_path(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("other", {"a.rs": text(l1="one")})
    upstream.commit("upstream adds it too", {"new.rs": "theirs\n"})
    found = breakers(upstream, base, {"fix": {"new.rs": "ours\n"}}, tmp_path)
    assert told(found) == ["new.rs: upstream adds it too"]


def test_of_a_merge_the_commit_that_it_brought_is_named(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": "b\n"})
    upstream.commit("begins a branch", {"b.rs": "B\n"})
    broke = upstream.commit("break a", {"a.rs": text(l5="FIVE")})
    last = upstream.commit("goes on", {"a.rs": text(l5="FIVE", l30="thirty")})
    upstream.go_to(base)
    before = upstream.commit("on main meanwhile", {"c.rs": "c\n"})
    merged: Files = {"a.rs": text(l5="FIVE", l30="thirty"), "b.rs": "B\n"}
    merge = upstream.commit("Merge pull request #12 from a/branch", merged, merging=(last,))
    (found,) = breakers(upstream, base, {"fix": {"a.rs": text(l5="five")}}, tmp_path)
    assert (found.commit, found.parent, found.pull_request) == (merge, before, 12)
    assert found.brought
    assert (found.brought.commit, found.brought.subject) == (broke, "break a")


def test_what_only_a_merge_itself_broke_names_no_commit_of_its_branch(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": "b\n"})
    side = upstream.commit("a branch", {"b.rs": "B\n"})
    upstream.go_to(base)
    upstream.commit("on main meanwhile", {"c.rs": "c\n"})
    evil: Files = {"a.rs": text(l5="FIVE"), "b.rs": "B\n"}
    merge = upstream.commit("Merge the branch, and edit on the way", evil, merging=(side,))
    (found,) = breakers(upstream, base, {"fix": {"a.rs": text(l5="five")}}, tmp_path)
    assert (found.commit, found.brought) == (merge, None)


def test_a_path_has_one_name_whatever_stands_in_its_way(upstream: Upstream, tmp_path: Path) -> None:
    """ort calls the file aside of a folder by an id that differs from merge to merge."""
    base = upstream.commit("base", {"a": text(), "b": "b\n"})
    upstream.commit("before", {"b": "B\n"})
    upstream.commit("a is a folder", {"a": None, "a/inside": "inside\n"})
    for n in range(3):
        upstream.commit(f"later {n}", {"a/inside": f"{n}\n"})
    (found,) = breakers(upstream, base, {"fix": {"a": text(l5="five")}}, tmp_path)
    assert told((found,)) == ["a: a is a folder"]
    assert (found.earlier_names, found.came_and_went) == ((), ())


def test_a_file_renamed_on_both_sides_is_one_path(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("rename", {"a.rs": None, "b.rs": text()})
    upstream.commit("edit", {"b.rs": text(l5="FIVE")})
    patch: Files = {"a.rs": None, "c.rs": text(l5="five")}
    assert told(breakers(upstream, base, {"fix": patch}, tmp_path)) == ["a.rs: rename"]
