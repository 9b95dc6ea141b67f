"""A run, as facts: enough to write the report, and to repeat any step on another machine."""

from forkbot.model.artefact import Telling
from forkbot.model.base import Fact
from forkbot.model.buildbreaker import BuildBreaker
from forkbot.model.conflictbranch import Cleared, ConflictBranch
from forkbot.model.fate import Rebase
from forkbot.model.neutrality import Neutrality
from forkbot.model.order import Given
from forkbot.model.probe import ProbeAnswer
from forkbot.model.publication import Publication
from forkbot.model.update import Update
from forkbot.model.verdict import Verdict
from forkbot.words import Channel, Oid, PatchName, StackName

RECORD_VERSION = 1


class Trouble(Fact, frozen=True, kw_only=True):
    """A question that got no answer, as the error said it."""

    what: str
    where: str = ""
    hint: str = ""
    exit_code: int = 1


class StackRecord(Fact, frozen=True, kw_only=True):
    """One stack in one run."""

    name: StackName
    crate: str
    about: str
    upstream_url: str = ""  # where people read upstream, without credentials; '' when it is no page
    left_out: tuple[str, ...] = ()  # patch files that the series does not name
    lacking: tuple[PatchName, ...] = ()  # shared patches that this channel's own series has not
    rebase: Rebase | None = None
    published_before: Oid | None = None
    publication: Publication | None = None
    files_written: tuple[str, ...] = ()
    files_to_write: tuple[str, ...] = ()  # in a dry run: what would have been written
    update: Update | None = None  # of the stacks repository on the forge; None: there is none
    trouble: Trouble | None = None
    # where the conflict waits for a person, or whose answer is taken and the stack not yet written
    # with it: for as long as this is here, its pull request is open
    conflict_branch: ConflictBranch | None = None
    answered: tuple[ConflictBranch, ...] = ()  # whose answers are in the patches now
    cleared: tuple[Cleared, ...] = ()  # branches of conflicts that are over
    parked: tuple[PatchName, ...] = ()  # taken out of the series by order, in this run
    orders: tuple[Given, ...] = ()  # what people told the bot to do
    paused: bool = False  # by an order: nothing was done, and nothing is told
    probes: tuple[ProbeAnswer, ...] = ()  # of every patch, in the order of the series; or of none
    neutrality: Neutrality | None = None  # None: this run did not ask
    tellings: tuple[Telling, ...] = ()  # what was done, or would be, to its artefacts
    untold: Trouble | None = None  # why an artefact is not as it should be


class RunRecord(Fact, frozen=True, kw_only=True):
    """record.json: all that one run found and did."""

    version: int = RECORD_VERSION
    id: str
    command: str
    channel: Channel
    forkbot: str
    git: str
    dry_run: bool
    seconds: float
    stacks: tuple[StackRecord, ...]
    verdict: Verdict | None = None
    breakers: tuple[BuildBreaker, ...] = ()  # of the first red, each along another stack
    trouble: Trouble | None = None  # what stopped the family, no one stack
    tellings: tuple[Telling, ...] = ()  # of the family's artefacts
    untold: Trouble | None = None  # why one of those, or of none could be said how they stand
    exit_code: int

    @property
    def kept(self) -> bool:
        """Whether the run leaves a record: something happened, and it was no dry run."""
        fresh = self.verdict is not None and not self.verdict.reused
        return not self.dry_run and (self.changed_something or fresh)

    @property
    def changed_something(self) -> bool:
        """Whether this run wrote anything to the stacks or the forge, or was red about it."""
        told = any(t.done for t in (*self.tellings, *(t for s in self.stacks for t in s.tellings)))
        return (
            self.exit_code != 0
            or told
            or any(
                s.files_written
                or (s.publication and s.publication.done)
                or (s.update and s.update.done)
                or (s.conflict_branch and s.conflict_branch.done)
                or any(c.done for c in s.cleared)
                for s in self.stacks
            )
        )
