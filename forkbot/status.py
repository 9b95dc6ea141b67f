"""How each stack stands, from its files and the forge alone: no upstream is asked."""

from forkbot.forge.base import Forge
from forkbot.model.base import Fact
from forkbot.model.stack import Stack
from forkbot.words import Channel, Oid, StackName


class Standing(Fact, frozen=True, kw_only=True):
    """One stack on one channel."""

    stack: StackName
    channel: Channel
    patches: int
    base: str  # label; '' before the first rebase
    verdict: str  # green, red, or '' when never asked
    repo: str
    branch: str
    result: Oid | None
    wanted: Oid | None  # what publishing the result makes of the fork branch
    tip: Oid | None  # of the fork branch, as the forge has it now

    @property
    def published(self) -> str:
        """Return in a word how the fork branch stands to the stack."""
        if self.tip is None:
            return "not published"
        return "published" if self.tip == self.wanted else "differs"


def standing(stack: Stack, channel: Channel, *, forge: Forge) -> Standing:
    """Return how a stack stands. Raises ``RemoteError`` when the forge does not answer."""
    lock = stack.lock.channel(channel)
    repo, branch = stack.policy.fork.repo, stack.branch(channel)
    head = f"refs/heads/{branch}"
    tip = forge.remote(repo).refs(head).get(head) if forge.exists(repo) else None
    return Standing(
        stack=stack.name,
        channel=channel,
        patches=len(stack.patches),
        base=lock.base_label if lock else "",
        verdict=lock.verdict.status if lock and lock.verdict else "",
        repo=repo,
        branch=branch,
        result=lock.result if lock else None,
        wanted=lock.wanted if lock else None,
        tip=tip,
    )
