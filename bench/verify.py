"""What a verify of this repository's stacks costs: cold, warm and with one crate changed.

    python bench/verify.py [--cold 1] [--warm 5] [--edit mio] [--channel release] [STACK…]

All of it happens in one process and one run, so that the ratios compare like with like on a machine
that others use, too. Cold is without any target folder, packages fetched before; warm is the same
again; with a crate changed, all that depends on it is compiled anew. What forkbot itself takes is
all the time in which neither cargo nor wasmtime ran; starting these in a view of their own, which
is in their time, and forkbot's processor time, the watch over them included, are told beside that.

Measured on 2026-11-23 on two cores that nothing else used: all five stacks on their releases, 168
runs of cases and 36 builds, controls and canaries included. Seconds, median (spread):

| verify | whole | cargo build | resolve, fetch | wasmtime | forkbot's own | of cargo's |
|---|---|---|---|---|---|---|
| cold x1 | 364.1 | 321.4 | 8.5 | 31.8 | 2.4 | 0.7 % |
| warm x3 | 36.6 (35.2 to 37.7) | 10.3 (9.2 to 10.4) | 8.7 | 16.2 | 1.6 (1.4 to 1.7) | 8.5 % |
| with mio changed x3 | 62.7 (58.5 to 62.7) | 35.0 | 9.0 | 16.4 | 1.6 (1.4 to 1.6) | 3.6 % |

Warm to cold 0.101 (0.097 to 0.103), with mio changed 0.172 (0.161 to 0.172). A view cost 27 ms
then, so 204 of them are 5.5 s more of forkbot's doing: together 2.4 % of cargo's when cold. They
grow with the cases and not with what is compiled. Three hours earlier all was some 15 % quicker
(cold 302.7), and warm to cold 0.111 (0.110 to 0.119). Memory: forkbot 74 MiB, cargo and all its
own 450 MiB at most.
"""

import argparse
import contextlib
import dataclasses
import io
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from forkbot import process
from forkbot.cli.main import run_cli
from forkbot.process.limits import size
from forkbot.process.seclusion import View, secluded

ROOT = Path(__file__).parent.parent


@dataclasses.dataclass(slots=True)
class Took:
    """What one verify took."""

    kind: str
    seconds: float = 0.0
    own_processor: float = 0.0
    by: dict[str, float] = dataclasses.field(default_factory=dict)  # wall seconds of children
    starts: int = 0  # of children in a view of their own
    peak: int = 0  # bytes of memory of a child and all its own

    def children(self, *kinds: str) -> float:
        """Return the seconds in which children of these kinds ran."""
        return sum(self.by.get(kind, 0.0) for kind in kinds)


class Ledger:
    """Stands before ``process.run`` and keeps account."""

    def __init__(self) -> None:
        self.took = Took("")
        self._run = process.run
        process.run = self.run

    def run(self, argv: Sequence[str | Path], **more: object) -> process.Completed:
        """Run a child as ever, and note what it took."""
        words = [Path(str(word)).name for word in argv]
        kind = "git and the like"
        for program in ("cargo", "wasmtime"):
            if program in words:
                kind = f"{program} {words[words.index(program) + 1]}"
        began = time.monotonic()
        try:
            ended = self._run(argv, **more)  # type: ignore[arg-type]
            self.took.peak = max(self.took.peak, ended.peak)
            return ended
        finally:
            self.took.by[kind] = self.took.by.get(kind, 0.0) + time.monotonic() - began
            self.took.starts += words[0] == "unshare"

    @contextlib.contextmanager
    def account(self, kind: str) -> Iterator[Took]:
        """Keep account of a block."""
        self.took = took = Took(kind)
        before, began = _processor(), time.monotonic()
        yield took
        took.seconds = time.monotonic() - began
        took.own_processor = _processor() - before


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def verify(root: Path, stacks: list[str], channel: str) -> str:
    """Verify, and return what forkbot says of it in a line."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()) as troubles:
        code = run_cli(["-C", str(root), "verify", *stacks, "--channel", channel, "--again"])
    last = (said.getvalue() or troubles.getvalue()).strip().splitlines()[-1:]
    return f"exit code {code}: {''.join(last)}"


def start_of_a_view() -> float:
    """Return the seconds that a view of its own costs a child: the median of ten."""

    def median(call: Callable[[Path], object]) -> float:
        times = []
        with tempfile.TemporaryDirectory() as root:
            for _ in range(10):
                began = time.monotonic()
                call(Path(root))
                times.append(time.monotonic() - began)
        return statistics.median(times)

    env = {"PATH": os.environ["PATH"]}
    with_view = median(
        lambda root: process.run(secluded(["/bin/true"], View(root=root)), env=env, timeout=60)
    )
    return with_view - median(lambda _: process.run(["/bin/true"], env=env, timeout=60))


def row(took: list[Took], view: float) -> str:
    """Return what several verifies of one kind took, as the row of a table: median, spread."""

    def spread(values: list[float], form: str) -> str:
        low, high = min(values), max(values)
        return f"{statistics.median(values):{form}} ({low:{form}} to {high:{form}})"

    cargo = [t.children("cargo build") for t in took]
    others = [t.children("cargo generate-lockfile", "cargo fetch", "cargo metadata") for t in took]
    ran = [t.children("wasmtime run", "wasmtime compile") for t in took]
    own = [t.seconds - c - o - r for t, c, o, r in zip(took, cargo, others, ran, strict=True)]
    share = [100 * o / (c + f) for o, c, f in zip(own, cargo, others, strict=True)]
    return " | ".join((
        f"| {took[0].kind} x{len(took)}",
        spread([t.seconds for t in took], ".1f"), spread(cargo, ".1f"), spread(others, ".1f"),
        spread(ran, ".1f"), spread(own, ".2f"), spread(share, ".1f"),
        spread([t.starts * view for t in took], ".1f"),
        spread([t.own_processor for t in took], ".2f"),
        f"{size(max(t.peak for t in took))} |",
    ))  # fmt: skip


def main() -> None:
    """Verify again and again, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("stacks", nargs="*")
    parser.add_argument("--channel", default="release")
    parser.add_argument("--cold", type=int, default=1)
    parser.add_argument("--warm", type=int, default=5)
    parser.add_argument("--edit", default="mio", help="the stack whose crate is changed")
    asked = parser.parse_args()
    ledger, took = Ledger(), list[Took]()
    view = start_of_a_view()
    (ROOT / ".forkbot").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".forkbot") as place:
        root = Path(place)
        shutil.copytree(ROOT / "stacks", root / "stacks")

        def one(kind: str) -> None:
            with ledger.account(kind) as this:
                said = verify(root, asked.stacks, asked.channel)
            took.append(this)
            sys.stderr.write(f"{kind}: {this.seconds:.1f} s, {said}\n")

        build = root / ".forkbot" / "build"
        for _ in range(asked.cold):
            shutil.rmtree(build, ignore_errors=True)
            one("cold")
        for _ in range(asked.warm):
            one("warm")
        for _ in range(asked.warm):
            for tree in ("with-stacks", "pristine"):
                changed = build / asked.channel / tree / "src" / asked.edit / "src" / "lib.rs"
                if changed.exists():  # nothing is built of pristine upstream without a component
                    os.utime(changed)
            one(f"{asked.edit} changed")
    tell(took, view)


def tell(took: list[Took], view: float) -> None:
    """Print the table, and the ratios to a cold one."""
    heads = (
        "verify", "whole", "cargo build", "resolve, fetch", "wasmtime", "forkbot's own",
        "% of cargo's", "views", "processor time of its own", "memory of children",
    )  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    kinds = list(dict.fromkeys(t.kind for t in took))
    lines += [row([t for t in took if t.kind == kind], view) for kind in kinds]
    cold = statistics.median([t.seconds for t in took if t.kind == "cold"])
    for kind in kinds[1:]:
        ratios = [t.seconds / cold for t in took if t.kind == kind]
        middle = statistics.median(ratios)
        lines.append(f"{kind} / cold: {middle:.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    most = size(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    lines.append(f"a view of its own costs a child {1000 * view:.0f} ms; forkbot's memory: {most}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
