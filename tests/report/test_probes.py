"""What a probe found, told whole in Markdown and in a terminal."""

# ruff: noqa: E501 - sentences of reports

import io
from textwrap import dedent

import msgspec
from rich.console import Console

from forkbot.model.diagnostic import Diagnostic
from forkbot.model.fate import Fate
from forkbot.model.probe import ProbeAnswer, Red, RedKind
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report.markdown import render_markdown
from forkbot.report.terminal import show
from forkbot.words import Channel, PatchName, StackName
from tests.report.records import outcome, rebase

RENDERED = "error: only `sync`, @tokio\n --> tokio/src/lib.rs:503:1\n"
ANSWERS = (
    ProbeAnswer(
        patch=PatchName("unlock"), needed=True, why="lookup edits what it wrote, and is needed",
        needed_by=(PatchName("lookup"),),
    ),
    ProbeAnswer(
        patch=PatchName("lookup"), needed=True, seconds=31.4,
        why="reqwest's get is red: no threads here (exit code 134)",
        red=Red(
            kind=RedKind.SMOKE, stack="reqwest", name="get", why="", output="no threads here\n"
        ),
    ),
    ProbeAnswer(
        patch=PatchName("net"), needed=True, seconds=4.2,
        why="tokio does not build: tokio/src/lib.rs:503: only `sync`, @tokio",
        red=Red(
            kind=RedKind.BUILD, stack="tokio", name="tokio (net)", why="", more_errors=2,
            errors=(
                Diagnostic(level="error", code="", message="only `sync`, @tokio", package="tokio",
                           rendered=RENDERED),
            ),
        ),
    ),
    ProbeAnswer(
        patch=PatchName("first"), needed=False, why="", seconds=44.0, without=(PatchName("words"),)
    ),
    ProbeAnswer(patch=PatchName("words"), needed=False, why="", seconds=40.0),
)  # fmt: skip


def record(*answers: ProbeAnswer, dry_run: bool = False) -> RunRecord:
    """Return a probe of tokio as a record."""
    outcomes = (outcome(a.patch, Fate.UNCHANGED) for a in answers)
    files = ("stack.lock",)
    return RunRecord(
        id="20261122T030000Z", command="forkbot probe tokio --channel release",
        channel=Channel.RELEASE, forkbot="0.1.0", git="2.47.3", dry_run=dry_run, seconds=140.0,
        stacks=(
            StackRecord(
                name=StackName("tokio"), crate="tokio", about="",
                rebase=rebase("tokio", *outcomes, moved=False), probes=answers,
                files_to_write=files if dry_run else (), files_written=() if dry_run else files,
            ),
        ),
        exit_code=0,
    )  # fmt: skip


def shown(told: RunRecord) -> str:
    """Return what a terminal shows."""
    out = io.StringIO()
    show(told, Console(file=out, width=120, highlight=False))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def test_terminal() -> None:
    assert shown(record(*ANSWERS)) == dedent("""
         stack   patch                 why
         ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
         tokio   unlock   needed       lookup edits what it wrote, and is needed
         tokio   lookup   needed       reqwest's get is red: no threads here (exit code 134)
         tokio   net      needed       tokio does not build: tokio/src/lib.rs:503: only `sync`, @tokio
         tokio   first    not needed   nothing that is built and run here misses it, nor words, which cannot do without it
         tokio   words    not needed   nothing that is built and run here misses it

        5 patches on release: 3 needed, 2 not needed by anything that is built and run here
        first and words of tokio: drop one and probe again, or add a component to stacks/tokio/smoke that is red without it
        """)


def test_terminal_of_a_dry_run_and_of_answers_that_were_known() -> None:
    known = (msgspec.structs.replace(a, remembered=True, red=None) for a in ANSWERS[1:3])
    assert shown(record(*known, dry_run=True)).splitlines()[-2:] == [
        "2 patches on release: 2 needed, 0 not needed by anything that is built and run here, known before",
        "would write stacks/tokio/stack.lock",
    ]


def test_markdown() -> None:
    report = render_markdown(record(*ANSWERS))
    headline = "5 patches on release: 3 needed, 2 not needed by anything that is built and run here"
    assert report.startswith(f"# {headline}\n")
    begin = report.index("## tokio: what")
    end = report.index("## tokio: 5 patches")
    assert report[begin:end] == dedent("""\
        ## tokio: what each patch is there for

        | patch |  | without it |  |
        |---|---|---|---|
        | `unlock` | **needed** | lookup edits what it wrote, and is needed |  |
        | `lookup` | **needed** | reqwest's get is red: no threads here (exit code 134) | 31 s |
        | `net` | **needed** | tokio does not build: tokio/src/lib.rs:\u200b503: only \\`sync\\`, @\u200btokio | 4 s |
        | `first` | **not needed** | nothing that is built and run here misses it, nor words, which cannot do without it | 44 s |
        | `words` | **not needed** | nothing that is built and run here misses it | 40 s |

        Each patch was left out alone: of two that stand in for each other, neither is missed.

        ### Without `lookup`, reqwest's get said

        ```
        no threads here
        ```

        ### Without `net`, building tokio (net) said

        ```
        error: only `sync`, @tokio
         --> tokio/src/lib.rs:503:1
        ```

        And 2 more errors.

        """)
