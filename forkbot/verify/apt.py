"""Debian's packages without touching the system: the machine's own mirrors, a private apt state."""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from forkbot import process
from forkbot.errors import RemoteError
from forkbot.text import decode, redact
from forkbot.verify.proof import cause

# An archive is offered under the release's code name or under one of these.
_SUITES = {"stable", "oldstable", "testing", "unstable", "sid"}

_NO = {"no", "false", "off", "disable", "without"}

# Stands for what the machine has of its own, so that apt does not bring a second C compiler.
_STATUS = """\
Package: forkbot-host
Status: install ok installed
Architecture: all
Multi-Arch: foreign
Version: 1
Maintainer: forkbot
Description: what the machine has of its own
Provides: gcc (= 4:999), libc6-dev (= 999), libc-dev, binutils (= 999)

"""

# Read after the machine's own configuration, which keeps its say on proxies and credentials; but
# its hooks after an update clean the system's caches.
_CONF = """\
#clear APT::Update;
APT::Update::Error-Mode "any";
APT::Sandbox::User "root";
APT::Install-Recommends "no";
Acquire::Languages "none";
Dir::State "{root}/state";
Dir::State::Lists "{root}/lists";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Dir::Cache::Archives "{root}/archives";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{root}/sources";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "{root}/preferences";
Dir::Log "{root}";
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One entry of apt's sources: where, which suites and components, and whose keys.

    An entry's ``trusted`` is left behind on purpose: what we run is signed, or we do not run it.
    """

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str


def parse_deb822(text: str) -> list[Source]:
    """Return the enabled binary sources of a ``.sources`` file."""
    found = []
    for stanza in re.split(r"\n\s*\n", re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)):
        fields = {
            m[1].lower(): m[2].strip()
            for m in re.finditer(r"^([\w-]+):(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        }
        if "deb" in fields.get("types", "").split() and fields.get("enabled") not in _NO:
            found.append(
                Source(
                    uris=tuple(fields.get("uris", "").split()),
                    suites=tuple(fields.get("suites", "").split()),
                    components=tuple(fields.get("components", "").split()),
                    signed_by=fields.get("signed-by", ""),
                )
            )
    return found


def parse_list(text: str) -> list[Source]:
    """Return the binary sources of a one-line-style ``.list`` file."""
    found = []
    for line in text.splitlines():
        entry = re.match(
            r"^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line.partition(" #")[0]
        )
        if entry is None:
            continue
        options = dict(o.split("=", 1) for o in (entry[1] or "").split() if "=" in o)
        found.append(
            Source(
                uris=(entry[2],),
                suites=(entry[3],),
                components=tuple(entry[4].split()),
                signed_by=options.get("signed-by", "").replace(",", " "),
            )
        )
    return found


def read_sources(etc: Path) -> list[Source]:
    """Return every source configured under ``etc`` (``/etc/apt``); unreadable files are none."""
    found: list[Source] = []
    for path in (etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))):
        parse = {".list": parse_list, ".sources": parse_deb822}.get(path.suffix)
        try:
            found += parse(path.read_text(encoding="utf-8")) if parse else []
        except (OSError, ValueError):
            continue
    return found


def archives(sources: Sequence[Source], *, codename: str) -> list[Source]:
    """Return, one URI each and the likeliest first, the sources that offer Debian's archive.

    Only what calls itself Debian's main archive is asked: not its security archive, which holds
    no whole release, and no third party's. What it answers is checked for being Debian's.
    """
    found: dict[tuple[str, str], Source] = {}
    for source in sources:
        if "main" not in source.components or not {*source.suites} & {codename, *_SUITES}:
            continue
        for uri in source.uris:
            name = uri.rstrip("/").rpartition("/")[2].lower()
            ours = "debian" in name or "debian-archive" in source.signed_by
            if ours and "security" not in name and not uri.startswith("cdrom:"):
                one = dataclasses.replace(source, uris=(uri,))
                found.setdefault((uri, source.signed_by), one)
    return sorted(found.values(), key=lambda s: "debian-archive" not in s.signed_by)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package file that apt would fetch."""

    name: str
    version: str
    file: str
    size: int


class Apt:
    """apt with a state folder of its own, one source and an empty system."""

    def __init__(self, root: Path, source: Source, *, suite: str, env: process.Env) -> None:
        self._root = root
        self._env = {**process.allow(env, network=True), "LC_ALL": "C.UTF-8"}
        for name in ("state", "lists", "cache", "archives/partial", "sources", "preferences"):
            (root / name).mkdir(parents=True)
        (root / "status").write_text(_STATUS)
        (root / "apt.conf").write_text(_CONF.format(root=root))
        architecture = self._run("dpkg", "--print-architecture", timeout=30).strip()
        signed = f"Signed-By: {source.signed_by}\n" if source.signed_by else ""
        (root / "sources" / "debian.sources").write_text(
            f"Types: deb\nURIs: {source.uris[0]}\nSuites: {suite}\nComponents: main\n"
            f"Architectures: {architecture}\nTargets: Packages\n{signed}"
        )

    def update(self) -> None:
        """Fetch the list of packages. Raises ``RemoteError`` when it is not Debian's."""
        self._apt("update", timeout=300)
        origin = self._apt("indextargets", "--format", "$(ORIGIN)", timeout=60)
        if {*origin.split()} != {"Debian"}:
            raise RemoteError(f"its origin is {redact(origin.strip())!r}, not Debian")

    def recommended(self, package: str, pattern: str) -> str | None:
        """Return what ``package`` recommends that has a name of ``pattern``."""
        told = self._run("apt-cache", "-c", self._root / "apt.conf", "depends", package, timeout=60)
        found = re.search(rf"Recommends: ({pattern})$", told, re.MULTILINE)
        return found[1] if found else None

    def closure(self, packages: Sequence[str]) -> list[Package]:
        """Return the files that ``packages`` and all they depend on come in."""
        told = self._apt("install", "-y", "--print-uris", *packages, timeout=60)
        return list(_packages(told))

    def download(self, packages: Sequence[str]) -> list[Path]:
        """Fetch ``packages`` and all they depend on; apt checks each file's hash."""
        self._apt("install", "-y", "--download-only", *packages, timeout=3600)
        return sorted((self._root / "archives").glob("*.deb"))

    def fetch(self, packages: Sequence[str]) -> list[Path]:
        """Fetch ``packages`` and nothing of what they depend on; apt checks each file's hash."""
        folder = self._root / "alone"
        folder.mkdir()
        if not packages:
            return []
        self._apt("download", *packages, timeout=3600, cwd=folder)
        return sorted(folder.glob("*.deb"))

    def unpack(self, debs: Sequence[Path], into: Path) -> None:
        """Unpack package files one over the other; none of their scripts runs."""
        for deb in debs:
            self._run("dpkg", "-x", deb, into, timeout=600)

    def _apt(self, *args: str, timeout: float, cwd: Path | None = None) -> str:
        config = self._root / "apt.conf"
        return self._run("apt-get", "-qq", "-c", config, *args, timeout=timeout, cwd=cwd)

    def _run(self, *argv: str | Path, timeout: float, cwd: Path | None = None) -> str:
        done = process.run(argv, env=self._env, timeout=timeout, cwd=cwd, ok=None)
        if done.code != 0:
            said = cause(process.last_words(done.stderr, lines=50))
            raise RemoteError(said or f"{argv[0]} ended with {done.code}")
        return decode(done.stdout)


def _packages(told: str) -> Iterator[Package]:
    for file, size in re.findall(r"^'[^']+' (\S+\.deb) (\d+)", told, re.MULTILINE):
        name, version, _ = file.removesuffix(".deb").split("_")
        yield Package(name=name, version=version, file=file, size=int(size))
