"""``python -m tests.get_chromium VENV CACHE``: see that the tests have a browser; installs nothing.

One on PATH that works is taken. Else Debian's chromium is unpacked under CACHE, with the libraries
and the font that apt finds missing on this machine, and ``VENV/bin/chromium`` starts it.
"""

import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from forkbot.errors import ForkbotError, MachineError
from forkbot.verify.apt import Apt, Source
from tests.browser import find_browser, version_of
from tests.debian import from_debian

_WRAPPER = """\
#!/bin/sh
# Made by tests/get_chromium.py: Debian's chromium from where it was unpacked.
root={root}
LD_LIBRARY_PATH=$(printf '%s:' "$root"/usr/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu/pulseaudio \\
    "$root"/lib/*-linux-gnu)
FONTCONFIG_FILE="$root/fonts.conf"
export LD_LIBRARY_PATH FONTCONFIG_FILE
exec "$root/usr/lib/chromium/chromium" "$@"
"""
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<dir>{root}/usr/share/fonts</dir>
<dir>/usr/share/fonts</dir>
<cachedir>{root}/font-cache</cachedir>
<alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
<alias><family>sans</family><prefer><family>DejaVu Sans</family></prefer></alias>
<alias><family>system-ui</family><prefer><family>DejaVu Sans</family></prefer></alias>
<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""


def main(venv: Path, cache: Path) -> None:
    """Print which browser the tests will use; exit 2 where none is to be had."""
    ours = venv / "bin" / "chromium"
    path = f"{ours.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        home = cache / "chromium"
        found = find_browser(path) or _again(ours, home, path)
        if found is None:
            home.mkdir(parents=True, exist_ok=True)
            from_debian(lambda source, suite: _wrap(ours, _unpacked(source, home, suite=suite)))
            found = find_browser(path)
        if found is None:
            raise MachineError("Debian's chromium was unpacked, and does not start")
    except ForkbotError as e:
        sys.stderr.write(f"error: no browser for the tests: {e.what}\n")
        sys.stderr.write("hint: install chromium or google-chrome\n")
        sys.exit(2)
    sys.stdout.write(f"{version_of(found)}: {found}\n")


def _again(ours: Path, home: Path, path: str) -> Path | None:
    """Return the browser that was unpacked before, for this environment or another."""
    for root in home.glob("[0-9]*"):
        _wrap(ours, root)
        if found := find_browser(path):
            return found
    ours.unlink(missing_ok=True)
    return None


def _unpacked(source: Source, home: Path, *, suite: str) -> Path:
    """Return the folder with the newest version of what is missing here, and only that one."""
    with tempfile.TemporaryDirectory(dir=home) as name:
        work = Path(name)
        apt = Apt(work / "apt", source, suite=suite, env=os.environ)
        # what the machine has already is not fetched again
        shutil.copyfile("/var/lib/dpkg/status", work / "apt" / "status")
        apt.update()
        wanted = ("chromium", "fonts-dejavu-core")
        version = next(p.version for p in apt.closure(wanted) if p.name == "chromium")
        root = home / version.replace("%3a", "_")
        draft = work / "root"
        apt.unpack(apt.download(wanted), draft)
        (draft / "fonts.conf").write_text(_FONTS.format(root=root), encoding="utf-8")
        shutil.rmtree(root, ignore_errors=True)
        draft.rename(root)
    for other in home.glob("[0-9]*"):
        if other != root:
            shutil.rmtree(other, ignore_errors=True)
    return root


def _wrap(ours: Path, root: Path) -> None:
    ours.write_text(_WRAPPER.format(root=shlex.quote(str(root))), encoding="utf-8")
    ours.chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
