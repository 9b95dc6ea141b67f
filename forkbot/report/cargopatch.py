"""The patch table as TOML, its certificate as comments; and what a project made of it, in lines."""

import json
from collections.abc import Iterator, Mapping

from forkbot.model.cargopatch import By, CargoPatch, Certificate, CrateUse, ProjectCheck, Use
from forkbot.model.smoke import SmokePolicy
from forkbot.model.stack import BuildPolicy
from forkbot.model.verdict import Colour
from forkbot.report.phrases import clip, listed
from forkbot.text import visible

_FIELD = {By.REVISION: "rev", By.BRANCH: "branch", By.TAG: "tag"}
_WIDTH = 100
_ERRORS = 5


def build_told(build: BuildPolicy) -> str:
    """Return a build of stack.yaml as ``package (features)``."""
    default = [] if build.default_features else ["no default features"]
    features = [", ".join(build.features)] if build.features else []
    parts = "; ".join([*default, *features])
    return f"{build.package} ({parts})" if parts else build.package


def component_told(smoke: SmokePolicy) -> str:
    """Return a smoke component with its cases."""
    return f"{smoke.name} ({', '.join(smoke.cases)})"


def table(patch: CargoPatch, *, command: str) -> str:
    """Return the table to paste into a consumer's Cargo.toml, with what proves it above it."""
    lines = [*_certificate(patch, command), "[patch.crates-io]"]
    lines += [
        f"{c.crate} = {{ git = {json.dumps(c.git)}, {_FIELD[c.by]} = {json.dumps(c.value)} }}"
        for c in patch.crates
    ]
    return "".join(f"{line}\n" for line in lines)


def _certificate(patch: CargoPatch, command: str) -> Iterator[str]:
    yield f"# {visible(command)}"
    proofs: dict[tuple[str, str, str, str], list[Certificate]] = {}
    for crate in patch.crates:
        at = f"{crate.judged_at:%Y-%m-%d %H:%M} UTC" if crate.judged_at else ""
        proofs.setdefault((crate.rustc, crate.wasmtime, at, crate.key), []).append(crate)
    for (rustc, wasmtime, at, key), crates in proofs.items():
        names = ", ".join(c.crate for c in crates)
        yield from _comment(
            f"{names}: built {'together ' if len(crates) > 1 else ''}for {patch.target} with "
            f"{rustc}, run with {wasmtime}{f', {at}' if at else ''}; verdict {key}"
        )
        for crate in crates:
            yield from _of_crate(crate)
    if patch.red_since:
        yield from _comment(f"red since, on the same commits: {clip(patch.red_since, 300)}")


def _of_crate(crate: Certificate) -> Iterator[str]:
    patches = f" + {', '.join(crate.patches)}" if crate.patches else ", unchanged"
    yield from _comment(
        f"{crate.crate}: {crate.base_label} ({crate.base[:12]}){patches} = {crate.commit[:12]}",
        indent=2,
    )
    yield from _comment(f"built: {' · '.join(crate.builds) or 'nothing'}", indent=4)
    if crate.components:
        yield from _comment(f"ran: {' · '.join(crate.components)}", indent=4)


def _comment(text: str, *, indent: int = 0) -> Iterator[str]:
    """Yield a text as comment lines of bearable width; upstream's words end no comment."""
    line = ""
    for word in visible(text).split():
        if line and len(line) + len(word) + indent + 3 > _WIDTH:
            yield f"# {' ' * indent}{line}"
            line, indent = word, max(indent, 2)
        else:
            line = f"{line} {word}" if line else word
    yield f"# {' ' * indent}{line}"


def told_unproven(patch: CargoPatch) -> Iterator[str]:
    """Yield why there is no table, and what to do."""
    for one in patch.unproven:
        yield f"{one.stack}: {one.why}"
    for hint in dict.fromkeys(one.next for one in patch.unproven):
        yield f"next: {hint}"


_TABLE: Mapping[str, str] = {
    "yes": "its Cargo.toml has this table",
    "no": "its Cargo.toml has no such table yet: checked as if it had",
    "another": "its Cargo.toml has another table: checked with this one in its place",
}


def told_check(check: ProjectCheck, target: str) -> Iterator[str]:
    """Yield what a project makes of the table: each crate, each command that helps, the build."""
    yield f"{visible(check.manifest)}: {_TABLE[check.has_table]}"
    for use in check.crates:
        yield from _use(use)
    if check.built is Colour.GREEN:
        with_fixes = " with the commands below" if check.fixes else ""
        built = listed(check.packages)
        yield f"{visible(built)} built for {target} in {check.seconds:.0f} s{with_fixes}"
    elif check.why:
        yield f"red: {visible(check.why)}"
        yield from (visible(d.rendered.rstrip()) for d in check.diagnostics[:_ERRORS])
    for fix in check.fixes:
        if fix.helped:
            yield f"next: {visible(fix.command)}"
        else:
            yield f"{visible(fix.command)} does not help: {visible(fix.why) or 'it is there still'}"


def _use(use: CrateUse) -> Iterator[str]:
    crate = f"{use.crate} {use.version}".rstrip()
    if use.use is not Use.NOT_PATCHED:
        yield f"  {crate}: {use.use.value}"
        return
    yield f"  {visible(crate)}: not patched: {visible(use.why)}"
    yield f"    {visible(use.way)}"
