"""Words in a log of GitHub Actions, where a line may be a command to the machine that runs it.

``::error::`` at the beginning of a line makes an annotation, ``::add-mask::`` hides what follows,
``::stop-commands::`` takes the say from the steps that come after; ``##[…]`` is read in the midst
of a line, too. What forkbot prints quotes upstream and its compiler, so none of it may be one.
"""

import io
import re
import sys

import click

_BREAK = "\u200b"
_COMMANDS = (
    (re.compile(r"^(\s*)(?=:)"), rf"\1{_BREAK}"),  # at the beginning of a line
    (re.compile(r"#(?=\[)"), f"#{_BREAK}"),
)


class Inert(io.TextIOWrapper):
    """A stream on which no line is a command; a reader sees the same."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        stream.flush()
        super().__init__(
            stream.detach(), encoding="utf-8", errors="backslashreplace", write_through=True
        )
        self._said = ""  # of the line, as far as it is written

    def write(self, text: str) -> int:
        """Write the text, each command in it broken by a character that is not seen."""
        super().write(text[:0])  # click tries by b"" whether a stream takes bytes
        for part in text.splitlines(keepends=True):
            # a command may come in pieces, so what is written goes before it once more
            before = "x" if self._said.strip() else ""
            before += "#" if self._said.endswith("#") else ""
            told = before + part
            for pattern, broken in _COMMANDS:
                told = pattern.sub(broken, told)
            super().write(told[len(before) :])
            self._said = "" if part.endswith("\n") else self._said + part
        return len(text)

    def exactly(self, text: str) -> None:
        """Write what a program is to read, not a person."""
        super().write(text)


def make_inert() -> None:
    """Let nothing that is said from now on be a command of Actions."""
    if isinstance(sys.stdout, io.TextIOWrapper) and isinstance(sys.stderr, io.TextIOWrapper):
        sys.stdout, sys.stderr = Inert(sys.stdout), Inert(sys.stderr)


def echo_exactly(text: str) -> None:
    """Print what a program is to read, byte for byte, on stdout."""
    if isinstance(sys.stdout, Inert):
        sys.stdout.exactly(text)
    else:
        click.echo(text, nl=False)
