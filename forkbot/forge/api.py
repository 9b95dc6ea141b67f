"""GitHub's REST API through PyGithub: asked with patience, its answers taken only as described.

PyGithub brings the auth, the connection and the pace. Its objects are left alone: they ask again
by themselves for what an answer lacks, and take whatever type it has. What may be repeated is
repeated by PyGithub's own retry; a POST never is, for its answer may be all that was lost, so what
is created is looked up before it is tried again.
"""

import datetime as dt
import email.utils
import logging
import time
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Self, TypeVar
from urllib.parse import parse_qsl, urlsplit

import github
import msgspec
import requests
import tenacity
import urllib3
from github.Auth import AppAuth, AppInstallationAuth
from github.Auth import Auth as Scheme
from github.Auth import Token as TokenScheme

from forkbot import __version__
from forkbot.errors import RemoteError
from forkbot.forge.auth import App, Auth
from forkbot.forge.patience import Budget, Patience
from forkbot.text import redact, visible

T = TypeVar("T")
Query = Mapping[str, str | int]
Headers = Mapping[str, str]

github.set_log_level(logging.CRITICAL)  # else it writes on stderr, beside forkbot's own words

_SECONDARY = 60.0  # GitHub: wait for at least a minute where it does not say for how long
_PAGES = 500  # of 100 each: more than a repository has of what one bot wrote
_LATER = "see https://www.githubstatus.com, then run the same command again"
_PASSING = (500, 502, 503, 504)
# all that PyGithub raises: its own, requests', and what foreign content makes of its parsing
_TROUBLES = (
    github.GithubException, requests.RequestException, urllib3.exceptions.HTTPError,
    ValueError, TypeError, AttributeError, KeyError, AssertionError, RuntimeError,
)  # fmt: skip


class AnswerError(RemoteError):
    """GitHub answered, with a status that is an error; ``wait`` says when it may be asked again."""

    def __init__(
        self, what: str, *, status: int, said: str, where: str, hint: str, wait: float | None = None
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.status = status
        self.said = said
        self.wait = wait


class LostError(RemoteError):
    """No answer, or none that can be read: what was asked for may have happened."""


class MovedError(RemoteError):
    """The repository has another name now. PyGithub follows a GET, but forgets its query, and
    takes the answer to a write for success.
    """


class Api:
    """One way in, with one auth."""

    def __init__(
        self, scheme: Scheme, *, url: str, budget: Budget, patience: Patience, pace: float
    ) -> None:
        retry = _Retry(
            total=4,
            backoff_factor=1,
            status_forcelist=[429, *_PASSING],
            allowed_methods={"GET", "HEAD", "PUT", "PATCH", "DELETE"},
            raise_on_status=False,
        )
        retry.pause = patience.pause
        self._scheme = scheme
        self._patience = patience
        self._budget = budget
        self._pace = pace
        self._github = github.Github(
            auth=scheme,
            base_url=url,
            per_page=100,
            user_agent=f"forkbot/{__version__}",
            retry=retry,
            seconds_between_requests=0,  # the pace is ours, so that it can be told and tried
            seconds_between_writes=0,
            api_version="2022-11-28",
        )

    def get(self, path: str, into: type[T], query: Query | None = None) -> T:
        """Return what is there; ``AnswerError`` with status 404 when nothing is."""
        return self._ask("GET", path, into, query=query)[1]

    def headers(self, path: str) -> Headers:
        """Return the headers of an answer."""
        return self._ask("GET", path, object)[0]

    def pages(self, path: str, into: type[T], query: Query) -> Iterator[T]:
        """Yield what all pages of a list have, until GitHub names no next page."""
        wanted: Query | None = {**query, "per_page": 100}
        seen: set[tuple[tuple[str, str], ...]] = set()
        while wanted is not None:
            seen.add(_key(wanted))
            headers, items = self._ask("GET", path, list[object], query=wanted)
            yield from (_taken(item, into, where=f"GET {path}") for item in items)
            wanted = _next_page(headers)
            if wanted is not None and _key(wanted) in seen:
                raise LostError("GitHub's pages go in a circle", where=f"GET {path}")
            if len(seen) == _PAGES:
                raise LostError(f"GitHub has more than {_PAGES} pages", where=f"GET {path}")

    def write(self, verb: str, path: str, body: object = None) -> None:
        """Make a thing so (PATCH, PUT, DELETE): to do it twice is the same as once."""
        self._budget.spend(f"{verb} {path}")
        self._ask(verb, path, object, body=body)

    def create(
        self, path: str, into: type[T], body: object, *, look_up: Callable[[], T | None]
    ) -> T:
        """Create a thing, once: wherever its answer was lost it is looked up before all else."""
        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(4),
            retry=tenacity.retry_if_exception(_may_be_repeated),
            wait=_wait,
            sleep=self._patience.pause,
            reraise=True,
        )
        try:
            for attempt in attempts:
                with attempt:
                    found = look_up() if attempt.retry_state.attempt_number > 1 else None
                    if found is not None:
                        return found
                    self._budget.spend(f"POST {path}")
                    return self._ask("POST", path, into, body=body)[1]
        except AnswerError as e:
            self._end(e)
            raise
        raise AssertionError("tenacity ends by an answer or an error")

    def refused(self, path: str, body: object) -> AnswerError:
        """Return how GitHub refuses a POST that is wrong on purpose, so that it writes nothing."""
        try:
            self._ask("POST", path, object, body=body)
        except AnswerError as e:
            return e
        raise LostError("GitHub took what is no valid request", where=f"POST {path}")

    def graphql(self, query: str, into: type[T]) -> T:
        """Return the answer to a question that only GraphQL has."""
        return self._ask("POST", "/graphql", into, body={"query": query})[1]

    def token(self) -> str:
        """Return the token itself, for git; one of an App's is made anew when it is old."""
        return self._answered("POST …/access_tokens", lambda: self._scheme.token)

    def _ask(
        self,
        verb: str,
        path: str,
        into: type[T],
        *,
        query: Query | None = None,
        body: object = None,
    ) -> tuple[Headers, T]:
        where = f"{verb} {path}"

        def question() -> tuple[Headers, object]:
            return self._github.requester.requestJsonAndCheck(
                verb, path, parameters=dict(query or {}), input=body
            )

        self._patience.space(self._pace, writes=verb != "GET")
        try:
            headers, data = self._answered(where, question)
        except AnswerError as e:
            if verb != "POST":
                self._end(e)
            raise
        except LostError as e:
            # urllib3 repeats what got no answer, and not what got half of one
            half = isinstance(e.__cause__, requests.exceptions.ChunkedEncodingError)
            if not half or verb == "POST":
                raise
            self._patience.pause(1)
            headers, data = self._answered(where, question)
        return headers, _taken(data, into, where=where)

    def _end(self, e: AnswerError) -> None:
        """Ask nothing more where the last answer to patience was to wait."""
        if e.wait is not None:
            raise self._patience.end(e) from e

    def _answered(self, where: str, question: Callable[[], T]) -> T:
        try:
            return self._patience.ask(question)
        except github.GithubException as e:
            raise _refusal(e, where=where) from e
        except MovedError as e:
            e.where = where
            raise
        except _TROUBLES as e:
            raise _lost("GitHub's answer did not come, or cannot be read", e, where=where) from e


class _Retry(github.GithubRetry):
    """PyGithub's, with an end to each wait, and GitHub's own clock for when its limit is over."""

    pause: Callable[[float], None] = staticmethod(time.sleep)

    def new(self, **kw: object) -> Self:
        fresh = super().new(**kw)
        fresh.pause = self.pause
        return fresh

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: FBT001, FBT002 - urllib3's
        """Return whether ``sleep`` shall see the answer."""
        return 300 <= status_code < 400 or super().is_retry(method, status_code, has_retry_after)

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        """Wait for as long as GitHub asks, or end the waiting where it would be in vain."""
        if response is not None and 300 <= response.status < 400:
            raise MovedError(
                "GitHub says that this has moved",
                hint="give the repository's present name: fork: in stack.yaml, or "
                "FORKBOT_STACKS_REPO",
            )
        told = None if response is None else told_wait(response.status, response.headers)
        self.pause(max(1.0, self.get_backoff_time()) if told is None else told)


def told_wait(status: int, headers: Headers) -> float | None:
    """Return for how long GitHub asks to wait, None where it does not ask.

    When a limit is over is a time by GitHub's clock, and so is the date of its answer: the clock
    of this machine has no part in it.
    """
    after = headers.get("Retry-After") or headers.get("retry-after")
    if after is not None:
        if after.strip().isdecimal():
            return float(after)
        until, now = _date(after), _date(headers.get("Date") or headers.get("date"))
        return max(0.0, (until - now).total_seconds()) if until and now else _SECONDARY
    if status not in (403, 429):
        return None
    left = headers.get("X-RateLimit-Remaining") or headers.get("x-ratelimit-remaining")
    reset = headers.get("X-RateLimit-Reset") or headers.get("x-ratelimit-reset") or ""
    now = _date(headers.get("Date") or headers.get("date"))
    if left == "0" and reset.isdecimal() and now is not None:
        return max(0.0, int(reset) - now.timestamp()) + 1
    return _SECONDARY if status == 429 else None


def _taken(data: object, into: type[T], *, where: str) -> T:
    try:
        return msgspec.convert(data, type=into)
    except msgspec.ValidationError as e:
        raise _lost("GitHub's answer is not what its API describes", e, where=where) from e


def _lost(what: str, e: Exception, *, where: str) -> LostError:
    words = visible(redact(f"{type(e).__name__}: {e}"))[:300]
    return LostError(f"{what}: {words}", where=where, hint=_LATER)


def scheme_of(auth: Auth, *, permissions: Mapping[str, str]) -> Scheme:
    """Return PyGithub's own value for who we are."""
    if isinstance(auth, App):
        return AppInstallationAuth(app_scheme(auth), auth.installation, dict(permissions))
    return TokenScheme(auth.secret.reveal())


def app_scheme(app: App) -> AppAuth:
    """Return what speaks for the App itself, not for its installation."""
    return AppAuth(app.app, app.key.reveal())


def _key(query: Query) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((k, str(v)) for k, v in query.items()))


def _next_page(headers: Headers) -> Query | None:
    """Return the query of the next page: a token is never sent where an answer says, only here."""
    for link in headers.get("link", "").split(","):
        url, _, relation = link.partition(";")
        if 'rel="next"' in relation:
            return dict(parse_qsl(urlsplit(url.strip(" <>")).query))
    return None


def _may_be_repeated(e: BaseException) -> bool:
    if isinstance(e, AnswerError):
        return e.wait is not None or e.status in _PASSING
    return isinstance(e, LostError)


def _wait(state: tenacity.RetryCallState) -> float:
    e = state.outcome.exception() if state.outcome else None
    told = e.wait if isinstance(e, AnswerError) else None
    return float(2 ** (state.attempt_number - 1)) if told is None else told


def _refusal(e: github.GithubException, *, where: str) -> RemoteError:
    headers = types.MappingProxyType({k.lower(): str(v) for k, v in (e.headers or {}).items()})
    said = _said(e)
    limited = e.status == 429 or isinstance(e, github.RateLimitExceededException)
    wait = told_wait(e.status, headers)
    if limited:
        wait = _SECONDARY if wait is None else wait
        what = f"GitHub's limit is reached, for {wait:,.0f} s more: {said}"
        hint = "run the same command again then: it goes on where this one ended"
    elif e.status in (401, 403, 404, 410):
        what, hint = _denial(e.status, said, headers)
    else:
        what = f"GitHub answered {e.status}: {said}"
        hint = "forkbot doctor" if e.status < 500 else _LATER
    return AnswerError(what, status=e.status, said=said, where=where, hint=hint, wait=wait)


def _denial(status: int, said: str, headers: Headers) -> tuple[str, str]:
    now = _date(headers.get("date"))
    skew = (dt.datetime.now(dt.UTC) - now).total_seconds() if now else 0.0
    if status == 401 and abs(skew) > 120:
        return (
            f"GitHub refuses the token ({said}), and this machine's clock is {skew:+,.0f} s off",
            "set the clock, then run the same command again",
        )
    needs = headers.get("x-accepted-github-permissions", "")
    match status:
        case 401:
            return f"GitHub refuses the token: {said}", "forkbot doctor"
        case 403:
            more = f"; it needs {visible(needs)}" if needs else ""
            return f"the token may not do this: {said}{more}", "forkbot doctor"
        case 404:
            return "it is not there, or the token may not see it", "forkbot doctor"
        case _:
            return f"it is turned off in this repository: {said}", "forkbot doctor"


def _said(e: github.GithubException) -> str:
    """Return GitHub's own words: its message, and for each field what is wrong."""
    data = e.data if isinstance(e.data, dict) else {}
    errors = data.get("errors")
    parts = [str(data.get("message") or e.message or "no reason given")]
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            words = (error.get(k) for k in ("field", "code", "message"))
            parts.append(" ".join(str(w) for w in words if w))
        else:
            parts.append(str(error))
    return visible(redact("; ".join(parts)))[:500]


def _date(text: str | None) -> dt.datetime | None:
    try:
        return email.utils.parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
