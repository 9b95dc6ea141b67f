"""Which of the permissions that forkbot needs it has: found by asking, without writing a thing."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Literal

import msgspec

from forkbot.forge.api import AnswerError, Api
from forkbot.forge.auth import NEEDS, App, Auth, Token
from forkbot.model.base import Fact

# A POST that lacks what it cannot do without. Whether we may is decided before whether it is
# valid, so 422 says that we may; nothing can come of it.
_PROBES = {"contents": "git/refs", "issues": "issues", "pull_requests": "pulls"}


class Permission(Fact, frozen=True, kw_only=True):
    """One permission: whether it is there, how that was found, and where it is given."""

    name: str
    level: str  # read, write
    state: Literal["granted", "missing", "unknown"]
    found: str
    hint: str = ""


class _Installation(msgspec.Struct):
    html_url: str
    permissions: dict[str, str]
    suspended_at: str | None = None


def ask_permissions(
    auth: Auth, api: Api, app_api: Api | None, *, at: str, web: str, wanted: Collection[str]
) -> tuple[Permission, ...]:
    """Return of what is ``wanted`` in the repository ``at`` whether it is there, each asked for.

    A repository that is not seen gives no more than that.
    """
    listed: tuple[Permission, ...] = ()
    if isinstance(auth, App):
        assert app_api is not None, "an App has a way to ask in its own name"
        listed = tuple(p for p in _of_installation(auth, app_api) if p.name in wanted)
        if any(p.state == "missing" for p in listed):
            return listed
    try:
        headers = api.headers(at)
    except AnswerError as e:
        if e.status not in (401, 403, 404):
            raise
        hint = (
            f"install the App there too: {web}/settings/installations/{auth.installation}"
            if isinstance(auth, App)
            else f"see that it is there; if so, {_where(auth, 'metadata', web)}"
        )
        return (
            Permission(name="metadata", level="read", state="missing", found=e.what, hint=hint),
        )
    if isinstance(auth, App):
        return listed
    return tuple(_of_token(auth, api, headers, at=at, web=web, wanted=wanted))


def expiry(headers: Mapping[str, str]) -> dt.datetime | None:
    """Return when the token that got this answer ends, None where it does not or nobody says."""
    text = headers.get("github-authentication-token-expiration", "").removesuffix(" UTC")
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def _of_installation(app: App, api: Api) -> Iterator[Permission]:
    """GitHub lists an installation's permissions in full."""
    told = api.get(f"/app/installations/{app.installation}", _Installation)
    for name, level in NEEDS.items():
        has = told.permissions.get(name, "none")
        # where it has another permission, reading the repository's metadata comes along
        fine = told.suspended_at is None and (has in (level, "write", "admin"))
        yield Permission(
            name=name,
            level=level,
            state="granted" if fine else "missing",
            found=f"the installation has {name}={has}"
            if told.suspended_at is None
            else "the installation is suspended",
            hint=""
            if fine
            else f"give the App {name}: {level} in its settings, then accept it at {told.html_url}",
        )


def _of_token(
    token: Token, api: Api, headers: Mapping[str, str], *, at: str, web: str,
    wanted: Collection[str],
) -> Iterator[Permission]:  # fmt: skip
    yield Permission(name="metadata", level="read", state="granted", found="the repository is seen")
    for name, path in _PROBES.items():
        if name in wanted:
            yield _probed(token, name, api.refused(f"{at}/{path}", {}), web=web)
    if "workflows" in wanted:
        yield _workflows(token, headers, web=web)


def _probed(token: Token, name: str, answer: AnswerError, *, web: str) -> Permission:
    level = NEEDS[name]
    match answer.status:
        case 422:
            return Permission(name=name, level=level, state="granted", found="asked, and allowed")
        case 401 | 403 | 404 if answer.wait is None:
            hint = _where(token, name, web)
            return Permission(name=name, level=level, state="missing", found=answer.what, hint=hint)
        case 410:
            hint = "turn issues on in the repository's settings, or let the policy ask for none"
            return Permission(name=name, level=level, state="missing", found=answer.what, hint=hint)
        case _:
            hint = "forkbot doctor"
            return Permission(name=name, level=level, state="unknown", found=answer.what, hint=hint)


def _workflows(token: Token, headers: Mapping[str, str], *, web: str) -> Permission:
    """Only a classic token says its scopes; of the others only a push of a workflow would tell."""
    scopes = headers.get("x-oauth-scopes")
    if scopes is None:
        return Permission(
            name="workflows",
            level="write",
            state="unknown",
            found="GitHub tells only when a push changes .github/workflows",
            hint=_where(token, "workflows", web),
        )
    has = "workflow" in [s.strip() for s in scopes.split(",")]
    return Permission(
        name="workflows",
        level="write",
        state="granted" if has else "missing",
        found=f"the token's scopes: {scopes or 'none'}",
        hint="" if has else _where(token, "workflows", web),
    )


def _where(token: Token, name: str, web: str) -> str:
    level = {"read": "Read-only", "write": "Read and write"}[NEEDS[name]]
    title = name.replace("_", " ").capitalize()
    match token.kind:
        case "classic":
            scope = "workflow" if name == "workflows" else "repo"
            return f"tick the scope {scope} of the token at {web}/settings/tokens"
        case "installation":
            word = name.replace("_", "-")
            return f"give the job `permissions: {word}: {NEEDS[name]}`, or use a token of your own"
        case _:
            return (
                f"at {web}/settings/personal-access-tokens choose the token, this repository, and "
                f"under Repository permissions {title}: {level}"
            )
