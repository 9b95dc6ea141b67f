"""Platform code that upstream adds next to our patches: told, and stopping nothing."""

from pathlib import Path

import pytest

from forkbot.model.judgement import Drift
from tests.rebase.test_suspicion import Files, facts
from tests.scenario import Upstream

OLD = "use a;\n\nfn one() {\n    1;\n}\n\nfn two() {\n    2;\n}\n\nfn three() {\n    3;\n}\n"
OURS: Files = {"src/net.rs": OLD.replace("3;", "3; // ours")}


def told(found: tuple[Drift, ...]) -> list[str]:
    """Return drifts as people read them."""
    return [
        f"{d.patch}: {d.kind.value} {d.path}:{d.line}: {d.text} ({d.by.subject})" for d in found
    ]


def drifts(upstream: Upstream, added: str, folder: Path, *, path: str = "src/net.rs") -> list[str]:
    """Let upstream add something between two functions of a file, and return what is told."""
    base = upstream.commit("base", {"src/net.rs": OLD, path: OLD, "src/lib.rs": "mod net;\n"})
    new = OLD.replace("use a;\n", f"use a;\n\n{added}")
    upstream.commit("net: more (#5)", {path: new})
    found = facts(upstream, base, {"ours": OURS}, folder)
    assert found.suspicions == ()
    return told(found.drifts)


@pytest.mark.parametrize(
    ("added", "what"),
    [
        ("#[cfg(unix)]\nfn fd() {}\n", "cfg src/net.rs:3: #[cfg(unix)]"),
        (
            "#[cfg(any(\n    unix,\n    target_os = \"hermit\",\n))]\nfn fd() {}\n",
            'cfg src/net.rs:3: #[cfg(any( unix, target_os = "hermit", ))]',
        ),
        ("cfg_net_unix! {\n    fn fd() {}\n}\n", "cfg src/net.rs:3: cfg_net_unix! {"),
        ("fn t() {\n    if cfg!(not(windows)) {\n    }\n}\n",
         "cfg src/net.rs:4: if cfg!(not(windows)) {"),
        ("fn t() {\n    thread::spawn(f);\n}\n", "thread src/net.rs:4: thread::spawn(f);"),
        ("fn t() {\n    spawn_blocking(f)\n}\n", "thread src/net.rs:4: spawn_blocking(f)"),
        ("use std::os::fd::AsRawFd;\n", "socket src/net.rs:3: use std::os::fd::AsRawFd;"),
        ("fn t() {\n    File::open(p);\n    a();\n}\n", "file src/net.rs:4: File::open(p);"),
    ],
)  # fmt: skip
def test_platform_code_next_to_ours(
    upstream: Upstream, tmp_path: Path, added: str, what: str
) -> None:
    assert drifts(upstream, added, tmp_path) == [f"ours: {what} (net: more (#5))"]


@pytest.mark.parametrize(
    "added",
    [
        "fn t() {}\n",
        "// std::thread::spawn in words\n/// and File::open\n",
        'const T: &str = "std::thread::spawn";\n',
        "#[cfg(windows)]\nfn t() {}\n",
        '#[cfg(any(target_os = "linux", target_os = "android"))]\nfn t() {}\n',
        '#[cfg(all(unix, not(target_os = "wasi")))]\nfn t() {}\n',
        '#[cfg(not(target_family = "wasm"))]\nfn t() {\n    std::thread::spawn(f);\n}\n',
        "#[cfg(test)]\nmod tests {\n    fn t() {\n        File::open(p);\n    }\n}\n",
        "cfg_windows! {\n    fn t() {\n        File::open(p);\n    }\n}\n",
        '#[cfg(feature = "net")]\nfn t() {}\n',
    ],
)
def test_what_is_no_news_for_a_port(upstream: Upstream, tmp_path: Path, added: str) -> None:
    assert drifts(upstream, added, tmp_path) == []


def test_a_file_that_no_patch_edits(upstream: Upstream, tmp_path: Path) -> None:
    assert drifts(upstream, "#[cfg(unix)]\nfn fd() {}\n", tmp_path, path="src/other.rs") == []


def test_a_file_that_is_not_for_wasi_anyhow(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"src/net.rs": OLD, "src/lib.rs": "#[cfg(unix)]\nmod net;\n"})
    upstream.commit("more", {"src/net.rs": OLD.replace("use a;", "use std::os::fd::AsRawFd;")})
    assert facts(upstream, base, {"ours": OURS}, tmp_path).drifts == ()


def test_what_the_stack_covers(upstream: Upstream, tmp_path: Path) -> None:
    """One patch gates the module that upstream grew; another changed the line itself before."""
    gate = '#[cfg(not(target_os = "wasi"))]\n'
    base = upstream.commit("base", {"src/net.rs": f"mod b {{\n{OLD}}}\n\nfn last() {{}}\n"})
    grown = OLD.replace("2;", "2;\n    spawn_blocking(f);")
    upstream.commit("more", {"src/net.rs": f"mod b {{\n{grown}}}\n\nfn last() {{}}\n"})
    covered: Files = {"src/net.rs": f"{gate}mod b {{\n{OLD}}}\n\nfn last() {{}}\n"}
    assert facts(upstream, base, {"gate": covered}, tmp_path).drifts == ()
    beside: Files = {"src/net.rs": f"mod b {{\n{OLD}}}\n\nfn last() {{}} // ours\n"}
    assert told(facts(upstream, base, {"beside": beside}, tmp_path).drifts) == [
        "beside: thread src/net.rs:10: spawn_blocking(f); (more)"
    ]


def test_one_alarm_for_all_that_was_added_together(upstream: Upstream, tmp_path: Path) -> None:
    added = "#[cfg(unix)]\nuse std::os::fd::AsRawFd;\n#[cfg(unix)]\nuse std::thread::spawn;\n"
    assert len(drifts(upstream, added, tmp_path)) == 1
