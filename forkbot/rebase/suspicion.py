"""Clean is not proof: lines that upstream added since the base, and that our patch swallows.

A merge is clean where the two sides touch different lines. So a gate that a patch put on a module,
an impl block or a function reaches, after a clean merge, over all that upstream has put under it
since: the feature is lost, and nobody was told. What the patch did on its own base is intended and
no news; asked is only for upstream's new lines (``News.added``):

* GATES: a condition stands over the line that did not stand there before the patch, and that what
  stood there before does not imply; in the file itself, or over the ``mod`` line in front of it.
  Told for a run of new lines in which something begins that has a name of its own (a function, a
  type, a module …) and was not there before: an edit of what the patch gates on purpose is no
  feature lost. Also told: a file that upstream added to a folder of which the patch takes away all
  the rest.
* REMOVES: the line is gone, from all files of the patch, and the patch did not take this text away
  on its own base. A merge of lines would conflict there; what settles conflicts may not.

Code for tests is left out. Gates are known for Rust alone (``gates.py`` says how far).
"""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping

from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.model.judgement import Suspicion, SuspicionKind
from forkbot.rebase.alignment import origins
from forkbot.rebase.calm import is_calm
from forkbot.rebase.case import Case, Pushed
from forkbot.rebase.cfg import FALSE, Condition, every, implies
from forkbot.rebase.edits import Texts
from forkbot.rebase.gates import module_files
from forkbot.rebase.news import News, Run, for_tests, runs, telling
from forkbot.rebase.recreate import Change
from forkbot.text import decode, visible
from forkbot.words import PatchName

_SHOWN = 20  # lines of a finding; the digest is over all of them
Step = tuple[bytes, Entry | None, Entry | None]


def find_suspicions(case: Case, news: News, *, bench: Workbench) -> tuple[Suspicion, ...]:
    """Return what the carried patches swallow of upstream's new lines."""
    if not news.changed:
        return ()
    changes = {change.patch.name: change for change in case.changes}
    found: dict[str, Suspicion] = {}
    carried = [p for p in case.pushed if p.commit is not None]
    texts = Texts(bench)
    texts.foresee(
        (old.oid, new.oid)
        for pushed in carried
        for path, old, new in bench.trees.changes(pushed.before, pushed.tree)
        if old is not None and new is not None and path.endswith(b".rs")
    )
    for pushed in carried:
        looker = _Looker(case, news, bench, texts, pushed, changes[pushed.patch.name])
        found.update((s.key, s) for s in looker.look())
    return tuple(found.values())


@dataclasses.dataclass(slots=True)
class _Looker:
    """Looks at one patch."""

    case: Case
    news: News
    bench: Workbench
    texts: Texts
    pushed: Pushed
    change: Change

    def look(self) -> Iterator[Suspicion]:
        steps = list(self.bench.trees.changes(self.pushed.before, self.pushed.tree))
        yield from self._removed(steps)
        for path, before, after in steps:
            if path.endswith(b".rs") and not self._is_calm(before, after):
                if path in self.news.changed:
                    yield from self._gated(path)
                yield from self._modules(path, before, after)
                yield from self._macros(path, before, after)
            if after is None:
                yield from self._left_alone(path)

    def _is_calm(self, before: Entry | None, after: Entry | None) -> bool:
        """Return whether the patch can have moved no gate of a file; a file that comes has none."""
        if before is None or after is None:
            return False
        edits = self.texts.edits(before.oid, after.oid)
        return is_calm(edits, self.texts.lines(before.oid), self.texts.lines(after.oid))

    def _gated(self, path: bytes) -> Iterator[Suspicion]:
        """Yield upstream's new lines of one file over which the patch puts a condition."""
        onto = self.news.changed[path][1]
        under, ours = self.pushed.before, self.pushed.tree
        before, after = self.news.at(under, path), self.news.at(ours, path)
        if before is None or after is None or not self.news.rust(after).gates:
            return
        to_before = _forward(self.news.lines(onto), self.news.lines(before))
        to_after = _forward(self.news.lines(before), self.news.lines(after))
        around = self.news.ambient(path)
        macros = self.news.macros(ours, path)
        swallowed: dict[int, str] = {}
        for line in self.news.added(path):
            old = to_before.get(line)
            new = to_after.get(old) if old else None
            if old is None or new is None:
                continue
            was = every((around, self.news.condition(under, path, old)))
            if not implies(was, self.news.condition(ours, path, new)):
                gates = self.news.rust(after).condition(new).parts or ()
                new_ones = (g for g in gates if not implies(was, g.expanded(macros)))
                swallowed[line] = ", ".join(map(str, new_ones))
        yield from self._tell(path, swallowed)

    def _modules(
        self, path: bytes, before: Entry | None, after: Entry | None
    ) -> Iterator[Suspicion]:
        """Yield upstream's new lines in files whose ``mod`` line the patch gates or takes away."""
        now = self.news.rust(after).modules() if after else {}
        known = self.news.macros(self.pushed.before, path)
        for (name, named), was in self.news.rust(before).modules().items():
            gate = now.get((name, named), FALSE).expanded(self.news.macros(self.pushed.tree, path))
            if implies(was.expanded(known), gate):
                continue
            file, folder = module_files(decode(path), name, named)
            for other in sorted(self.news.changed):
                if other == file.encode() or other.startswith(folder.encode()):
                    yield from self._under(other, gate)

    def _macros(
        self, path: bytes, before: Entry | None, after: Entry | None
    ) -> Iterator[Suspicion]:
        """Yield upstream's new lines under macros of which the patch changes the definition."""
        now = self.news.rust(after).macros() if after else {}
        old = self.news.rust(before).macros()
        words = [name for name, was in old.items() if not implies(was, now.get(name, was))]
        for other in sorted(self.news.changed) if words else ():
            if other != path and other.endswith(b".rs"):
                text = "\n".join(self.news.lines(self.news.changed[other][1]))
                if any(word in text for word in words):
                    yield from self._gated(other)

    def _under(self, path: bytes, gate: Condition) -> Iterator[Suspicion]:
        if self.news.at(self.pushed.tree, path) is None:
            return
        new = (line for line in self.news.added(path) if not implies(self._was(path, line), gate))
        why = "its mod line is taken away" if gate == FALSE else str(gate)
        yield from self._tell(path, dict.fromkeys(new, why))

    def _was(self, path: bytes, line: int) -> Condition:
        """Return when upstream itself compiles a line."""
        own = self.news.condition(self.case.onto.tree, path, line)
        return every((self.news.ambient(path), own))

    def _tell(self, path: bytes, lines: Mapping[int, str]) -> Iterator[Suspicion]:
        """Yield a finding for each run of lines in which something new begins, and their gate."""
        onto = self.news.changed[path][1]
        bare = self.news.rust(onto).bare.split("\n")
        code = [n for n in lines if bare[n - 1].strip() and not for_tests(path)]
        code = [n for n in code if not implies(self._was(path, n), FALSE)]
        for run in runs(code, self.news.lines(onto)):
            if not self.news.new_items(path).isdisjoint(run):
                yield self._found(path, run, SuspicionKind.GATES, gate=lines[run[0]])

    def _left_alone(self, path: bytes) -> Iterator[Suspicion]:
        """Yield what upstream added to a folder of which the patch takes all the rest."""
        folder = path.rpartition(b"/")[0]
        if not folder:
            return
        for other in sorted(self.news.changed):
            old, new = self.news.changed[other]
            if old is None and other.startswith(folder + b"/"):
                rest = self.bench.trees.find(self.pushed.tree, folder)
                base = self.bench.trees.find(self.case.base.tree, folder)
                if rest and base and not _share(self.bench, rest, base):
                    text = self.news.lines(new)
                    every_line = tuple(n + 1 for n, line in enumerate(text) if line.strip())
                    yield self._found(other, every_line, SuspicionKind.GATES)

    def _removed(self, steps: list[Step]) -> Iterator[Suspicion]:
        """Yield upstream's new lines that are gone, and that the patch did not take away before."""
        gone = self._net(steps)
        if gone:
            gone -= self._net(list(self.bench.trees.changes(self.change.before, self.change.after)))
        answered = {r.path for r in self.pushed.replays if not r.tool}  # by a person, who saw them
        for path, before, after in steps:
            if not gone or path not in self.news.changed or decode(path) in answered:
                continue
            onto = self.news.lines(self.news.changed[path][1])
            there = _forward(self.news.lines(before), self.news.lines(after))
            to_before = _forward(onto, self.news.lines(before))
            lines = [
                line
                for line in self.news.added(path)
                if telling(onto[line - 1]) and _plain(onto[line - 1]) in gone
                and to_before.get(line) and to_before[line] not in there
            ]  # fmt: skip
            for run in runs(lines, onto):
                yield self._found(path, run, SuspicionKind.REMOVES)

    def _net(self, steps: list[Step]) -> Counter[str]:
        """Return the lines that a step between two trees leaves fewer of, in all files together."""
        before, after = Counter[str](), Counter[str]()
        for _, old, new in steps:
            before.update(self.news.lines(old))
            after.update(self.news.lines(new))
        return _in_words(before - after) - _in_words(after - before)

    def _found(self, path: bytes, run: Run, kind: SuspicionKind, *, gate: str = "") -> Suspicion:
        text = self.news.lines(self.news.changed[path][1])
        lines = [text[n - 1] for n in run]
        shown = [visible(line) for line in lines[:_SHOWN]]
        if len(lines) > _SHOWN:
            shown.append(f"… and {len(lines) - _SHOWN} more")
        key = _key(self.pushed.patch.name, path, lines)
        return Suspicion(
            key=key,
            patch=self.pushed.patch.name,
            path=decode(path),
            line=run[0],
            kind=kind,
            lines="\n".join(shown),
            gate=visible(gate),
            by=self.news.authors(path, run),
            acknowledged=self.case.stack.acknowledged.get(key, ""),
        )


def _key(patch: PatchName, path: bytes, lines: list[str]) -> str:
    whole = "\0".join([patch, decode(path), *(_plain(line) for line in lines)])
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def _plain(line: str) -> str:
    return " ".join(line.split())


def _in_words(lines: Counter[str]) -> Counter[str]:
    """Return lines without their blanks, and none that is brackets only."""
    found = Counter[str]()
    for line, times in lines.items():
        if telling(line):
            found[_plain(line)] += times
    return found


def _forward(old: list[str], new: list[str]) -> dict[int, int]:
    """Return where each line of ``old`` is in ``new``, both 1-based; those that are gone not."""
    known = origins(old, new)
    return {origin + 1: n + 1 for n, origin in enumerate(known) if origin is not None}


def _share(bench: Workbench, one: Entry, other: Entry) -> bool:
    """Return whether two folders have a file by the same name, at any depth."""
    if not (one.is_tree and other.is_tree):
        return True
    mine, its = bench.trees.entries(one.oid), bench.trees.entries(other.oid)
    both = mine.keys() & its.keys()
    return any(
        not (mine[n].is_tree and its[n].is_tree) or _share(bench, mine[n], its[n]) for n in both
    )
