"""The step that brings what a run made of the stacks' files to the stacks repository on the forge.

Where there is one, the files of this check-out stay as they are: what a person has in it is theirs,
and git brings them the rest.
"""

from forkbot.attempt import Attempt
from forkbot.connection import Connection
from forkbot.errors import ForkbotError
from forkbot.model.update import Update, Way
from forkbot.recording import stack_record
from forkbot.session import Session
from forkbot.stackdir.files import Changes, read_inputs
from forkbot.stackdir.load import stack_folder
from forkbot.update.bring import bring
from forkbot.update.copy import copied, place_in_repository
from forkbot.update.plan import Stake


def update_home(attempts: list[Attempt], *, session: Session, connection: Connection) -> None:
    """Bring the attempts' changes to the stacks repository, and tell each what became of its own.

    A dry run only finds out. What stops all of them is told each.
    """
    going = [(a, a.changes) for a in attempts if a.chosen and a.changes is not None]
    if not going:
        return
    stakes = [_stake(attempt, changes, session=session) for attempt, changes in going]
    session.say(f"looking at {connection.home}")
    try:
        with copied(
            connection.forge.remote(connection.home),
            under=place_in_repository(session.root),
            scratch=session.scratch,
            ambient=session.ambient,
        ) as copy:
            updates = bring(
                stakes, copy, forge=connection.forge, home=connection.home, dry_run=session.dry_run
            )
    except ForkbotError as e:
        lost = Update(way=Way.LEFT, why=e.what, hint=e.hint or "", exit_code=e.exit_code)
        updates = tuple(lost for _ in stakes)
    for (attempt, _), update in zip(going, updates, strict=True):
        attempt.update = update


def _stake(attempt: Attempt, changes: Changes, *, session: Session) -> Stake:
    assert attempt.rebased is not None
    assert attempt.repository is not None
    facts = attempt.rebased.facts
    return Stake(
        record=stack_record(attempt, session),
        facts=facts,
        read=read_inputs(stack_folder(session.root, attempt.stack.name)),
        changes=changes,
        when=attempt.stack.policy.when,
        date=attempt.repository.commit(facts.onto.commit).committed,
    )
