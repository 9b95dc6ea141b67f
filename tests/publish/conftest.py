"""Stories about fork branches begin with a stack that is rebased, proven, and not published yet."""

from pathlib import Path

import pytest

from tests.e2e.world import Changes, World
from tests.scenario import Upstream

TEXT = "".join(f"line {n}\n" for n in range(1, 11))
OURS: Changes = {"src/lib.rs": TEXT.replace("line 2\n", "line two\n")}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with nothing in it yet."""
    return World(tmp_path)


@pytest.fixture
def upstream(world: World) -> Upstream:
    """Return an upstream at 1.0.0, and the stack ``demo`` on it, with a green verdict."""
    return world.proven(TEXT, OURS)


def move_on(world: World, upstream: Upstream, version: str, *names: str) -> None:
    """Let upstream release a version, and the stacks go there and be proven."""
    upstream.commit(f"release {version}", {"src/new.rs": f"// {version}\n"})
    upstream.tag(f"v{version}")
    world.forkbot("rebase")
    world.bless(*(names or ("demo",)))
