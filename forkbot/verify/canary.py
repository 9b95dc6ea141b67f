"""Canaries: components that are red with the stacks, and tell when they are no longer.

They watch what the stacks do not make: another crate, another target. Whatever they do is news or
nothing, and never trouble, not even where what they need cannot be had.
"""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from forkbot import process
from forkbot.cargo import CargoError
from forkbot.errors import ForkbotError
from forkbot.model.verdict import Colour, How, Smoke
from forkbot.verify.build import Say, prepare
from forkbot.verify.component import Stage
from forkbot.verify.declared import Ran
from forkbot.verify.family import Family, Member, lay_out_canaries
from forkbot.verify.smoke import fact, run_smoke
from forkbot.verify.workshop import Workshop


def run_canaries(
    members: tuple[Member, ...], *, folder: Path, stage: Stage, say: Say
) -> Iterator[Smoke]:
    """Yield what each canary does with the stacks, which lie under ``folder`` already."""
    for family in lay_out_canaries(members, folder=folder):
        yield from _run(family, stage=stage, say=say)


def _run(family: Family, *, stage: Stage, say: Say) -> Iterator[Smoke]:
    (unit,) = family.smokes
    if unit.policy.target is not None:
        workshop = dataclasses.replace(stage.workshop, target=unit.policy.target)
        stage = dataclasses.replace(stage, workshop=workshop)
    try:
        prepare(family, stage.workshop, say=say)
    except CargoError as e:
        said = family.told(e.said)
        why = f"it does not build: {family.told(e.last_words)}"
        yield fact(unit, None, Ran(how=How.UNBUILT, why=why, said=said, shown=said), pristine=False)
        return
    ran = run_smoke(unit, family=family, stage=stage, pristine=False, say=say)
    if unit.policy.until == "clang" and has_clang(stage.workshop):
        ran = map(_grown_up, ran)
    yield from ran


def _grown_up(smoke: Smoke) -> Smoke:
    """Return what a canary did where there is what it waited for: it must be green now."""
    if smoke.ran_green:
        return msgspec.structs.replace(smoke, colour=Colour.GREEN, declared="", why="")
    why = f"there is what it waited for, and it is red: {smoke.why}"
    return msgspec.structs.replace(smoke, colour=Colour.NEWS, declared="", why=why)


def has_clang(workshop: Workshop) -> bool:
    """Whether what crates with C in them are compiled with knows the target."""
    env = workshop.cargo.env
    clang = env.get(f"CC_{workshop.target.replace('-', '_')}", "clang")
    argv = [clang, f"--target={workshop.target}", "-x", "c", "-c", "-", "-o", os.devnull]
    try:
        process.run(argv, env=env, stdin=b"int one;\n", timeout=60)
    except ForkbotError:
        return False
    return True
