"""Running cargo: a closed environment in, typed answers out.

The user's mirrors, proxies and vendoring hold because forkbot asks cargo, and never a registry.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from forkbot import process
from forkbot.errors import MachineError, ProcessError
from forkbot.text import decode, redact
from forkbot.words import Version

# Where cargo and rustup live and which toolchain they take.
_HOMES = (
    "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTUP_AUTO_INSTALL",
    "CARGO_REGISTRY_DEFAULT",
)  # fmt: skip
# How cargo reaches a registry: its documented configuration families.
_FAMILIES = re.compile(r"CARGO_(?:HTTP|NET|SOURCE|REGISTRIES)_")
# Its arguments take pages, and how it ended comes after them.
_COMMAND = re.compile(r"(didn't exit successfully: )`(?:[^\s`]*/)?([^\s`/]+)[^`]*`")
_SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|CREDENTIAL")
_SILENCE = (
    "Could not resolve host", "Could not connect", "Couldn't connect", "failed to connect",
    "Timeout was reached", "spurious network error", "failed to download from",
    "download of config.json failed", "proxy", "offline mode",
)  # fmt: skip


def cargo_env(ambient: process.Env) -> dict[str, str]:
    """Return what a cargo that may talk to the network sees of ``ambient``; never a secret.

    Its messages come without colours and progress bars, because forkbot reads them.
    """
    chosen = [
        name
        for name in ambient
        if name in _HOMES or (_FAMILIES.match(name) and not _SECRET.search(name))
    ]
    if "CARGO_HOME" not in ambient or "RUSTUP_HOME" not in ambient:
        chosen.append("HOME")  # cargo and rustup look for theirs there
    return {
        **process.allow(ambient, names=chosen, network=True),
        "CARGO_TERM_COLOR": "never",
        "CARGO_TERM_PROGRESS_WHEN": "never",
    }


class CargoError(ProcessError):
    """A cargo command failed: ``last_words`` is its cause in few words, ``said`` all it said."""

    def __init__(self, *, command: str, code: int, said: str) -> None:
        super().__init__(command=command, code=code, last_words=cause(said))
        self.said = said

    @property
    def silent(self) -> bool:
        """Whether it failed because a registry gave no answer."""
        return any(sign in self.said for sign in _SILENCE)


def cause(said: str) -> str:
    """Return cargo's error in few words: what failed, and the innermost reason."""
    top = re.search(r"^error(?:\[\w+\])?: (.+)$", said, re.MULTILINE)
    if top is None:
        return said.strip().rpartition("\n")[2]
    inner = re.findall(r"^Caused by:\n +(?:\[\d+\] )?(.+)$", said[top.end() :], re.MULTILINE)
    reason = _COMMAND.sub(r"\1\2", inner[-1]) if inner else ""
    return f"{top[1]}: {reason}" if reason else top[1]


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """What a package's manifest asks for; ``path`` where it names a folder."""

    name: str
    req: str
    path: Path | None = None


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """One package of ``cargo metadata``; ``source`` is None for one on disk."""

    name: str
    version: Version
    id: str
    source: str | None
    manifest_path: Path
    dependencies: tuple[Requirement, ...] = ()

    @property
    def told(self) -> str:
        """Return name and version as people say them."""
        return f"{self.name} {self.version}"


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One package of the resolved graph, the packages it needs and its enabled features."""

    id: str
    dependencies: tuple[str, ...]
    features: tuple[str, ...]


class Resolve(msgspec.Struct, frozen=True, kw_only=True):
    """The resolved graph; ``root`` is None for a virtual workspace."""

    nodes: tuple[Node, ...]
    root: str | None


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What forkbot reads of ``cargo metadata``."""

    packages: tuple[Package, ...]
    resolve: Resolve
    workspace_members: tuple[str, ...] = ()  # ids


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What ``cargo metadata --no-deps`` says of a workspace: no graph, nothing resolved."""

    packages: tuple[Package, ...]
    workspace_root: Path
    workspace_default_members: tuple[str, ...] = ()  # ids


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """One package of a Cargo.lock; only one from a registry has a checksum."""

    name: str
    version: Version
    source: str | None = None
    checksum: str | None = None
    dependencies: tuple[str, ...] = ()


class Patches(msgspec.Struct, frozen=True, kw_only=True):
    """The ``[patch]`` entries that the graph did not use."""

    unused: tuple[Locked, ...] = ()


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """A Cargo.lock."""

    packages: tuple[Locked, ...] = msgspec.field(default=(), name="package")
    patch: Patches = Patches()


def read_lock(path: Path) -> Lock:
    """Return the Cargo.lock at ``path``; ``MachineError`` when it is not one."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Lock)
    except (OSError, msgspec.DecodeError) as e:
        raise MachineError(f"not a Cargo.lock that forkbot can read: {e}", where=str(path)) from e


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cargo:
    """The cargo program and the environment it runs in."""

    program: Path
    env: Mapping[str, str]

    def run(
        self,
        args: Sequence[str | Path],
        *,
        cwd: Path,
        timeout: float,
        on_stdout: Callable[[bytes], None] | None = None,
        on_stderr: Callable[[bytes], None] | None = None,
        ok: Sequence[int] | None = (0,),
    ) -> process.Completed:
        """Run one cargo command; ``CargoError`` for an exit code not in ``ok`` (None: all).

        ``cwd`` decides, with ``CARGO_HOME``, which configuration cargo reads and which toolchain
        rustup takes: the manifest's own folder does not.
        """
        ended = process.run(
            [self.program, *args],
            env=self.env,
            cwd=cwd,
            timeout=timeout,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            ok=None,
        )
        if ok is not None and ended.code not in ok:
            raise CargoError(
                command=f"cargo {args[0]}", code=ended.code, said=redact(decode(ended.stderr))
            )
        return ended

    def metadata(
        self, manifest: Path, *, cwd: Path, timeout: float, platform: str | None = None
    ) -> Metadata:
        """Return the resolved packages, each fetched and unpacked; only ``platform``'s if given."""
        filtered = ["--filter-platform", platform] if platform else []
        said = self.run(
            ["metadata", "--format-version", "1", *filtered, "--manifest-path", manifest],
            cwd=cwd,
            timeout=timeout,
        ).stdout
        return _read(said, Metadata)

    def outline(self, manifest: Path, *, cwd: Path, timeout: float) -> Outline:
        """Return the packages of the workspace around a manifest; no Cargo.lock is written."""
        said = self.run(
            ["metadata", "--format-version", "1", "--no-deps", "--manifest-path", manifest],
            cwd=cwd,
            timeout=timeout,
        ).stdout
        return _read(said, Outline)


M = TypeVar("M", Metadata, Outline)


def _read(said: bytes, into: type[M]) -> M:
    try:
        return msgspec.json.decode(said, type=into, dec_hook=_path)
    except msgspec.DecodeError as e:
        raise MachineError(f"cargo metadata said what forkbot cannot read: {e}") from e


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(kind)
