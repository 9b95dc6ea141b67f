"""One family on one set of trees: laid out, resolved, built and run, to its end or first red."""

import dataclasses
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from forkbot.cargo import CargoError
from forkbot.errors import RemoteError
from forkbot.model.verdict import Build, Colour, Smoke
from forkbot.verify.build import Say, build, prepare
from forkbot.verify.component import Stage
from forkbot.verify.dependencies import taken
from forkbot.verify.family import BuildUnit, Family, Member, SmokeUnit, lay_out
from forkbot.verify.smoke import run_smoke
from forkbot.words import Pin, StackName

Only = Callable[[BuildUnit | SmokeUnit], bool]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was built and run of a family; ``resolved`` when there was a graph to build at all."""

    builds: tuple[Build, ...] = ()
    smokes: tuple[Smoke, ...] = ()
    problems: tuple[str, ...] = ()
    resolved: bool = True
    outages: tuple[str, ...] = ()  # what cargo said when the registry gave no answer at first
    dependencies: Mapping[StackName, tuple[Pin, ...]] = dataclasses.field(default_factory=dict)

    @property
    def red(self) -> bool:
        """Whether anything is not as it must be."""
        colours = [b.colour for b in self.builds] + [s.colour for s in self.smokes]
        return bool(self.problems) or Colour.RED in colours


def try_family(
    members: tuple[Member, ...],
    *,
    folder: Path,
    stage: Stage,
    say: Say,
    first: StackName | None = None,
    stop: bool = False,
    only: Only | None = None,
    pins: tuple[Pin, ...] = (),
) -> Trial:
    """Build and run ``members`` together under ``folder``.

    ``first`` names the stack whose builds and components come before all others', ``stop`` ends at
    the first red, ``only`` says what there is to do at all, ``pins`` which
    versions cargo keeps to as far as they fit. Raises ``RemoteError`` when the
    registry is out of reach.
    """
    family, workshop = lay_out(members, folder=folder, pristine=False), stage.workshop
    try:
        problems, outages = _prepared(family, stage, say=say, pins=pins)
    except CargoError as e:
        return Trial(problems=(unresolved(e),), resolved=False)
    trial = Trial(problems=problems, dependencies=taken(family), outages=outages)
    for unit in _ordered(family, first):
        if stop and trial.red:
            break
        if only is not None and not only(unit):
            continue
        if isinstance(unit, BuildUnit):
            count = len(trial.builds) + 1
            say(f"building {unit.stack.name} ({count} of {len(family.builds)})")
            built = build(unit, family=family, workshop=workshop, say=say)
            trial = dataclasses.replace(trial, builds=(*trial.builds, built))
        else:
            for ran in run_smoke(unit, family=family, stage=stage, pristine=False, say=say):
                trial = dataclasses.replace(trial, smokes=(*trial.smokes, ran))
                if stop and trial.red:
                    break
    return trial


def _prepared(
    family: Family, stage: Stage, *, say: Say, pins: tuple[Pin, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is wrong with the graph, and the network's outages on the way.

    The network is what is tried again by itself: it mends itself, and nothing else here does.
    """
    outages: list[str] = []
    for pause in _PAUSES:
        try:
            return prepare(family, stage.workshop, say=say, pins=pins)[1], tuple(outages)
        except CargoError as e:
            if not e.silent:
                raise
            outages.append(e.last_words)
            say(f"the registry gives no answer, and is asked again in {pause:.0f} s")
            time.sleep(pause)
    return prepare(family, stage.workshop, say=say, pins=pins)[1], tuple(outages)


def _ordered(family: Family, first: StackName | None) -> list[BuildUnit | SmokeUnit]:
    """Return what there is to do: builds before components, those of ``first`` before the rest."""
    units: list[BuildUnit | SmokeUnit] = [*family.builds, *family.smokes]
    return sorted(units, key=lambda unit: unit.stack.name != first)  # stable


_PAUSES = (1.0, 4.0)  # seconds


def unresolved(error: CargoError, what: str = "the family") -> str:
    """Return the problem's words; raise when it is the network's fault and not the family's."""
    if error.silent:
        raise RemoteError(
            f"cargo cannot reach its registry: {error.last_words}",
            hint="check the network and cargo's configuration: cargo search --limit 1 serde",
        ) from error
    if error.code < 0:
        return f"cannot resolve {what}: cargo was ended by signal {-error.code}"
    yanked = "".join(
        f"; version {version} is yanked"
        for version in re.findall(r"^\s*version (\S+) is yanked$", error.said, re.MULTILINE)
    )
    return f"cargo cannot resolve {what}: {error.last_words}{yanked}"
