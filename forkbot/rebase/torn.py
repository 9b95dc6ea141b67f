"""The paths that a merge could not decide, one for each file at stake, and what each side has.

ort tells of some files under several names: a file that would stand where another side has a folder
or a link goes under ``name~<label>``, a file renamed on both sides under all of its names. Here a
file is one path again, by the name that people know and that does not differ from merge to merge.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping

from forkbot.git.merge import Conflicted, IndexEntry
from forkbot.git.trees import Trees
from forkbot.words import Oid

_LABEL = re.compile(rb"~[0-9a-f]{40}(_\d+)?$")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """One file in conflict: ort's words for it, its stages, and every name that it goes by."""

    path: bytes
    kinds: tuple[str, ...]
    stages: Mapping[int, IndexEntry]
    names: tuple[bytes, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file in conflict with its three sides, each under the name it has there."""

    torn: Torn
    base: IndexEntry | None
    upstream: IndexEntry | None
    ours: IndexEntry | None
    was: bytes  # its name in upstream's own tree at the base, without any patch of ours
    now: bytes  # and at onto

    @property
    def has_lines(self) -> bool:
        """Whether it is the lines that two sides disagree about."""
        if self.upstream is None or self.ours is None or self.upstream.oid == self.ours.oid:
            return False
        sides = (self.upstream, self.ours, self.base or self.ours)
        files = all(side.mode.startswith("100") for side in sides)
        return files and "binary" not in self.torn.kinds


def torn_paths(conflicted: Conflicted) -> frozenset[bytes]:
    """Return the files that a merge could not decide, each by the name that people know."""
    return frozenset(_groups(conflicted))


def conflicted_paths(conflicted: Conflicted) -> frozenset[bytes]:
    """Return the paths that a merge could not decide, by the names it gave them."""
    paths = {e.path for e in conflicted.entries}
    for message in conflicted.messages:
        paths.update(message.paths[:1])
    return frozenset(paths)


def torn_files(conflicted: Conflicted) -> Iterator[Torn]:
    """Yield each file in conflict, sorted by path."""
    for path, names in sorted(_groups(conflicted).items()):
        yield Torn(
            path=path,
            kinds=tuple(sorted({m.kind for m in conflicted.messages if names & {*m.paths}})),
            stages={e.stage: e for e in conflicted.entries if e.path in names},
            names=tuple(
                dict.fromkeys(
                    _plain(name) for name in (path, *sorted(names), *_mentioned(names, conflicted))
                )
            ),
        )


def _groups(conflicted: Conflicted) -> dict[bytes, set[bytes]]:
    """Return ort's names for each file in conflict, by the name that people know."""
    # renamed to two places: ort names the old one first, then the two
    known_as = {
        name: m.paths[0]
        for m in conflicted.messages
        if m.kind == "rename/rename"
        for name in m.paths
    }
    groups: dict[bytes, set[bytes]] = {}
    for name in conflicted_paths(conflicted):
        groups.setdefault(known_as.get(name, _plain(name)), set()).add(name)
    return groups


def _mentioned(names: Iterable[bytes], conflicted: Conflicted) -> Iterator[bytes]:
    known = {*names}
    for message in conflicted.messages:
        if known & {*message.paths}:
            yield from message.paths


def _plain(name: bytes) -> bytes:
    return _LABEL.sub(b"", name)


def find_side(
    torn: Torn, stage: int, tree: Oid, *, trees: Trees, names: Iterable[bytes] = ()
) -> IndexEntry | None:
    """Return what one side's ``tree`` has, under its name there; None when it has nothing.

    The name in ort's index may be that of another side. ``names`` are more that it may have.
    """
    entry = torn.stages.get(stage)
    if entry is None:
        return None
    candidates = (_plain(entry.path), *torn.names, *names)
    found = {name: there for name in candidates if (there := trees.find(tree, name))}
    for name, there in found.items():
        if there.oid == entry.oid:
            return dataclasses.replace(entry, path=name)
    for name, there in found.items():
        if not there.is_tree:  # ort merged the contents before it gave up on the names
            return IndexEntry(mode=there.mode.decode(), oid=there.oid, stage=stage, path=name)
    return entry
