"""The documents say what the program says; the program says what it does."""

import re
import subprocess
import sys
import time

import click
import pytest
from click.testing import CliRunner

from forkbot import errors
from forkbot.cli.main import COMMANDS, cli
from forkbot.errors import ForkbotError
from tests.house.docs import exit_codes, parts, with_parts
from tests.house.source import ROOT

# What no command pays for that does not need it.
HEAVY = ("git", "github", "rich", "yaml", "unidiff", "tenacity", "msgspec")


@pytest.mark.parametrize("document", sorted(parts()))
def test_generated_parts_are_as_generated(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert text == with_parts(text, parts()[document]), "make docs"


def _command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert isinstance(found, click.Command)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_tells_of_itself(name: str) -> None:
    command = _command(name)
    assert (command.name, command.callback is not None) == (name, True)
    assert command.callback is not None
    first = (command.callback.__doc__ or "").partition("\n")[0]
    assert first == COMMANDS[name][1]
    dumb = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert dumb == [], "options without help"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_works(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"])
    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: cli {name} ")
    assert COMMANDS[name][1] in " ".join(shown.output.split())


def test_help_is_there_at_once() -> None:
    """Next to what click alone takes to be imported, in the same moment: machines are busy."""

    def took(*argv: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *argv], check=True, capture_output=True)
        return time.perf_counter() - began

    pairs = [(took("-m", "forkbot", "--help"), took("-c", "import click")) for _ in range(5)]
    assert min(ours / click for ours, click in pairs) < 2.5, pairs


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from forkbot.cli.main import run_cli\n"
        "assert run_cli(['--help']) == 0\n"
        f"sys.exit(' '.join(m for m in {HEAVY!r} if m in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stderr.strip() == ""
    assert "Exit codes: " in done.stdout


def test_exit_codes_are_distinct_and_told() -> None:
    named = {n: v for n, v in vars(errors).items() if re.fullmatch(r"EXIT_\w+", n)}
    assert len({*named.values()}) == len(named)
    assert {*named.values()} == {*exit_codes()} == {*errors.GRAVITY}


def test_each_error_has_its_exit_code() -> None:
    """A new class of error forces a decision here: which exit code, and is it told?"""
    assert {c.__name__: c.exit_code for c in _errors(ForkbotError)} == {
        "ForkbotError": 1, "MachineError": 1, "ProcessError": 1,
        "UsageError": 2,
        "RemoteError": 5, "TimedOutError": 5, "OverLimitError": 5,
        "RefusedError": 6,
    }  # fmt: skip


def _errors(base: type[ForkbotError]) -> set[type[ForkbotError]]:
    own = [c for c in base.__subclasses__() if c.__module__ == errors.__name__]
    return {base}.union(*(_errors(c) for c in own))


def test_the_readme_names_only_commands_and_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for document in parts():
        text = (ROOT / document).read_text(encoding="utf-8")
        assert set(re.findall(r"`forkbot ([a-z-]+)", text)) <= set(COMMANDS)
        assert set(re.findall(r"`make ([a-z]+)", text)) <= targets


def test_make_help_tells_of_every_target() -> None:
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, check=True, capture_output=True
    ).stdout.decode()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    silent = {"chromium", "emulate", "quilt"}  # parts of test
    for target in set(re.findall(r"^\.PHONY: ([a-z]+)$", makefile, re.MULTILINE)) - silent:
        assert re.search(rf"^  {target} +\S", told, re.MULTILINE), target
