"""Which forge: GitHub when the surroundings hold a token or an App's key, else this machine's."""

import os
import re
from collections.abc import Mapping

from forkbot.connection import Connection
from forkbot.errors import UsageError
from forkbot.forge.auth import Auth, parse_app, parse_token
from forkbot.forge.local import LocalForge
from forkbot.forge.public import PublicForks
from forkbot.session import Session

_APP = ("FORKBOT_APP_ID", "FORKBOT_APP_KEY", "FORKBOT_APP_INSTALLATION")
_HOME = "stacks"  # what the stacks repository is called where no forge says


def connected(session: Session) -> Connection:
    """Return the forge to work with; ``UsageError`` when what the variables say is not enough."""
    token = os.environ.get("FORKBOT_TOKEN", "")
    app = {name: os.environ.get(name, "") for name in _APP}
    if not token and not any(app.values()):
        forge = LocalForge(session.state / "forge", ambient=session.ambient)
        return Connection(forge=forge, home=_HOME, forks=_public(session))
    home = os.environ.get("FORKBOT_STACKS_REPO") or os.environ.get("GITHUB_REPOSITORY", "")
    owner = _owner() or home.partition("/")[0]
    if "/" not in home:
        raise UsageError(
            "a token is there, and nothing says which repository on GitHub holds the stacks",
            where="FORKBOT_STACKS_REPO",
            hint="export FORKBOT_STACKS_REPO=<owner>/<repository>",
        )
    from forkbot.forge.github import API, WEB, GitHubForge  # noqa: PLC0415 - half a second

    return Connection(
        forge=GitHubForge(
            _auth(token, app),
            owner=owner,
            ambient=session.ambient,
            api=os.environ.get("GITHUB_API_URL") or API,
            web=os.environ.get("GITHUB_SERVER_URL") or WEB,
            pace=_pace(os.environ.get("FORKBOT_PACE") or "1"),
        ),
        home=home,
    )


def _owner() -> str:
    return os.environ.get("FORKBOT_OWNER") or os.environ.get("GITHUB_REPOSITORY_OWNER", "")


def _public(session: Session) -> PublicForks | None:
    """Return the forks as anybody reads them, on a machine of Actions that has no token."""
    web = os.environ.get("GITHUB_SERVER_URL", "")
    if not (_owner() and web):
        return None
    return PublicForks(owner=_owner(), web=web, ambient=session.ambient)


def _pace(text: str) -> float:
    """Return the seconds between two writes: GitHub asks for one, one's own server for none."""
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text):
        raise UsageError(
            f"not a number of seconds: {text!r}", where="FORKBOT_PACE", hint="unset it"
        )
    return float(text)


def _auth(token: str, app: Mapping[str, str]) -> Auth:
    if token:
        login = os.environ.get("FORKBOT_LOGIN", "")
        return parse_token(token, where="FORKBOT_TOKEN", login=login)
    for name in app:
        if not app[name]:
            raise UsageError(
                f"a GitHub App is known by three variables, and {name} is empty",
                where=name,
                hint="set it, or FORKBOT_TOKEN instead of all three",
            )
    number, key, installation = app.values()
    return parse_app(number, key, installation, where="FORKBOT_APP_*")
