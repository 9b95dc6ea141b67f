"""Where forks are published and people are told: a forge, and the stacks' own repository there."""

import dataclasses

from forkbot.forge.base import Forge, Forks
from forkbot.forge.local import LocalForge


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What a run reaches besides upstream.

    ``home`` is the stacks repository's name on the forge: issues, the dashboard and the stacks' own
    updates go there; a fork gets its branch, and the pull request of a conflict.
    """

    forge: Forge
    home: str
    forks: Forks | None = None  # where forks are read; None: where they are written, too

    @property
    def updates(self) -> bool:
        """Whether the stacks repository is on the forge, to be updated there.

        One machine's forge has it only if somebody put it there; else files are written in place.
        """
        return self.forge.name != LocalForge.name or self.forge.exists(self.home)
