"""The command about the machine's tools: toolchain."""

from typing import Literal, cast

import click

from forkbot.cli.surroundings import (
    ambient,
    cache_folder,
    json_option,
    print_json,
    progress,
)
from forkbot.errors import EXIT_DONE
from forkbot.model.base import Fact
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
