"""A real headless browser, as the tests use it: quiet, alone, its profile thrown away."""

import os
import shutil
import tempfile
from pathlib import Path

from forkbot import process
from forkbot.errors import ForkbotError
from forkbot.text import decode

_NAMES = ("chromium", "google-chrome-stable", "google-chrome", "chromium-browser")
_QUIET = (
    "--headless=new", "--disable-gpu", "--no-sandbox", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--disable-dev-shm-usage", "--enable-logging=stderr",
    # nothing but the tests' own server has an address
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


def find_browser(path: str) -> Path | None:
    """Return the first browser on ``path`` that shows a page from a file; one in a box may not."""
    for name in _NAMES:
        found = shutil.which(name, path=path)
        if found is not None and _works(Path(found)):
            return Path(found)
    return None


def version_of(browser: Path) -> str:
    """Return a browser's name and version."""
    return decode(_run(browser, "--version").stdout).strip()


def _works(browser: Path) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text("<p>it works</p>", encoding="utf-8")
        try:
            return b"it works" in _run(browser, "--dump-dom", page.as_uri()).stdout
        except ForkbotError:
            return False


def dom(browser: Path, url: str) -> tuple[str, list[str]]:
    """Return a page as it is once its scripts ran, and what it said on its console."""
    done = _run(browser, "--virtual-time-budget=5000", "--dump-dom", url)
    said = [line for line in decode(done.stderr).splitlines() if ":CONSOLE" in line]
    return decode(done.stdout), said


def pdf(browser: Path, url: str, into: Path) -> bytes:
    """Return a page as it is printed."""
    _run(browser, "--no-pdf-header-footer", f"--print-to-pdf={into}", url)
    return into.read_bytes()


def screenshot(browser: Path, url: str, into: Path, *, width: int, height: int) -> None:
    """Write a picture of a page."""
    _run(browser, f"--window-size={width},{height}", f"--screenshot={into}", url)


def _run(browser: Path, *args: str) -> process.Completed:
    with tempfile.TemporaryDirectory() as profile:
        env = {**process.allow(os.environ), "HOME": profile}
        own = f"--user-data-dir={profile}/profile"
        return process.run([browser, *_QUIET, own, *args], env=env, timeout=120)
