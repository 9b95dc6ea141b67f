"""The release channel against the real cargo and a registry of our own on loopback."""

import multiprocessing
import os
import shutil
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from forkbot.cargo import Cargo, cargo_env
from forkbot.errors import ForkbotError, MachineError, UsageError
from forkbot.git.repository import sealed_env
from forkbot.upstream.releases import Release, ReleaseHistory, manifest_refusal, release_history
from forkbot.words import Oid, Subdir, Version
from tests.upstream.registry import (
    PACKAGED_FROM,
    Machine,
    Registry,
    crate_files,
    pack,
    program,
    versions,
)


def files_under(folder: Path) -> dict[str, bytes]:
    """Return every file and its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_one_commit_a_release(here: Machine) -> None:
    """Linear, from ``since``; the yanked, the older and the pre-release are left out."""
    history = here.history()

    log = here.git("log", "--reverse", "--format=%H %P|%an <%ae> %at %ct|%D|%B", "release")
    one, two, three = (release.commit for release in history.releases)
    who = "forkbot <forkbot@localhost.invalid> 1153704088 1153704088"
    trailers = f"\n\nUpstream-Commit: {PACKAGED_FROM}\nSubdir: crates/tiny\n\n"
    assert log == (
        f"{one} |{who}|tag: v1.0.0|tiny 1.0.0{trailers}"
        f"{two} {one}|{who.replace('88', '89')}|tag: v1.2.0|tiny 1.2.0{trailers}"
        f"{three} {two}|{who.replace('88', '90')}|HEAD -> release, tag: v1.10.0"
        f"|tiny 1.10.0{trailers}"
    )


def test_files_as_packaged(here: Machine) -> None:
    """Byte for byte, whatever attributes the crate brings; modes kept; cargo's own notes not."""
    here.history()
    packaged = crate_files("tiny", "1.10.0")

    listed = here.git("ls-tree", "-r", "-z", "release").rstrip("\0").split("\0")
    modes = {path: entry.split()[0] for entry, path in (line.split("\t") for line in listed)}
    assert modes == {
        f"crates/tiny/{path}": "100755" if path.endswith(".sh") else "100644" for path in packaged
    }
    for path, content in packaged.items():
        assert here.git("cat-file", "blob", f"release:crates/tiny/{path}") == content.decode()


def test_two_machines_agree(registry: Registry, machine: Callable[..., Machine]) -> None:
    """Grown step by step here, read at once there: the same ids."""
    here, there = machine("here"), machine("there")
    here.history()
    registry.publish("tiny", "1.11.0")
    here.history()
    assert here.history().releases == there.history().releases


def test_an_edited_folder_of_cargo_counts_for_nothing(machine: Callable[..., Machine]) -> None:
    """A build script or a person may have written into it; the packaged archive is the truth."""
    here, there = machine("here"), machine("there")
    expected = here.history().releases
    there.history()
    shutil.rmtree(there.root / "cache")
    for source in there.root.glob("cargo/registry/src/*/*/src/lib.rs"):
        source.write_text("edited")
    assert there.history().releases == expected


def test_nothing_new_takes_one_call_and_writes_nothing(here: Machine) -> None:
    """The check that runs every hour."""
    first = here.history()
    before = files_under(here.git_dir)
    here.calls()

    assert here.history() == first
    assert here.calls() == ["generate-lockfile"]
    assert files_under(here.git_dir) == before


def test_a_new_release_is_added(registry: Registry, here: Machine) -> None:
    """The commits before it stay as they are, and are not fetched again."""
    old = here.history()
    registry.publish("tiny", "2.0.0")
    here.calls()

    new = here.history()
    assert new.releases[:-1] == old.releases
    assert versions(new)[-1] == "2.0.0"
    assert here.calls().count("metadata") == 1


def test_a_backport_and_a_yank_are_noticed(
    registry: Registry, machine: Callable[..., Machine]
) -> None:
    """Though the newest release is the same. A base is refound by its version."""
    here = machine("here")
    old = here.history()
    registry.publish("tiny", "1.2.1")
    backported = here.history()
    assert versions(backported) == ["1.0.0", "1.2.0", "1.2.1", "1.10.0"]
    registry.yank("tiny", "1.2.1")
    registry.yank("tiny", "1.2.0")
    here.calls()
    yanked = here.history()

    assert versions(yanked) == ["1.0.0", "1.10.0"]
    assert here.calls().count("metadata") == 0
    assert here.git("tag").split() == ["v1.0.0", "v1.10.0"]
    found = [history.at(Version("1.10.0")) for history in (old, backported, yanked)]
    assert len({release.commit for release in found if release}) == 3
    assert yanked.releases == machine("there").history().releases


def test_a_release_is_replaced(registry: Registry, here: Machine) -> None:
    """Yanked, and another put in its place: as many releases as before, but not the same."""
    here.history()
    registry.publish("tiny", "1.2.1")
    registry.yank("tiny", "1.2.0")
    assert versions(here.history()) == ["1.0.0", "1.2.1", "1.10.0"]


def test_the_newest_is_yanked(registry: Registry, here: Machine) -> None:
    """Then the one before it is the newest."""
    old = here.history()
    registry.yank("tiny", "1.10.0")
    assert here.history().releases == old.releases[:-1]


def test_unbuildable_releases_are_left_out_aloud(registry: Registry, here: Machine) -> None:
    """What they need was withdrawn: nobody can build them."""
    registry.publish("gone", "1.0.0")
    registry.publish("tiny", "1.3.0", needs=[("gone", "1")])
    registry.yank("gone", "1.0.0")

    assert versions(here.history()) == ["1.0.0", "1.2.0", "1.10.0"]
    assert any("1.3.0: left out, nobody can build it" in line for line in here.said)
    with pytest.raises(UsageError, match="does not resolve any more"):
        here.history("1.3.0")


FULL = 'echo "fatal: write error: No space left on device" >&2; exit 101'


def test_a_full_disk(here: Machine) -> None:
    """Under cargo and under git alike, it is named, and what is there is not thrown away."""
    here.history()
    here.shim(FULL)
    with pytest.raises(MachineError, match="the disk is full"):
        here.history()
    assert len(here.git("tag").split()) == 3

    here.shim("")
    tools = here.root / "tools"
    tools.mkdir()
    program(tools / "git", f'case "$*" in *fast-import*) {FULL};; esac')
    plain = here.git_env
    here.git_env = {**plain, "PATH": f"{tools}:{plain['PATH']}"}
    with pytest.raises(MachineError, match="the disk is full"):
        here.history("0.9.0")
    here.git_env = plain
    assert len(here.git("tag").split()) == 3


def _no_head(git_dir: Path) -> None:
    (git_dir / "HEAD").unlink()


def _odd_head(git_dir: Path) -> None:
    (git_dir / "HEAD").write_text("nonsense")


def _cut_packs(git_dir: Path) -> None:
    for pack_file in git_dir.glob("objects/pack/*.pack"):
        pack_file.chmod(0o644)
        pack_file.write_bytes(pack_file.read_bytes()[:40])


def _no_objects(git_dir: Path) -> None:
    shutil.rmtree(git_dir / "objects/pack")


def _odd_tag(git_dir: Path) -> None:
    (git_dir / "refs/tags/v1.2.0").write_text("nonsense\n")


def _lost_tag(git_dir: Path) -> None:
    (git_dir / "refs/tags/v1.2.0").unlink()


def _stray_refs(git_dir: Path) -> None:
    tip = (git_dir / "refs/tags/v1.2.0").read_text()
    (git_dir / "refs/heads/release").write_text(tip)
    (git_dir / "refs/tags/v9.9.9").write_text(tip)
    (git_dir / "refs/heads/stray").write_text(tip)


def _lost_blob(git_dir: Path) -> None:
    env = {**sealed_env(os.environ), "GIT_DIR": str(git_dir)}
    for number, found in enumerate(list(git_dir.glob("objects/pack/*.pack"))):
        aside = found.replace(git_dir / f"aside-{number}")
        found.with_suffix(".idx").unlink()
        with aside.open("rb") as packed:
            subprocess.run(["git", "unpack-objects", "-q"], env=env, stdin=packed, check=True)
    named = ["git", "rev-parse", "v1.2.0:crates/tiny/README.md"]
    blob = subprocess.run(named, env=env, capture_output=True, check=True).stdout.decode().strip()
    (git_dir / "objects" / blob[:2] / blob[2:]).unlink()


DAMAGE = [
    *(_no_head, _odd_head, _cut_packs, _no_objects),
    *(_odd_tag, _lost_tag, _stray_refs, _lost_blob),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_repository_heals(here: Machine, damage: Callable[[Path], None]) -> None:
    """Whatever was done to it, the next run makes it whole."""
    first = here.history()
    before = here.git("for-each-ref")
    damage(here.git_dir)
    assert here.history() == first
    assert here.git("for-each-ref") == before
    assert here.git("fsck", "--strict").strip() == ""


def test_stopped_in_between(registry: Registry, machine: Callable[..., Machine]) -> None:
    """No ref moves before all is known; the next run converges."""
    here = machine("here")
    here.history("1.2.0")
    before = here.git("for-each-ref", "refs/heads", "refs/tags")
    registry.publish("gone", "1.0.0")
    registry.publish("tiny", "1.5.0", needs=[("gone", "1")])
    registry.yank("gone", "1.0.0")

    here.stop_at = "tiny 1.5.0: left out"
    with pytest.raises(KeyboardInterrupt):
        here.history()
    here.stop_at = None
    assert here.git("for-each-ref", "refs/heads", "refs/tags") == before
    assert here.history().releases == machine("there").history().releases
    assert here.git("for-each-ref", "refs/forkbot") == ""


def _history_of(machine: Machine) -> ReleaseHistory:
    return machine.history()


def test_two_processes_at_once(machine: Callable[..., Machine]) -> None:
    """One builds, the other waits; both have the whole history."""
    here = machine("here")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        both = pool.map(_history_of, [here, here], chunksize=1)
    assert both[0] == both[1]
    assert both[0].releases == machine("there").history().releases
    assert here.calls().count("metadata") == 3


def test_another_layout(here: Machine) -> None:
    """Another subdir or another first release in stack.yaml: other trees, and back again."""
    first = here.history()
    moved = here.history(subdir="")
    assert here.git("ls-tree", "--name-only", "release").split()[-2:] == ["build.sh", "src"]
    earlier = here.history("0.9.0")
    assert versions(earlier)[:2] == ["0.9.0", "1.0.0"]
    assert here.history() == first
    assert len({history.releases[-1].commit for history in (first, moved, earlier)}) == 3


def test_a_release_builds_alone(registry: Registry, here: Machine) -> None:
    """Packaged by cargo from a workspace; its original manifest would not build by itself."""
    workspace = here.root / "workspace"
    for name, text in {
        "Cargo.toml": """\
            [workspace]
            members = ["tiny"]
            [workspace.package]
            edition = "2021"
            """,
        "tiny/Cargo.toml": """\
            [package]
            name = "tiny"
            version = "3.0.0"
            edition.workspace = true
            """,
        "tiny/src/lib.rs": "pub fn three() -> u8 { 3 }\n",
    }.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    here.cargo.run(
        ["package", "--quiet", "--package=tiny", "--no-verify"], cwd=workspace, timeout=60
    )
    registry.publish(
        "tiny", "3.0.0", crate=(workspace / "target/package/tiny-3.0.0.crate").read_bytes()
    )
    here.history()

    alone = here.root / "alone"
    alone.mkdir()
    here.git("--work-tree", str(alone), "checkout", "--quiet", "release", "--", ".")
    crate = alone / "crates/tiny"
    assert (crate / "Cargo.toml.orig").read_bytes() == (workspace / "tiny/Cargo.toml").read_bytes()
    here.cargo.run(["check", "--quiet"], cwd=crate, timeout=120)
    (crate / "Cargo.toml.orig").replace(crate / "Cargo.toml")
    assert here.cargo.run(["check", "--quiet"], cwd=crate, timeout=120, ok=None).code == 101


OWN = "which a release carries as cargo rewrote it, not as upstream wrote it"
ABOVE = "the workspace's manifest, which no release carries"


@pytest.mark.parametrize(
    ("subdir", "paths", "expected"),
    [
        ("tokio", ["tokio/Cargo.toml", "tokio/a.rs"], f"touches tokio/Cargo.toml, {OWN}"),
        ("", ["Cargo.toml"], f"touches Cargo.toml, {OWN}"),
        ("a/b", ["Cargo.toml"], f"touches Cargo.toml, {ABOVE}"),
        ("a/b", ["a/Cargo.toml"], f"touches a/Cargo.toml, {ABOVE}"),
        ("tokio", ["tokio/src/lib.rs", "tokio-macros/Cargo.toml", "tokio/x/Cargo.toml"], None),
        ("", ["src/Cargo.toml"], None),
        ("tokio", [], None),
    ],
)
def test_manifest_refusal(subdir: str, paths: list[str], expected: str | None) -> None:
    """The crate's own manifest and those above it; no other."""
    refusal = manifest_refusal([path.encode() for path in paths], subdir=Subdir(subdir))
    advice = "; do without that change, or take `release:` out of stack.yaml to follow main alone"
    assert refusal == (expected and expected + advice)


def test_a_path_git_cannot_hold_is_refused(registry: Registry, here: Machine) -> None:
    """A crate is foreign: it shall not write into a git folder."""
    files = {**crate_files("evil", "1.0.0"), ".git/config": b""}
    registry.publish("evil", "1.0.0", crate=pack("evil", "1.0.0", files))
    with pytest.raises(ForkbotError, match="which git cannot hold"):
        here.history(crate="evil")


def test_a_real_crate(tmp_path: Path) -> None:
    """socket2 as everybody gets it, through this machine's own cargo."""
    history = release_history(
        "socket2",
        since=Version("0.6.0"),
        subdir=Subdir(""),
        cargo=Cargo(program=Path("cargo"), env=cargo_env(os.environ)),
        cache=tmp_path,
        git_env=sealed_env(os.environ),
        say=lambda _: None,
    )
    # the first has none before it, so its id is the same wherever and whenever it is made
    first = Release(
        version=Version("0.6.0"), commit=Oid("5b7f6b8365803d49f7616f53ee67286eb2923ab4")
    )
    assert history.releases[0] == first
    assert [r.version for r in history.releases[1:4]] == ["0.6.1", "0.6.2", "0.6.3"]
