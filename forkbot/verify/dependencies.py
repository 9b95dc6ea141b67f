"""Which crates a family takes from crates.io: as it is laid out, and as cargo would do it today.

Cargo is asked, and answers from a registry's index and the manifests: no crate is downloaded, and
nothing of upstream's code runs.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from forkbot.cargo import Cargo, CargoError, read_lock
from forkbot.verify.build import RESOLVE_LIMIT
from forkbot.verify.family import BuildUnit, Family, Member, SmokeUnit, lay_out
from forkbot.verify.pins import named, pins_of
from forkbot.words import Pin, StackName

Dependencies = Mapping[StackName, tuple[Pin, ...]]
_SHOWN = 3


def taken(family: Family) -> dict[StackName, tuple[Pin, ...]]:
    """Return what each stack's builds and components take, as the family's Cargo.lock has it."""
    lock = read_lock(family.workspace / "Cargo.lock")
    packages: dict[StackName, list[str]] = {}
    units: list[BuildUnit | SmokeUnit] = [*family.builds, *family.smokes]
    for unit in units:
        packages.setdefault(unit.stack.name, []).append(unit.package)
    return {stack: pins_of(lock, names) for stack, names in packages.items()}


def would_take(
    members: tuple[Member, ...], *, cargo: Cargo, cwd: Path, scratch: Path
) -> dict[StackName, tuple[Pin, ...]]:
    """Return what each stack would take were the family built now; nothing of it stays on disk.

    ``cwd`` decides which configuration of cargo's counts, as it does for a build below it. Raises
    ``CargoError`` when cargo resolves nothing.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    # a run that is killed leaves it, and a later one takes it away with what quarantines leave
    with tempfile.TemporaryDirectory(prefix="objects-family-", dir=scratch) as folder:
        family = lay_out(members, folder=Path(folder), pristine=False)
        ask: list[str | Path] = ["generate-lockfile", "--manifest-path"]
        ask.append(family.workspace / "Cargo.toml")
        try:
            cargo.run(ask, cwd=cwd, timeout=RESOLVE_LIMIT)
        except CargoError as e:
            said = family.told(e.said)
            raise CargoError(command="cargo generate-lockfile", code=e.code, said=said) from e
        return taken(family)


def difference(was: Dependencies, now: Dependencies) -> str:
    """Return in a line what is taken now and was not: other versions, new crates, those gone."""
    found = {"other": list[str](), "new": list[str](), "gone": list[str]()}
    for stack, pins in now.items():
        for kind, told in _differences(was.get(stack, ()), pins):
            if told not in found[kind]:
                found[kind].append(told)
    lines = [told for kind in found.values() for told in sorted(kind)]
    if not lines:
        return "the same versions with other contents"
    more = f", and {len(lines) - _SHOWN:,} more" if len(lines) > _SHOWN else ""
    return ", ".join(lines[:_SHOWN]) + more


def _differences(was: Iterable[Pin], now: Iterable[Pin]) -> Iterator[tuple[str, str]]:
    before, after = named(was), named(now)
    for name in sorted({*before, *after}):
        gone = " and ".join(v for v in before.get(name, ()) if v not in after.get(name, ()))
        new = " and ".join(v for v in after.get(name, ()) if v not in before.get(name, ()))
        if gone and new:
            yield "other", f"{name} {gone} → {new}"
        elif new:
            yield "new", f"{name} {new} is new"
        elif gone:
            yield "gone", f"{name} {gone} is gone"
