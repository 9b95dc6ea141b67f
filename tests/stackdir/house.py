"""A small stacks repository to break in one place, and what forkbot then says."""

from collections.abc import Callable
from pathlib import Path

from forkbot.errors import ForkbotError
from forkbot.stackdir.load import load_family

DEFAULTS = """\
fork:
  branches: {main: wasip2, release: wasip2-release}
"""
POLICY = """\
crate: demo
upstream: {git: https://github.com/example/demo, branch: main}
release: {since: 1.2.0}
fork: {repo: demo}
"""
HEADER = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: A Maintainer <maintainer@example.invalid>
Date: Mon, 2 Nov 2026 12:00:00 +0100
Subject: make it so

Because.

Patch-Name: fix
Upstream-Status: Pending
Drop-When: green-without

"""
DIFF = """\
diff --git a/src/lib.rs b/src/lib.rs
index 257cc5642cb1a054f08cc83f2d943e56fd3ebe99..5716ca5987cbf97d6bb54920bea6adde242d87e6 100644
--- a/src/lib.rs
+++ b/src/lib.rs
@@ -1 +1 @@
-foo
+bar
"""


class House:
    """`stacks/` with one stack `demo` and its patch `fix`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("stacks/defaults.yaml", DEFAULTS)
        self.write("stacks/demo/stack.yaml", POLICY)
        self.write("stacks/demo/patches/series", "fix.patch\n")
        self.write("stacks/demo/patches/fix.patch", HEADER + DIFF)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write one file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def remove(self, name: str) -> Path:
        """Take one file away."""
        path = self.root / name
        path.unlink()
        return path

    def to_folder(self, name: str) -> Path:
        """Put a folder where a file stands."""
        path = self.remove(name)
        path.mkdir()
        return path

    def error(self) -> str:
        """Load everything and return the whole message, without the folder's name."""
        return told(lambda: load_family(self.root), root=self.root)


def told(action: Callable[[], object], *, root: Path | None = None) -> str:
    """Return what a failing action tells: `where: what`, and the hint."""
    try:
        action()
    except ForkbotError as e:
        return str(e).replace(f"{root}/", "")
    return "nothing: it was taken"
