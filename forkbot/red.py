"""The first thing that is red in a trial, as a fact with its reason."""

import msgspec

from forkbot.model.diagnostic import Diagnostic
from forkbot.model.probe import Red, RedKind
from forkbot.model.verdict import Build, Colour, Verdict
from forkbot.report.diagnosed import cause_of, errors_of
from forkbot.report.verified import features, reason
from forkbot.verify.trial import Trial

_ERRORS_KEPT, _LINES_KEPT = 3, 30  # of rustc's


def red_of(trial: Trial | Verdict) -> Red | None:
    """Return the first thing that is red with the stacks, or None; a control is no such thing."""
    if trial.problems:
        return Red(kind=RedKind.GRAPH, stack="", name="", why=trial.problems[0])
    for build in trial.builds:
        if build.colour is Colour.RED:
            return _red_build(build)
    for smoke in trial.smokes:
        if smoke.colour is Colour.RED and not smoke.pristine:
            return Red(
                kind=RedKind.SMOKE, stack=smoke.stack, name=smoke.told, output=smoke.output,
                why=f"{smoke.stack}'s {smoke.told} is red: {reason(smoke)}",
            )  # fmt: skip
    return None


def warned(trial: Trial, before: Verdict) -> Red | None:
    """Return the first warning about the family's own code that there was not before, or None.

    A patch must build without warnings: what makes one superfluous is missed, too.
    """
    known = {_warning(d) for b in before.builds for d in b.diagnostics}
    for build in trial.builds:
        new = [d for d in build.diagnostics if _warning(d) not in known]
        if new:
            first = new[0]
            return Red(
                kind=RedKind.WARNING, stack=build.stack, name=features(build),
                why=f"rustc warns of {first.file}:{first.line}: {first.message}",
                errors=tuple(new[:_ERRORS_KEPT]), more_errors=len(new[_ERRORS_KEPT:]),
            )  # fmt: skip
    return None


def _warning(said: Diagnostic) -> tuple[str, str, str]:
    return said.code, said.file, said.message


def _red_build(build: Build) -> Red:
    errors = errors_of(build.diagnostics)
    return Red(
        kind=RedKind.BUILD,
        stack=build.stack,
        name=features(build),
        why=f"{build.stack} does not build: {cause_of(build)}",
        errors=tuple(
            msgspec.structs.replace(d, rendered="\n".join(d.rendered.splitlines()[:_LINES_KEPT]))
            for d in errors[:_ERRORS_KEPT]
        ),
        more_errors=len(errors[_ERRORS_KEPT:]),
    )
