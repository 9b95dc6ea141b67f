"""Who we are on the forge: a token, or a GitHub App's key. Neither is ever shown."""

import dataclasses
from collections.abc import Mapping

from forkbot.errors import UsageError

# The least that forkbot can live with, in the words of GitHub's API.
NEEDS: Mapping[str, str] = {
    "metadata": "read",
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
    "workflows": "write",
}


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A text that appears in no log, no error and no repr."""

    _value: str

    def reveal(self) -> str:
        """Return it, for the one header or the one child that needs it."""
        return self._value

    def __repr__(self) -> str:
        """Return no more than that there is one."""
        return "Secret(***)"

    __str__ = __repr__


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A fine-grained or a classic token of a person's or a bot's, or the one that Actions gives.

    ``login`` says whose it is where GitHub does not tell (a token of an App's).
    """

    secret: Secret
    login: str = ""

    @property
    def kind(self) -> str:
        """Return what kind it is, by the beginning that GitHub gives each."""
        value = self.secret.reveal()
        kinds = {"github_pat_": "fine-grained", "ghp_": "classic", "ghs_": "installation"}
        return next((kind for start, kind in kinds.items() if value.startswith(start)), "unknown")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A GitHub App: its number and private key give tokens that live for an hour."""

    app: int
    key: Secret  # PEM
    installation: int


Auth = Token | App


def parse_token(text: str, *, where: str, login: str = "") -> Token:
    """Return a token as it stands in a variable; ``UsageError``, which does not repeat it."""
    value = text.strip()
    if not value.isascii() or not value.isprintable() or not value or " " in value:
        raise UsageError(
            "this is not a token: it is empty, or has spaces or line ends in it",
            where=where,
            hint="copy the token anew, as one line without quotes",
        )
    return Token(secret=Secret(value), login=login)


def parse_app(app: str, key: str, installation: str, *, where: str) -> App:
    """Return an App as its variables say it; ``UsageError``, which does not repeat the key."""
    if not (app.strip().isdecimal() and installation.strip().isdecimal()):
        raise UsageError(
            "the ids of a GitHub App and of its installation are numbers",
            where=where,
            hint="see https://github.com/settings/apps and …/settings/installations",
        )
    # a variable that was set on one line has \n written out
    pem = key.strip().replace("\\n", "\n")
    if not pem.startswith("-----BEGIN ") or "PRIVATE KEY-----" not in pem:
        raise UsageError(
            "this is not a private key: it does not begin with -----BEGIN … PRIVATE KEY-----",
            where=where,
            hint="give the whole .pem file that GitHub made for the App",
        )
    return App(app=int(app), key=Secret(pem + "\n"), installation=int(installation))
