"""``python -m tests.get_quilt VENV``: see that the tests have a real quilt; installs nothing.

One on PATH is taken. Else Debian's package is unpacked into the virtual environment, with ``patch``
where the machine has none, and ``VENV/bin/quilt`` starts it.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from forkbot import process
from forkbot.errors import ForkbotError
from forkbot.verify.apt import Apt, Source
from tests.debian import from_debian

_WRAPPER = """\
#!/bin/sh
# Made by tests/get_quilt.py: Debian's quilt from where it was unpacked.
root=$(cd -- "${0%/*}/../share/quilt" && pwd -P)
PATH="$root/usr/bin:$PATH" QUILT_DIR="$root/usr/share/quilt"
export PATH QUILT_DIR
exec "$root/usr/bin/quilt" "$@"
"""


def main(venv: Path) -> None:
    """Print which quilt the tests will use; exit 2 where none is to be had."""
    ours = venv / "bin" / "quilt"
    path = f"{ours.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        if shutil.which("quilt", path=path) is None:
            _get(ours, venv / "share" / "quilt")
        version = process.run(["quilt", "--version"], env={"PATH": path}, timeout=60).stdout
    except ForkbotError as e:
        sys.stderr.write(f"error: no quilt for the tests: {e.what}\n")
        sys.stderr.write(
            "hint: install quilt; apt, dnf, pacman and brew all know it by this name\n"
        )
        sys.exit(2)
    found = shutil.which("quilt", path=path)
    sys.stdout.write(f"quilt {version.decode().strip()}: {found}\n")


def _get(ours: Path, home: Path) -> None:
    from_debian(lambda source, suite: _unpack(source, home, suite=suite))
    ours.write_text(_WRAPPER, encoding="utf-8")
    ours.chmod(0o755)


def _unpack(source: Source, home: Path, *, suite: str) -> None:
    # What quilt depends on besides (bash, perl, sed, column) every Debian has.
    wanted = ["quilt", *(p for p in ("patch", "diffstat") if shutil.which(p) is None)]
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        apt = Apt(work / "apt", source, suite=suite, env=os.environ)
        apt.update()
        argv = ["apt-get", "-qq", "-c", str(work / "apt" / "apt.conf"), "download", *wanted]
        process.run(argv, env=process.allow(os.environ, network=True), cwd=work, timeout=300)
        apt.unpack(sorted(work.glob("*.deb")), home)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
