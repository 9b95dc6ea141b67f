"""What forkbot tells, whole, for every way to break a file; kept as text to be read by people.

Each test module has ``CASES``: a name, and what breaks the house; it may return what was told of
it, else all stacks are loaded. The messages stand in ``told/<module>.txt``. After a change:
``python -m tests.stackdir.told``, then read the diff.
"""

import importlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.stackdir.house import House

Break = Callable[[House], object]
TOLD = Path(__file__).parent / "told"


def render(cases: Mapping[str, Break]) -> str:
    """Break a house in each way and return what is told of it."""
    parts = []
    for name, break_it in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            house = House(Path(folder))
            said = break_it(house)
            parts.append(f"== {name}\n{said if isinstance(said, str) else house.error()}\n")
    return "\n".join(parts)


def expected(name: str) -> str:
    """Return what was told when last somebody read it."""
    return (TOLD / f"{name}.txt").read_text()


def rewrite() -> None:
    """Write anew what is told."""
    for module in sorted(Path(__file__).parent.glob("test_*.py")):
        cases = getattr(importlib.import_module(f"tests.stackdir.{module.stem}"), "CASES", None)
        if cases is not None:
            path = TOLD / f"{module.stem.removeprefix('test_')}.txt"
            path.write_text(render(cases))


if __name__ == "__main__":
    rewrite()
