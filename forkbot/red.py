"""The first thing that is red in a trial, as a fact with its reason."""

import msgspec

from forkbot.model.probe import Red, RedKind
from forkbot.model.verdict import Build, Colour
from forkbot.report.verified import cause, features, reason
from forkbot.verify.trial import Trial

_ERRORS_KEPT, _LINES_KEPT = 3, 30  # of rustc's


def red_of(trial: Trial) -> Red | None:
    """Return the first thing that is red, or None."""
    if trial.problems:
        return Red(kind=RedKind.GRAPH, stack="", name="", why=trial.problems[0])
    for build in trial.builds:
        if build.colour is Colour.RED:
            return _red_build(build)
    for smoke in trial.smokes:
        if smoke.colour is Colour.RED:
            return Red(
                kind=RedKind.SMOKE, stack=smoke.stack, name=smoke.name, output=smoke.output,
                why=f"{smoke.stack}'s {smoke.name} is red: {reason(smoke)}",
            )  # fmt: skip
    return None


def _red_build(build: Build) -> Red:
    errors = tuple(d for d in build.diagnostics if d.level == "error")
    return Red(
        kind=RedKind.BUILD,
        stack=build.stack,
        name=features(build),
        why=f"{build.stack} does not build: {cause(build)}",
        errors=tuple(
            msgspec.structs.replace(d, rendered="\n".join(d.rendered.splitlines()[:_LINES_KEPT]))
            for d in errors[:_ERRORS_KEPT]
        ),
        more_errors=len(errors[_ERRORS_KEPT:]),
    )
