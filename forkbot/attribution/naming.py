"""From who is guilty to its name: which upstream commit, which patch, which release of what."""

import dataclasses
import re
from collections.abc import Callable

from msgspec.structs import replace

from forkbot.attempt import Attempt
from forkbot.attribution.looking import Looker
from forkbot.attribution.suspects import pointed_at
from forkbot.buildbreaker.asking import Limits
from forkbot.buildbreaker.breaking import break_build
from forkbot.git.workbench import Workbench
from forkbot.model.attribution import Attribution, Cell, Guilty, Part, Seen, Suspect
from forkbot.model.buildbreaker import BuildBreaker
from forkbot.model.place import Place
from forkbot.model.probe import RedKind
from forkbot.model.upstream import UpstreamCommit
from forkbot.model.verdict import Verdict
from forkbot.rebase.line import first_parents, upstream_commits
from forkbot.report.guilt import thing
from forkbot.verify.attribute import Ask, Case, Found
from forkbot.verify.pins import named
from forkbot.words import PatchName, StackName

Look = Callable[[Ask], Cell]  # a look that is kept as evidence


@dataclasses.dataclass(slots=True, kw_only=True)
class Namer:
    """Names who is guilty of one red."""

    case: Case
    looker: Looker
    look: Look
    verdict: Verdict
    attempts: list[Attempt]
    limits: Limits
    breakers: list[BuildBreaker] = dataclasses.field(default_factory=list)  # what it searched

    def name(self, found: Found) -> Attribution:
        """Return whose fault it is, named as closely as what was looked at, and a search, allow."""
        nobody = Attribution(red=self.case.red, guilty=Guilty.UNKNOWN)
        if found.flake:
            return replace(nobody, guilty=Guilty.FLAKE, why="run again, it is green")
        if not found.guilty:
            return self._nobody(found, nobody)
        first, why = self._likeliest(found)
        if first is None:
            return replace(nobody, why=why)
        nobody = replace(nobody, stack=first.stack, was=first.was, now=first.now, why=why)
        match first.part:
            case Part.DEPENDENCIES:
                return self._dependency(first, nobody)
            case Part.TOOLCHAIN:
                return replace(nobody, guilty=Guilty.TOOLCHAIN, name=first.names[0])
            case Part.COMPONENTS:
                return replace(nobody, guilty=Guilty.COMPONENT, name=self.case.red.name)
            case Part.PATCHES:
                return self._patch(first, nobody)
            case Part.UPSTREAM:
                return self._upstream(first, found, nobody)

    def _likeliest(self, found: Found) -> tuple[Suspect | None, str]:
        """Return who of the guilty is named, None where nobody can say; and how that is known."""
        first, *more = found.guilty
        if not found.sure:
            either = " or ".join(thing(s) for s in found.guilty)
            why = f"it is {either}, and neither can be turned back here"
            to = [s for s in found.guilty if pointed_at(s, self.case.red)]
            if len(to) != 1:
                return None, why
            return to[0], f"{why}; rustc's first error leads to this one"
        if more:
            return first, f"together with {', '.join(thing(s) for s in more)}"
        if first not in self.case.fixed:
            return first, ""
        if len(self.case.suspects) == 1:
            return first, "nothing else that forkbot knows of has changed since it was last green"
        return first, "all else that changed since it was last green makes no difference"

    def _nobody(self, found: Found, nobody: Attribution) -> Attribution:
        red = self.case.red
        if found.by_itself:
            where = _where(found)
            if red.errors and red.errors[0].dependency:
                name, _, version = red.errors[0].dependency.partition(" ")
                return replace(
                    nobody, guilty=Guilty.DEPENDENCY, name=name, now=version,
                    why=f"it was never green, and is as red without our patches{where}",
                )  # fmt: skip
            return replace(
                nobody, guilty=Guilty.UPSTREAM, stack=StackName(red.stack) if red.stack else None,
                why=f"it was never green, and is as red without our patches{where}",
            )  # fmt: skip
        if not self.case.known:
            return replace(nobody, why="it was never green, so there is nothing to hold it against")
        why = "nothing that forkbot knows of has changed since it was last green"
        return replace(nobody, why=f"{why}, and it is red each time")

    def _upstream(self, suspect: Suspect, found: Found, nobody: Attribution) -> Attribution:
        red, stack = self.case.red, suspect.stack
        own = red.stack in ("", stack)
        commit, breaker = self._commit(suspect)
        why = f"it is as red without our patches{_where(found)}" if found.by_itself else ""
        left = None
        if red.kind is RedKind.BUILD and not found.by_itself:
            left = self._author() or (breaker.patch if breaker else None)
        return replace(
            nobody, guilty=Guilty.UPSTREAM if own else Guilty.LOWER, commit=commit, patch=left,
            why="; ".join(w for w in (why, nobody.why) if w),
        )  # fmt: skip

    def _commit(self, suspect: Suspect) -> tuple[UpstreamCommit | None, BuildBreaker | None]:
        """Return upstream's commit: the only one there is, or the one that a search finds."""
        attempt = self._attempt(suspect)
        before = self.looker.before
        assert attempt.rebased is not None
        assert attempt.repository is not None
        assert before is not None
        assert suspect.stack is not None
        was, onto = before.places.get(suspect.stack), attempt.rebased.facts.onto
        if was is None:
            return None, None
        with Workbench(attempt.repository) as bench:
            line = first_parents(bench, was.commit, onto.commit, None)
            if len(line) == 1:  # both of its ends are among the looks
                return upstream_commits(bench, line)[line[0]], None
        breaker = self._search(attempt, was)
        return breaker.commit, breaker

    def _search(self, attempt: Attempt, was: Place) -> BuildBreaker:
        """Search from where it was last green, though the files may have gone on since."""
        assert attempt.rebased is not None
        facts = replace(attempt.rebased.facts, base=was)
        since = dataclasses.replace(
            attempt, rebased=dataclasses.replace(attempt.rebased, facts=facts)
        )
        attempts = [since if a is attempt else a for a in self.attempts]
        breaker = break_build(
            since, attempts, self.case.red, session=self.looker.session,
            toolchain=self.looker.toolchain, limits=self.limits,
            dependencies=self.verdict.dependencies,
        )  # fmt: skip
        self.breakers.append(breaker)
        return breaker

    def _patch(self, suspect: Suspect, nobody: Attribution) -> Attribution:
        red = self.case.red
        guilty = Guilty.PATCH if red.stack in ("", suspect.stack) else Guilty.LOWER
        author = self._author()
        if len(suspect.names) == 1:
            return replace(nobody, guilty=guilty, patch=PatchName(suspect.names[0]))
        if author is not None and author in suspect.names:
            return replace(nobody, guilty=guilty, patch=author)
        attempt = self._attempt(suspect)
        assert attempt.rebased is not None
        breaker = self._search(attempt, attempt.rebased.facts.onto)
        return replace(nobody, guilty=guilty, patch=breaker.patch)

    def _author(self) -> PatchName | None:
        """Return the patch that wrote the line on which rustc's first error is."""
        errors = self.case.red.errors
        author = errors[0].author if errors else None
        return author.patch if author is not None else None

    def _attempt(self, suspect: Suspect) -> Attempt:
        return next(a for a in self.looker.members if a.stack.name == suspect.stack)

    def _dependency(self, suspect: Suspect, nobody: Attribution) -> Attribution:
        before = self.looker.before
        assert before is not None
        name = self._narrowed(suspect.names)
        was = " and ".join(named(before.pins).get(name, ()))
        fresh = {pin for pins in self.verdict.dependencies.values() for pin in pins}
        now = " and ".join(named(fresh).get(name, ()))
        gone = self.case.red.kind is RedKind.GRAPH and "is yanked" in self.case.red.why
        why = f"{was} was yanked" if gone or _older(now, was) else ""
        why = "; ".join(w for w in (why, nobody.why) if w)
        return replace(nobody, guilty=Guilty.DEPENDENCY, name=name, was=was, now=now, why=why)

    def _narrowed(self, names: tuple[str, ...]) -> str:
        """Return the one crate that, held to its old version, makes it green; the likeliest first.

        Else the last of the fewest, in the order of the alphabet, that make it green together.
        """
        if len(names) == 1:
            return names[0]
        hinted = [n for n in self._hints() if n in names]
        if hinted and self._green(hinted[:1]):
            return hinted[0]
        bad, good = 0, len(names)  # held back: the first `bad` are too few, the first `good` enough
        while good - bad > 1:
            middle = (bad + good) // 2
            if self._green(names[:middle]):
                good = middle
            else:
                bad = middle
        return names[good - 1]

    def _hints(self) -> list[str]:
        red = self.case.red
        errors = [e.dependency.partition(" ")[0] for e in red.errors if e.dependency]
        return errors + re.findall(r"`([A-Za-z0-9_-]+) = ", red.why)

    def _green(self, names: tuple[str, ...] | list[str]) -> bool:
        held = Suspect(part=Part.DEPENDENCIES, names=tuple(names))
        return self.look(Ask(back=(held,))).seen is Seen.GREEN


def _where(found: Found) -> str:
    if found.host_too is None:
        return ""
    return ", on this machine's own target, too" if found.host_too else ", on this target alone"


def _older(now: str, was: str) -> bool:
    """Whether what is taken now is older than what was: nobody goes back but from a yank."""

    def order(text: str) -> list[int]:
        return [int(n) for n in re.findall(r"\d+", text)[:3]]

    return bool(now) and bool(was) and order(now) < order(was)
