"""What a run found and did, as facts: the record and its bundles, from the attempts."""

from collections.abc import Iterator

from msgspec.structs import replace

from forkbot import __version__
from forkbot.attempt import Attempt
from forkbot.errors import EXIT_BUILD, EXIT_CONFLICT, EXIT_DONE, EXIT_REFUSED, ForkbotError, gravest
from forkbot.git.bundle import make_bundle
from forkbot.git.repository import git_version, sealed_env
from forkbot.hold import refused, suspicious
from forkbot.model.buildbreaker import BuildBreaker
from forkbot.model.record import RunRecord, StackRecord, Trouble
from forkbot.model.verdict import Colour, Verdict
from forkbot.session import Session
from forkbot.text import redact
from forkbot.words import PatchName


def record_of(
    attempts: list[Attempt],
    verdict: Verdict | None,
    *,
    session: Session,
    command: str,
    seconds: float,
    run: str,
    breakers: tuple[BuildBreaker, ...] = (),
) -> RunRecord:
    """Return what a run found and did."""
    told = [a for a in attempts if a.chosen or a.trouble or a.said.paused]
    codes = [_exit_code(a) for a in told]
    codes += [a.said.failed.exit_code for a in told if a.said.failed]
    if verdict is not None and not verdict.reused and not verdict.green:
        codes.append(_verdict_code(verdict))
    return RunRecord(
        id=run,
        command=command,
        channel=session.channel,
        forkbot=__version__,
        git=".".join(map(str, git_version(sealed_env(session.ambient)))),
        dry_run=session.dry_run,
        seconds=round(seconds, 1),
        stacks=tuple(stack_record(a, session) for a in told),
        verdict=verdict,
        breakers=breakers,
        exit_code=gravest(codes),
    )


def _verdict_code(verdict: Verdict) -> int:
    colours = [b.colour for b in verdict.builds] + [s.colour for s in verdict.smokes]
    return EXIT_BUILD if verdict.problems or Colour.RED in colours else EXIT_DONE


def _exit_code(attempt: Attempt) -> int:
    if attempt.trouble is not None:
        return attempt.trouble.exit_code
    if attempt.rebased is not None and attempt.rebased.facts.conflict is not None:
        return EXIT_CONFLICT
    if refused(attempt):
        return EXIT_REFUSED
    if suspicious(attempt):
        return EXIT_CONFLICT
    return attempt.update.exit_code if attempt.update else EXIT_DONE


def trouble_of(error: ForkbotError) -> Trouble:
    """Return an error as a fact."""
    return Trouble(
        what=error.what,
        where=error.where or "",
        hint=error.hint or "",
        exit_code=error.exit_code,
    )


def _page(url: str) -> str:
    """Return where people read upstream, '' where that is no page, or one behind a password."""
    return url if url.startswith("https://") and redact(url) == url else ""


def _lacking(attempt: Attempt, session: Session) -> tuple[PatchName, ...]:
    """Return what the channel lacks of the shared patches, also once one is parked there."""
    shared, _ = attempt.stack.divided(session.channel, attempt.stack.patches)
    return replace(attempt.stack, shared=shared).lacking


def stack_record(attempt: Attempt, session: Session) -> StackRecord:
    """Return what a run found of one stack, and did."""
    lock = attempt.stack.lock.channel(session.channel)
    trouble = attempt.trouble
    return StackRecord(
        name=attempt.stack.name,
        crate=attempt.stack.policy.crate,
        about=attempt.stack.policy.about,
        upstream_url=_page(attempt.upstream),
        left_out=attempt.stack.left_out,
        lacking=_lacking(attempt, session),
        rebase=attempt.rebased.facts if attempt.rebased else None,
        published_before=lock.published if lock else None,
        publication=attempt.publication,
        files_written=() if session.dry_run else attempt.files,
        files_to_write=attempt.files if session.dry_run else (),
        update=attempt.update,
        trouble=trouble_of(trouble) if trouble else None,
        conflict_branch=attempt.said.branch,
        answered=attempt.said.taken,
        cleared=attempt.said.cleared,
        parked=attempt.said.parked,
        orders=attempt.said.orders,
        paused=attempt.said.paused,
        untold=trouble_of(attempt.said.failed) if attempt.said.failed else None,
    )


def bundles_of(attempts: list[Attempt], session: Session) -> Iterator[tuple[str, bytes]]:
    """Return each stack's commits on its base, for whoever wants them without a fork."""
    for attempt in attempts:
        if attempt.rebased is None or attempt.repository is None:
            continue
        facts = attempt.rebased.facts
        if facts.tip is not None and facts.tip != facts.onto.commit:
            yield (
                attempt.stack.name,
                make_bundle(
                    attempt.repository,
                    branch=attempt.stack.branch(session.channel),
                    onto=facts.onto.commit,
                    tip=facts.tip,
                ),
            )
