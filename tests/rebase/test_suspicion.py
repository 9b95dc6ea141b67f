"""Clean is not proof: what a patch that applies swallows of upstream's new lines, and what not."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forkbot.git.repository import quarantine
from forkbot.git.workbench import Workbench
from forkbot.model.fate import Fate, Rebase
from forkbot.model.judgement import Replay, Suspicion, SuspicionKind
from forkbot.model.stack import Stack
from forkbot.rebase.alignment import origins
from forkbot.rebase.case import Case, Pushed
from forkbot.rebase.news import News
from forkbot.rebase.recreate import Change
from forkbot.rebase.suspicion import find_suspicions
from forkbot.words import Channel, Oid
from tests.scenario import (
    Content,
    Upstream,
    carried,
    make_stack,
    read_files,
    with_files,
    write_tree,
)

Files = dict[str | bytes, Content]
GATE = '#[cfg(not(target_os = "wasi"))]\n'
LIB = "pub mod a;\n\nmod b;\n\nfn main() {}\n"
IMPL = "impl Stream {\n    pub fn peek(&self) {}\n\n    pub fn take(&self) {}\n}\n"
NODELAY = "    /// Sets it.\n    pub fn set_nodelay(&self) {\n        self.io.nodelay()\n    }\n\n"
MORE = IMPL.replace("    pub fn take", NODELAY + "    pub fn take")


def facts(
    upstream: Upstream, base: Oid, patches: Mapping[str, Files], folder: Path, *, onto: str = ""
) -> Rebase:
    """Rebase a stack onto upstream's tip."""
    stack, _ = make_stack(upstream, base, patches)
    done = carried(stack, upstream, base, folder, onto=Oid(onto) if onto else None).facts
    assert done.conflict is None
    return done


def told(found: tuple[Suspicion, ...]) -> list[str]:
    """Return suspicions as people read them."""
    return [
        f"{s.patch} {s.kind.value} {s.path}:{s.line}: {' '.join(s.lines.split())}"
        f" ({', '.join(c.subject for c in s.by)})"
        for s in found
    ]


def test_a_method_that_upstream_adds_to_an_impl_that_we_gate(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"src/a.rs": IMPL})
    added = upstream.commit("net: nodelay (#7)", {"src/a.rs": MORE})
    upstream.commit("later", {"src/b.rs": "fn b() {}\n"})
    (found,) = facts(upstream, base, {"no-wasi": {"src/a.rs": GATE + IMPL}}, tmp_path).suspicions
    assert (found.patch, found.path, found.line) == ("no-wasi", "src/a.rs", 5)
    assert (found.kind, found.acknowledged) == (SuspicionKind.GATES, "")
    assert found.lines == "    pub fn set_nodelay(&self) {\n        self.io.nodelay()\n    }"
    assert [(c.commit, c.pull_request) for c in found.by] == [(added, 7)]
    assert len(found.key) == 12


def test_a_feature_in_a_module_that_we_gate(upstream: Upstream, tmp_path: Path) -> None:
    """The file itself is not touched by the patch, nor is the second one in its folder."""
    base = upstream.commit("base", {"src/lib.rs": LIB, "src/a.rs": IMPL, "src/b.rs": IMPL})
    upstream.commit("more", {"src/a.rs": "pub mod c;\n" + MORE, "src/a/c.rs": "pub fn c() {}\n"})
    upstream.commit("and more", {"src/b.rs": MORE})
    patch: Files = {"src/lib.rs": LIB.replace("pub mod a", GATE + "pub mod a")}
    assert told(facts(upstream, base, {"no-a": patch}, tmp_path).suspicions) == [
        "no-a gates out src/a.rs:1: pub mod c; (more)",
        "no-a gates out src/a.rs:6: pub fn set_nodelay(&self) { self.io.nodelay() } (more)",
        "no-a gates out src/a/c.rs:1: pub fn c() {} (more)",
    ]
    gone: Files = {"src/lib.rs": LIB.replace("mod b;\n", "")}
    assert told(facts(upstream, base, {"no-b": gone}, tmp_path).suspicions) == [
        "no-b gates out src/b.rs:5: pub fn set_nodelay(&self) { self.io.nodelay() } (and more)"
    ]


def test_a_gate_is_a_gate_in_any_form(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {f"src/{n}.rs": f"use x;\n{IMPL}use y;\n" for n in "abcd"})
    upstream.commit("more", {f"src/{n}.rs": f"use x;\n{MORE}use y;\n" for n in "abcd"})
    patches: dict[str, Files] = {
        "macro": {"src/a.rs": f"use x;\ncfg_not_wasi! {{\n{IMPL}}}\nuse y;\n"},
        "file": {"src/b.rs": f'#![cfg(feature = "b")]\nuse x;\n{IMPL}use y;\n'},
        "block": {"src/c.rs": f"use x;\n{GATE}mod c {{\n{IMPL}}}\nuse y;\n"},
        "false": {"src/d.rs": f"use x;\n#[cfg(any())]\n{IMPL}use y;\n"},
    }
    found = facts(upstream, base, patches, tmp_path).suspicions
    assert [(s.patch, s.path) for s in found] == [
        ("macro", "src/a.rs"), ("file", "src/b.rs"), ("block", "src/c.rs"), ("false", "src/d.rs")
    ]  # fmt: skip


def test_a_gate_that_grows_over_new_lines(upstream: Upstream, tmp_path: Path) -> None:
    """The patch only moves a brace; the macro that it belongs to was upstream's."""
    old = "cfg_net! {\n    fn a() {}\n}\n\nfn b() {}\n\nfn c() {}\n"
    new = old.replace("fn c", "fn b2() {}\n\nfn c")
    base = upstream.commit("base", {"src/a.rs": old})
    upstream.commit("b2", {"src/a.rs": new})
    ours: Files = {"src/a.rs": "cfg_net! {\n    fn a() {}\n\nfn b() {}\n\nfn c() {}\n}\n"}
    assert told(facts(upstream, base, {"all-net": ours}, tmp_path).suspicions) == [
        "all-net gates out src/a.rs:7: fn b2() {} (b2)"
    ]


MACRO = 'macro_rules! cfg_net {\n    ($i:item) => {\n#[cfg(feature = "net")]\n$i\n    }\n}\n'


def test_a_macro_that_we_define_more_narrowly(upstream: Upstream, tmp_path: Path) -> None:
    """Its users are not touched by the patch; what goes by another name is not asked."""
    old = "cfg_net! {\n    fn a() {}\n\n    fn z() {}\n}\n"
    new = old.replace("\n\n", "\n\n    fn m() {}\n\n")
    base = upstream.commit("base", {"src/macros/cfg.rs": MACRO, "src/a.rs": old, "src/b.rs": "x\n"})
    upstream.commit("more", {"src/a.rs": new, "src/b.rs": "fn b() {}\n"})
    narrow = MACRO.replace('feature = "net"', 'all(feature = "net", not(target_os = "wasi"))')
    wide = MACRO.replace('feature = "net"', 'any(feature = "net", target_os = "wasi")')
    for text, expected in ((narrow, ["p gates out src/a.rs:4: fn m() {} (more)"]), (wide, [])):
        patch: dict[str, Files] = {"p": {"src/macros/cfg.rs": text}}
        assert told(facts(upstream, base, patch, tmp_path).suspicions) == expected


def test_a_macro_in_place_of_another_that_asks_less(upstream: Upstream, tmp_path: Path) -> None:
    """As upstream did it itself when wasm32-wasip2 got sockets."""
    macros = "".join(
        MACRO.replace("cfg_net", name).replace('feature = "net"', condition)
        for name, condition in (
            ("cfg_not_wasi", 'not(target_os = "wasi")'),
            ("cfg_not_wasip1", 'not(all(target_os = "wasi", target_env = "p1"))'),
        )
    )
    lib = "cfg_not_wasi! {\n    mod a;\n}\n"
    base = upstream.commit("base", {"src/macros.rs": macros, "src/lib.rs": lib, "src/a.rs": IMPL})
    upstream.commit("more", {"src/a.rs": MORE})
    less: dict[str, Files] = {"p": {"src/lib.rs": lib.replace("cfg_not_wasi!", "cfg_not_wasip1!")}}
    assert facts(upstream, base, less, tmp_path).suspicions == ()
    more: dict[str, Files] = {"p": {"src/lib.rs": lib.replace("cfg_not_wasi!", "cfg_net!")}}
    assert len(facts(upstream, base, more, tmp_path).suspicions) == 1


def test_a_file_added_to_a_folder_that_we_delete(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"src/lib.rs": "x\n", "sys/a.c": "a\n", "sys/b.c": "b\n"})
    upstream.commit("a third", {"sys/c.c": "int c;\n"})
    gone: Files = {"sys/a.c": None, "sys/b.c": None}
    assert told(facts(upstream, base, {"no-sys": gone}, tmp_path).suspicions) == [
        "no-sys gates out sys/c.c:1: int c; (a third)"
    ]
    assert facts(upstream, base, {"less-sys": {"sys/a.c": None}}, tmp_path).suspicions == ()


def test_lines_that_a_merge_took_away(upstream: Upstream, tmp_path: Path) -> None:
    """A line merge conflicts here; a merge driver, or a person, can still answer wrongly."""
    old, new = "head\n  a();\n  b();\ntail\n", "head\n  a();\n  b();\n  c();\n  }\ntail\n"
    base = upstream.commit("base", {"a.py": old, "b.py": "x\n"})
    onto = upstream.commit("c", {"a.py": new})
    stack, (change,) = make_stack(upstream, base, {"less": {"a.py": "head\ntail\n"}})
    person = Replay(key="k", path="a.py", author="A", date="d")
    stories: tuple[tuple[Files, tuple[Replay, ...]], ...] = (
        ({"a.py": "head\ntail\n"}, ()),
        ({"a.py": "head\ntail\n", "b.py": "x\n\tc();\n"}, ()),
        ({"a.py": "head\ntail\n"}, (person,)),
    )
    gone, moved, seen = (
        told(
            _as_if(
                upstream, stack, change, onto=onto, files=files, folder=tmp_path, replays=replays
            )
        )
        for files, replays in stories
    )
    assert gone == ["less removes a.py:4: c(); (c)"]
    assert (moved, seen) == ([], [])


def _as_if(
    upstream: Upstream, stack: Stack, change: Change, *, onto: Oid, files: Files, folder: Path,
    replays: tuple[Replay, ...],
) -> tuple[Suspicion, ...]:  # fmt: skip
    """Return what would be said of a merge onto ``onto`` that gave ``files``."""
    base = upstream.repository.resolve(f"{onto}^")
    changed = {k.encode() if isinstance(k, str) else k: v for k, v in files.items()}
    tree = write_tree(
        upstream.repository, with_files(read_files(upstream.repository, onto), changed)
    )
    place = upstream.place(onto)
    pushed = Pushed(
        patch=change.patch, fate=Fate.SHIFTED, before=place.tree, tree=tree, commit=onto,
        replays=replays,
    )  # fmt: skip
    case = Case(
        stack=stack, base=upstream.place(base), onto=place, changes=(change,), pushed=(pushed,),
        files={}, linear=True, channel=Channel.MAIN, rustc=None,
    )  # fmt: skip
    with (
        quarantine(upstream.repository, scratch=folder / "scratch") as lent,
        Workbench(lent) as bench,
    ):
        return find_suspicions(case, News(case, bench=bench), bench=bench)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(
            GATE + IMPL,
            IMPL.replace("take(&self)", "take(&self, n: u8)"),
            id="an edit of what we gate",
        ),
        pytest.param(GATE + IMPL, IMPL + "\nfn b() {}\n", id="next to it"),
        pytest.param(GATE + IMPL, IMPL.replace("\n\n", "\n\n    // fn no() {}\n"), id="a comment"),
        pytest.param(
            GATE + IMPL,
            IMPL + "#[cfg(test)]\nmod tests {\n    fn t() {}\n}\n",
            id="a test",
        ),
        pytest.param(
            GATE + IMPL,
            IMPL.replace("    pub fn take", "    #[cfg(windows)]\n    fn w() {}\n    pub fn take"),
            id="what the gate leaves in anyhow",
        ),
        pytest.param(
            "#[cfg(any(unix, windows, all()))]\n" + IMPL, MORE, id="a gate that takes nothing"
        ),
        pytest.param(IMPL + "\nfn ours() {}\n", MORE, id="no gate"),
        pytest.param("// ours\n" + IMPL, MORE, id="a comment of ours"),
    ],
)
def test_no_suspicion(upstream: Upstream, tmp_path: Path, ours: str, theirs: str) -> None:
    base = upstream.commit("base", {"src/a.rs": f"fn x() {{}}\n\n{IMPL}\nfn y() {{}}\n"})
    upstream.commit("news", {"src/a.rs": f"fn x() {{}}\n\n{theirs}\nfn y() {{}}\n"})
    patch: Files = {"src/a.rs": f"fn x() {{}}\n\n{ours}\nfn y() {{}}\n"}
    assert facts(upstream, base, {"p": patch}, tmp_path).suspicions == ()


def test_a_gate_that_is_loosened_takes_nothing(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"src/a.rs": "cfg_unstable! {\n#[cfg(unix)]\n" + IMPL + "}\n"})
    upstream.commit("news", {"src/a.rs": "cfg_unstable! {\n#[cfg(unix)]\n" + MORE + "}\n"})
    wider: Files = {"src/a.rs": '#[cfg(any(unix, target_os = "wasi"))]\n' + IMPL}
    # the macro opens less: what stood under it before is still under all that is left
    found = facts(upstream, base, {"wide": wider}, tmp_path).suspicions
    assert told(found) == []


def test_a_gate_that_the_mod_line_implies_takes_nothing(upstream: Upstream, tmp_path: Path) -> None:
    """On the way to the file, upstream asks for unix: what is not WASI's was never WASI's."""
    lib = '#[cfg(unix)]\n#[path = "sys/unix.rs"]\nmod sys;\n'
    base = upstream.commit("base", {"src/lib.rs": lib, "src/sys/unix.rs": IMPL})
    upstream.commit("more", {"src/sys/unix.rs": MORE})
    patch: dict[str, Files] = {"p": {"src/sys/unix.rs": GATE + IMPL}}
    assert facts(upstream, base, patch, tmp_path).suspicions == ()
    other: dict[str, Files] = {"p": {"src/sys/unix.rs": "#[cfg(loom_off)]\n" + IMPL}}
    assert len(facts(upstream, base, other, tmp_path).suspicions) == 1


def test_the_way_back_and_the_way_nowhere(upstream: Upstream, tmp_path: Path) -> None:
    old = upstream.commit("base", {"src/a.rs": IMPL})
    new = upstream.commit("more", {"src/a.rs": MORE})
    patch: dict[str, Files] = {"p": {"src/a.rs": GATE + MORE}}
    assert facts(upstream, new, patch, tmp_path, onto=old).suspicions == ()
    assert facts(upstream, new, patch, tmp_path).suspicions == ()


def test_a_key_is_of_patch_path_and_words(upstream: Upstream, tmp_path: Path) -> None:
    """Where the lines stand, and how they are indented, is no part of it."""
    base = upstream.commit("base", {"src/a.rs": IMPL})
    upstream.commit("more", {"src/a.rs": MORE})
    patch: Files = {"src/a.rs": GATE + IMPL}
    (first,) = facts(upstream, base, {"p": patch}, tmp_path).suspicions
    upstream.commit(
        "moved",
        {
            "src/a.rs": MORE.replace("{\n", "{\n    // x\n\n", 1).replace(
                "        self", "      self"
            )
        },
    )
    (again,) = facts(upstream, base, {"p": patch}, tmp_path).suspicions
    (other,) = facts(upstream, base, {"q": patch}, tmp_path).suspicions
    assert (again.key, again.line) == (first.key, first.line + 2)
    assert other.key != first.key


ITEMS = ["fn a() {}\n", "impl A {\n    fn b() {}\n}\n", "mod c;\n", "use d;\n", "struct E;\n"]


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(ITEMS), min_size=1, max_size=6),
    st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)),
)  # fmt: skip
def test_where_upstream_only_takes_away_there_is_no_suspicion(
    tmp_path_factory: pytest.TempPathFactory, git_env: dict[str, str],
    items: list[str], gone: set[int], gates: set[int],
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("story")
    upstream = Upstream(folder / "upstream.git", env=git_env)
    base = upstream.commit("base", {"src/lib.rs": "".join(items), "src/c.rs": "fn x() {}\n"})
    left = [item for n, item in enumerate(items) if n not in gone]
    upstream.commit("less", {"src/lib.rs": "".join(left), "other": "x\n"})
    ours = "// ours\n" + "".join(GATE * (n in gates) + item for n, item in enumerate(items))
    stack, _ = make_stack(upstream, base, {"p": {"src/lib.rs": ours}})
    done = carried(stack, upstream, base, folder).facts
    assert done.suspicions == ()
    assert done.drifts == ()


@given(
    st.lists(st.sampled_from("abcdefg}"), max_size=30),
    st.lists(st.sampled_from("abcdefg}"), max_size=30),
)
def test_an_alignment_pairs_equal_lines_in_order(old: list[str], new: list[str]) -> None:
    found = origins(old, new)
    pairs = [(origin, n) for n, origin in enumerate(found) if origin is not None]
    assert all(old[a] == new[b] for a, b in pairs)
    assert [a for a, _ in pairs] == sorted({a for a, _ in pairs})
    assert origins(new, new) == list(range(len(new)))
