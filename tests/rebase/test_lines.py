"""The lines of a conflict: where they are, whose they are, what kind of conflict it is."""

from pathlib import Path

import pytest

from forkbot.model.conflict import Conflict, ConflictedPath, Hunk, Owner
from tests.rebase.test_breaker import Files, conflict, text
from tests.scenario import Upstream


def only(found: Conflict) -> ConflictedPath:
    """Return the one path of a conflict."""
    (path,) = found.paths
    return path


def owner(told: Owner) -> str:
    """Return an owner as people read it."""
    verb = "removed" if told.removed else "wrote"
    return f"{told.by.subject}: {verb} {told.lines}"


def hunk(told: Hunk) -> list[str]:
    """Return a hunk's verdict as people read it."""
    where = f" to {told.moved_to}" if told.moved_to else ""
    return [
        f"{told.line}: {told.kind.value}{where}, {told.effort.value}",
        *map(owner, told.owners),
    ]


def path(told: ConflictedPath) -> list[str]:
    """Return a path's verdict as people read it, its hunks behind it."""
    where = f" to {told.moved_to}" if told.moved_to else ""
    return [
        f"{told.path}: {told.kind.value}{where}, {told.effort.value}",
        *map(owner, told.owners),
        *(line for h in told.hunks for line in hunk(h)),
    ]


def function(name: str, *body: str) -> str:
    """Return a function of Rust with some lines in it."""
    lines = "".join(f"    {line}\n" for line in body)
    return f"pub fn {name}() -> io::Result<()> {{\n{lines}}}\n"


SEND = function("send", "let socket = self.socket();", "socket.send(self.buffer())?;", "Ok(())")
OUR_SEND = SEND.replace("Ok(())", "socket.flush_for_wasi()?;\n    Ok(())")
RECV = function("recv", "self.socket().recv(self.buffer_mut())")


def test_both_sides_edit_a_line(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("elsewhere", {"a.rs": text(l30="thirty")})
    upstream.commit("edit the line", {"a.rs": text(l5="FIVE", l30="thirty")})
    found = only(conflict(upstream, base, {"fix": {"a.rs": text(l5="five")}}, tmp_path))
    assert path(found) == [
        "a.rs: both edited, a small edit",
        "6: both edited, a small edit",
        "edit the line: wrote 1",
    ]
    (told,) = found.hunks
    assert (told.base, told.upstream, told.ours) == ("line 5\n", "FIVE\n", "five\n")
    assert told.above == "line 2\nline 3\nline 4\n"
    assert told.below == "line 6\nline 7\nline 8\n"


def test_two_owners_most_lines_first(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("first edit", {"a.rs": text(l5="FIVE", l6="SIX", l7="SEVEN")})
    upstream.commit("second edit", {"a.rs": text(l5="V", l6="SIX", l7="SEVEN")})
    patch: Files = {"a.rs": text(l5="five", l6="six", l7="seven")}
    found = only(conflict(upstream, base, {"fix": patch}, tmp_path))
    assert path(found)[1:] == [
        "6: both edited, a small edit",
        "first edit: wrote 2",
        "second edit: wrote 1",
    ]


def test_who_removed_the_base_line_is_told_beside_who_wrote_in_its_place(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"Cargo.toml": "[lints]\ncfg = 1\n"})
    upstream.commit("bump to 2", {"Cargo.toml": "[lints]\ncfg = 2\n"})
    upstream.commit("bump to 3", {"Cargo.toml": "[lints]\ncfg = 3\n"})
    patch: Files = {"Cargo.toml": "[lints]\ncfg = 9\n"}
    found = only(conflict(upstream, base, {"fix": patch}, tmp_path))
    assert path(found)[1:] == [
        "2: both edited, a small edit",
        "bump to 3: wrote 1",
        "bump to 2: removed 1",
    ]


def test_a_deletion_has_an_owner(upstream: Upstream, tmp_path: Path) -> None:
    """Another commit's line stands beside the gap now; it is unlike what was there."""
    base = upstream.commit("base", {"a.rs": SEND + RECV})
    upstream.commit("elsewhere", {"a.rs": "use std::io;\n" + SEND + RECV})
    upstream.commit("remove send", {"a.rs": "use std::io;\n" + RECV})
    upstream.commit("later", {"a.rs": "use std::io;\n" + RECV + "// end\n"})
    found = only(conflict(upstream, base, {"fix": {"a.rs": OUR_SEND + RECV}}, tmp_path))
    assert path(found) == [
        "a.rs: deleted upstream, some thought",
        "1: deleted upstream, some thought",
        "remove send: removed 5",
        "elsewhere: wrote 1",
    ]


def test_an_earlier_patchs_lines_are_not_blamed_on_upstream(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("edit two", {"a.rs": text(l4="FOUR", l8="EIGHT")})
    patches: dict[str, Files] = {
        "one": {"a.rs": text(l6="six\nsix and a half")},
        "two": {"a.rs": text(l4="four", l5="five", l6="6", l7="seven", l8="eight")},
    }
    found = only(conflict(upstream, base, patches, tmp_path))
    (told,) = found.hunks
    assert told.upstream == "FOUR\nline 5\nsix\nsix and a half\nline 7\nEIGHT\n"
    assert hunk(told) == ["5: both edited, a small edit", "edit two: wrote 2"]


def test_neighbouring_edits_can_both_stand(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("the line above", {"a.rs": text(l5="FIVE")})
    found = only(conflict(upstream, base, {"fix": {"a.rs": text(l6="six")}}, tmp_path))
    assert path(found) == [
        "a.rs: context moved, a small edit",
        "6: context moved, a small edit",
        "the line above: wrote 1",
    ]


def test_an_attribute_on_what_upstream_took_away_cannot_stand(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": RECV + SEND})
    upstream.commit("remove send", {"a.rs": RECV})
    patch: Files = {"a.rs": RECV + "#[cfg(not(wasi))]\n" + SEND}
    found = only(conflict(upstream, base, {"fix": patch}, tmp_path))
    assert path(found)[0] == "a.rs: deleted upstream, some thought"


@pytest.mark.parametrize(
    "there",
    [
        pytest.param("  five\t", id="white space"),
        pytest.param("five\nfive and a half", id="and more"),
    ],
)
def test_upstream_says_it_already(upstream: Upstream, tmp_path: Path, there: str) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("say it", {"a.rs": text(l5=there)})
    found = only(conflict(upstream, base, {"fix": {"a.rs": text(l5="five")}}, tmp_path))
    assert path(found)[:2] == ["a.rs: already there, a look", "6: already there, a look"]


def test_upstream_only_ran_a_formatter(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": "fn a() {\n    one(two,\n        three);\n}\n"})
    upstream.commit("fmt", {"a.rs": "fn a() {\n\tone(two, three);\n}\n"})
    patch: Files = {"a.rs": "fn a() {\n    one(two,\n        4);\n}\n"}
    found = only(conflict(upstream, base, {"fix": patch}, tmp_path))
    assert path(found)[0] == "a.rs: white space only, a small edit"


def test_a_rewritten_line_is_not_the_removal_that_we_made(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": "a\nspawn();\nb\n"})
    upstream.commit("rewrite", {"a.rs": "a\nspawn(now);\nb\n"})
    found = only(conflict(upstream, base, {"fix": {"a.rs": "a\nb\n"}}, tmp_path))
    assert path(found)[0] == "a.rs: both edited, a small edit"


def test_both_sides_add_a_file(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("upstream adds it too", {"new.rs": "theirs\n"})
    found = only(conflict(upstream, base, {"fix": {"new.rs": "ours\n"}}, tmp_path))
    assert path(found) == [
        "new.rs: added on both sides, a small edit",
        "1: added on both sides, a small edit",
        "upstream adds it too: wrote 1",
    ]
    assert found.base is None


def test_both_sides_add_at_one_place(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("add", {"a.rs": text(l5="line 5\ntheirs")})
    found = only(conflict(upstream, base, {"fix": {"a.rs": text(l5="line 5\nours")}}, tmp_path))
    assert path(found)[1:] == ["7: added on both sides, a small edit", "add: wrote 1"]


def test_lines_that_moved_within_the_file(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": SEND + text() + RECV})
    indented = "".join(f"    {line}\n" for line in SEND.splitlines())
    upstream.commit("into an impl", {"a.rs": text() + RECV + "impl Socket {\n" + indented + "}\n"})
    found = only(conflict(upstream, base, {"fix": {"a.rs": OUR_SEND + text() + RECV}}, tmp_path))
    assert path(found) == [
        "a.rs: renamed or moved to a.rs:45, a small edit",
        "1: renamed or moved to a.rs:45, a small edit",
        "into an impl: removed 5",
    ]


def test_lines_that_moved_to_another_file(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"lib.rs": text() + SEND})
    upstream.commit("a copy first", {"lib.rs": text() + SEND, "send.rs": "use std::io;\n" + SEND})
    upstream.commit("then only the copy", {"lib.rs": text() + "mod send;\n"})
    found = only(conflict(upstream, base, {"fix": {"lib.rs": text() + OUR_SEND}}, tmp_path))
    assert path(found) == [
        "lib.rs: renamed or moved to send.rs:2, a small edit",
        "41: renamed or moved to send.rs:2, a small edit",
        "then only the copy: wrote 1",
    ]


def test_lines_indented_where_they_are_have_not_moved(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": SEND + RECV})
    indented = SEND.replace("\n    ", "\n        ")
    upstream.commit("indent", {"a.rs": indented + RECV})
    found = only(conflict(upstream, base, {"fix": {"a.rs": OUR_SEND + RECV}}, tmp_path))
    assert path(found)[0] == "a.rs: white space only, a small edit"


def test_a_file_moved_into_a_folder_of_its_own(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"src/net.rs": text(), "b": "b\n"})
    upstream.commit("edit net", {"src/net.rs": text(l5="FIVE")})
    upstream.commit("net is a folder", {"src/net.rs": None, "src/net/mod.rs": text(l5="FIVE")})
    found = only(conflict(upstream, base, {"fix": {"src/net.rs": text(l5="five")}}, tmp_path))
    assert path(found) == [
        "src/net/mod.rs: both edited to src/net/mod.rs, a small edit",
        "net is a folder: wrote 0",
        "6: both edited, a small edit",
        "edit net: wrote 1",
    ]
    sides = (found.base, found.upstream, found.ours)
    assert [s and s.path for s in sides] == ["src/net.rs", "src/net/mod.rs", "src/net.rs"]


def test_a_file_moved_and_rewritten_at_once(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"src/net.rs": text()})
    upstream.commit("rewrite", {"src/net.rs": None, "src/net/mod.rs": "all new\n" * 30})
    found = only(conflict(upstream, base, {"fix": {"src/net.rs": text(l5="five")}}, tmp_path))
    assert path(found) == [
        "src/net.rs: renamed or moved to src/net/mod.rs, a small edit",
        "rewrite: wrote 0",
    ]


def test_a_file_moved_and_much_rewritten_later(upstream: Upstream, tmp_path: Path) -> None:
    """Between base and onto there is no likeness left; the moving commit shows it."""
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("move", {"a.rs": None, "sys/b.rs": text()})
    upstream.commit("move again", {"sys/b.rs": None, "sys/c.rs": text(l1="one")})
    upstream.commit("rewrite", {"sys/c.rs": "all new\n" * 30})
    found = only(conflict(upstream, base, {"fix": {"a.rs": text(l5="five")}}, tmp_path))
    assert path(found) == [
        "a.rs: renamed or moved to sys/c.rs, a small edit",
        "move again: wrote 0",
        "move: wrote 0",
    ]


def test_upstream_deletes_what_we_edit(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b": "b\n"})
    upstream.commit("remove a", {"a.rs": None})
    upstream.commit("later", {"b": "B\n"})
    found = only(conflict(upstream, base, {"fix": {"a.rs": text(l5="five")}}, tmp_path))
    assert path(found) == ["a.rs: deleted upstream, some thought", "remove a: removed 40"]
    assert (found.upstream, found.hunks) == (None, ())


def test_upstream_moves_a_file_and_then_deletes_it(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b": "b\n"})
    upstream.commit("move it", {"a.rs": None, "old/a.rs": text()})
    upstream.commit("remove it", {"old/a.rs": None})
    found = only(conflict(upstream, base, {"fix": {"a.rs": text(l5="five")}}, tmp_path))
    assert path(found) == [
        "a.rs: deleted upstream, some thought",
        "remove it: removed 40",
        "move it: wrote 0",
    ]


def test_upstream_takes_a_file_apart(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": SEND + RECV, "net.rs": text()})
    upstream.commit("all in one", {"a.rs": None, "net.rs": text() + SEND + RECV})
    found = only(conflict(upstream, base, {"fix": {"a.rs": OUR_SEND + RECV}}, tmp_path))
    assert path(found) == [
        "a.rs: renamed or moved to net.rs, a small edit",
        "all in one: removed 8",
    ]


def test_we_delete_what_upstream_edits(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b": "b\n"})
    upstream.commit("one edit", {"a.rs": text(l5="FIVE", l20="TWENTY")})
    upstream.commit("another", {"a.rs": text(l5="V", l6="VI", l20="TWENTY")})
    found = only(conflict(upstream, base, {"fix": {"a.rs": None}}, tmp_path))
    assert path(found) == [
        "a.rs: both edited, a small edit",
        "another: wrote 2",
        "one edit: wrote 1",
    ]
    assert found.ours is None


def test_both_sides_rename_a_file(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("rename", {"a.rs": None, "b.rs": text(l5="FIVE")})
    patch: Files = {"a.rs": None, "c.rs": text(l5="five")}
    found = only(conflict(upstream, base, {"fix": patch}, tmp_path))
    assert path(found) == [
        "a.rs: both edited to b.rs, a small edit",
        "rename: wrote 0",
        "6: both edited, a small edit",
        "rename: wrote 1",
    ]
    sides = (found.base, found.upstream, found.ours)
    assert [s and s.path for s in sides] == ["a.rs", "b.rs", "c.rs"]


def test_a_new_file_in_a_folder_that_upstream_renamed(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"old/a.rs": text(), "old/b.rs": text(l1="one"), "c": "c\n"})
    moved: Files = {"old/a.rs": None, "old/b.rs": None}
    upstream.commit("rename", {**moved, "new/a.rs": text(), "new/b.rs": text(l1="one")})
    found = only(conflict(upstream, base, {"fix": {"old/ours.rs": "ours\n"}}, tmp_path))
    assert path(found) == [
        "new/ours.rs: renamed or moved to new/ours.rs, a small edit",
        "rename: wrote 0",
    ]
    assert found.ours
    assert found.ours.path == "old/ours.rs"


def test_a_binary_file(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.png": b"\0one"})
    upstream.commit("draw it anew", {"a.png": b"\0two"})
    upstream.commit("elsewhere", {"b": "b\n"})
    found = only(conflict(upstream, base, {"fix": {"a.png": b"\0three"}}, tmp_path))
    assert path(found) == ["a.png: mode or binary, some thought", "draw it anew: wrote 0"]


def test_the_modes_of_a_file_that_both_sides_add(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a": "a\n"})
    upstream.commit("add a tool", {"run": ("100755", b"run\n")})
    found = only(conflict(upstream, base, {"fix": {"run": "run\n"}}, tmp_path))
    assert path(found) == ["run: mode or binary, a small edit", "add a tool: wrote 0"]


def test_a_link_where_we_have_a_file(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a": text(), "b": "b\n"})
    upstream.commit("link it", {"a": ("120000", b"b")})
    found = only(conflict(upstream, base, {"fix": {"a": text(l5="five")}}, tmp_path))
    assert path(found) == ["a: mode or binary, some thought", "link it: wrote 0"]
    sides = (found.base, found.upstream, found.ours)
    assert [s and (s.path, s.mode) for s in sides] == [
        ("a", "100644"), ("a", "120000"), ("a", "100644"),
    ]  # fmt: skip


def test_two_links(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a": ("120000", b"b")})
    upstream.commit("link to c", {"a": ("120000", b"c")})
    found = only(conflict(upstream, base, {"fix": {"a": ("120000", b"d")}}, tmp_path))
    assert path(found) == ["a: mode or binary, some thought", "link to c: wrote 0"]


def test_a_folder_where_we_have_a_file(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a": text(), "b": "b\n"})
    upstream.commit("a is a folder", {"a": None, "a/inside": "inside\n"})
    upstream.commit("later", {"a/inside": "INSIDE\n"})
    found = only(conflict(upstream, base, {"fix": {"a": text(l5="five")}}, tmp_path))
    assert path(found) == ["a: mode or binary, some thought", "a is a folder: removed 40"]


def test_a_folder_where_we_add_a_file(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"b": "b\n"})
    upstream.commit("a folder", {"a/inside": "inside\n"})
    upstream.commit("later", {"a/inside": "INSIDE\n"})
    found = only(conflict(upstream, base, {"fix": {"a": "ours\n"}}, tmp_path))
    assert path(found) == ["a: mode or binary, some thought", "a folder: wrote 0"]


def test_a_file_where_we_have_a_folder(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a/inside": "inside\n"})
    upstream.commit("a is a file", {"a/inside": None, "a": "a\n"})
    found = conflict(upstream, base, {"fix": {"a/ours": "ours\n"}}, tmp_path)
    assert path(found.paths[0]) == ["a: mode or binary, some thought", "a is a file: wrote 0"]


def test_lines_that_look_like_markers_and_end_oddly(upstream: Upstream, tmp_path: Path) -> None:
    markers = b"<<<<<<< " + b"a" * 40 + b"\n=======\n>>>>>>> x\n"
    base = upstream.commit("base", {"a": markers + b"caf\xe9\r\nlast"})
    upstream.commit("edit", {"a": markers + b"CAF\xc9\r\nLAST"})
    found = only(conflict(upstream, base, {"fix": {"a": markers + b"cafe\r\nlast!"}}, tmp_path))
    (told,) = found.hunks
    assert (told.line, told.base, told.upstream, told.ours) == (
        4, "caf\\xe9\\x0d\nlast", "CAF\\xc9\\x0d\nLAST", "cafe\\x0d\nlast!",
    )  # fmt: skip
    assert (told.above, told.below) == (markers.decode(), "")
    assert hunk(told)[1:] == ["edit: wrote 2"]


def test_neighbours_that_write_the_same_line_are_at_the_same_thing(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("constant", {"a.rs": text(l5="const PRI: i32 = 0;\nconst BAND: i32 = 1;")})
    patch: Files = {"a.rs": text(l6="const PRI: i32 = 0;\nconst PRI_TOO: i32 = 0;\nline 6")}
    found = only(conflict(upstream, base, {"fix": patch}, tmp_path))
    assert path(found)[0] == "a.rs: both edited, a small edit"


def test_commonplaces_have_not_moved(upstream: Upstream, tmp_path: Path) -> None:
    imports = "use std::io;\nuse std::net::SocketAddr;\nuse std::time::Duration;\n"
    base = upstream.commit("base", {"a.rs": imports + text()})
    others: Files = {f"new{n}.rs": imports + function(f"new{n}") for n in range(3)}
    upstream.commit("rework", {"a.rs": "use crate::net::*;\nuse crate::time;\n" + text(), **others})
    patch: Files = {"a.rs": imports.replace("io;", "io::{self, Read};") + text()}
    found = only(conflict(upstream, base, {"fix": patch}, tmp_path))
    assert path(found)[0] == "a.rs: both edited, a small edit"


def test_a_file_that_an_earlier_patch_of_ours_renamed(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("edit", {"a.rs": text(l5="FIVE")})
    patches: dict[str, Files] = {
        "one": {"a.rs": None, "wasi/a.rs": text(l30="thirty")},
        "two": {"wasi/a.rs": text(l5="five", l30="thirty")},
    }
    found = only(conflict(upstream, base, patches, tmp_path))
    assert path(found) == [
        "wasi/a.rs: both edited, a small edit",
        "6: both edited, a small edit",
        "edit: wrote 1",
    ]


def test_a_file_that_an_earlier_patch_of_ours_made(upstream: Upstream, tmp_path: Path) -> None:
    """Both add it; what the second patch edits there is upstream's line, and upstream's alone."""
    base = upstream.commit("base", {"b": "b\n"})
    upstream.commit("add", {"a.rs": text(l5="FIVE")})
    patches: dict[str, Files] = {
        "one": {"b": "B\n", "ours.rs": text()},
        "two": {"b": "BB\n", "a.rs": text(l5="five")},
    }
    found = only(conflict(upstream, base, patches, tmp_path))
    assert path(found) == [
        "a.rs: added on both sides, some thought",
        "1: added on both sides, some thought",
        "add: wrote 40",
    ]


def test_no_line_from_base_to_onto_no_owners(upstream: Upstream, tmp_path: Path) -> None:
    first = upstream.commit("first", {"a.rs": text(), "b.rs": text(l1="one")})
    base = upstream.commit("release 1.0.1", {"c": "c\n"})
    upstream.tip = first
    moved: Files = {"b.rs": None, "sys/b.rs": text(l1="one", l9="NINE")}
    upstream.commit("release 1.1", {"a.rs": text(l5="FIVE"), "c": None, **moved})
    patch: Files = {"a.rs": text(l5="five"), "b.rs": text(l1="one", l9="nine")}
    found = conflict(upstream, base, {"fix": patch}, tmp_path)
    assert [path(p) for p in found.paths] == [
        ["a.rs: both edited, a small edit", "6: both edited, a small edit"],
        ["sys/b.rs: both edited to sys/b.rs, a small edit", "10: both edited, a small edit"],
    ]
