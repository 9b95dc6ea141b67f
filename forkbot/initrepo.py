"""How a stacks repository begins: workflows, defaults, an example, and the labels on the forge.

Nothing that is there is touched: a second call finds nothing to do, and one in a repository that
has some of it adds the rest.
"""

import dataclasses
import importlib.resources
from collections.abc import Mapping
from pathlib import Path

from forkbot.connection import Connection
from forkbot.errors import MachineError, UsageError
from forkbot.model.artefact import CLOSED_BY_A_PERSON, KIND_LABELS, Label
from forkbot.model.order import ORDER_LABELS
from forkbot.stackdir.load import STACKS, load_family
from forkbot.words import OID, REPO_NAME

# where each file of forkbot/starter/ goes
_FILES: Mapping[str, str] = {
    ".github/workflows/rebase.yml": "rebase.yml",
    ".github/workflows/watchdog.yml": "watchdog.yml",
    ".gitignore": "gitignore",
    "README.md": "README.md",
    f"{STACKS}/defaults.yaml": "defaults.yaml",
}
_EXAMPLE: Mapping[str, str] = {f"{STACKS}/example/stack.yaml": "stack.yaml"}
LABELS: tuple[Label, ...] = (*KIND_LABELS.values(), CLOSED_BY_A_PERSON, *ORDER_LABELS.values())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the workflows take forkbot from: a repository, at one commit."""

    repo: str
    commit: str


def parse_source(text: str, *, where: str) -> Source:
    """Return OWNER/NAME@COMMIT as a source; ``UsageError`` for anything that could move."""
    repo, _, commit = text.partition("@")
    if "/" not in repo or not REPO_NAME.fits(repo) or not OID.fits(commit):
        raise UsageError(
            f"{text!r} is not <owner>/<repository>@<full commit id>",
            where=where,
            hint="git ls-remote https://github.com/<owner>/forkbot main"
            "  # a branch or tag could be moved under a job that has your secrets",
        )
    return Source(repo=repo, commit=commit)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What is to be written, by its place in the repository, and what is there and stays."""

    files: Mapping[str, bytes]
    kept: tuple[str, ...]


def plan_beginning(folder: Path, source: Source) -> Beginning:
    """Return what makes ``folder`` a stacks repository; nothing is written."""
    wanted = dict(_FILES)
    stacks = folder / STACKS
    if not (stacks.is_dir() and any(p.is_dir() for p in stacks.iterdir())):
        wanted |= _EXAMPLE
    kept = tuple(name for name in wanted if (folder / name).exists())
    texts = {name: _text(file, source) for name, file in wanted.items() if name not in kept}
    if f"{STACKS}/example/stack.yaml" in texts:
        texts[f"{STACKS}/example/patches/series"] = b""
    return Beginning(files=texts, kept=kept)


def write_beginning(folder: Path, beginning: Beginning) -> None:
    """Write the files, none over another; the stacks that are there then can be loaded."""
    for name, data in beginning.files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            continue  # somebody was quicker: theirs stays
        except OSError as e:
            raise MachineError(f"cannot write it: {e.strerror}", where=str(path)) from e
    load_family(folder)


def label(connection: Connection) -> None:
    """See that the stacks repository has each label that the bot and people use."""
    connection.forge.make_labels(connection.home, LABELS)


def _text(file: str, source: Source) -> bytes:
    text = (importlib.resources.files("forkbot") / "starter" / file).read_text(encoding="utf-8")
    return text.replace("%FORKBOT%", source.repo).replace("%COMMIT%", source.commit).encode()
