"""Rebase one made-up stack on a real history, by the engine and by ``git rebase``, in turns.

    python bench/rebase.py <clone of tokio> [--patches 10] [--runs 9] [--back 300]

The stack: each patch edits three files of the crate's source, two in the middle and one at its end.
Printed: the median and the spread (fastest to slowest) of each way, and the ratios. The trees are
compared. Times are of this machine at this hour: read the ratios.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from forkbot.git.repository import Repository, quarantine, sealed_env
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.rebase.engine import push, rebase
from forkbot.rebase.recreate import Change
from forkbot.words import Channel, Oid
from tests.scenario import DATE, commit_tree, make_stack


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("clone", type=Path)
    options.add_argument("--patches", type=int, default=10)
    options.add_argument("--runs", type=int, default=9)
    options.add_argument("--back", type=int, default=300, help="first-parent commits to cross")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="forkbot-bench-") as folder:
        Bench(asked.clone.resolve(), Path(folder), patches=asked.patches, back=asked.back).report(
            asked.runs
        )


class Bench:
    """One stack, one old base, one new base, and the ways to get from one to the other."""

    def __init__(self, clone: Path, folder: Path, *, patches: int, back: int) -> None:
        env = sealed_env(dict(os.environ))
        mirror = folder / "mirror.git"
        share = ["git", "clone", "-q", "--shared"]
        subprocess.run([*share, "--bare", clone, mirror], check=True, env=env)
        self.repository = Repository(git_dir=mirror, env=env)
        self.folder = folder
        tip = self.repository.resolve("HEAD")
        base = self.repository.resolve(f"{tip}~{back}")
        self.upstream = _Upstream(self.repository)
        self.base, self.onto = self.upstream.place(base), self.upstream.place(tip)
        self.stack, self.changes = make_stack(self.upstream, base, self._edits(base, tip, patches))
        self.work = folder / "work"
        subprocess.run([*share, mirror, self.work], check=True, env=env)
        self.branch = self._commits(self.changes)
        self.env = {**env, "GIT_COMMITTER_NAME": "b", "GIT_COMMITTER_EMAIL": "b@example.invalid"}

    def _edits(self, base: Oid, tip: Oid, count: int) -> dict[str, dict[str | bytes, bytes]]:
        def files(commit: Oid) -> dict[str, str]:
            said = self.repository.git("ls-tree", "-r", "--full-tree", commit).stdout.decode()
            rows = (line.split(None, 3) for line in said.splitlines())
            return {path: oid for _, _, oid, path in rows if path.endswith(".rs")}

        old, new = files(base), files(tip)
        # files that upstream changed as well, but not where we edit: real three-way merges
        both = sorted(p for p in old if p in new and p.startswith("tokio/src/"))
        changed = [p for p in both if old[p] != new[p]]
        picked = (changed + [p for p in both if p not in changed])[: count * 3]
        patches: dict[str, dict[str | bytes, bytes]] = {}
        for number in range(count):
            patch: dict[str | bytes, bytes] = {}
            for path in picked[number::count]:
                data = self.repository.git("cat-file", "blob", old[path]).stdout
                patch[path] = data + f"\n// carried by patch {number}\n".encode()
            patches[f"patch-{number}"] = patch
        return patches

    def _commits(self, changes: tuple[Change, ...]) -> Oid:
        parent = self.base.commit
        for change in changes:
            parent = commit_tree(
                self.repository, tree=change.after, parents=(parent,), message="p", when=DATE
            )
        return parent

    def engine(self, *, stream: bool = True, shortcuts: bool = True) -> Oid:
        """Push the patches over, from the trees they are on the old base."""
        with (
            quarantine(self.repository, scratch=self.folder / "scratch") as lent,
            Workbench(lent, stream=stream, shortcuts=shortcuts) as bench,
        ):
            pushed = list(push(self.changes, onto=self.onto, bench=bench, when=DATE))
        assert all(p.commit for p in pushed), "a patch is in conflict: choose another --back"
        return pushed[-1].tree

    def files(self) -> Oid:
        """Go from patch files to patch files: recreate, push, export."""
        with quarantine(self.repository, scratch=self.folder / "scratch") as lent:
            facts = rebase(
                self.stack, repository=lent, channel=Channel.MAIN, base=self.base, onto=self.onto
            ).facts
        assert facts.tree
        return facts.tree

    def git_rebase(self) -> Oid:
        """Let git do it in a work tree that exists."""
        self._git("rebase", "-q", "--onto", self.onto.commit, self.base.commit)
        return Oid(self._git("rev-parse", "HEAD^{tree}"))

    def _reset(self) -> None:
        self._git("checkout", "-q", "--force", "--detach", self.branch)

    def _git(self, *args: str) -> str:
        return subprocess.run(
            ["git", *args],
            cwd=self.work,
            env=self.env,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.strip()

    def report(self, runs: int) -> None:
        """Run all ways in turns and print what they took."""
        ways: dict[str, Callable[[], Oid]] = {
            "git rebase, existing work tree": self.git_rebase,
            "engine, one git for all merges": self.engine,
            "engine, no shortcut": lambda: self.engine(shortcuts=False),
            "engine, one git a merge": lambda: self.engine(stream=False, shortcuts=False),
            "engine, patch files in and out": self.files,
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        trees = set[Oid]()
        for _ in range(runs):
            for name, way in ways.items():
                self._reset()
                began = time.perf_counter()
                trees.add(way())
                times[name].append(time.perf_counter() - began)
        same = len(trees) == 1
        out = sys.stdout.write
        out(f"{self._git('version')}, {len(self.changes)} patches, {runs} runs, ")
        out(f"trees equal: {same}\n")
        whole = statistics.median(times["git rebase, existing work tree"])
        for name, taken in times.items():
            middle = statistics.median(taken)
            spread = f"({min(taken) * 1000:.0f} to {max(taken) * 1000:.0f})"
            out(f"{name:32} {middle * 1000:7.0f} ms {spread:14} {whole / middle:5.1f} x\n")
        if not same:
            sys.exit("the trees differ")


class _Upstream:
    """What ``make_stack`` needs of an upstream."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.path = repository.git_dir

    def place(self, oid: Oid) -> Place:
        """Return a commit as the engine takes it."""
        return Place(commit=oid, tree=self.repository.commit(oid).tree, label=oid[:7])


if __name__ == "__main__":
    main()
