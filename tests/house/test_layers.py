"""Imports point down only (DESIGN §5); one room starts children, one reads the environment."""

import ast
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

import pytest

from tests.house.source import Module, modules

MODULES = modules()
_NAMES = {m.name for m in MODULES}

FLOORS: Mapping[str, int] = {
    "": 0, "errors": 0, "text": 0, "words": 0,
    "model": 1,
    "cargo": 2, "forge": 2, "git": 2, "process": 2, "rundir": 2, "stackdir": 2, "upstream": 2,
    "publish": 3, "rebase": 3, "report": 3, "verify": 3,
    "attempt": 4, "begin": 4, "hold": 4, "locate": 4, "run": 4, "session": 4, "status": 4,
    "verification": 4,
    "__main__": 5, "cli": 5,
}  # fmt: skip

# Which rooms on its own floor a room may see; none unless it is named here.
SIBLINGS: Mapping[str, AbstractSet[str]] = {
    "words": {"errors"},
    "git": {"process"},
    "cargo": {"process"},
    "forge": {"git", "process"},
    "upstream": {"cargo", "git", "process"},
    "publish": {"rebase"},  # whose name is on the commits that a push may overwrite
    "locate": {"session"},
    "begin": {"session"},
    "attempt": {"locate", "session"},
    "hold": {"attempt"},
    "verification": {"attempt", "hold", "session"},
    "run": {"attempt", "hold", "locate", "session", "verification"},
    "__main__": {"cli"},
}
# What a room may not see although it lies below: a report is made of facts alone, a rebase and a
# build know of no forge, and so of no token.
BLIND: Mapping[str, AbstractSet[str]] = {
    "report": {room for room, floor in FLOORS.items() if floor >= 2},
    "rebase": {"forge"},
    "verify": {"forge"},
}
# Libraries that belong to rooms: (the library, the rooms that may import it).
OWNED: Mapping[str, AbstractSet[str]] = {
    "subprocess": {"process"},
    "multiprocessing": set(),
    "pty": set(),
    "git": {"begin"},
    "github": set(),
    "click": {"cli"},
    "rich": {"cli", "report"},
}
# What starts a child without an import that shows it.
STARTS = ("fork", "forkpty", "popen", "posix_spawn", "posix_spawnp", "startfile", "system")
READS_ENVIRONMENT = ("environ", "environb", "getenv", "getenvb")


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
