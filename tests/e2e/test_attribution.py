"""Ten faults, seeded one at a time into a family that was green: each is laid at the right door."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from forkbot.model.artefact import Kind
from forkbot.model.attribution import Attribution, Guilty
from forkbot.model.publication import Move
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.faults import LEAF, LOWER, MAIN, QUIET, UPPER, UPPER_OURS, Faults
from tests.e2e.world import World
from tests.upstream.registry import serve

pytestmark = pytest.mark.wasm

NOTHING_ELSE = "nothing else that forkbot knows of has changed since it was last green"


@pytest.fixture
def faults(world: World, tools: tuple[Toolchain, Wasmtime]) -> Iterator[Faults]:
    """Return the family, ready for its first night."""
    with serve(world.place / "registry") as registry:
        yield Faults(world, registry, tools)


@pytest.fixture(scope="module")
def _again(
    tmp_path_factory: pytest.TempPathFactory, tools: tuple[Toolchain, Wasmtime]
) -> Iterator[Callable[[], Faults]]:
    world = World(tmp_path_factory.mktemp("faults"))
    with serve(world.place / "registry") as registry:
        yield Faults(world, registry, tools).stacks().green().keep()


@pytest.fixture
def green(_again: Callable[[], Faults]) -> Faults:
    """Return the family after its first night, on which all was well; built once for all tests."""
    return _again()


def looks(said: Attribution) -> list[str]:
    """Return what was looked at, and what was seen, in order."""
    return [
        " ".join(
            [
                *(f"{s.part.value}:{s.stack or ' '.join(s.names)}" for s in cell.back),
                *["pristine"] * cell.pristine, *["host"] * cell.host, cell.seen.value,
            ]
        )
        for cell in said.cells
    ]  # fmt: skip


def name(said: Attribution) -> tuple[Guilty, str | None, str]:
    """Return whose fault it is: which stack's, and which commit or patch."""
    patch = said.patch or ""
    return said.guilty, said.stack, said.commit.commit if said.commit else patch


def test_an_upstream_signature_change(green: Faults) -> None:
    green.commit("upper", "quiet", {"README.md": "new\n"})
    changed = UPPER.replace("said() ->", "said(many: usize) ->").replace("    let many = 1;\n", "")
    bad = green.commit("upper", "Let callers say how often", {"src/lib.rs": changed})
    green.commit("upper", "quiet again", {"README.md": "newer\n"})
    green.commit("lower", "quiet below", {"README.md": "new\n"})
    (said,) = green.night()
    assert name(said) == (Guilty.UPSTREAM, "upper", bad)
    assert said.patch == "loud", "which upstream left behind"
    assert looks(said) == ["upstream:upper green", "pristine green"]
    assert "upper's word" in " ".join(said.also), "what follows is told with it"


def test_a_new_cfg(green: Faults) -> None:
    how = "/// And how.\npub fn how() -> String {\n    said() + style()\n}\n\n/// How it"
    gated = UPPER.replace("/// How it", how).replace(
        "pub fn style", '#[cfg(not(target_os = "wasi"))]\npub fn style'
    )
    bad = green.commit("upper", "Keep to systems with style", {"src/lib.rs": gated})
    (said,) = green.night()
    assert name(said) == (Guilty.UPSTREAM, "upper", bad)
    assert said.why == "it is as red without our patches, on this target alone"
    assert looks(said) == ["upstream:upper green", "pristine red", "pristine host green"]


def test_a_removed_feature(faults: Faults) -> None:
    faults.stacks(features=", features: [extra]").green()
    bare = faults.manifest("upper").partition("[features]")[0]
    bad = faults.commit("upper", "Take extra away", {"Cargo.toml": bare})
    (said,) = faults.night()
    assert name(said) == (Guilty.UPSTREAM, "upper", bad)
    assert looks(said) == [
        "dependencies:leaf red", "dependencies:leaf upstream:upper green",
        "upstream:upper green", "pristine red",
    ]  # fmt: skip


def test_a_patch_typo(green: Faults) -> None:
    green.edit("quiet", {"src/lib.rs": UPPER_OURS + QUIET.replace("String::new", "Strin::new")})
    (said,) = green.night()
    assert name(said) == (Guilty.PATCH, "upper", "quiet")
    assert said.why == NOTHING_ELSE
    assert looks(said) == [], "rustc finds it each time, and there is nothing to turn back"


def test_a_typo_in_a_patch_without_which_it_does_not_build_either(faults: Faults) -> None:
    """What is missed has the name of a crate, and no more to do with it."""
    gate = 'compile_error!("cannot find function for this system");\n'
    faults.commit("upper", "Refuse what has no threads", {"src/lib.rs": UPPER + gate})
    faults.stacks().green()
    faults.edit("quiet", {"src/lib.rs": UPPER_OURS + QUIET.replace("String::new()", "leaf()")})
    (said,) = faults.night()
    assert name(said) == (Guilty.PATCH, "upper", "quiet")
    assert (said.why, looks(said)) == (NOTHING_ELSE, [])
    assert said.red.why == (
        "upper does not build: upper/src/lib.rs:22: cannot find function `leaf` in this scope "
        "(upper's patch quiet wrote the line)"
    )
    tellings = [t for stack in faults.record.stacks for t in stack.tellings]
    assert [(t.identity.kind, t.identity.stack) for t in tellings] == [(Kind.BUILD, "upper")], (
        "the component that does not build for it is told with it"
    )


def test_a_patch_that_breaks_what_upstream_can_on_the_first_night_of_all(faults: Faults) -> None:
    """Nothing was green before, but without our patches it is: it is one of them."""
    styled = 'fn main() {\n    assert_eq!(upper::style(), "plain", "no style");\n}\n'
    faults.stacks(main=styled)
    faults.edit("quiet", {"src/lib.rs": UPPER_OURS.replace('"plain"', '"loud"') + QUIET})
    policy = faults.world.folder("upper") / "stack.yaml"
    red_there = ", upstream: {fails: cannot find function}"
    assert red_there in policy.read_text()
    policy.write_text(policy.read_text().replace(red_there, ""))
    (said,) = faults.night()
    assert name(said) == (Guilty.PATCH, "upper", "quiet")
    assert looks(said) == ["red", "patches:upper green"]


def test_an_edited_patch_beside_a_change_of_upstream(green: Faults) -> None:
    green.commit("upper", "quiet", {"README.md": "new\n"})
    green.edit("quiet", {"src/lib.rs": UPPER_OURS + QUIET.replace("String::new", "Strin::new")})
    (said,) = green.night()
    assert name(said) == (Guilty.PATCH, "upper", "quiet")
    assert said.why == "all else that changed since it was last green makes no difference"
    assert looks(said) == ["upstream:upper red"]


def test_a_lower_forks_break(green: Faults) -> None:
    green.commit("upper", "quiet", {"README.md": "new\n"})
    other = LOWER.replace("    leaf::SMALL\n", "    leaf::SMALL + 1\n")
    bad = green.commit("lower", "Count from one", {"src/lib.rs": other})
    (said,) = green.night()
    assert name(said) == (Guilty.LOWER, "lower", bad)
    assert looks(said) == [
        "red", "upstream:upper red", "upstream:upper upstream:lower green", "upstream:lower green",
    ]  # fmt: skip


def test_a_toolchain_lint_turned_error(green: Faults) -> None:
    green.commit("lower", "quiet", {"README.md": "new\n"})
    green.newer_rustc("1.99.0", "-D", "unused_variables")
    (said,) = green.night()
    assert (said.guilty, said.name) == (Guilty.TOOLCHAIN, "rustc")
    assert (said.was, said.now.partition(" (")[0]) == (green.tools[0].version, "rustc 1.99.0")
    assert looks(said) == [
        "upstream:lower red", "upstream:lower toolchain:rustc green", "toolchain:rustc green",
    ]  # fmt: skip


def test_a_wasmtime_that_runs_no_longer_what_it_ran(green: Faults) -> None:
    green.commit("lower", "quiet", {"README.md": "new\n"})
    green.newer_wasmtime("99.0.0")
    (said,) = green.night()
    assert (said.guilty, said.name) == (Guilty.TOOLCHAIN, "wasmtime")
    assert (said.was, said.now) == (green.tools[1].version, "wasmtime 99.0.0")
    assert "this is no module of mine" in said.red.why
    assert looks(said) == [
        "red", "upstream:lower red", "upstream:lower toolchain:wasmtime green",
        "toolchain:wasmtime green",
    ]  # fmt: skip


def test_a_dependency_release_that_breaks(green: Faults) -> None:
    green.commit("upper", "quiet", {"README.md": "new\n"})
    green.release_leaf("1.0.1", LEAF.replace("SMALL", "TINY"))
    (said,) = green.night()
    assert said.guilty is Guilty.DEPENDENCY
    assert (said.name, said.was, said.now, said.why) == ("leaf", "1.0.0", "1.0.1", "")
    assert looks(said) == ["dependencies:leaf green"]


def test_a_yanked_dependency(green: Faults) -> None:
    green.commit("upper", "quiet", {"README.md": "new\n"})
    green.registry.yank("leaf", "1.0.0")
    (said,) = green.night()
    assert said.guilty is Guilty.DEPENDENCY
    assert (said.name, said.was, said.why) == ("leaf", "1.0.0", "1.0.0 was yanked")
    assert looks(said) == ["dependencies:leaf green"]


def test_a_hanging_component(faults: Faults) -> None:
    faults.stacks(timeout=3).green()
    stuck = UPPER.replace("many = 1;", "many = 1;\n    while many == 1 {}")
    bad = faults.commit("upper", "Wait for more", {"src/lib.rs": stuck})
    faults.commit("lower", "quiet", {"README.md": "new\n"})
    (said,) = faults.night()
    assert name(said) == (Guilty.UPSTREAM, "upper", bad)
    assert "it was ended after 3 s" in said.red.why
    assert looks(said) == ["red", "upstream:upper green"]


class Flaky:
    """A server that lets one caller down."""

    def __init__(self) -> None:
        self.down = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                caller, _ = self._socket.accept()
                with caller:
                    if self.down == 0:
                        caller.sendall(b"word")
                    self.down = max(0, self.down - 1)

    def close(self) -> None:
        """Serve nobody any more."""
        self._socket.close()


ASKS = """\
    let mut said = String::new();
    let mut server = std::net::TcpStream::connect("127.0.0.1:PORT").unwrap();
    std::io::Read::read_to_string(&mut server, &mut said).unwrap();
    assert_eq!(said, "word", "the server let us down");
}
"""


def test_a_flaky_server(faults: Faults) -> None:
    server = Flaky()
    asks = MAIN.rstrip().removesuffix("}") + ASKS.replace("PORT", str(server.port))
    try:
        faults.stacks(main=asks).green()
        faults.commit("upper", "quiet", {"README.md": "new\n"})
        server.down = 1
        (said,) = faults.night(code=0)
    finally:
        server.close()
    assert (said.guilty, said.why) == (Guilty.FLAKE, "run again, it is green")
    assert "the server let us down" in said.red.why
    assert looks(said) == ["green"]
    assert [s.publication.move for s in faults.record.stacks if s.publication] == [
        Move.NOTHING, Move.UPDATE,
    ]  # fmt: skip


def test_a_registry_that_is_down_for_a_moment(green: Faults) -> None:
    green.commit("upper", "quiet", {"README.md": "new\n"})
    green.registry.down = 1
    (said,) = green.night(code=0)
    assert (said.guilty, said.why) == (Guilty.NETWORK, "asked again, the registry answered")
    assert green.registry.down == 0
