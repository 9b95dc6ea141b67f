"""Which versions there are, asked of the real cargo and a registry of our own on loopback."""

import random
import shutil
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkbot.errors import RemoteError, UsageError
from forkbot.upstream.published import Registry as Published
from forkbot.upstream.published import precedence
from forkbot.words import Version
from tests.upstream.registry import NO_PATCHES, Machine, Registry, crate_files, versions


@pytest.mark.parametrize("shim", ["", NO_PATCHES])
def test_pre_releases_when_asked(registry: Registry, here: Machine, shim: str) -> None:
    """By exact version, in semver's place; a sister pre-release is not taken along."""
    for version in ("1.2.0-rc.2", "3.0.0-a.1", "3.0.0-a.2"):
        registry.publish("tiny", version)
    here.shim(shim)
    stories: list[tuple[str, tuple[str, ...], list[str]]] = [
        ("1.0.0", ("1.2.0-rc.1",), ["1.0.0", "1.2.0-rc.1", "1.2.0", "1.10.0"]),
        ("1.2.0-rc.1", (), ["1.2.0-rc.1", "1.2.0", "1.10.0"]),
        ("1.2.0", ("1.2.0-rc.1",), ["1.2.0", "1.10.0"]),
        ("1.10.0", ("3.0.0-a.1",), ["1.10.0", "3.0.0-a.1"]),
        ("3.0.0-a.1", (), ["3.0.0-a.1"]),
    ]
    for since, pre, expected in stories:
        assert versions(here.history(since, pre=pre)) == expected
        assert versions(here.history(since, pre=pre)) == expected


def test_a_cargo_that_proves_nothing_is_walked(
    registry: Registry, machine: Callable[..., Machine]
) -> None:
    """The slow way finds the same releases."""
    plain, slow = machine("plain"), machine("slow")
    slow.shim(NO_PATCHES)
    assert slow.history().releases == plain.history().releases
    registry.publish("tiny", "1.2.1")
    assert slow.history().releases == plain.history().releases


@pytest.mark.parametrize("shim", ["", NO_PATCHES])
def test_a_release_for_a_newer_compiler_counts(
    registry: Registry, here: Machine, shim: str
) -> None:
    """The resolver would rather take one for ours, if the user's configuration says so."""
    here.env(CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS="fallback")
    here.shim(shim)
    registry.publish("tiny", "2.0.0", rust="1.999")
    assert versions(here.history())[-1] == "2.0.0"


def test_configuration_of_a_repository_is_not_read(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache may lie in one, and we too; its config.toml and toolchain are not the user's."""
    monkeypatch.chdir(here.root)
    config = here.root / ".cargo/config.toml"
    config.parent.mkdir()
    config.write_text('[source.crates-io]\nreplace-with = "nowhere"\n')
    (here.root / "rust-toolchain.toml").write_text('[toolchain]\nchannel = "1.0.0"\n')
    (here.root / "Cargo.toml").write_text("not a manifest")
    assert len(here.history().releases) == 3


def test_a_patch_in_the_users_configuration_is_refused(here: Machine) -> None:
    """It would put another crate's files in place of the release."""
    theirs = here.root / "theirs"
    (theirs / "src").mkdir(parents=True)
    (theirs / "src/lib.rs").touch()
    (theirs / "Cargo.toml").write_text('[package]\nname = "tiny"\nversion = "1.10.0"\n')
    config = here.root / "cargo/config.toml"
    config.write_text(config.read_text() + f'[patch.crates-io]\ntiny = {{ path = "{theirs}" }}\n')
    with pytest.raises(UsageError, match="cargo's own configuration patches this crate"):
        here.history()


def test_vendored(registry: Registry, machine: Callable[..., Machine]) -> None:
    """A folder that ``cargo vendor`` made is a registry too, of what is in it."""
    here = machine()
    project = here.root / "project"
    project.mkdir()
    (project / "lib.rs").touch()
    (project / "Cargo.toml").write_text(
        '[package]\nname = "project"\n[lib]\npath = "lib.rs"\n[dependencies]\ntiny = "1"\n'
    )
    here.cargo.run(
        ["vendor", "--quiet", "--respect-source-config", "vendored"], cwd=project, timeout=60
    )
    (here.root / "cargo/config.toml").write_text(
        '[source.crates-io]\nreplace-with = "vendored"\n'
        f'[source.vendored]\ndirectory = "{project}/vendored"\n'
    )
    registry.forget()

    assert versions(here.history("1.10.0", subdir="")) == ["1.10.0"]
    tree = here.git("ls-tree", "-r", "--name-only", "-z", "release").rstrip("\0").split("\0")
    dropped = {".gitattributes", ".gitignore", "Cargo.toml.orig"}  # the last by older cargos
    assert set(tree) - dropped == crate_files("tiny", "1.10.0").keys() - dropped


NO_RELEASE = "there is no such release\nhint: see what there is: cargo info tiny"
YANKED = (
    "tiny: version 1.1.0 was yanked\n"
    "hint: name another in `release: since:` or `pre-releases:` in stack.yaml"
)


@pytest.mark.parametrize(
    ("crate", "since", "pre", "message"),
    [
        ("nosuch", "1.0.0", (), "nosuch: there is no such crate\nhint: see `crate:` in stack.yaml"),
        ("tiny", "1.0.1", (), f"tiny =1.0.1: {NO_RELEASE}"),
        ("tiny", "1.1.0", (), YANKED),
        ("tiny", "1.0.0", ("1.2.0-rc.9",), f"tiny =1.2.0-rc.9: {NO_RELEASE}"),
        ("../x", "1.0.0", (), "'../x' is not the name of a crate"),
    ],
)
def test_what_is_not_to_be_had(
    here: Machine, crate: str, since: str, pre: tuple[str, ...], message: str
) -> None:
    """The error says which of the words in stack.yaml is wrong."""
    with pytest.raises(UsageError) as caught:
        here.history(since, crate=crate, pre=pre)
    assert str(caught.value) == message


def test_out_of_reach(here: Machine) -> None:
    """A network failure is one, in a line, and nothing that was known is lost."""
    first = here.history()
    # nobody listens there; a registry that answers "not found" is a different story to cargo 1.97
    here.env(CARGO_HTTP_PROXY="http://127.0.0.1:1", CARGO_NET_RETRY="0")
    with pytest.raises(RemoteError) as caught:
        here.history()
    assert caught.value.exit_code == 5
    assert caught.value.what.startswith("cargo cannot reach the registry: ")
    assert "\n" not in caught.value.what
    assert len(here.git("tag").split()) == len(first.releases)


def test_offline(registry: Registry, machine: Callable[..., Machine]) -> None:
    """Offline goes by what cargo has; what it has not is told."""
    here, bare = machine("here"), machine("bare")
    first = here.history()
    registry.publish("tiny", "2.0.0")
    here.env(CARGO_NET_OFFLINE="true")
    assert here.history() == first
    shutil.rmtree(here.root / "cache")
    assert here.history() == first

    bare.env(CARGO_NET_OFFLINE="true")
    with pytest.raises(RemoteError, match="cargo is offline and has not fetched this"):
        bare.history()


def test_newest(registry: Registry, here: Machine) -> None:
    """All in one call when nothing moved, whatever holds them back in one graph."""
    registry.publish("other", "1.0.0", needs=[("tiny", "=1.0.0")])
    published = Published(cargo=here.cargo, scratch=here.root / "cache")
    newest = {"other": Version("1.0.0"), "tiny": Version("1.10.0")}
    assert published.newest({"other": None, "tiny": None}) == newest
    here.calls()

    assert published.newest(newest) == newest
    assert here.calls() == ["generate-lockfile"]
    registry.publish("tiny", "2.0.0-beta.1")
    assert published.newest(newest) == newest
    registry.publish("other", "1.1.0")
    registry.yank("tiny", "1.10.0")
    moved = {"other": "1.1.0", "tiny": "1.2.0"}
    assert published.newest(newest) == moved
    here.shim(NO_PATCHES)
    assert published.newest(newest) == moved
    with pytest.raises(UsageError, match="there is no such crate"):
        published.newest({"nosuch": None})


ORDER = [
    "0.0.0", "0.9.9", "1.0.0-0", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1",
    "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
    "1.0.1", "1.2.0", "1.10.0", "10.0.0",
]  # fmt: skip


@given(st.randoms(use_true_random=False))
def test_precedence(shuffler: random.Random) -> None:
    """The order of semver.org, number by number, from any order."""
    mixed = [Version(v) for v in ORDER]
    shuffler.shuffle(mixed)
    assert sorted(mixed, key=precedence) == ORDER
    assert precedence(Version("1.0.0+a")) == precedence(Version("1.0.0"))
