"""What upstream added since the base: which lines of which files, and whose they are."""

import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.model.upstream import UpstreamCommit
from forkbot.rebase.alignment import origins
from forkbot.rebase.case import Case
from forkbot.rebase.cfg import TRUE, Condition, every
from forkbot.rebase.export import PLAIN_DIFF
from forkbot.rebase.gates import RustFile, item_name, module_files
from forkbot.rebase.line import upstream_commits
from forkbot.words import Oid

Run = tuple[int, ...]  # lines, 1-based, with nothing but brackets between them

_MACROS = (b"macros/cfg.rs", b"macros/mod.rs", b"macros.rs", b"lib.rs")


class News:
    """The way from base to onto, read file by file and only where somebody asks."""

    def __init__(self, case: Case, *, bench: Workbench) -> None:
        self._case = case
        self._bench = bench
        self._authors: dict[bytes, dict[int, Oid]] = {}
        self._commits: dict[Oid, UpstreamCommit] = {}
        self._files: dict[Oid, RustFile] = {}
        self._lines: dict[Oid, list[str]] = {}
        self._added: dict[bytes, frozenset[int]] = {}
        self._macros: dict[tuple[str | bytes, ...], dict[str, Condition]] = {}
        self._ambient: dict[bytes, Condition] = {}

    @functools.cached_property
    def changed(self) -> dict[bytes, tuple[Entry | None, Entry]]:
        """Return the files that upstream changed or added, as they were and as they are."""
        case = self._case
        if not (case.moved and case.linear):
            return {}
        found = self._bench.trees.changes(case.base.tree, case.onto.tree)
        return {path: (old, new) for path, old, new in found if new is not None and new.is_file}

    def at(self, tree: Oid, path: bytes) -> Entry | None:
        """Return what a tree holds at a path."""
        return self._bench.trees.find(tree, path)

    def lines(self, entry: Entry | None) -> list[str]:
        """Return a file's lines; none for a binary file, or none at all."""
        if entry is None or not entry.is_file:
            return []
        if entry.oid not in self._lines:
            data = self._bench.objects.read(entry.oid)[1]
            text = "" if b"\0" in data else data.decode(errors="backslashreplace")
            self._lines[entry.oid] = text.split("\n")
        return self._lines[entry.oid]

    def rust(self, entry: Entry | None) -> RustFile:
        """Return a file's gates."""
        key = Oid("") if entry is None else entry.oid
        if key not in self._files:
            self._files[key] = RustFile("\n".join(self.lines(entry)))
        return self._files[key]

    def condition(self, tree: Oid, path: bytes, line: int) -> Condition:
        """Return what a line of a Rust file stands under in that file, the tree's macros known."""
        return self.rust(self.at(tree, path)).condition(line).expanded(self.macros(tree, path))

    def macros(self, tree: Oid, path: bytes) -> Mapping[str, Condition]:
        """Return what the macros ask that are defined where crates define such: macros, lib.rs."""
        *folders, _ = path.split(b"/")
        if (tree, *folders) in self._macros:
            return self._macros[tree, *folders]
        found = self._macros[tree, *folders] = {}
        for depth in range(len(folders) + 1):
            for name in _MACROS:
                entry = self.at(tree, b"/".join([*folders[:depth], name]))
                if entry is not None and entry.is_file:
                    found |= self.rust(entry).macros()
        return found

    def ambient(self, path: bytes) -> Condition:
        """Return when onto compiles a Rust file at all, as the ``mod`` lines on the way say."""
        if path not in self._ambient:
            self._ambient[path] = next(self._ways(path), TRUE)
        return self._ambient[path]

    def _ways(self, path: bytes) -> Iterator[Condition]:
        file = PurePosixPath(path.decode(errors="surrogateescape"))
        folder = file.parent.parent if file.name == "mod.rs" else file.parent
        above = (  # further up than the next folder for the sake of #[path]
            parent
            for up in (folder, *folder.parents)
            for parent in (*(str(up / n) for n in ("mod.rs", "lib.rs", "main.rs")), f"{up}.rs")
        )
        for parent in above:
            name = parent.encode(errors="surrogateescape")
            entry = self.at(self._case.onto.tree, name)
            if entry is None or name == path:
                continue
            for (module, named), condition in self.rust(entry).modules().items():
                own, inside = module_files(parent, module, named)
                if str(file) in {own, f"{inside}mod.rs"}:
                    known = self.macros(self._case.onto.tree, name)
                    yield every((self.ambient(name), condition.expanded(known)))

    def added(self, path: bytes) -> frozenset[int]:
        """Return the lines (1-based) of onto's file that base's file has not, but for empty ones.

        A file that upstream renamed is compared with what it was.
        """
        if path not in self.changed:
            return frozenset()
        if path not in self._added:
            lines = self.lines(self.changed[path][1])
            known = origins(self.lines(self.before(path)), lines)
            self._added[path] = frozenset(
                n + 1 for n, origin in enumerate(known) if origin is None and lines[n].strip()
            )
        return self._added[path]

    def new_items(self, path: bytes) -> frozenset[int]:
        """Return the new lines of a Rust file that begin an item that base's file has not."""
        old = Counter(map(item_name, self.rust(self.before(path)).bare.split("\n")))
        found = set()
        bare = self.rust(self.changed[path][1]).bare.split("\n")
        now = Counter(map(item_name, bare))
        for line in self.added(path):
            name = item_name(bare[line - 1])
            if name and now[name] > old[name]:
                found.add(line)
        return frozenset(found)

    def before(self, path: bytes) -> Entry | None:
        """Return what base has of a file of onto's, by the name it had there."""
        old = self.changed[path][0]
        if old is None and path in self._renamed:
            return self.at(self._case.base.tree, self._renamed[path])
        return old

    @functools.cached_property
    def _renamed(self) -> dict[bytes, bytes]:
        """Return the files that upstream renamed: new name → old name."""
        said = self._bench.repository.git(
            *PLAIN_DIFF, "diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status",
            self._case.base.tree, self._case.onto.tree,
        ).stdout  # fmt: skip
        fields = said.split(b"\0")[:-1]
        return dict(zip(fields[2::3], fields[1::3], strict=True))

    def authors(self, path: bytes, lines: Iterable[int]) -> tuple[UpstreamCommit, ...]:
        """Return the commits of base..onto that lines of onto's file come from, oldest first."""
        asked = sorted({*lines})
        known = self._authors.setdefault(path, {})
        unknown = [n for n in asked if n not in known]
        if unknown:
            known.update(self._blame(path, unknown))
        oids = {known[n] for n in asked if n in known}
        self._commits |= upstream_commits(self._bench, sorted(oids - self._commits.keys()))
        found = (self._commits[oid] for oid in oids)
        return tuple(sorted(found, key=lambda c: (c.date, c.commit)))

    def _blame(self, path: bytes, lines: Sequence[int]) -> Iterator[tuple[int, Oid]]:
        case = self._case
        spans = [f"-L{run[0]},{run[-1]}" for run in runs(lines, self.lines(self.changed[path][1]))]
        said = self._bench.repository.git(
            "blame", "-s", "-l", "--first-parent", *spans,
            f"{case.base.commit}..{case.onto.commit}", "--", path.decode(errors="surrogateescape"),
        ).stdout  # fmt: skip
        for row in said.split(b"\n"):
            # a line of the base's has a ^ before its commit
            if found := re.match(rb"([0-9a-f]{40}) (?:.*? +)?(\d+)\) ", row):
                yield int(found[2]), Oid(found[1].decode())


def runs(lines: Iterable[int], text: Sequence[str]) -> list[Run]:
    """Return line numbers as runs: between two of a run stands nothing but brackets."""
    found: list[list[int]] = []
    for line in sorted(lines):
        if found and not any(telling(text[n]) for n in range(found[-1][-1], line - 1)):
            found[-1].append(line)
        else:
            found.append([line])
    return [tuple(run) for run in found]


def telling(line: str) -> bool:
    """Return whether a line is more than brackets."""
    return re.search(r"[^\W_]", line) is not None


def for_tests(path: bytes) -> bool:
    """Return whether a file is for tests, benchmarks or examples by where it lies."""
    folders = path.split(b"/")
    names = {b"tests", b"test", b"benches", b"examples", b"fuzz"}
    return not names.isdisjoint(folders[:-1]) or folders[-1] in {b"tests.rs", b"test.rs"}
