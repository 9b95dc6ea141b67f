"""Every way a run can end, told in Markdown, as a page and in a terminal, compared whole.

``REWRITE_GOLDEN=1 pytest tests/report`` writes the files anew; read their diff as the reader of the
report would, tired and at three in the morning.
"""

import io
import os
import re
from pathlib import Path

import pytest
from rich.console import Console

from forkbot.report.html import render_html
from forkbot.report.markdown import render_markdown
from forkbot.report.terminal import show
from tests.report.broken import BROKEN
from tests.report.judged import JUDGED
from tests.report.records import RECORDS

GOLDEN = Path(__file__).parent / "golden"
ALL = {**RECORDS, **BROKEN, **JUDGED}
REWRITE = bool(os.environ.get("REWRITE_GOLDEN"))


def check(name: str, text: str) -> None:
    """Compare with the golden file, or write it when asked to."""
    path = GOLDEN / name
    if REWRITE:
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", ALL)
def test_markdown(name: str) -> None:
    check(f"{name}.md", render_markdown(ALL[name]))


@pytest.mark.parametrize("name", ALL)
def test_html(name: str) -> None:
    page = render_html(ALL[name])
    check(f"{name}.html", re.sub(r"(?s)(?<=<style>).*(?=</style>)", "page.css", page))


@pytest.mark.parametrize("name", ALL)
def test_terminal(name: str) -> None:
    out = io.StringIO()
    show(ALL[name], Console(file=out, width=80, highlight=False))
    check(f"{name}.txt", "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines()))


def test_no_file_lies_about() -> None:
    known = {f"{name}.{kind}" for name in ALL for kind in ("html", "md", "txt")}
    assert {path.name for path in GOLDEN.iterdir()} == known
