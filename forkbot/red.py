"""The first thing that is red in a trial, as a fact with its reason."""

import re
from collections.abc import Callable

import msgspec

from forkbot.errors import EXIT_BUILD, ForkbotError
from forkbot.model.diagnostic import Diagnostic
from forkbot.model.probe import Red, RedKind
from forkbot.model.verdict import Build, Colour, How, Verdict
from forkbot.report.diagnosed import cause_of, errors_of
from forkbot.report.smoke import red_line
from forkbot.report.verified import features
from forkbot.verify.build import NO_UNIT, Say
from forkbot.verify.family import BuildUnit, SmokeUnit
from forkbot.verify.trial import Only, Trial

_ERRORS_KEPT, _LINES_KEPT = 3, 30  # of rustc's
# what no manifest can bring about; a file that is not there, error 2, one can
_MACHINES = re.compile(r"\(os error (?!2\))|ended by signal")


class UnclearError(ForkbotError):
    """Cargo failed, twice, and no compiler says why: nothing is known of what was built."""

    exit_code = EXIT_BUILD


def clear_red(ask: Callable[[], Red | None], *, say: Say) -> Red | None:
    """Return what ``ask`` finds red; once more where it may have been the machine's doing.

    A cargo that is killed, or has no room, says nothing of the code it was to build. Raises
    ``UnclearError`` with its words when it says no more the second time.
    """
    red = ask()
    if red is not None and red.unexplained:
        say(f"once more, for no compiler says why: {red.why}")
        red = ask()
    if red is not None and red.unexplained:
        raise UnclearError(red.why)
    return red


def red_of(trial: Trial | Verdict) -> Red | None:
    """Return the first thing that is red with the stacks, or None; a control is no such thing."""
    return next(iter(reds_of(trial)), None)


def reds_of(trial: Trial | Verdict) -> list[Red]:
    """Return all that is red with the stacks: the graph, builds, then components."""
    reds = [
        Red(
            kind=RedKind.GRAPH, stack="", name="", why=why,
            unexplained=_MACHINES.search(why) is not None,
        )
        for why in trial.problems
    ]  # fmt: skip
    reds += [_red_build(b) for b in trial.builds if b.colour is Colour.RED]
    reds += [
        Red(
            kind=RedKind.SMOKE, stack=s.stack, name=s.told, output=s.output,
            why=red_line(s),
            unexplained=s.how is How.UNBUILT and not s.diagnostics,
        )
        for s in trial.smokes
        if s.colour is Colour.RED and not s.pristine
    ]  # fmt: skip
    return reds


def only_of(red: Red) -> Only:
    """Return what is to be built and run to see this red again: that alone."""

    def is_asked(unit: BuildUnit | SmokeUnit) -> bool:
        if unit.stack.name != red.stack:
            return False
        if isinstance(unit, BuildUnit):
            return red.kind is RedKind.BUILD and features(unit.policy) == red.name
        return red.kind is RedKind.SMOKE and unit.policy.name == red.name.partition("/")[0]

    return is_asked


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
        unexplained=not errors and build.why != NO_UNIT,
    )
