"""What upstream's code gets to see while it is built: the sources, the toolchain, and no secret.

Sources are read-only, so that what is proven is what was laid out; a build writes into its target
folder. Of cargo's home it sees the packages and the programs, and of cargo's configuration a copy
without what is secret: credentials.toml has no copy.
"""

import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from forkbot.cargo import Cargo
from forkbot.errors import UsageError
from forkbot.process.seclusion import View

_SECRET_KEY = re.compile(r"token|password|secret|credential|proxy", re.IGNORECASE)
_SECRET_LINE = re.compile(
    rf"^\s*(?:[\w\"'-]+\s*\.\s*)*[\"']?[\w-]*(?:{_SECRET_KEY.pattern})[\w-]*[\"']?\s*=",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"://[^/@\s\"']*:[^/@\s\"']+@")
_OF_CARGO = ("bin", "git", "registry")  # the folders in its home that are not its owner's alone
_FOLDERS = ("directory", "local-registry")  # of a [source] that lies on this disk


def view_of_build(
    cargo: Cargo, *, sources: Path, workspace: Path, target_dir: Path, home: str, root: Path
) -> View:
    """Return what ``cargo build`` in ``workspace`` is shown; ``root`` is an empty folder.

    ``home`` is the person's, of which nothing is shown but what has a reason here.

    Raises ``UsageError`` when a secret in cargo's configuration cannot be left out of it.
    """
    cargo_home = Path(cargo.env["CARGO_HOME"])
    configs = {path: _read(path) for path in _configs(workspace, cargo_home)}
    copies = {path: without_secrets(text, where=path) for path, text in configs.items()}
    read = {sources, workspace, *(cargo_home / name for name in _OF_CARGO)}
    read |= set(_local_sources(copies))
    if rustup := cargo.env.get("RUSTUP_HOME"):
        linked = (Path(rustup) / "toolchains").glob("*")
        read |= {Path(rustup), *(p.resolve() for p in linked if p.is_symlink())}
    private = (cargo_home, Path(home or "/root"))
    read |= {p for p in _programs(cargo) if not any(q.is_relative_to(p) for q in private)}
    return View(root=root, read=tuple(read), write=(target_dir,), copies=copies)


def _programs(cargo: Cargo) -> Iterator[Path]:
    """Yield the folders of PATH and of the tools, whose libraries lie beside their bin/."""
    path = cargo.env.get("PATH", "")
    yield from (Path(p) for p in path.split(":") if p.startswith("/"))
    tools = (cargo.program, cargo.env.get("RUSTC"), shutil.which("cc", path=path))
    named = [Path(name) for name in tools if name]
    for program in (*named, *(p.resolve() for p in named)):
        yield program.parent
        if program.parent.name == "bin":
            yield program.parent.parent


def _configs(workspace: Path, cargo_home: Path) -> Iterator[Path]:
    """Yield the configuration files that cargo reads in ``workspace``."""
    for folder in (cargo_home, *(p / ".cargo" for p in (workspace, *workspace.parents))):
        for name in ("config", "config.toml"):
            if (folder / name).is_file():
                yield folder / name


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as e:
        raise UsageError(f"cannot read cargo's configuration: {e}", where=str(path)) from e


def without_secrets(text: str, *, where: Path) -> str:
    """Return a configuration of cargo's without its secrets.

    Line by line, for nothing here writes TOML; then both are read, and must differ in the secrets
    alone. Raises ``UsageError`` where that does not do.
    """
    kept = "".join(li for li in text.splitlines(keepends=True) if not _SECRET_LINE.match(li))
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise UsageError(f"cargo's configuration is no TOML: {e}", where=str(where)) from e
    try:
        fine = tomllib.loads(kept) == _bare(whole)
    except tomllib.TOMLDecodeError:  # a secret over several lines
        fine = False
    if not fine or _PASSWORD_IN_URL.search(kept):
        raise UsageError(
            "this holds a secret that upstream's code would see while it is built",
            where=str(where),
            hint="keep tokens in credentials.toml, and no password in a URL",
        )
    return kept


def _bare(table: Mapping[str, object]) -> dict[str, object]:
    return {
        key: _bare(value) if isinstance(value, dict) else value
        for key, value in table.items()
        if isinstance(value, dict) or not _SECRET_KEY.search(key)
    }


def _local_sources(configs: Mapping[Path, str]) -> Iterator[Path]:
    """Yield the folders of packages that configurations name; they count from the folder's own."""
    for path, text in configs.items():
        sources = tomllib.loads(text).get("source", {})
        for source in sources.values() if isinstance(sources, dict) else ():
            for key in _FOLDERS:
                if isinstance(source, dict) and isinstance(source.get(key), str):
                    yield path.parent.parent / source[key]
