"""What publishing needs of a forge."""

from typing import Protocol

from forkbot.git.remote import Remote


class Forge(Protocol):
    """A place with one repository a fork."""

    @property
    def name(self) -> str:
        """Return what reports call it."""
        ...

    def remote(self, repo: str) -> Remote:
        """Return where git reaches the repository ``repo``."""
        ...

    def exists(self, repo: str) -> bool:
        """Return whether the repository is there."""
        ...

    def create(self, repo: str) -> None:
        """Make the repository when it is missing."""
        ...
