"""How often likeness is right and wrong, on real histories: the calibration of its thresholds.

    python bench/likeness.py <clone>... [--commits 2300] [--window 300] [--every 2] [--show]

No commit's own landing is among those it is compared with, nor a commit with its patch-id. Counted
are patches with four telling new lines or more:

* before: each commit as a patch, against the commits before it. What looks alike was not taken.
* after: each commit as a patch, against the commits after it. These copy from it, so this is an
  upper bound: to upstream's authors the patch was there.
* release: as before, all the commits as one, as a release is.
* edited, renamed, half, split: each commit of twelve such lines or more as a patch, against the
  commits before it and a made-up one that adds its lines reworked: a third of them edited; three
  names renamed; half of them; in two commits.

What it said on 2026-11-22, of tokio, mio, reqwest and socket2 (hyper-util has too few commits):

    before    996 patches, likely   17 ( 1.7%), likely or partly   32 ( 3.2%)
    after    1026 patches, likely   29 ( 2.8%), likely or partly   66 ( 6.4%)
    release   996 patches, likely   21 ( 2.1%), likely or partly   58 ( 5.8%)
    edited    572 patches, likely  459 (80.2%), likely or partly  571 (99.8%)
    renamed   572 patches, likely  509 (89.0%), likely or partly  562 (98.3%)
    half      572 patches, likely   23 ( 4.0%), likely or partly  572 (100%)
    split     572 patches, likely  572 (100%),  likely or partly  572 (100%)

The first three lines are the false-positive rates. By their subjects (``--show``), none of the 17
looks like chance: they land again what had been reverted, or copy a sibling's code. Real drafts:
the commits of dicej/mio's wasip2-using-wasi-libc have all their lines in f9e58685, the next best
commit has 1 of 69; dicej/tokio's wasip2 has 2 of 6 in #7933, too few to say anything by lines, and
is found by three of its six hunks.
"""

import argparse
import os
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from forkbot.git.repository import Repository, quarantine, sealed_env
from forkbot.git.workbench import Workbench
from forkbot.rebase.likeness import FEWEST, LIKELY, PARTLY, added_lines, likeness, novel_lines
from forkbot.rebase.line import upstream_commits
from forkbot.words import Oid

Added = Mapping[Oid, frozenset[bytes]]
SEED = 20261122
_REWORKED = 12  # lines


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("clones", type=Path, nargs="+")
    options.add_argument("--commits", type=int, default=2300, help="of the first-parent line")
    options.add_argument("--window", type=int, default=300, help="commits to compare with")
    options.add_argument("--every", type=int, default=2, help="take each n-th commit as a patch")
    options.add_argument("--show", action="store_true", help="name the likely ones")
    asked = options.parse_args()
    for clone in asked.clones:
        repository = Repository(git_dir=clone.resolve(), env=sealed_env(dict(os.environ)))
        with (
            tempfile.TemporaryDirectory(prefix="forkbot-bench-") as folder,
            quarantine(repository, scratch=Path(folder)) as lent,
            Workbench(lent) as bench,
        ):
            history = History(bench, commits=asked.commits, every=asked.every)
            sys.stdout.write(f"{clone}\n")
            for name, found in history.measure(asked.window):
                sys.stdout.write(f"  {name:<9} {_counts(found)}\n")
                if asked.show and name in {"before", "after"}:
                    sys.stdout.write("".join(history.named(found)))


Found = list[tuple[Oid, float, Oid | None]]  # the patch, the share, who adds most of it


def _counts(found: Found) -> str:
    shares = [share for _, share, _ in found]
    likely, partly = (sum(share >= least for share in shares) for least in (LIKELY, PARTLY))
    total = max(1, len(shares))
    return (
        f"{len(shares):5} patches, likely {likely:4} ({likely / total:6.1%}), "
        f"likely or partly {partly:4} ({partly / total:6.1%})"
    )


class History:
    """A first-parent line; every n-th commit of it is a patch to look for."""

    def __init__(self, bench: Workbench, *, commits: int, every: int) -> None:
        self.bench = bench
        said = bench.repository.git(
            "rev-list", "--first-parent", "--reverse", f"--max-count={commits}", "HEAD"
        )
        self.line = [Oid(oid) for oid in said.stdout.decode().split()]
        steps = dict(zip(self.line[1:], self.line, strict=False))
        self.novel = {
            c: lines for c in self.line[1::every] if len(lines := self._novel(c)) >= FEWEST
        }
        self.added: Added = added_lines(steps, frozenset().union(*self.novel.values()), bench=bench)
        self.ids = self._patch_ids(steps)
        self.chance = random.Random(SEED)  # noqa: S311 - repeatable, no secret

    def _novel(self, commit: Oid) -> frozenset[bytes]:
        tree = self.bench.objects.tree
        before, after = tree(self.bench.objects.parents(commit)[0]), tree(commit)
        return novel_lines(before, after, base=before, last=after, bench=self.bench)

    def _patch_ids(self, steps: Mapping[Oid, Oid]) -> dict[str, str]:
        asked = "".join(f"{commit} {parent}\n" for commit, parent in steps.items())
        git = self.bench.repository.git
        diffs = git("diff-tree", "--stdin", "-p", "--full-index", stdin=asked.encode()).stdout
        said = git("patch-id", "--stable", stdin=diffs).stdout.decode()
        return {commit: patch for patch, commit in (line.split() for line in said.splitlines())}

    def measure(self, window: int) -> Iterator[tuple[str, Found]]:
        """Yield the name of each measurement and what it found."""
        place = {commit: number for number, commit in enumerate(self.line)}
        old = [c for c in self.novel if place[c] > window]
        young = [c for c in self.novel if place[c] + window < len(self.line)]
        before = {c: self._window(c, self.line[place[c] - window : place[c]]) for c in old}
        after = {c: self._window(c, self.line[place[c] + 1 : place[c] + 1 + window]) for c in young}
        yield "before", [self._look(c, added) for c, added in before.items()]
        yield "after", [self._look(c, added) for c, added in after.items()]
        yield (
            "release",
            [self._look(c, {c: frozenset().union(*added.values())}) for c, added in before.items()],
        )
        for name, rework in self.reworks.items():
            yield (
                name,
                [
                    self._look(c, {**added, **{Oid(f"{n:040x}"): r for n, r in enumerate(parts)}})
                    for c, added in before.items()
                    if len(self.novel[c]) >= _REWORKED and (parts := rework(sorted(self.novel[c])))
                ],
            )

    def _window(self, patch: Oid, commits: Sequence[Oid]) -> Added:
        own = self.ids.get(patch)
        return {c: self.added[c] for c in commits if c in self.added and self.ids.get(c) != own}

    def _look(self, patch: Oid, added: Added) -> tuple[Oid, float, Oid | None]:
        found = likeness(self.novel[patch], added)
        return (patch, found.share, found.commits[0]) if found else (patch, 0.0, None)

    @property
    def reworks(self) -> Mapping[str, Callable[[list[bytes]], list[frozenset[bytes]]]]:
        """Return how upstream may rework a patch: its lines to those of one or two commits."""
        return {
            "edited": lambda lines: [frozenset(self._edited(line) for line in lines)],
            "renamed": lambda lines: [frozenset(self._renamed(lines))],
            "half": lambda lines: [frozenset(self.chance.sample(lines, len(lines) // 2))],
            "split": lambda lines: [frozenset(lines[0::2]), frozenset(lines[1::2])],
        }

    def _edited(self, line: bytes) -> bytes:
        return line if self.chance.random() > 1 / 3 else line + b" edited"

    def _renamed(self, lines: list[bytes]) -> list[bytes]:
        names = sorted({name for line in lines for name in re.findall(rb"[a-z_]{5,}", line)})
        for name in self.chance.sample(names, min(3, len(names))):
            lines = [re.sub(rb"\b%b\b" % name, b"renamed", line) for line in lines]
        return lines

    def named(self, found: Found) -> Iterator[str]:
        """Yield a line for each likely pair, the likeliest first."""
        pairs = sorted(((s, p, by) for p, s, by in found if by and s >= LIKELY), reverse=True)
        told = upstream_commits(self.bench, [oid for _, patch, by in pairs for oid in (patch, by)])
        for share, patch, by in pairs:
            names = " <- ".join(f"{oid[:9]} {told[oid].subject[:48]}" for oid in (patch, by))
            yield f"    {share:.2f} {names}\n"


if __name__ == "__main__":
    main()
