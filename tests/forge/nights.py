"""The nights that the tests break: what is there before each, and how the run is called."""

from collections.abc import Callable
from pathlib import Path

from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.forge.hosted import Hosted
from tests.forge.story import easy_news, founded

RUN = ("run", "--all")
Night = Callable[[Hosted, Path, tuple[Toolchain, Wasmtime]], None]


def first(hosted: Hosted, proofs: Path, tools: tuple[Toolchain, Wasmtime]) -> None:
    """Nothing was published yet."""
    founded(hosted, proofs, tools)


def easy(hosted: Hosted, proofs: Path, tools: tuple[Toolchain, Wasmtime]) -> None:
    """What is published is to be moved on."""
    upstream = founded(hosted, proofs, tools)
    hosted.forkbot(*RUN)
    easy_news(upstream)


NIGHTS: tuple[Night, ...] = (first, easy)
