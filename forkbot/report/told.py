"""What a run told on the forge, in a line each: where a person finds it, or why it is not told."""

from forkbot.model.artefact import Act, Telling
from forkbot.model.record import RunRecord
from forkbot.report.phrases import clip, listed

_DID = {
    Act.OPEN: "opened",
    Act.UPDATE: "brought up to date",
    Act.REOPEN: "reopened",
    Act.CLOSE: "closed",
    Act.MEANWHILE: "told by another run meanwhile",
    Act.LEFT_CLOSED: "left closed, as a person closed it",
}


def tellings(record: RunRecord) -> tuple[Telling, ...]:
    """Return all that was done to artefacts, of the stacks in their order and of the family."""
    return (*(t for stack in record.stacks for t in stack.tellings), *record.tellings)


def told(record: RunRecord) -> tuple[str, ...]:
    """Return a line for each artefact that was written, or that a person keeps closed."""
    if record.dry_run:
        return ()
    return tuple(f"{whose(t)}: {_DID[t.act]}, {t.url}" for t in tellings(record) if t.act in _DID)


def whose(telling: Telling) -> str:
    """Return whose artefact it is, and of which kind."""
    return f"{telling.identity.stack or 'the family'}, {telling.identity.kind.value}"


def untold(record: RunRecord) -> tuple[str, ...]:
    """Return why an artefact is not as it should be, once for each reason."""
    why: dict[str, list[str]] = {}
    for name, trouble in (
        *((stack.name, stack.untold) for stack in record.stacks),
        ("the forge", record.untold),
    ):
        if trouble is not None:
            where = f"{trouble.where}: " if trouble.where else ""
            why.setdefault(clip(f"{where}{trouble.what}", 600), []).append(name)
    return tuple(f"{listed(names)}: {reason}" for reason, names in why.items())


def telling_writes(record: RunRecord) -> tuple[str, ...]:
    """Return, for a dry run, each write to an artefact that the same run would make."""
    if not record.dry_run:
        return ()
    return tuple(f"{write} in {t.repo}" for t in tellings(record) for write in t.writes)
