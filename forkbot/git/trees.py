"""Trees read, compared and edited in Python, where starting a git for it would cost more.

Only subtrees that differ are read, only those on the way to a change are written: a patch on tokio
takes about a millisecond. Parsed trees are kept for as long as the object of this class lives.
"""

import dataclasses
from collections.abc import Iterator, Mapping

from forkbot.git.objects import Objects
from forkbot.words import Oid

_TREE = b"40000"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """What a tree holds under one name: git's octal mode and an object."""

    mode: bytes
    oid: Oid

    @property
    def is_tree(self) -> bool:
        """Whether this is a folder."""
        return self.mode == _TREE

    @property
    def is_file(self) -> bool:
        """Whether this is a regular file, executable or not."""
        return self.mode[:3] == b"100"


class Trees:
    """The trees of one repository."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._parsed: dict[Oid, dict[bytes, Entry]] = {}

    def entries(self, tree: Oid) -> Mapping[bytes, Entry]:
        """Return what a tree holds, by name."""
        found = self._parsed.get(tree)
        if found is None:
            found = dict(_parse(self._objects.read(tree)[1]))
            self._parsed[tree] = found
        return found

    def find(self, tree: Oid, path: bytes) -> Entry | None:
        """Return what ``tree`` holds at ``path``, or None."""
        *folders, name = path.split(b"/")
        for folder in folders:
            entry = self.entries(tree).get(folder)
            if entry is None or not entry.is_tree:
                return None
            tree = entry.oid
        return self.entries(tree).get(name)

    def content(self, entry: Entry | None) -> bytes:
        """Return what a regular file holds; nothing for anything else, or where nothing is."""
        return self._objects.read(entry.oid)[1] if entry and entry.is_file else b""

    def changes(
        self, old: Oid, new: Oid, *, under: bytes = b""
    ) -> Iterator[tuple[bytes, Entry | None, Entry | None]]:
        """Yield each path that is not a folder and differs: path, old entry, new entry."""
        if old == new:
            return
        before, after = self.entries(old), self.entries(new)
        for name in sorted(before.keys() | after.keys()):
            a, b = before.get(name), after.get(name)
            if a == b:
                continue
            path = under + name
            if a and b and a.is_tree and b.is_tree:
                yield from self.changes(a.oid, b.oid, under=path + b"/")
                continue
            if not (a and a.is_tree) and not (b and b.is_tree):
                yield path, a, b
                continue
            # a folder that comes, goes, or changes places with a file
            yield from ((file, entry, None) for file, entry in self._files(a, path))
            yield from ((file, None, entry) for file, entry in self._files(b, path))

    def edit(self, tree: Oid, changes: Mapping[bytes, Entry | None]) -> Oid | None:
        """Return ``tree`` with entries replaced (None: taken away), writing the trees on the way.

        Returns None when a change would need a folder where a file stands.
        """
        entries = dict(self.entries(tree))
        inside: dict[bytes, dict[bytes, Entry | None]] = {}
        for path, entry in changes.items():
            name, _, rest = path.partition(b"/")
            if rest:
                inside.setdefault(name, {})[rest] = entry
            elif entry is None:
                entries.pop(name, None)
            elif name in entries and entries[name].is_tree != entry.is_tree:
                return None
            else:
                entries[name] = entry
        for name, below in inside.items():
            folder = entries.get(name)
            if folder is not None and not folder.is_tree:
                return None
            edited = self.edit(folder.oid if folder else self.write({}), below)
            if edited is None:
                return None
            if self.entries(edited):
                entries[name] = Entry(_TREE, edited)
            else:
                entries.pop(name, None)
        return self.write(entries)

    def _files(self, entry: Entry | None, path: bytes) -> Iterator[tuple[bytes, Entry]]:
        """Yield all that is not a folder at ``path`` and below it."""
        if entry is None:
            return
        if not entry.is_tree:
            yield path, entry
            return
        for name, below in self.entries(entry.oid).items():
            yield from self._files(below, path + b"/" + name)

    def write(self, entries: dict[bytes, Entry]) -> Oid:
        """Store one tree and return its id."""
        # git sorts a folder as if its name ended in a slash
        rows = sorted(entries.items(), key=lambda item: item[0] + b"/" * item[1].is_tree)
        content = b"".join(e.mode + b" " + n + b"\0" + bytes.fromhex(e.oid) for n, e in rows)
        oid = self._objects.write("tree", content)
        self._parsed[oid] = entries
        return oid


def _parse(content: bytes) -> Iterator[tuple[bytes, Entry]]:
    at = 0
    while at < len(content):
        space, end = content.index(b" ", at), content.index(b"\0", at)
        oid = Oid(content[end + 1 : end + 21].hex())
        yield content[space + 1 : end], Entry(content[at:space], oid)
        at = end + 21
