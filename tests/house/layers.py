"""The layers of DESIGN §5 as facts: what test_layers enforces and CONTRIBUTING shows."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

FLOORS: Mapping[str, int] = {
    "": 0, "errors": 0, "text": 0, "words": 0,
    "model": 1,
    "cargo": 2, "forge": 2, "git": 2, "process": 2, "resolvedir": 2, "rundir": 2, "stackdir": 2,
    "upstream": 2,
    "publish": 3, "rebase": 3, "report": 3, "tell": 3, "update": 3, "verify": 3,
    "acknowledge": 4, "attempt": 4, "begin": 4, "believe": 4, "browser": 4, "buildbreaker": 4,
    "cargopatch": 4, "connection": 4, "diagnosis": 4,
    "attribution": 4, "bisect": 4, "drop": 4, "green": 4, "ground": 4, "hold": 4, "initrepo": 4,
    "laid": 4, "locate": 4, "neutral": 4, "planning": 4, "probe": 4, "recording": 4, "red": 4,
    "resolve": 4, "run": 4, "session": 4, "status": 4, "telling": 4, "updating": 4,
    "verification": 4, "watch": 4, "writing": 4,
    "__main__": 5, "cli": 5,
}  # fmt: skip

# Which rooms on its own floor a room may see; none unless it is named here.
SIBLINGS: Mapping[str, AbstractSet[str]] = {
    "words": {"errors"},
    "git": {"process"},
    "cargo": {"process"},
    "resolvedir": {"git", "process"},
    "forge": {"git", "process"},
    "upstream": {"cargo", "git", "process"},
    "publish": {"rebase"},  # whose name is on the commits that a push may overwrite
    "update": {"rebase", "report", "tell"},  # its commits have a name, its pull requests a text
    "locate": {"session"},
    "begin": {"session"},
    "drop": {"attempt", "locate", "session"},
    "attempt": {"locate", "session"},
    "acknowledge": {"attempt", "locate", "session"},
    "hold": {"attempt"},
    "diagnosis": {"attempt"},
    "green": {"attempt", "session"},
    "verification": {"attempt", "diagnosis", "green", "hold", "session"},
    "ground": {"attempt", "hold", "locate", "red", "session", "verification"},
    "bisect": {
        "attempt",
        "buildbreaker",
        "diagnosis",
        "locate",
        "recording",
        "red",
        "session",
        "verification",
    },
    "buildbreaker": {"attempt", "hold", "red", "session", "verification"},
    "attribution": {"attempt", "buildbreaker", "locate", "red", "session", "verification"},
    "recording": {"attempt", "hold", "session"},
    "writing": {"attempt", "session", "verification"},
    "initrepo": {"connection"},
    "watch": {"connection", "session"},
    "cargopatch": {"connection", "red", "session", "verification"},
    "planning": {
        "attempt",
        "browser",
        "connection",
        "green",
        "locate",
        "session",
        "verification",
    },
    "believe": {"attempt", "session", "verification"},
    "browser": {
        "attempt",
        "connection",
        "drop",
        "laid",
        "locate",
        "recording",
        "session",
        "writing",
    },
    "run": {
        "believe",
        "attempt",
        "attribution",
        "browser",
        "buildbreaker",
        "connection",
        "ground",
        "hold",
        "locate",
        "recording",
        "red",
        "session",
        "telling",
        "updating",
        "verification",
        "writing",
    },
    "telling": {"connection", "recording", "session"},
    "probe": {"attempt", "locate", "recording", "red", "session", "verification"},
    "neutral": {"attempt", "locate", "recording", "session", "verification"},
    "resolve": {"attempt", "hold", "laid", "locate", "recording", "session", "writing"},
    "updating": {"attempt", "connection", "recording", "session"},
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
    "github": {"forge"},
    "click": {"cli"},
    "rich": {"cli", "report"},
    "pygments": {"report"},
}
# What starts a child without an import that shows it.
STARTS = ("fork", "forkpty", "popen", "posix_spawn", "posix_spawnp", "startfile", "system")
# What only the command line may touch.
READS_ENVIRONMENT = ("environ", "environb", "getenv", "getenvb")

# What each floor is, for people.
MEANING = (
    "the words and the error tree; no side effects",
    "frozen values: the facts about stacks, rebases, verdicts and runs",
    "the edge: the only rooms that touch the world",
    "the steps",
    "the composers: one stack, a family, a whole run",
    "the command line: parse, call, show, exit code",
)
