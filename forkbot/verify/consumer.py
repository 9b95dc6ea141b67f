"""The patch table on a consumer's project: resolved and built in a copy, each crate told of."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from forkbot.cargo import CargoError, Metadata, Package, read_lock
from forkbot.model.cargopatch import CargoPatch, Certificate, CrateUse, Fix, ProjectCheck, Use
from forkbot.model.verdict import Colour
from forkbot.verify.build import RESOLVE_LIMIT, Say, compile_package
from forkbot.verify.family import Family
from forkbot.verify.lockstep import Copy, find_copies
from forkbot.verify.project import Project, copy_project
from forkbot.verify.trial import unresolved
from forkbot.verify.workshop import Workshop


def check_project(
    manifest: Path, *, patch: CargoPatch, folder: Path, workshop: Workshop, say: Say
) -> ProjectCheck:
    """Return what a project makes of the table; the project itself stays as it is.

    Raises ``UsageError`` for what is no project, ``RemoteError`` when the registry or a fork is out
    of reach.
    """
    say("copying the project")
    project = copy_project(manifest, patch=patch, folder=folder, cargo=workshop.cargo)
    check = ProjectCheck(
        manifest=str(manifest), packages=project.packages, has_table=project.has_table
    )
    trial = _Trial(project=project, patch=patch, workshop=workshop, say=say)
    try:
        say("resolving dependencies")
        graph = trial.resolve()
        check = msgspec.structs.replace(check, crates=tuple(trial.uses(graph)))
        check = msgspec.structs.replace(check, fixes=trial.fixes(graph))
        trial.fetch()
    except CargoError as e:
        why = unresolved(e, "the project with the forks")
        return msgspec.structs.replace(check, built=Colour.RED, why=why)
    return trial.build(check)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """A copied project under the table."""

    project: Project
    patch: CargoPatch
    workshop: Workshop
    say: Say

    def resolve(self) -> Metadata:
        """Return the graph that cargo makes, a Cargo.lock that is there respected."""
        return self.workshop.cargo.metadata(
            self.project.manifest, cwd=self.project.root, timeout=RESOLVE_LIMIT,
            platform=self.workshop.target,
        )  # fmt: skip

    def uses(self, graph: Metadata) -> Iterator[CrateUse]:
        """Yield each crate of the table as it is in the graph, and each copy that is no fork's."""
        forks, copies = self._forks(graph), self._copies(graph)
        used = {n.id for n in graph.resolve.nodes}
        ours = {p.name: p for p in graph.packages if p.id in used and self._is_fork(p)}
        for crate in (c.crate for c in self.patch.crates):
            own, others = ours.get(crate), [c for c in copies if c.package.name == crate]
            if own is not None:
                yield CrateUse(crate=crate, use=Use.PATCHED, version=own.version)
            for copy in others:
                yield CrateUse(
                    crate=crate, use=Use.NOT_PATCHED, version=copy.package.version,
                    why=_why(copy, forks.get(crate, "")), way=copy.way,
                )  # fmt: skip
            if own is None and not others:
                yield CrateUse(crate=crate, use=Use.NOT_NEEDED, version=forks.get(crate, ""))

    def fixes(self, graph: Metadata) -> tuple[Fix, ...]:
        """Return the commands that would bring the forks in, each tried here, in the copy.

        A table loses to what a Cargo.lock holds already, be it newer or older.
        """
        forks, tried = self._forks(graph), dict[tuple[str, str], Fix]()
        for copy in self._copies(graph):
            crate, version = copy.package.name, copy.package.version
            if not compatible(version, forks.get(crate, "")):
                continue
            args = ["update", f"{crate}@{version}", "--precise", forks[crate]]
            why = ""
            try:
                self.workshop.cargo.run(args, cwd=self.project.root, timeout=RESOLVE_LIMIT)
            except CargoError as e:
                why = unresolved(e, "that").partition(": ")[2]
            command = " ".join(["cargo", *args])
            tried[crate, version] = Fix(command=command, helped=not why, why=why)
        if not tried:
            return ()
        left = {(c.package.name, c.package.version) for c in self._copies(self.resolve())}
        return tuple(
            msgspec.structs.replace(fix, helped=fix.helped and key not in left)
            for key, fix in tried.items()
        )

    def fetch(self) -> None:
        """Fetch all that the build needs: it has no network."""
        self.say("fetching dependencies")
        targets = ["--target", self.workshop.target, "--target", self.workshop.host]
        self.workshop.cargo.run(
            ["fetch", "--locked", *targets], cwd=self.project.root, timeout=RESOLVE_LIMIT
        )

    def build(self, check: ProjectCheck) -> ProjectCheck:
        """Return the check with what came of building the project's packages."""
        family = Family(
            workspace=self.project.root, sources=self.project.top,
            crates=tuple(c.crate for c in self.patch.crates), builds=(), smokes=(),
        )  # fmt: skip
        seconds = 0.0
        for package in self.project.packages:
            self.say(f"building {package}")
            done = compile_package(package, family=family, workshop=self.workshop, say=self.say)
            seconds += done.seconds
            if not done.ok:
                return msgspec.structs.replace(
                    check, built=Colour.RED, why=done.why, seconds=round(seconds, 1),
                    diagnostics=tuple(d for d in done.diagnostics if d.level == "error"),
                )  # fmt: skip
        return msgspec.structs.replace(check, built=Colour.GREEN, seconds=round(seconds, 1))

    def _forks(self, graph: Metadata) -> Mapping[str, str]:
        """Return the version of each fork that cargo read, in the graph or left out of it."""
        lock = read_lock(self.project.root / "Cargo.lock")
        names = {c.crate for c in self.patch.crates}
        unused = {p.name: p.version for p in lock.patch.unused if p.name in names}
        return unused | {p.name: p.version for p in graph.packages if self._is_fork(p)}

    def _copies(self, graph: Metadata) -> tuple[Copy, ...]:
        names = [c.crate for c in self.patch.crates]
        return find_copies(graph, names, self._is_fork)

    def _is_fork(self, package: Package) -> bool:
        return any(package.name == c.crate and _from(package, c) for c in self.patch.crates)


def _from(package: Package, fork: Certificate) -> bool:
    """Whether cargo took a package from a fork at the commit that was proven."""
    source = package.source or ""
    return source.startswith(f"git+{fork.git}?") and source.endswith(f"#{fork.commit}")


def _why(copy: Copy, fork: str) -> str:
    if not fork:
        return "cargo did not read the fork"
    took = f"cargo takes {copy.package.version}, and the fork is {fork}"
    # of one line, a Cargo.lock is why: who asks for that line says nothing
    return took if compatible(copy.package.version, fork) else f"{took}: {copy.wishes}"


def compatible(one: str, other: str) -> bool:
    """Whether cargo takes two versions for compatible: the same up to the first number but 0.

    https://doc.rust-lang.org/cargo/reference/resolver.html#semver-compatibility
    """
    return bool(one and other) and _leading(one) == _leading(other)


def _leading(version: str) -> list[str]:
    numbers = re.split(r"[-+]", version)[0].split(".")
    leading = next((i for i, n in enumerate(numbers) if n != "0"), len(numbers) - 1)
    return numbers[: leading + 1]
