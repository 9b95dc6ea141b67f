"""Forks that anybody may read: for machines that upstream's code runs on, where no token is."""

from forkbot import process
from forkbot.git.remote import Remote


class PublicForks:
    """Repositories of ``owner``, fetched by git alone."""

    def __init__(self, *, owner: str, web: str, ambient: process.Env) -> None:
        self._owner = owner
        self._web = web.rstrip("/")
        self._ambient = ambient

    def remote(self, repo: str) -> Remote:
        """Return where git reaches the repository ``repo``."""
        full = repo if "/" in repo else f"{self._owner}/{repo}"
        return Remote(f"{self._web}/{full}.git", ambient=self._ambient)

    def exists(self, repo: str) -> bool:  # noqa: ARG002 - git tells when it is asked
        """Return that it may be there."""
        return True
