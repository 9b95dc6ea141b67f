"""Proof by running: components with the stacks, and their control on pristine upstream.

A component is built once and run for each of its cases by itself, so that one that aborts hides no
other. The control runs the same cases on pristine upstream, where each must do what stack.yaml says
of it: a smoke test that cannot fail proves nothing.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from forkbot import process
from forkbot.model.verdict import How, Smoke
from forkbot.verify.build import Compiled, Say, compile_package
from forkbot.verify.component import Stage
from forkbot.verify.declared import Ran, declared, judged
from forkbot.verify.family import Family, SmokeUnit
from forkbot.words import CaseName


def run_smoke(
    unit: SmokeUnit, *, family: Family, stage: Stage, pristine: bool, say: Say
) -> Iterator[Smoke]:
    """Build one component and yield what each of its cases does; as control when ``pristine``.

    A component that does not build is one fact, for all its cases.
    """
    policy = unit.policy
    kind = "on pristine upstream" if pristine else "with the stacks"
    say(f"building {policy.name} {kind}")
    flags = policy.upstream.rustflags if pristine else ()
    built = compile_package(
        unit.package, family=family, workshop=stage.workshop, say=say, rustflags=flags
    )
    ready = _ready(built, unit, family=family, stage=stage, pristine=pristine)
    if isinstance(ready, Ran):
        ready = _told(ready, family=family, stage=stage)
        errors = () if pristine else (d for d in built.diagnostics if d.level == "error")
        yield replace(fact(unit, None, ready, pristine=pristine), diagnostics=tuple(errors))
        return
    for number, case in enumerate(policy.cases, start=1):
        say(f"running {policy.name} {kind}: {case} ({number} of {len(policy.cases)})")
        ran = _told(stage.run(policy, case, ready), family=family, stage=stage)
        yield fact(unit, case, ran, pristine=pristine)


def _ready(
    built: Compiled, unit: SmokeUnit, *, family: Family, stage: Stage, pristine: bool
) -> Path | Ran:
    """Return the component made ready to run, or how it cannot be."""
    if built.ok and len(built.executables) == 1:
        name = f"{unit.package}-{'pristine' if pristine else 'stacks'}"
        return stage.make_ready(built.executables[0], name=name)
    why = built.why or f"the build made {len(built.executables)} programs, not one"
    errors = "\n".join(d.rendered for d in built.diagnostics if d.level == "error")
    said = f"{errors}\n{family.told(built.said)}"
    # a build script's trouble is cargo's to tell
    shown = errors or process.last_words(said.encode())
    return Ran(how=How.UNBUILT, why=f"it does not build: {why}", said=said, shown=shown)


def _told(ran: Ran, *, family: Family, stage: Stage) -> Ran:
    """Return what a component did, files named as on any machine: in a panic, by wasmtime."""
    target_dir = stage.workshop.target_dir
    folders = (f"{target_dir.parent / 'components'}/", f"{target_dir.parent}/")

    def told(text: str) -> str:
        text = family.told(text)
        for folder in folders:
            text = text.replace(folder, "")
        return text

    return dataclasses.replace(ran, why=told(ran.why), said=told(ran.said), shown=told(ran.shown))


def fact(unit: SmokeUnit, case: CaseName | None, ran: Ran, *, pristine: bool) -> Smoke:
    """Return what a component did, and whether that is as it must be, as a fact."""
    wanted = declared(unit.policy, case, pristine=pristine)
    colour, why = judged(ran, wanted)
    return Smoke(
        stack=unit.stack.name,
        name=unit.policy.name,
        case=case or "",
        pristine=pristine,
        canary=wanted.canary,
        declared=wanted.words,
        how=ran.how,
        colour=colour,
        ran_green=not ran.why,
        exit_code=ran.exit_code,
        seconds=round(ran.seconds, 1),
        why=why,
        output=ran.shown,
    )
