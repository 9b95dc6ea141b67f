"""Which versions of a crate cargo can have, and where it puts one of them.

Asked of cargo itself, from a private scratch package in a folder of no project: the user's own
configuration (``CARGO_HOME`` and the environment) decides where crates come from, and no
repository's does. Yanked versions and unasked pre-releases are left out by cargo's own rules.

cargo has no command that lists versions. But a ``[patch]`` entry must match exactly one version,
and Cargo.lock then names it under ``[[patch.unused]]``, with no dependency resolved. So a guess at
the list is *proven* in one call, by one entry for each range from a version to the next: nothing
withdrawn, nothing added in between, nothing newer. The guess is what we knew, else what cargo names
when it complains about the whole range. When neither can be proven, cargo is walked down from the
newest version, one call for each. A guess without its proof is never believed.
"""

import contextlib
import dataclasses
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from forkbot.cargo import Cargo, CargoError, Lock, Locked, read_lock
from forkbot.errors import ForkbotError, MachineError, RemoteError, UsageError
from forkbot.words import Version

# cargo reads configuration from the working folder upwards, and rustup its toolchain: not from a
# repository that holds the cache, and not from a /tmp where anybody may leave a .cargo folder
_NOWHERE = Path("/")
# What a crate needs comes along when it is fetched: ask for no other platform's.
_PLATFORM = "wasm32-wasip2"
_PATIENCE = 600.0  # seconds for one cargo command: a first fetch may be a slow one

_SCRATCH = """\
[package]
name = "forkbot-scratch"
version = "0.0.0"
edition = "2021"
publish = false
[lib]
path = "lib.rs"
[workspace]
"""
# A release that needs a newer compiler than ours is a release all the same.
_ANY_COMPILER = {"CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS": "allow"}

_CRATE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_VERSION = re.compile(r"\b\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")

# cargo's words, 1.95. They choose between our error messages, and no more than that.
_NO_ROOM = re.compile(r"No space left|Disk quota exceeded")
_ABSENT = re.compile(r"failed to select a version|no matching package|version mismatch")
_OFFLINE = re.compile(r"--offline|offline mode")
_MISCONFIGURED = re.compile(
    r"environment variable|could not (?:load|parse).* config", re.IGNORECASE
)
_UNREACHED = re.compile(
    r"failed to (?:get|query|download|fetch|update|load source)|download of |unable to update"
)

Precedence = tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...]]


def precedence(version: Version) -> Precedence:
    """Return the key that sorts versions as semver does; build metadata counts for nothing."""
    core, _, pre = _bare(version).partition("-")
    words = pre.split(".") if pre else ()
    return (
        tuple(int(number) for number in core.split(".")),
        not pre,
        tuple((0, int(w), "") if w.isdigit() else (1, 0, w) for w in words),
    )


def is_prerelease(version: Version) -> bool:
    """Return whether cargo takes this version only when it is asked for by name."""
    return "-" in _bare(version)


def crate_name(name: str) -> str:
    """Return ``name`` if a crate may be called so: it goes into a manifest and into a path."""
    if not _CRATE.fullmatch(name):
        raise UsageError(f"{name!r} is not the name of a crate")
    return name


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A release on disk: cargo's folder for it, and the checksum of the ``.crate`` it came in."""

    folder: Path
    checksum: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A release that nobody can build now, because what it needs is not to be had."""

    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The crates cargo can have, asked through scratch packages made under ``scratch``."""

    cargo: Cargo
    scratch: Path

    def newest(self, known: Mapping[str, Version | None]) -> dict[str, Version]:
        """Return the newest release of each crate: one call when all still are as ``known``.

        Else one call for each crate: asked for in one graph, they could hold one another back.
        """
        if all(version is not None for version in known.values()):
            guess = {crate: version for crate, version in known.items() if version is not None}
            if self._are_newest(guess):
                return guess
        guess = {}
        for crate, version in known.items():
            named = self._announced(crate, version or Version("0.0.0"))
            stable = [v for v in named if not is_prerelease(v)]
            guess[crate] = max(stable, key=precedence, default=Version("0.0.0"))
        if self._are_newest(guess):
            return guess
        return {crate: self._resolved(crate, "*") for crate in known}

    def _are_newest(self, guess: Mapping[str, Version]) -> bool:
        """Return whether each version is a release and the newest one."""
        if any(is_prerelease(version) for version in guess.values()):
            return False  # cargo would count the pre-releases that nobody asked for
        try:
            found = self._patched([(crate, f">={_bare(v)}") for crate, v in guess.items()])
        except CargoError:
            return False
        return found == set(guess.items())

    def versions(
        self, crate: str, *, since: Version, asked: Iterable[Version], known: Iterable[Version]
    ) -> tuple[Version, ...]:
        """Return the releases from ``since`` on, oldest first, with the pre-releases ``asked`` for.

        ``known`` is a guess. When it still is the whole truth, this takes one call.
        """
        pre = {v for v in (since, *asked) if is_prerelease(v) and not _before(v, since)}
        guess = _chosen({*known, *pre}, since=since, pre=pre)
        if not self._proven(crate, guess, since=since):
            guess = _chosen({*self._announced(crate, since), *pre}, since=since, pre=pre)
            if not self._proven(crate, guess, since=since):
                exact = {self._resolved(crate, f"={_bare(v)}") for v in {since, *pre}}
                guess = _chosen({*exact, *self._walk(crate, since)}, since=since, pre=pre)
        return guess

    def fetch(self, crate: str, version: Version) -> Fetched | Unresolved:
        """Have cargo fetch and unpack one release, through the user's mirrors or vendoring."""
        where = f"{crate} {version}"
        try:
            with self._scratch(_dependency(crate, f"={_bare(version)}")) as manifest:
                metadata = self._asking.metadata(
                    manifest, cwd=_NOWHERE, timeout=_PATIENCE, platform=_PLATFORM
                )
                locked = _direct(read_lock(manifest.with_name("Cargo.lock")), crate)
        except CargoError as e:
            if _ABSENT.search(e.said) and not _OFFLINE.search(e.said):
                return Unresolved(reason=e.last_words)
            raise _explained(e, where=where) from e
        for package in metadata.packages:
            if (package.name, package.version, package.source) == (crate, version, locked.source):
                return Fetched(folder=package.manifest_path.parent, checksum=locked.checksum)
        raise MachineError("cargo metadata does not tell where it is", where=where)

    def _proven(self, crate: str, guess: Sequence[Version], *, since: Version) -> bool:
        """Return whether ``guess`` is the whole list: each range holds the one version it should.

        Without a stable version there is no range, so nothing is proven.
        """
        stable = [_bare(v) for v in guess if not is_prerelease(v)]
        if not stable or precedence(guess[0]) != precedence(since):
            return False
        lower = [_bare(since).partition("-")[0], *stable[1:]]
        upper = [*(f", <{v}" for v in stable[1:]), ""]
        ranges = [f">={low}{up}" for low, up in zip(lower, upper, strict=True)]
        exact = [f"={_bare(v)}" for v in guess if is_prerelease(v)]
        try:
            found = self._patched([(crate, wanted) for wanted in (*ranges, *exact)])
        except CargoError:
            return False
        return found == {(crate, v) for v in guess}

    def _announced(self, crate: str, since: Version) -> set[Version]:
        """Return the versions that cargo names when asked for all of them at once: a hint."""
        try:
            found = self._patched([(crate, f">={_bare(since)}")])
        except CargoError as e:
            named = re.search(r"found versions: (.+)", e.said, re.IGNORECASE)
            return {Version(v) for v in _VERSION.findall(named[1] if named else "")}
        return {version for _, version in found}

    def _walk(self, crate: str, since: Version) -> Iterator[Version]:
        """Yield what cargo resolves to, from the newest down to ``since``, which must exist."""
        lowest = f">={_bare(since)}"
        version = self._resolved(crate, lowest)
        yield version
        while _before(since, version):
            version = self._resolved(crate, f"{lowest}, <{_bare(version)}")
            yield version

    def _resolved(self, crate: str, requirement: str) -> Version:
        """Return the version that cargo takes for a requirement; an error that says why not."""
        try:
            return _direct(self._locked(_dependency(crate, requirement)), crate).version
        except CargoError as e:
            raise _explained(e, where=f"{crate} {requirement}".removesuffix(" *")) from e

    def _patched(self, wanted: Sequence[tuple[str, str]]) -> set[tuple[str, Version]]:
        """Return the one version that each crate and requirement matches.

        Raises ``CargoError`` when one of them matches none or several, ``ForkbotError`` when cargo
        could not know.
        """
        entries = (
            f'r{n} = {{ package = "{crate_name(crate)}", version = "{requirement}" }}\n'
            for n, (crate, requirement) in enumerate(wanted)
        )
        try:
            # no such source is ever asked: it only may not be the one the versions come from
            lock = self._locked('[patch."https://patched.invalid/"]\n' + "".join(entries))
        except CargoError as e:
            if (error := _unanswered(e, where=None)) is not None:
                raise error from e
            raise
        crates = {crate for crate, _ in wanted}
        return {(p.name, p.version) for p in lock.patch.unused if p.source and p.name in crates}

    def _locked(self, table: str) -> Lock:
        with self._scratch(table) as manifest:
            self._asking.run(
                ["generate-lockfile", "--manifest-path", manifest], cwd=_NOWHERE, timeout=_PATIENCE
            )
            return read_lock(manifest.with_name("Cargo.lock"))

    @property
    def _asking(self) -> Cargo:
        return dataclasses.replace(self.cargo, env={**self.cargo.env, **_ANY_COMPILER})

    @contextlib.contextmanager
    def _scratch(self, table: str) -> Iterator[Path]:
        try:
            self.scratch.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".ask-", dir=self.scratch) as folder:
                manifest = Path(folder).resolve() / "Cargo.toml"
                manifest.write_text(_SCRATCH + table)
                manifest.with_name("lib.rs").touch()
                yield manifest
        except OSError as e:
            raise MachineError(f"cannot ask cargo: {e.strerror}", where=str(self.scratch)) from e


def _bare(version: Version) -> str:
    return version.partition("+")[0]  # cargo warns about build metadata in a requirement


def _before(a: Version, b: Version) -> bool:
    return precedence(a) < precedence(b)


def _chosen(
    versions: Iterable[Version], *, since: Version, pre: Iterable[Version]
) -> tuple[Version, ...]:
    """Return, in order, the versions from ``since`` on that are stable or asked for."""
    asked = {precedence(v) for v in pre}
    taken = {
        precedence(v): v
        for v in sorted(versions, key=lambda v: "+" in v)  # the registry's own spelling wins
        if not _before(v, since) and (not is_prerelease(v) or precedence(v) in asked)
    }
    return tuple(taken[key] for key in sorted(taken))


def _dependency(crate: str, requirement: str) -> str:
    return (
        f'[dependencies.it]\npackage = "{crate_name(crate)}"\n'
        f'version = "{requirement}"\ndefault-features = false\n'
    )


def _direct(lock: Lock, crate: str) -> Locked:
    """Return what the scratch package's one dependency was resolved to."""
    ours = next(p for p in lock.packages if p.name == "forkbot-scratch")
    _, _, version = ours.dependencies[0].partition(" ")  # "name", or "name version [(source)]"
    for package in lock.packages:
        if package.name == crate and (not version or package.version == version.split()[0]):
            if package.source is None:
                raise UsageError(
                    "cargo's own configuration patches this crate",
                    where=f"{crate} {package.version}",
                    hint="take its [patch] out of the config.toml in CARGO_HOME",
                )
            return package
    raise MachineError("cargo locked something else", where=crate)


def _explained(error: CargoError, *, where: str) -> ForkbotError:
    """Return an error of ours for a question that cargo answered with one of its own."""
    if (unanswered := _unanswered(error, where=where)) is not None:
        return unanswered
    crate = where.partition(" ")[0]
    if f"no matching package named `{crate}`" in error.said:
        return UsageError("there is no such crate", where=crate, hint="see `crate:` in stack.yaml")
    if withdrawn := re.search(r"version (\S+) is yanked", error.said):
        return UsageError(
            f"version {withdrawn[1]} was yanked",
            where=crate,
            hint="name another in `release: since:` or `pre-releases:` in stack.yaml",
        )
    if f"for the requirement `{crate} = " in error.said:
        return UsageError(
            "there is no such release", where=where, hint=f"see what there is: cargo info {crate}"
        )
    if _ABSENT.search(error.said):
        return UsageError(f"it does not resolve any more: {error.last_words}", where=where)
    return MachineError(f"cargo failed: {error.last_words}", where=where)


def _unanswered(error: CargoError, *, where: str | None) -> ForkbotError | None:
    """Return an error when cargo could not know the answer, None when no is its answer."""
    words = error.last_words
    if _NO_ROOM.search(error.said):
        return MachineError("the disk is full", where=where, hint="make room for cargo, and rerun")
    if _OFFLINE.search(error.said):
        return RemoteError(
            f"cargo is offline and has not fetched this: {words}",
            where=where,
            hint="unset CARGO_NET_OFFLINE, or net.offline in cargo's config.toml",
        )
    if _MISCONFIGURED.search(error.said):
        return UsageError(f"cargo's configuration: {words}", where=where)
    if _UNREACHED.search(error.said):
        return RemoteError(
            f"cargo cannot reach the registry: {words}",
            where=where,
            hint="check network and proxy; CARGO_NET_OFFLINE=true goes by what cargo has",
        )
    return None
