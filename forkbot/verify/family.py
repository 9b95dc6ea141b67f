"""The family laid out to build: every stack's tree on disk, one workspace that patches them all in.

```
<folder>/src/<stack>/      the tree, changed files only rewritten, so that cargo stays incremental
<folder>/family/           the workspace: [patch.crates-io] for every member
<folder>/family/builds/    one package a build of stack.yaml; it depends on the crate by path
<folder>/family/smoke/     the smoke components, copied from the stacks
<folder>/canaries/<n>/     each canary in a workspace of its own, with the same patches
```
"""

import dataclasses
import json
import shutil
from pathlib import Path

from forkbot.errors import ProcessError, UsageError
from forkbot.git.repository import Repository
from forkbot.model.smoke import SmokePolicy
from forkbot.model.stack import BuildPolicy, Stack
from forkbot.words import Oid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One stack of the family, and the tree that stands for it in this verification."""

    stack: Stack
    label: str
    tip: Oid
    tree: Oid
    pristine_tree: Oid  # onto's, for the control
    repository: Repository  # lent, with the objects of all of these in reach
    smoke: Path  # the stack's smoke folder


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildUnit:
    """A package of the workspace that builds one entry of a stack.yaml."""

    stack: Stack
    policy: BuildPolicy
    package: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SmokeUnit:
    """A smoke component in the workspace."""

    stack: Stack
    policy: SmokePolicy
    package: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A laid-out family: where it is, and what there is to build and run."""

    workspace: Path
    sources: Path
    crates: tuple[str, ...]  # the patched crates
    builds: tuple[BuildUnit, ...]
    smokes: tuple[SmokeUnit, ...]

    def told(self, text: str) -> str:
        """Return what a tool said, files named by their stack and not by this machine's folders."""
        return text.replace(f"{self.sources}/", "").replace(f"{self.workspace}/", "")


def lay_out(members: tuple[Member, ...], *, folder: Path, pristine: bool) -> Family:
    """Write the family under ``folder`` and return it; ``pristine`` takes upstream's own trees."""
    sources, workspace = folder / "src", folder / "family"
    for member in members:
        tree = member.pristine_tree if pristine else member.tree
        check_out(member.repository, tree, into=sources / member.stack.name)
    shutil.rmtree(workspace, ignore_errors=True)
    builds = () if pristine else tuple(_builds(members, workspace, sources))
    smokes = tuple(_smokes(members, workspace))
    packages = [f"builds/{b.package}" for b in builds] + [f"smoke/{s.package}" for s in smokes]
    _write_workspace(workspace, packages, members, sources)
    return Family(
        workspace=workspace,
        sources=sources,
        crates=tuple(m.stack.policy.crate for m in members),
        builds=builds,
        smokes=smokes,
    )


def lay_out_canaries(members: tuple[Member, ...], *, folder: Path) -> tuple[Family, ...]:
    """Write each canary into a workspace of its own, beside a family that is laid out already.

    What a canary needs must not come into the family's crate graph, nor may it fail with it.
    """
    families = []
    for number, (member, smoke) in enumerate(
        (m, s) for m in members for s in m.stack.policy.smoke if s.canary
    ):
        sources, workspace = folder / "src", folder / "canaries" / str(number)
        shutil.rmtree(workspace, ignore_errors=True)
        unit = _smoke(member, smoke, workspace)
        _write_workspace(workspace, [f"smoke/{unit.package}"], members, sources)
        crates = tuple(m.stack.policy.crate for m in members)
        families.append(
            Family(workspace=workspace, sources=sources, crates=crates, builds=(), smokes=(unit,))
        )
    return tuple(families)


def _write_workspace(
    workspace: Path, packages: list[str], members: tuple[Member, ...], sources: Path
) -> None:
    patches = [
        (m.stack.policy.crate, str(sources / m.stack.name / m.stack.policy.upstream.subdir))
        for m in members
    ]
    table = "".join(f"{crate} = {{ path = {json.dumps(path)} }}\n" for crate, path in patches)
    _write(
        workspace / "Cargo.toml",
        f'[workspace]\nresolver = "2"\nmembers = {json.dumps(packages)}\n\n'
        # nobody debugs these: half the time, a tenth of the size
        "[profile.dev]\ndebug = false\n\n"
        f"[patch.crates-io]\n{table}",
    )


def _builds(members: tuple[Member, ...], workspace: Path, sources: Path) -> list[BuildUnit]:
    units = []
    for member in members:
        policy = member.stack.policy
        for number, build in enumerate(policy.build):
            package = f"forkbot-build-{member.stack.name}-{number}"
            crate = sources / member.stack.name / policy.upstream.subdir
            if build.package != policy.crate:
                crate = crate.parent / build.package
            dependency = {
                "path": str(crate),
                "default-features": build.default_features,
                "features": list(build.features),
            }
            fields = ", ".join(f"{key} = {json.dumps(value)}" for key, value in dependency.items())
            _write(
                workspace / "builds" / package / "Cargo.toml",
                f'[package]\nname = "{package}"\nversion = "0.0.0"\nedition = "2021"\n'
                f"publish = false\n\n[dependencies]\n{build.package} = {{ {fields} }}\n",
            )
            _write(workspace / "builds" / package / "src" / "lib.rs", "")
            units.append(BuildUnit(stack=member.stack, policy=build, package=package))
    return units


def _smokes(members: tuple[Member, ...], workspace: Path) -> list[SmokeUnit]:
    units: list[SmokeUnit] = []
    for member in members:
        for smoke in member.stack.policy.smoke:
            if smoke.canary:
                continue
            unit = _smoke(member, smoke, workspace)
            if unit.package in [u.package for u in units]:
                raise UsageError(
                    f"two smoke components are packages named {unit.package!r}",
                    where=str(member.smoke / smoke.name / "Cargo.toml"),
                    hint="give each its own [package] name",
                )
            units.append(unit)
    return units


def _smoke(member: Member, smoke: SmokePolicy, workspace: Path) -> SmokeUnit:
    source = member.smoke / smoke.name
    package = _package_name(source / "Cargo.toml")
    into = workspace / "smoke" / package
    ignore = shutil.ignore_patterns("target")
    shutil.copytree(source, into, ignore=ignore, dirs_exist_ok=True)
    return SmokeUnit(stack=member.stack, policy=smoke, package=package)


def _package_name(manifest: Path) -> str:
    import tomllib  # noqa: PLC0415 - only verification reads manifests

    try:
        name = tomllib.loads(manifest.read_text())["package"]["name"]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as e:
        raise UsageError(f"not a package's manifest: {e}", where=str(manifest)) from e
    return str(name)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def check_out(repository: Repository, tree: Oid, *, into: Path) -> None:
    """Make ``into`` hold ``tree``, touching only the files that differ from the last time.

    Cargo decides by modification time what to compile again.
    """
    index = into.parent / f".{into.name}.index"
    env = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(into)}
    into.mkdir(parents=True, exist_ok=True)

    def read_tree() -> None:
        repository.git("read-tree", "--reset", "-u", "--end-of-options", tree, env=env)

    try:
        if not index.exists():
            shutil.rmtree(into)
            into.mkdir()
        read_tree()
    except ProcessError:  # an index from an interrupted run: begin again
        index.unlink(missing_ok=True)
        shutil.rmtree(into)
        into.mkdir()
        read_tree()
