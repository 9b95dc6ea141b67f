"""The page in a real browser: alone, quiet, readable on a phone, printable, and in enough contrast.

The browser asks a server of the tests' own, which notes what it was asked for.
"""

import functools
import http.server
import json
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from forkbot.report.html import render_html
from tests.browser import dom, find_browser, pdf
from tests.report.judged import JUDGED
from tests.report.records import RECORDS

CSS = Path("forkbot/report/page.css")
WIDTHS = (320, 390, 700, 1280)
# shows each page in a frame of each width, all its details open, and writes how wide it came out
PROBE = """<!doctype html><title>probe</title><pre id="found"></pre><script>
const found = [], asked = %s;
function next() {
  const told = document.getElementById("found");
  if (!asked.length) { told.textContent = JSON.stringify(found); return; }
  const [name, width] = asked.shift(), frame = document.createElement("iframe");
  frame.style.width = width + "px";
  frame.onload = () => {
    const page = frame.contentDocument;
    page.querySelectorAll("details").forEach(d => d.open = true);
    found.push([name, width, page.documentElement.scrollWidth]);
    frame.remove(); next();
  };
  frame.src = name; document.body.append(frame);
}
next();
</script>"""


@pytest.fixture(scope="module")
def browser() -> Path:
    """Return the browser on this machine."""
    found = find_browser(_path())
    assert found, "no browser on PATH; `make test` gets one"
    return found


@functools.cache
def _path() -> str:
    return f"{Path('.venv/bin').absolute()}:{os.environ['PATH']}"


class Site:
    """A folder on the loopback, and what was asked of it."""

    def __init__(self, folder: Path, port: int, asked: list[str]) -> None:
        self.folder, self.asked = folder, asked
        self.url = f"http://127.0.0.1:{port}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve a folder."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Site(tmp_path, server.server_address[1], asked)
        server.shutdown()


def test_a_page_asks_for_nothing_and_says_nothing(browser: Path, site: Site) -> None:
    (site.folder / "report.html").write_text(render_html(JUDGED["judged-conflict"]))
    shown, said = dom(browser, f"{site.url}/report.html")
    assert "broken by" in shown
    assert said == []
    assert site.asked == ["/report.html"]


def test_no_page_scrolls_sideways(browser: Path, site: Site) -> None:
    names = []
    for name, record in {**RECORDS, **JUDGED}.items():
        (site.folder / f"{name}.html").write_text(render_html(record))
        names.append(f"{name}.html")
    wide = replace(JUDGED["judged-conflict"], command="forkbot " + "x" * 500)
    (site.folder / "wide.html").write_text(render_html(wide))
    asked = [(name, width) for name in (*names, "wide.html") for width in WIDTHS]
    (site.folder / "probe.html").write_text(PROBE % json.dumps(asked))
    shown, said = dom(browser, f"{site.url}/probe.html")
    told = re.search(r'<pre id="found">(.*?)</pre>', shown)
    assert told is not None, shown[:400]
    found = json.loads(told[1])
    assert len(found) == len(asked)
    assert [f for f in found if f[2] > f[1]] == []
    assert said == []


def test_what_is_folded_is_printed(browser: Path, site: Site) -> None:
    """The printed page is as long with its details closed as with them open."""
    page = render_html(JUDGED["judged-conflict"])
    lines = "\n".join(f"- old {n}\n+ new {n}" for n in range(300))
    page = page.replace("- cfg_old!", lines)
    closed = page.replace('<details open="">', "<details>")
    (site.folder / "closed.html").write_text(closed)
    (site.folder / "open.html").write_text(closed.replace("<details>", '<details open="">'))
    (site.folder / "without.html").write_text(re.sub("(?s)<details>.*?</details>", "", closed))
    pages = {
        name: pdf(browser, f"{site.url}/{name}.html", site.folder / f"{name}.pdf")
        for name in ("closed", "open", "without")
    }
    counts = {name: len(re.findall(rb"/Type\s*/Page\b", data)) for name, data in pages.items()}
    assert counts["closed"] == counts["open"] > counts["without"] >= 1


def _palette(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})\b", css))


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = (int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_every_text_stands_out_from_what_is_behind_it() -> None:
    css = CSS.read_text(encoding="utf-8")
    light, dark, paper = (
        _palette(css[begin : css.index("}", begin)])
        for begin in (m.start() for m in re.finditer(r":root \{", css))
    )
    for palette in (light, {**light, **dark}, {**light, **paper}):
        for text in ("text", "quiet", "link", "k", "s", "c", "m", "f", "a"):
            for behind in ("page", "raised"):
                assert _contrast(palette[text], palette[behind]) >= 4.5, (text, behind)
        for text in ("text", "k", "s", "c", "m", "f", "a"):
            for behind in ("new", "gone", "was", "new-word"):
                assert _contrast(palette[text], palette[behind]) >= 4.5, (text, behind, palette)
