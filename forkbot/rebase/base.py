"""Where a stack sits when no lock says so: the newest place on which every patch fits exactly."""

from collections.abc import Iterable

from forkbot.errors import UsageError
from forkbot.git.repository import Repository
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.model.stack import Stack
from forkbot.rebase.recreate import recreate
from forkbot.words import Channel


def find_base(
    stack: Stack, *, repository: Repository, channel: Channel, candidates: Iterable[Place]
) -> Place:
    """Return the first of ``candidates`` (newest first) that all patches apply to, exactly.

    Raises the ``UsageError`` of the newest candidate when there is none.
    """
    first: UsageError | None = None
    with Workbench(repository) as bench:
        for place in candidates:
            try:
                recreate(stack, bench=bench, channel=channel, base=place)
            except UsageError as e:
                first = first or e
            else:
                return place
    raise first or UsageError("there is no upstream commit to sit on", where=f"stacks/{stack.name}")
