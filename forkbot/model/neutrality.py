"""Whether a stack changes anything where it should not: for the machine that builds it."""

from forkbot.model.base import Fact
from forkbot.words import StackName


class Neutrality(Fact, frozen=True, kw_only=True):
    """A crate's own tests and public API on this machine, pristine and with the stacks.

    What is the same on both sides is counted, what is not is named.
    """

    stack: StackName
    target: str  # this machine's, as rustc calls it
    untouched: bool = False  # neither it nor what it is built on has a patch: nothing to compare
    passed: int = 0  # tests that gave the same answer on both sides
    ignored: int = 0
    failed: tuple[str, ...] = ()  # on both sides
    changed: tuple[str, ...] = ()  # tests that answered otherwise with the stacks
    unsteady: tuple[str, ...] = ()  # not the same answer each time, on one side alone
    absent: tuple[str, ...] = ()  # files of tests that pristine upstream has not, as in a release
    api: int = 0  # items of the public API
    api_changed: tuple[str, ...] = ()
    why: str = ""  # why there is no answer
    seconds: float = 0.0

    @property
    def neutral(self) -> bool:
        """Whether nothing changed, as far as was asked."""
        return not (self.changed or self.api_changed or self.why)
