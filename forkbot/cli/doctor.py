"""``forkbot doctor``: everything that forkbot needs, asked for; what is missing, and what to do."""

import datetime as dt
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

import click

from forkbot.cli.connect import connected
from forkbot.cli.surroundings import ambient, cache_folder, json_option, opened, print_json
from forkbot.errors import EXIT_DONE, EXIT_USAGE, ForkbotError
from forkbot.forge.local import LocalForge
from forkbot.git.repository import git_version, sealed_env
from forkbot.model.base import Fact
from forkbot.model.stack import Stack
from forkbot.process.seclusion import why_not
from forkbot.session import Session
from forkbot.stackdir.load import load_family
from forkbot.text import visible
from forkbot.verify.toolchain import TARGET, find_toolchain
from forkbot.verify.wasmtime import find_wasmtime

if TYPE_CHECKING:  # what knows GitHub takes half a second to load
    from forkbot.forge.github import GitHubForge

_SOON = dt.timedelta(days=14)  # before a token ends
# what a repository is for decides what the token must be allowed there
_HOME = ("metadata", "contents", "issues", "pull_requests")
_FORK = ("metadata", "contents", "pull_requests")


class Check(Fact, frozen=True, kw_only=True):
    """One thing forkbot needs: whether it is there, and what to do when not."""

    name: str
    state: Literal["ok", "missing", "unsure"]
    found: str
    hint: str = ""


@click.command("doctor")
@json_option
@click.pass_obj
def doctor_command(root: Path | None, *, as_json: bool) -> int:
    """Check everything forkbot needs, and say what to do.

    With a token, each permission is asked for in each repository, and where to give it is told.
    Downloads nothing and changes nothing. Exit code 2 when something is missing.
    """
    checks = tuple(_checks(root))
    if as_json:
        print_json(checks)
    else:
        for check in checks:
            click.echo(f"{_mark(check)}  {check.name}: {visible(check.found)}")
            if check.hint and check.state != "ok":
                click.echo(f"         hint: {visible(check.hint)}")
    return EXIT_USAGE if any(c.state == "missing" for c in checks) else EXIT_DONE


def _mark(check: Check) -> str:
    match check.state:
        case "ok":
            return click.style("     ok", fg="green")
        case "missing":
            return click.style("missing", fg="red")
        case "unsure":
            return click.style(" unsure", fg="yellow")
        case _:
            assert_never(check.state)


def _checks(root: Path | None) -> Iterator[Check]:
    env, cache = ambient(), cache_folder()
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check(
        name="python", state="ok" if sys.version_info >= (3, 11) else "missing", found=version
    )

    def say(_: str) -> None:
        """Doctor is quiet until it knows."""

    yield _asked("git", lambda: "git " + ".".join(map(str, git_version(sealed_env(env)))))
    yield _asked(
        f"rustc for {TARGET}",
        lambda: find_toolchain(env=env, cache=cache, get=False, say=say).version,
        hint="forkbot toolchain",
    )
    yield _asked(
        "wasmtime",
        lambda: find_wasmtime(env=env, cache=cache, get=False, say=say).version,
        hint="forkbot toolchain",
    )
    yield _asked("cache", lambda: _writable(cache))
    with opened(root) as session:
        yield _seclusion(session)
        yield _asked("stacks", lambda: _stacks(session.root))
        yield _asked("state", lambda: _writable(session.state))
        try:
            yield from _forge(session)
        except ForkbotError as e:
            yield _unanswered("forge", e)


def _asked(name: str, question: Callable[[], str], *, hint: str = "") -> Check:
    try:
        return Check(name=name, state="ok", found=question())
    except ForkbotError as e:
        return _unanswered(name, e, hint=hint)


def _unanswered(name: str, error: ForkbotError, *, hint: str = "") -> Check:
    where = f"{error.where}: " if error.where else ""
    return Check(
        name=name, state="missing", found=where + error.what, hint=hint or error.hint or ""
    )


def _writable(folder: Path) -> str:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free >> 30
    probe = existing / f".forkbot-probe-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as e:
        raise ForkbotError(f"cannot write: {e.strerror}", where=str(existing)) from e
    return f"{folder}, {free} GiB free"


def _stacks(root: Path) -> str:
    family = load_family(root)
    patches = sum(len(s.patches) for s in family)
    return f"{len(family)} stacks, {patches} patches: {', '.join(s.name for s in family)}"


def _seclusion(session: Session) -> Check:
    name = "upstream's code"
    why = why_not(session.ambient.get("PATH", ""))
    if not why:
        found = "is built and run in a view of its own, where no secret is"
        return Check(name=name, state="ok", found=found)
    beside = f", and {' and '.join(session.secrets)} is set" if session.secrets else ""
    return Check(
        name=name,
        state="missing" if session.secrets else "unsure",
        found=f"this system cannot keep it apart: {why}{beside}",
        hint="sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0  # on Ubuntu; "
        "elsewhere, allow user namespaces",
    )


# --- the forge


def _forge(session: Session) -> Iterator[Check]:
    connection = connected(session)
    if isinstance(connection.forge, LocalForge):
        yield Check(
            name="forge", state="ok",
            found="this machine's own; with FORKBOT_TOKEN, or an App's three variables, GitHub",
        )  # fmt: skip
        return
    from forkbot.forge.github import GitHubForge  # noqa: PLC0415 - half a second

    assert isinstance(connection.forge, GitHubForge)
    yield _token(connection.forge, connection.home, session.now)
    wanted: dict[str, tuple[str, ...]] = {connection.home: _HOME}
    for stack in load_family(session.root):
        wanted.setdefault(stack.policy.fork.repo, _wanted(stack))
    for repo, names in wanted.items():
        yield from _permissions(connection.forge, repo, names)


def _wanted(stack: Stack) -> tuple[str, ...]:
    keeps = stack.policy.fork.workflows == "keep"
    return (*_FORK, "workflows") if keeps else _FORK


def _token(forge: "GitHubForge", home: str, now: dt.datetime) -> Check:
    name = "forge"
    try:
        found, ends = f"GitHub, as {forge.login}", forge.expiry(home)
    except ForkbotError as e:
        return _unanswered(name, e)
    if ends is None:
        return Check(name=name, state="ok", found=found)
    found += f", with a token that ends on {ends:%Y-%m-%d}"
    if ends - now > _SOON:
        return Check(name=name, state="ok", found=found)
    return Check(
        name=name, state="unsure", found=f"{found}, in {(ends - now).days} days",
        hint="make a new token, and put it where this one is kept",
    )  # fmt: skip


def _permissions(forge: "GitHubForge", repo: str, wanted: tuple[str, ...]) -> Iterator[Check]:
    """Yield one line for all that is granted in a repository, one for each thing that is not."""
    try:
        found = forge.permissions(repo, wanted)
    except ForkbotError as e:
        yield _unanswered(repo, e)
        return
    granted = [f"{p.name}: {p.level}" for p in found if p.state == "granted"]
    if granted:
        yield Check(name=repo, state="ok", found=", ".join(granted))
    for permission in found:
        if permission.state != "granted":
            yield Check(
                name=f"{repo}: {permission.name}: {permission.level}",
                state="missing" if permission.state == "missing" else "unsure",
                found=permission.found,
                hint=permission.hint,
            )
