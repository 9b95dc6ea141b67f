"""Upstream's code sees no secret, and upstream's words do nothing."""

import re
from pathlib import Path

import pytest

from forkbot.process.seclusion import why_not
from tests.e2e.crates import LOWER, Crates
from tests.e2e.world import Changes, World
from tests.linked import references
from tests.report.test_neutral import LIVE, inside

SECRETS = {
    "FORKBOT_TOKEN": "hush-forkbot",
    "FORKBOT_STACKS_REPO": "ours/stacks",
    "GITHUB_TOKEN": "hush-github",
    "GH_TOKEN": "hush-gh",
    "CARGO_REGISTRY_TOKEN": "hush-registry",
    "CARGO_REGISTRIES_OURS_TOKEN": "hush-ours",
    "AWS_SECRET_ACCESS_KEY": "hush-aws",
    "ACTIONS_RUNTIME_TOKEN": "hush-actions",
    "SSH_AUTH_SOCK": "/hush/ssh",
    "https_proxy": "http://me:hush-proxy@127.0.0.1:1",
    "HTTPS_PROXY": "http://me:hush-proxy@127.0.0.1:1",
    "CARGO_HTTP_PROXY": "http://me:hush-cargo-proxy@127.0.0.1:1",
    "no_proxy": "*",
}
SPY = """\
fn main() {
    let seen: String = std::env::vars().map(|(k, v)| format!("{k}={v}\\n")).collect();
    let mut seen = seen;
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut places: Vec<_> = processes.map(|p| p.path().join("environ")).collect();
    places.push(concat!(env!("CARGO_HOME"), "/credentials.toml").into());
    let here = std::env::current_dir().unwrap();
    places.extend(here.ancestors().map(|p| p.join(".git/config")));
    for place in places {
        let data = std::fs::read(&place).unwrap_or_default();
        let found = String::from_utf8_lossy(&data);
        if found.contains(&"husk".replace('k', "h")) {
            seen += &format!("{}={found}\n", place.display());
        }
    }
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(format!("{out}/seen"), &seen).unwrap();
    println!("cargo::warning={}", seen.replace('\\n', " "));
    let net = std::net::TcpStream::connect("127.0.0.1:PORT");
    std::fs::write(format!("{out}/net"), format!("{net:?}")).unwrap();
    if option_env!("SPY_FAILS").is_some() {
        std::process::exit(1);
    }
}
"""


@pytest.mark.wasm
@pytest.mark.parametrize("fails", [False, True], ids=["a build script", "one that fails"])
def test_a_build_script_sees_no_secret(crates: Crates, fails: bool) -> None:  # noqa: FBT001
    world = crates.world
    if why := why_not(world.env["PATH"]):
        pytest.skip(f"this system cannot keep upstream's code apart: {why}")
    (Path(world.env["CARGO_HOME"]) / "credentials.toml").write_text('[registry]\ntoken = "hush"\n')
    (world.root / ".git").mkdir()
    (world.root / ".git" / "config").write_text("[http]\n\textraHeader = hush\n")
    spy = SPY.replace("PORT", crates.registry.url.rpartition(":")[2])
    spy = spy.replace('option_env!("SPY_FAILS").is_some()', "true" if fails else "false")
    crates.release("lower", "1.0.1", LOWER, more={"build.rs": spy})
    world.forkbot("rebase", "--channel", "release")
    said = world.forkbot("verify", "--channel", "release", env=SECRETS, code=4 if fails else 0)
    seen = next((world.root / ".forkbot" / "build").rglob("out/seen")).read_text()
    names = {line.partition("=")[0] for line in seen.splitlines()}
    assert "hush" not in seen
    assert not names & set(SECRETS)
    assert "kept apart" not in said.err
    assert not [n for n in names if n.lower().endswith("_proxy") or n.startswith("FORKBOT")]
    assert f"\nHOME={world.place / 'home'}\n" not in f"\n{seen}"
    net = next((world.root / ".forkbot" / "build").rglob("out/net")).read_text()
    assert net.startswith("Err("), "the network was there"
    assert "hush" not in said.out + said.err
    for path in world.root.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            assert b"hush" not in path.read_bytes(), path


ALLOW = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
CANNOT = "for this system cannot keep it apart: unshare: not permitted"


@pytest.mark.wasm
def test_upstreams_code_does_not_run_beside_a_token_that_it_could_read(crates: Crates) -> None:
    world = crates.world
    cannot = world.shim("unshare", 'echo "unshare: not permitted" >&2; exit 1')
    held = {**cannot, "FORKBOT_TOKEN": "hush-forkbot", "FORKBOT_STACKS_REPO": "ours/stacks"}
    world.forkbot("rebase", "--channel", "release")
    said = world.forkbot("verify", "--channel", "release", env=held, code=1)
    assert said.err.splitlines()[-2:] == [
        f"error: upstream's code could read FORKBOT_TOKEN while it is built, {CANNOT}",
        f"hint: forkbot verify where that is not set; or allow namespaces: {ALLOW}",
    ]
    assert not list(world.root.rglob("target"))
    said = world.forkbot("verify", "--channel", "release", env=cannot)
    assert "upstream's code is not kept apart here: unshare: not permitted" in said.progress


HOSTILE = "@everyone fixes #1, see https://x.example/ | `a` ``` <!-- \x1b[2J\x1b]0;owned\x07"


def test_a_hostile_upstream_reaches_nobody(world: World) -> None:
    """Its paths, subjects and lines are full of traps, and land in a conflict's report."""
    upstream = world.upstream()
    path = "src/@everyone #1 `x` | \x1b[31m.md"
    upstream.commit("begin", {path: f"one\n{HOSTILE}\nthree\n"})
    world.stack(upstream, {"fix": {path: "one\nours\nthree\n"}})
    world.forkbot("rebase")
    upstream.commit(HOSTILE, {path: f"one\n{HOSTILE} again\n```\n~~~\nthree\n"})
    said = world.forkbot("rebase", code=3)
    report = world.reports()[-1]
    markdown = world.forkbot("report", "--format", "markdown").out
    shown = world.forkbot("report").out
    for text in (said.out, said.err, report, markdown, shown):
        assert re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text) is None
    assert "@everyone" in report
    for token in inside(report):
        if token.type.startswith("text"):
            assert LIVE.search(token.content) is None, token.content
    assert "\\x1b[2J" in report


def test_no_line_is_a_command_to_actions(world: World) -> None:
    """What upstream calls its commits and files is said there, and what it says is done there."""
    upstream = world.upstream()
    path = "::add-mask::x ##[error]y"
    upstream.commit("begin", {path: "one\ntwo\nthree\n"})
    world.stack(upstream, {"fix": {path: "one\nours\nthree\n"}})
    world.forkbot("rebase")
    upstream.commit("::error::no ##[warning]more", {path: "one\ntheirs\nthree\n"})
    on = {"GITHUB_ACTIONS": "true"}
    said = world.forkbot("rebase", code=3, env=on)
    shown = world.forkbot("report", env=on)
    wrong = world.forkbot("rebase", "::set-env name=A::b", code=2, env=on)
    text = f"{said.out}\n{said.err}\n{shown.out}\n{wrong.err}"
    assert "##\u200b[error]y" in text
    assert re.search(r"(?m)^\s*::|##\[", text) is None
    # what a program reads is let be
    exact = world.forkbot("report", "--format", "markdown")
    assert world.forkbot("report", "--format", "markdown", env=on).out == exact.out
    json = world.forkbot("rebase", "--json", code=3, env=on).out
    assert "##[error]y" in json


LOUD = (
    "Since #3000 @maintainer wants it; see https://github.com/o/r/pull/1, o/r#2, GH-3.\n"
    "\nFixes: #4\nCloses https://github.com/o/r/issues/5"
)


def test_what_is_published_tells_nothing_to_the_issues_it_names(world: World) -> None:
    """A fork branch is new commits each night: each would leave a note in upstream's issues."""
    upstream = world.upstream()
    upstream.commit("begin", {"a": "1\n2\n3\n4\n", "b": "b\n"})
    ours: Changes = {"a": "1\n2\n3\nours\n"}
    world.stack(upstream, {"fix": ours, "more": {"b": "ours\n"}}, why={"fix": LOUD})
    world.forkbot("rebase")
    upstream.commit("news", {"a": "0\n1\n2\n3\n4\n"})
    world.forkbot("rebase")
    world.bless("demo")
    world.forkbot("publish")
    told = world.fork().git("log", "--format=%B", "wasip2", "-2").stdout.decode()
    assert "Since #\u200b3000 @\u200bmaintainer wants it" in told
    assert references(told) == []
    # the stack's files have it as the person wrote it, and nothing is done twice
    assert LOUD.encode() in (world.folder() / "patches" / "fix.patch").read_bytes()
    before = world.listing(".forkbot/runs")
    world.forkbot("rebase")
    world.forkbot("publish")
    assert world.listing(".forkbot/runs") == before


def test_credentials_in_gits_own_configuration_are_not_told(world: World, tmp_path: Path) -> None:
    """`insteadOf` may put a password into a URL that only git knows."""
    upstream = world.upstream()
    upstream.commit("begin", {"a": "a\n"})
    world.stack(upstream, {}, url="https://example.invalid/demo")
    (tmp_path / "home" / ".gitconfig").write_text(
        '[url "http://me:hush-git@127.0.0.1:1/"]\n\tinsteadOf = https://example.invalid/\n'
    )
    said = world.forkbot("rebase", code=5)
    assert "hush" not in said.out + said.err + world.reports()[-1]
    assert "unable to access 'http://" in said.out
