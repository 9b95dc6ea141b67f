"""The pages that lie beside a run's record."""

from collections.abc import Mapping

from forkbot.model.record import RunRecord
from forkbot.report.html import render_html
from forkbot.report.markdown import render_markdown


def pages(record: RunRecord) -> Mapping[str, str]:
    """Return each page by the name of its file."""
    return {"report.md": render_markdown(record), "report.html": render_html(record)}
