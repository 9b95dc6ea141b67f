"""Who sits here, as git knows them."""

from pathlib import Path

from forkbot import process
from forkbot.errors import UsageError
from forkbot.git.remote import network_env
from forkbot.text import visible


def author_name(folder: Path, *, ambient: process.Env) -> str:
    """Return the name that git would put on a commit; ``UsageError`` when it knows none."""
    name = ambient.get("GIT_AUTHOR_NAME", "").strip()
    if not name:
        # the user's own configuration counts here, as it does for remotes
        said = process.run(
            ["git", "-C", folder, "config", "--get", "user.name"],
            env=network_env(ambient), timeout=30, ok=(0, 1),
        )  # fmt: skip
        name = said.stdout.decode(errors="backslashreplace").strip()
    if not name:
        raise UsageError(
            "git does not know your name, and a recorded resolution says whose it is",
            where=str(folder),
            hint='git config --global user.name "Your Name"',
        )
    return " ".join(visible(name).split())
