"""The forge of one machine: each fork a bare repository under ``.forkbot/forge/``."""

from pathlib import Path

from forkbot import process
from forkbot.errors import RemoteError
from forkbot.git.remote import Remote, local_url
from forkbot.git.repository import init_bare, sealed_env


class LocalForge:
    """Bare repositories in a folder; everything can be tried before anything is connected."""

    name = "local"

    def __init__(self, folder: Path, *, ambient: process.Env) -> None:
        self._folder = folder
        self._ambient = ambient

    def _path(self, repo: str) -> Path:
        return self._folder / f"{repo}.git"

    def remote(self, repo: str) -> Remote:
        """Return where git reaches the repository ``repo``."""
        return Remote(local_url(self._path(repo)), ambient=self._ambient)

    def exists(self, repo: str) -> bool:
        """Return whether the repository is there."""
        return (self._path(repo) / "HEAD").is_file()

    def create(self, repo: str) -> None:
        """Make the repository when it is missing."""
        path = self._path(repo)
        try:
            init_bare(path, env=sealed_env(self._ambient))
        except OSError as e:
            raise RemoteError(
                f"cannot make the repository: {e.strerror}",
                where=str(path),
                hint="see that forkbot may write there, then run the same command again",
            ) from e
