"""Whether a channel that has patches of its own still needs them."""

import msgspec

from forkbot.errors import UsageError
from forkbot.git.repository import Repository
from forkbot.git.workbench import Workbench
from forkbot.model.fate import Rebase
from forkbot.model.stack import Stack
from forkbot.rebase.export import commit_series
from forkbot.rebase.recreate import recreate


def shared_do(stack: Stack, rebased: Rebase, *, repository: Repository) -> bool:
    """Return whether the shared patches give this very result, commit for commit."""
    shared = msgspec.structs.replace(stack, patches=stack.common)
    onto = rebased.onto
    with Workbench(repository) as bench:
        try:
            changes = recreate(shared, bench=bench, channel=rebased.channel, base=onto)
        except UsageError:
            return False
        series = ((change.patch, change.after) for change in changes)
        return commit_series(series, onto=onto.commit, objects=bench.objects) == rebased.tip
