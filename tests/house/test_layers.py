"""Imports point down only (DESIGN §5); one room starts children, one reads the environment."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.layers import BLIND, FLOORS, OWNED, READS_ENVIRONMENT, SIBLINGS, STARTS
from tests.house.source import Module, modules

MODULES = modules()
_NAMES = {m.name for m in MODULES}


def _rooms_seen(module: Module) -> Iterator[tuple[int, str]]:
    for line, name in module.imports():
        if name == "forkbot" or name.startswith("forkbot."):
            room = name.partition(".")[2].partition(".")[0]
            # `from forkbot import __version__` is a look at the package itself
            yield line, room if room in FLOORS else ""


def test_every_room_has_a_floor() -> None:
    assert {m.room for m in MODULES} <= set(FLOORS), "give the new room a floor here and in DESIGN"


def test_imports_point_down_only() -> None:
    wrong = []
    for module in MODULES:
        here = module.room
        for line, seen in _rooms_seen(module):
            down = FLOORS[seen] < FLOORS[here] and seen not in BLIND.get(here, set())
            if not (seen == here or down or seen in SIBLINGS.get(here, set())):
                wrong.append(f"{module.at(line)}: {here} may not see {seen}")
    assert wrong == []


def test_no_sibling_is_allowed_that_nobody_needs() -> None:
    """The table of the layers is the truth, not a wish."""
    seen = {(m.room, room) for m in MODULES for _, room in _rooms_seen(m)}
    unused = [(a, b) for a, rooms in SIBLINGS.items() for b in rooms if (a, b) not in seen]
    assert unused == []


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {m.name: {n for n in _modules_seen(m) if n != m.name} for m in MODULES}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            pytest.fail(" → ".join((*trail[trail.index(name) :], name)))
        if name not in done:
            for seen in sorted(graph[name]):
                visit(seen, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def _modules_seen(module: Module) -> Iterator[str]:
    for _, name in module.imports():
        if name in _NAMES:
            yield name
        elif name.rpartition(".")[0] in _NAMES:
            # Not the package that merely holds it: an empty __init__ knows nothing.
            yield name.rpartition(".")[0]


def test_libraries_stay_in_their_rooms() -> None:
    wrong = [
        f"{module.at(line)}: {module.room} imports {name}"
        for module in MODULES
        for line, name in module.imports()
        if module.room not in OWNED.get(name.partition(".")[0], {module.room})
    ]
    assert wrong == []


def _named(module: Module, names: tuple[str, ...]) -> Iterator[str]:
    """Yield where the module reaches one of os's ``names``, by attribute or by import."""
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in names
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
        ):
            yield f"{module.at(node.lineno)}: os.{node.attr}"
    for line, name in module.imports():
        if name.startswith("os.") and name.partition(".")[2] in names:
            yield f"{module.at(line)}: {name}"


def test_only_the_process_room_starts_children() -> None:
    others = [m for m in MODULES if m.room != "process"]
    hows = ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")
    names = (*STARTS, *(f"{kind}{how}" for kind in ("exec", "spawn") for how in hows))
    assert [w for m in others for w in _named(m, names)] == []


def test_only_the_command_line_reads_the_environment() -> None:
    others = [m for m in MODULES if m.room != "cli"]
    assert [w for m in others for w in _named(m, READS_ENVIRONMENT)] == []
    homes = [
        m.at(node.lineno)
        for m in others
        for node in ast.walk(m.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"home", "expanduser", "expandvars"}
        if isinstance(node.value, ast.Name | ast.Attribute)
        and ast.unparse(node.value) in {"Path", "pathlib.Path", "os.path"}
    ]
    assert homes == []


def test_modules_and_functions_can_be_read_in_one_look() -> None:
    long = [f"{m.name}: {n} lines" for m in MODULES if (n := m.text.count("\n")) > 400]
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                lines = node.end_lineno - node.lineno + 1
                if lines > 60:
                    long.append(f"{module.at(node.lineno)}: {node.name} has {lines} lines")
    assert long == []
