"""Git over a wire or a path: list, fetch, push. Only here does the user's git configuration count.

Proxies, mirrors (``insteadOf``) and credential helpers live there; where a forge brings its own
credential, only that speaks. Prompts are off, helpers such as ``ext::`` are refused by git too, and
every wait has an end. Network failures are tried again, a few times, with growing pauses.
"""

import dataclasses
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import tenacity

from forkbot import process
from forkbot.errors import (
    MachineError,
    ProcessError,
    RemoteError,
    TimedOutError,
    UsageError,
)
from forkbot.git.refusal import explain_denial, refusal, rejections, said_for_people
from forkbot.git.repository import Repository, disk_trouble, says_full
from forkbot.text import redact
from forkbot.words import BranchName, Oid, parse_branch

_SETTINGS = (
    "protocol.allow=never",
    *(f"protocol.{name}.allow=always" for name in ("https", "http", "ssh", "git", "file")),
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "gc.auto=0",
    "core.hooksPath=/dev/null",
    "push.gpgSign=false",
)
_SAFE = tuple(word for setting in _SETTINGS for word in ("-c", setting))
_NAMES = ("HOME", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "GIT_SSL_CAINFO", "GIT_CONFIG_GLOBAL")
_SYMREF = "ref: refs/heads/"
_LISTING = 120.0
_TRANSFER = 1800.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RefUpdate:
    """One ref of a push: what it must be before, and what it becomes; None is absent."""

    ref: str
    expected: Oid | None
    new: Oid | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credential:
    """A name and a password (a token) for the host of one URL; the password is asked for late."""

    username: str
    password: Callable[[], str]


# How git gets a token. A header in the configuration (http.extraHeader) would go along wherever a
# redirect leads, and a URL or an argument can be read by every user of the machine; so can a file
# be left behind. A credential helper is asked by git itself, for one host only, after a 401; it is
# named in an argument, and what it says is in the environment of git and its children alone, which
# /proc shows to nobody else. An empty helper first takes all others off the list: one of the
# user's would be told what worked, to keep it. `printf` is the shell's own, so no process shows it.
_HELPER = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" '
    '"$FORKBOT_GIT_USERNAME" "$FORKBOT_GIT_PASSWORD"; }; f'
)


def _credential_settings(url: str) -> tuple[str, ...]:
    host = "://".join(urlsplit(url)[:2])
    settings = (
        "credential.helper=",
        f"credential.{host}.helper={_HELPER}",
        "core.askPass=",
        "http.extraHeader=",  # actions/checkout leaves a token of its own in such a one
        f"http.{host}/.extraHeader=",
    )
    return tuple(word for setting in settings for word in ("-c", setting))


def network_env(ambient: process.Env) -> dict[str, str]:
    """Return the environment for git commands that reach other repositories."""
    env = process.allow(ambient, names=_NAMES, network=True)
    return {
        **env,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        "LC_ALL": "C",
    }


class Remote:
    """A URL or path, and the environment in which it is reached."""

    def __init__(
        self, url: str, *, ambient: process.Env, credential: Credential | None = None
    ) -> None:
        self.url = url
        self._env = network_env(ambient)
        self._credential = credential
        self._settings = (*_SAFE, *(_credential_settings(url) if credential else ()))

    @property
    def shown(self) -> str:
        """Return the URL as it may be shown."""
        return redact(self.url)

    def refs(self, *names: str) -> dict[str, Oid]:
        """Return those of the named full refs that the remote has."""
        said = self._ask(None, "ls-remote", "--", self.url, *names)
        pairs = (line.split("\t") for line in said.stdout.decode().splitlines())
        return {ref: Oid(oid) for oid, ref in pairs}

    def head(self, *names: str) -> tuple[BranchName | None, dict[str, Oid]]:
        """Return the remote's default branch, None where it has none, and refs as ``refs`` does.

        Here a name may be a pattern; the default branch's ref is always among what is returned.
        """
        said = self._ask(None, "ls-remote", "--symref", "--", self.url, "HEAD", *names)
        branch: BranchName | None = None
        found: dict[str, Oid] = {}
        for value, _, ref in (li.partition("\t") for li in said.stdout.decode().splitlines()):
            if ref == "HEAD" and value.startswith(_SYMREF):
                branch = parse_branch(value.removeprefix(_SYMREF))
            elif not value.startswith("ref: "):
                found[ref] = Oid(value)
        at = found.pop("HEAD", None)
        if branch is None or at is None:
            return None, found
        return branch, {**found, f"refs/heads/{branch}": at}

    def fetch(
        self, into: Repository, *refspecs: str, say: Callable[[str], None] | None = None
    ) -> None:
        """Fetch refspecs into a repository; with quarantine, the objects land there.

        Raises ``UsageError`` for a shallow clone: git leaves such refs as they were and calls it
        done, and what breaks a patch may lie below the cut.
        """
        said = self._ask(
            into, "fetch", "--quiet", "--no-auto-gc", "--no-write-fetch-head", "--no-tags",
            "--prune", "--", self.url, *refspecs, timeout=_TRANSFER,
        )  # fmt: skip
        if b"shallow roots are not allowed to be updated" in said.stderr:
            deepen = f"git -C {shlex.quote(self.shown)} fetch --unshallow"
            raise UsageError(
                "this is a shallow clone: its history is cut off",
                where=self.shown,
                hint=deepen if is_path(self.url) else "name a repository with its whole history",
            )
        if say:
            say(f"fetched {self.shown}")

    def push(self, source: Repository, updates: Sequence[RefUpdate]) -> bool:
        """Push all updates or none, each only if its ref is still what is expected.

        Returns whether this changed anything: git asks no lease of a ref that is already what it
        shall become. Raises ``PushRefusedError`` when one is lost or the other side declines.
        """
        leases = [f"--force-with-lease={u.ref}:{u.expected or ''}" for u in updates]
        refspecs = [f"{u.new or ''}:{u.ref}" for u in updates]
        lost: list[bool] = []  # the answers to attempts before the last one
        said = self._ask(
            source, "push", "--porcelain", "--atomic", "--no-verify", *leases, "--", self.url,
            *refspecs, timeout=_TRANSFER, ok=(0, 1), again=lambda: lost.append(True),
        )  # fmt: skip
        if said.code == 0:
            told = [line for line in said.stdout.splitlines() if b"\t" in line]
            return bool(lost) or not all(line.startswith(b"=") for line in told)
        wanted = {u.ref: u.new for u in updates if u.new}
        if self.refs(*(u.ref for u in updates)) == wanted:
            return bool(lost)  # one of those arrived, or somebody else was quicker with the same
        rejected = rejections(said.stdout)
        if not rejected or any("unpacker error" in r.words for r in rejected):
            raise self._trouble(process.last_words(said.stderr))
        raise refusal(rejected, said_for_people(said.stderr), where=self.shown)

    def _ask(
        self,
        repository: Repository | None,
        *args: str,
        timeout: float = _LISTING,
        ok: Sequence[int] = (0,),
        again: Callable[[], None] = lambda: None,
    ) -> process.Completed:
        env = dict(self._env)
        if self._credential is not None:
            env["FORKBOT_GIT_USERNAME"] = self._credential.username
            env["FORKBOT_GIT_PASSWORD"] = self._credential.password()
        if repository is not None:
            env["GIT_DIR"] = str(repository.git_dir)
            for name in ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"):
                if name in repository.env:
                    env[name] = repository.env[name]
        try:
            return tenacity.Retrying(
                stop=tenacity.stop_after_attempt(1 if is_path(self.url) else 3),
                wait=tenacity.wait_exponential_jitter(initial=1, max=15),
                retry=tenacity.retry_if_exception_type(ProcessError),
                before_sleep=lambda _: again(),
                reraise=True,
            )(self._once, args, env=env, timeout=timeout, ok=ok)
        except ProcessError as e:
            raise self._trouble(e.last_words) from e
        except TimedOutError as e:
            raise self._trouble(f"no end after {timeout:.0f} s") from e

    def _once(
        self, args: Sequence[str], *, env: process.Env, timeout: float, ok: Sequence[int]
    ) -> process.Completed:
        try:
            return process.run(["git", *self._settings, *args], env=env, timeout=timeout, ok=ok)
        except ProcessError as e:
            if disk_trouble(e) or _final(e.last_words):
                raise self._trouble(e.last_words) from e
            raise

    def _trouble(self, last_words: str) -> RemoteError | MachineError:
        if says_full(last_words):
            return MachineError(
                "no space left on the disk",
                where=self.shown,
                hint="free some space, then run the same command again",
            )
        denied = explain_denial(last_words, where=self.shown) if self._credential else None
        if denied is not None:
            return RemoteError(denied[0], where=self.shown, hint=denied[1])
        cause = next(
            (
                li
                for li in last_words.splitlines()
                if li.startswith(("fatal:", "error:", "remote:"))
            ),
            last_words,
        )
        return RemoteError(
            f"git could not reach it: {cause.removeprefix('fatal: ')}",
            where=self.shown,
            hint=f"git ls-remote {self.shown}",
        )


_CLEAR_NO = (
    "not found",
    "does not exist",
    "Authentication failed",
    "returned error: 403",
    "could not read Username",
    "Could not resolve host",
    "Connection refused",
    "Couldn't connect to server",  # the same, in the words of newer curls
    "Could not connect to server",
    "couldn't find remote ref",
)


def _final(last_words: str) -> bool:
    """Return whether trying again cannot help: the answer was a clear no."""
    return any(sign in last_words for sign in _CLEAR_NO)


def is_path(url: str) -> bool:
    """Return whether git takes ``url`` for a path: no scheme, and no ``host:`` before a slash."""
    return ":" not in url.partition("/")[0]


def local_url(path: Path) -> str:
    """Return a path as git takes it, never to be read as an option or a host."""
    return str(path.resolve())
