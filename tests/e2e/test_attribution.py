"""Ten faults, seeded one at a time into a family that was green: each is laid at the right door."""

from collections.abc import Iterator

import pytest

from forkbot.model.attribution import Attribution, Guilty
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.faults import UPPER, Faults
from tests.e2e.world import World
from tests.upstream.registry import serve

pytestmark = pytest.mark.wasm


@pytest.fixture
def faults(world: World, tools: tuple[Toolchain, Wasmtime]) -> Iterator[Faults]:
    """Return the family, ready for its first night."""
    with serve(world.place / "registry") as registry:
        yield Faults(world, registry, tools)


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


def test_an_upstream_signature_change(faults: Faults) -> None:
    faults.stacks().green()
    faults.commit("upper", "quiet", {"README.md": "new\n"})
    changed = UPPER.replace("said() ->", "said(many: usize) ->").replace("    let many = 1;\n", "")
    bad = faults.commit("upper", "Let callers say how often", {"src/lib.rs": changed})
    faults.commit("upper", "quiet again", {"README.md": "newer\n"})
    faults.commit("lower", "quiet below", {"README.md": "new\n"})
    (said,) = faults.night()
    assert (said.guilty, said.stack, said.patch) == (Guilty.UPSTREAM, "upper", "loud")
    assert said.commit is not None
    assert (said.commit.commit, said.commit.subject) == (bad, "Let callers say how often")
    assert looks(said) == ["upstream:upper green", "pristine green"]
