"""Whose doing lines and names of one rebased stack are: a patch's, or an upstream commit's.

All that is asked is asked of ``base..tip``, upstream's commits and ours on top of them: git's blame
says who wrote a line since the base. For a name that is no more, or is another now, the lines are
looked up that defined it on the base, and blame says who took them away.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping

from forkbot.git.workbench import Workbench
from forkbot.model.diagnostic import Deed, Doer, Origin
from forkbot.model.fate import Rebase
from forkbot.model.place import Place
from forkbot.rebase.definitions import (
    Kind,
    Wanted,
    attributes,
    definitions,
    renamed,
    within,
)
from forkbot.rebase.edits import Edit, Texts
from forkbot.rebase.gates import without_words
from forkbot.rebase.ground import Ground
from forkbot.rebase.owners import Blame
from forkbot.text import decode
from forkbot.words import Oid, PatchName, StackName

_COMMONPLACE = frozenset({
    "self", "Self", "super", "crate", "std", "core", "alloc", "str", "bool", "char", "usize",
    "isize", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "Option", "Result",
    "Vec", "String", "Box", "Arc", "Rc", "Some", "None", "Ok", "Err", "new", "mut", "dyn", "impl",
})  # fmt: skip


_SHOWN = 4  # lines of each side of a change


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A Rust file that differs between base and tip; a text without its comments and strings."""

    path: bytes
    old: tuple[str, ...]
    new: tuple[str, ...]
    edits: tuple[Edit, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Was:
    """A line of the base's that defined a name, and the edit it went with."""

    file: _File
    line: int
    kind: Kind
    edit: Edit


class Origins:
    """Asks for one stack that was rebased cleanly."""

    def __init__(self, facts: Rebase, *, bench: Workbench) -> None:
        """Ask within ``bench``; where the base is on no way to onto, since their ways parted."""
        assert facts.tip is not None
        assert facts.tree is not None
        self._stack: StackName = facts.stack
        self._bench, self._texts = bench, Texts(bench)
        said = bench.repository.git(
            "merge-base", facts.base.commit, facts.onto.commit, ok=(0, 1)
        ).stdout.split()  # fmt: skip
        parted = Oid(said[0].decode()) if said else facts.onto.commit
        base = Place(commit=parted, tree=bench.objects.tree(parted), label=facts.base.label)
        tip = Place(commit=facts.tip, tree=facts.tree, label=facts.onto.label)
        self._ground = Ground(base=base, onto=tip, linear=True, bench=bench, texts=self._texts)
        self._blame = Blame(self._ground)
        self._patches: Mapping[Oid, PatchName] = {
            o.commit: o.name for o in facts.outcomes if o.commit is not None and o.fate.carried
        }
        self._changed: tuple[tuple[bytes, Oid | None, Oid | None], ...] | None = None
        self._read: dict[Oid | None, tuple[str, ...]] = {}

    def author(self, path: bytes, lines: Iterable[int]) -> Origin | None:
        """Return who wrote the first of ``lines`` (from 1) of the tip's that is newer than base."""
        there = len(self._texts.lines(self._ground.blob(self._ground.onto.commit, path)))
        asked = [n - 1 for n in lines if 0 < n <= there]
        wrote = self._blame.wrote(path, asked) if asked else {}
        line = next((n for n in asked if n in wrote), None)
        if line is None:
            return None
        ends = (self._ground.base, self._ground.onto)
        blobs = [self._ground.blob(place.commit, path) for place in ends]
        edit = next((e for e in self._texts.edits(*blobs) if line in e.new), None)
        return self._by(wrote[line], Deed.WROTE, path=path, line=line + 1, edit=edit)

    def has(self, path: bytes) -> bool:
        """Return whether the tip has a file."""
        return self._ground.blob(self._ground.onto.commit, path) is not None

    def text(self, path: bytes) -> str:
        """Return what a Rust file of the tip's says, without comments and strings."""
        return "\n".join(self._bare(self._ground.blob(self._ground.onto.commit, path)))

    def named(self, wanted: Wanted, *, near: bytes = b"", gone: bool = False) -> Origin | None:
        """Return who removed, renamed, moved or changed what defined a name on the base.

        Of several definitions the surest, and of those the one that lies nearest to the file
        ``near``. ``gone`` asks for no mere change.
        """
        if wanted.name in _COMMONPLACE:
            return None
        found = sorted(self._were(wanted), key=lambda was: _farness(was, wanted, near))  # stable
        origins = (self._became(was, wanted) for was in found)
        return next(
            (o for o in origins if o and not (gone and o.deed is Deed.CHANGED)), None
        )  # fmt: skip

    def is_new(self, path: bytes, name: str) -> bool:
        """Return whether the base's file does not define a name at all."""
        lines = self._bare(self._ground.blob(self._ground.base.commit, path))
        return next(definitions(lines, Wanted(name=name, fields=True)), None) is None

    def defined_once(self, name: str) -> bool:
        """Return whether the base defines a function of this name, and only one."""
        said = self._bench.repository.git(
            "grep", "-h", "-E", rf"\bfn +{re.escape(name)}\b", self._ground.base.tree,
            "--", "*.rs", ok=(0, 1),
        ).stdout  # fmt: skip
        return len(said.splitlines()) == 1

    def _were(self, wanted: Wanted) -> Iterator[_Was]:
        """Yield the lines that defined a name and that an edit touched, with that edit."""
        for file in self._with(wanted.name):
            for line, kind in definitions(file.old, wanted):
                first = attributes(file.old, line)
                touching = [
                    e for e in file.edits
                    if line in e.old or any(n in range(first, line) for n in e.old)
                    or (not e.old and e.new and first <= e.old.start <= line)
                ]  # fmt: skip
                touching.sort(key=lambda e: line not in e.old)
                if touching:
                    yield _Was(file=file, line=line, kind=kind, edit=touching[0])

    def _became(self, was: _Was, wanted: Wanted) -> Origin | None:
        """Return what was done to a definition, and by whom; None where it is as it was."""
        name = wanted.name
        if was.line not in was.edit.old:
            return self._dressed(was, wanted)
        here = was.file.new[was.edit.new.start : was.edit.new.stop]
        said = was.file.old[was.line]
        if any(said.split() == line.split() for line in here):
            return None  # but for blanks
        by = self._remover(was)
        if by is None:
            return None

        def done(deed: Deed, now: str = "") -> Origin:
            return self._by(
                by, deed, path=was.file.path, line=was.line + 1, name=name, now=now, edit=was.edit
            )

        if any(kind is was.kind for _, kind in definitions(here, Wanted(name=name, fields=True))):
            return done(Deed.CHANGED)
        moved = self._elsewhere(was, name)
        if moved:
            return done(Deed.MOVED, moved)
        now = renamed(said, name, here) if was.kind is Kind.ITEM else ""
        return done(Deed.RENAMED, now) if now else done(Deed.REMOVED)

    def _dressed(self, was: _Was, wanted: Wanted) -> Origin | None:
        """Return who changed the attributes of an item that is as it was itself.

        Of what an error may come of: a new condition, or that something named is derived no more.
        """
        path, edit = was.file.path, was.edit
        old, new = was.file.old[edit.old.start : edit.old.stop], was.file.new
        gone = _words(old) - _words(new[edit.new.start : edit.new.stop])
        gated = any(
            line.lstrip().startswith("#[cfg") for line in new[edit.new.start : edit.new.stop]
        )
        if not gated and gone.isdisjoint(name.lower() for name in wanted.beside):
            return None
        by = self._blame.wrote(path, edit.new) or self._blame.removed(path, edit.old)
        commit = next(iter(by.values()), None)
        if commit is None:
            return None
        return self._by(
            commit, Deed.CHANGED, path=path, line=was.line + 1, name=wanted.name, edit=edit
        )

    def _elsewhere(self, was: _Was, name: str) -> str:
        """Return where the tip defines, on a new line, what an edit took; '' where nowhere."""
        if was.kind is not Kind.ITEM:
            return ""
        for file in self._with(name, on_tip=True):
            added = {n for e in file.edits for n in e.new}
            for line, kind in definitions(file.new, Wanted(name=name)):
                same = _signature(file.new[line]) == _signature(was.file.old[was.line])
                if kind is Kind.ITEM and line in added and same:
                    return f"{decode(file.path)}:{line + 1}"
        return ""

    def _remover(self, was: _Was) -> Oid | None:
        path = was.file.path
        taken = self._blame.removed(path, [was.line]).get(was.line)
        if taken is not None:
            return taken
        # blame follows a renamed file, where the line is still
        said = self._bench.repository.git(
            "--literal-pathspecs", "rev-list", "-1", "--first-parent",
            f"{self._ground.base.commit}..{self._ground.onto.commit}",
            "--", path.decode(errors="surrogateescape"),
        ).stdout  # fmt: skip
        return Oid(said.decode().strip()) if said.strip() else None

    def _by(
        self, commit: Oid, deed: Deed, *, path: bytes, line: int, name: str = "", now: str = "",
        edit: Edit | None = None,
    ) -> Origin:  # fmt: skip
        patch = self._patches.get(commit)
        return Origin(
            doer=Doer.PATCH if patch else Doer.UPSTREAM,
            deed=deed,
            stack=self._stack,
            patch=patch,
            commit=None if patch else self._blame.commits([commit])[commit],
            name=name,
            now=now,
            file=f"{self._stack}/{decode(path)}",
            line=line,
            change=self._change(path, edit, line - 1) if edit else "",
        )

    def _change(self, path: bytes, edit: Edit, line: int) -> str:
        """Return an edit as the lines of a diff, of a long one those from ``line`` on."""
        sides = ((b"-", self._ground.base, edit.old), (b"+", self._ground.onto, edit.new))
        shown = []
        for sign, place, lines in sides:
            text = self._texts.lines(self._ground.blob(place.commit, path))
            first = line if line in lines and len(lines) > _SHOWN else lines.start
            shown += [sign + text[n].rstrip(b"\n") for n in lines if n >= first][:_SHOWN]
        return decode(b"\n".join(shown))

    def _with(self, name: str, *, on_tip: bool = False) -> Iterator[_File]:
        """Yield the Rust files that differ and whose text on the base, or the tip, has a name."""
        if self._changed is None:
            changes = self._bench.trees.changes(self._ground.base.tree, self._ground.onto.tree)
            self._changed = tuple(
                (path, old.oid if old and old.is_file else None,
                 new.oid if new and new.is_file else None)
                for path, old, new in changes
                if path.endswith(b".rs")
            )  # fmt: skip
        word = name.encode()
        found = [
            (path, old, new)
            for path, old, new in self._changed
            if word in b"".join(self._texts.lines(new if on_tip else old))
        ]
        self._texts.foresee((old, new) for _, old, new in found)
        for path, old, new in found:
            yield _File(
                path=path, old=self._bare(old), new=self._bare(new),
                edits=self._texts.edits(old, new),
            )  # fmt: skip

    def _bare(self, blob: Oid | None) -> tuple[str, ...]:
        if blob not in self._read:
            text = b"".join(self._texts.lines(blob)).decode(errors="replace")
            self._read[blob] = tuple(without_words(text)[1].split("\n"))
        return self._read[blob]


def _words(lines: Iterable[str]) -> set[str]:
    return {word.lower() for line in lines for word in re.findall(r"\w+", line)}


_VISIBLE = re.compile(r"\bpub\b(?:\s*\([^)]*\))?")


def _signature(line: str) -> list[str]:
    """Return a line's words, but for who may see it."""
    return _VISIBLE.sub("", line).split()


def _farness(was: _Was, wanted: Wanted, near: bytes) -> tuple[int, bool, int]:
    """Return how little speaks for a definition: its kind, what it is in, how far off its file."""
    ours, theirs = near.split(b"/"), was.file.path.split(b"/")
    shared = next(
        (n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b),
        min(len(ours), len(theirs)),
    )
    around = re.findall(r"\w+", within(was.file.old, was.line) + decode(was.file.path))
    return list(Kind).index(was.kind), wanted.beside.isdisjoint(around), -shared
