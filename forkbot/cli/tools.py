"""The commands about the machine: toolchain, doctor."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, cast

import click

from forkbot.cli.surroundings import (
    ambient,
    cache_folder,
    json_option,
    opened,
    print_json,
    progress,
)
from forkbot.errors import EXIT_DONE, EXIT_USAGE, ForkbotError
from forkbot.git.repository import git_version, sealed_env
from forkbot.model.base import Fact
from forkbot.stackdir.load import load_family
from forkbot.text import visible
from forkbot.verify.toolchain import TARGET, find_toolchain
from forkbot.verify.wasmtime import find_wasmtime


class Tool(Fact, frozen=True, kw_only=True):
    """One tool: what was chosen, why, and what was passed over."""

    tool: str
    version: str
    program: str
    source: str
    why: str
    passed_over: tuple[str, ...]


@click.command("toolchain")
@click.option(
    "--source", type=click.Choice(["installed", "rustup", "debian"]),
    help="Take rustc from here and nowhere else.",
)  # fmt: skip
@click.option("--no-get", is_flag=True, help="Only look; download nothing.")
@json_option
def toolchain_command(*, source: str | None, no_get: bool, as_json: bool) -> int:
    """Find or get a rustc for wasm32-wasip2, and wasmtime.

    An installed one; else `rustup target add`; else Debian's packages, unpacked into the cache.
    Nothing is installed system-wide.
    """
    env, cache = ambient(), cache_folder()
    with progress() as say:
        rust = find_toolchain(
            env=env, cache=cache, get=not no_get, say=say,
            only=cast('Literal["installed", "rustup", "debian"] | None', source),
        )  # fmt: skip
        wasmtime = find_wasmtime(env=env, cache=cache, get=not no_get, say=say)
    tools = (
        Tool(tool=f"rustc for {TARGET}", version=rust.version, program=str(rust.rustc),
             source=rust.source, why=rust.why, passed_over=rust.passed_over),
        Tool(tool="wasmtime", version=wasmtime.version, program=str(wasmtime.program),
             source=wasmtime.source, why=wasmtime.why, passed_over=wasmtime.passed_over),
    )  # fmt: skip
    if as_json:
        print_json(tools)
        return EXIT_DONE
    for tool in tools:
        click.echo(f"{tool.tool}: {tool.version}")
        click.echo(f"  {tool.source}: {tool.why}")
        click.echo(f"  {tool.program}")
        for passed in tool.passed_over:
            click.echo(f"  passed over: {visible(passed)}")
    return EXIT_DONE


class Check(Fact, frozen=True, kw_only=True):
    """One thing forkbot needs: whether it is there, and what to do when not."""

    name: str
    ok: bool
    found: str
    hint: str = ""


@click.command("doctor")
@json_option
@click.pass_obj
def doctor_command(root: Path | None, *, as_json: bool) -> int:
    """Check everything forkbot needs, and say what to do.

    Downloads nothing and changes nothing. Exit code 2 when something is missing.
    """
    checks = tuple(_checks(root))
    if as_json:
        print_json(checks)
    else:
        for check in checks:
            mark = click.style("ok", fg="green") if check.ok else click.style("missing", fg="red")
            click.echo(f"{mark:>7}  {check.name}: {visible(check.found)}")
            if check.hint and not check.ok:
                click.echo(f"         hint: {check.hint}")
    return EXIT_DONE if all(c.ok for c in checks) else EXIT_USAGE


def _checks(root: Path | None) -> Iterator[Check]:
    env, cache = ambient(), cache_folder()
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check(name="python", ok=sys.version_info >= (3, 11), found=version)

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
        yield _asked("stacks", lambda: _stacks(session.root))
        yield _asked("state", lambda: _writable(session.state))


def _asked(name: str, question: Callable[[], str], *, hint: str = "") -> Check:
    try:
        return Check(name=name, ok=True, found=question())
    except ForkbotError as e:
        where = f"{e.where}: " if e.where else ""
        return Check(name=name, ok=False, found=where + e.what, hint=hint or e.hint or "")


def _writable(folder: Path) -> str:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free >> 30
    probe = existing / ".forkbot-probe"
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
