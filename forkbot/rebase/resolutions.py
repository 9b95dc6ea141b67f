"""Recorded resolutions: put to a conflict, and made of what a person left of one.

Git's rerere keys on the text of a region alone; an answer given in one file was applied unprompted
to the same region of another (facts/git.md §3.5). Here patch, path, all three texts and the lines
around must be the same to the byte. Where an answer cannot be cut along its regions, it is recorded
for whole files, whose three sides are then the exact question.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping

import msgspec

from forkbot.git.merge import Conflicted, IndexEntry
from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.model.judgement import Replay
from forkbot.model.place import Place
from forkbot.model.resolution import FileAnswer, HunkAnswer, Resolution
from forkbot.model.stack import Patch
from forkbot.rebase.regions import Pieces, cut, take_apart
from forkbot.rebase.torn import conflicted_paths
from forkbot.text import decode
from forkbot.words import Channel, Oid, PatchName

TRAILER = "Resolution: "
DRIVER = "mergiraf"  # the structural merge driver there is
_BY_DRIVER = re.compile(rf"{TRAILER}[0-9a-f]{{12}} \(({DRIVER} [^,()]+), [0-9-]{{10}}\)")
_GITLINK = b"160000"
_IN_THE_WAY = re.compile(rb"~[0-9a-f]{40}$")
_LINES_ONLY = {"contents", "add/add"}
UPSTREAM = 2  # git's stage
_NOWHERE: Mapping[int, Entry] = {}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A patch's conflict as answers see it: the same on every machine and for every git."""

    patch: PatchName
    tree: Oid  # the merge, with git's markers
    sides: Mapping[bytes, Mapping[int, Entry]]  # each conflicted path: by stage
    kinds: Mapping[bytes, tuple[str, ...]]
    pieces: Mapping[bytes, Pieces]  # of the paths that are in conflict about lines alone


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What recorded resolutions answer of a question."""

    question: Question
    regions: Mapping[bytes, tuple[bytes | None, ...]]
    files: Mapping[bytes, Entry | None]  # decided; None: it goes
    used: tuple[Resolution, ...]
    merged: tuple[Replay, ...] = ()  # what a merge driver answered

    @property
    def open(self) -> tuple[bytes, ...]:
        """Return the paths that still need an answer."""
        return tuple(sorted(p for p in self.question.sides if p not in self.files))

    @property
    def replays(self) -> tuple[Replay, ...]:
        """Return what was replayed or merged, as the report names it."""
        recorded = (
            Replay(key=r.key, path=decode(r.path), author=r.author, date=r.date, tool=r.tool)
            for r in self.used
        )
        return (*recorded, *self.merged)


def question(name: PatchName, conflicted: Conflicted, *, bench: Workbench) -> Question:
    """Return what is asked by the conflict of one patch."""
    conflicted = _named(conflicted, bench)
    sides: dict[bytes, dict[int, Entry]] = {p: {} for p in conflicted_paths(conflicted)}
    for e in conflicted.entries:
        sides[e.path][e.stage] = Entry(e.mode.encode(), e.oid)
    kinds = {
        path: tuple(sorted({m.kind for m in conflicted.messages if path in m.paths}))
        for path in sides
    }
    pieces = {}
    for path, stages in sides.items():
        merged = bench.trees.find(conflicted.tree, path)
        if merged is None or not merged.is_file or not set(kinds[path]) <= _LINES_ONLY:
            continue
        upstream, base, ours = (bench.trees.content(stages.get(n)) for n in (2, 1, 3))
        whole = bench.objects.read(merged.oid)[1]
        found = take_apart(whole, upstream=upstream, base=base, ours=ours)
        if found is not None and found.regions:
            pieces[path] = found
    return Question(patch=name, tree=conflicted.tree, sides=sides, kinds=kinds, pieces=pieces)


def side_of(asked: Question, path: bytes, stage: int, *, bench: Workbench) -> bytes:
    """Return a conflicted path's text on one side; b'' where there is none."""
    return bench.trees.content(asked.sides[path].get(stage))


def _named(conflicted: Conflicted, bench: Workbench) -> Conflicted:
    """Name what stands in the way of a folder by its side, not by an id that differs by git."""
    names = {}
    for entry in conflicted.entries:
        if _IN_THE_WAY.search(entry.path):
            side = b"upstream" if entry.stage == UPSTREAM else b"patch"
            if entry.stage != 1:
                names[entry.path] = _IN_THE_WAY.sub(b"~" + side, entry.path)
    changes: dict[bytes, Entry | None] = {}
    for old, new in names.items():
        changes |= {old: None, new: bench.trees.find(conflicted.tree, old)}
    tree = bench.trees.edit(conflicted.tree, changes) if names else conflicted.tree
    if tree is None:
        return conflicted
    return Conflicted(
        tree=tree,
        entries=tuple(
            IndexEntry(mode=e.mode, oid=e.oid, stage=e.stage, path=names.get(e.path, e.path))
            for e in conflicted.entries
        ),
        messages=tuple(
            dataclasses.replace(m, paths=tuple(names.get(p, p) for p in m.paths))
            for m in conflicted.messages
        ),
    )


def fill(asked: Question, resolutions: Iterable[Resolution], *, bench: Workbench) -> Filled:
    """Return what ``resolutions`` answer, on an exact match of all that they say of a conflict."""
    mine = [r for r in resolutions if r.patch == asked.patch]
    files: dict[bytes, Entry | None] = {}
    used: list[Resolution] = []
    for r in mine:
        if r.files and not any(f.path in files for f in r.files) and _same(r.files, asked, bench):
            used.append(r)
            files |= {f.path: _entry(f, bench) for f in r.files}
    known = {_unanswered(r.hunk): r for r in mine if r.hunk is not None}
    regions: dict[bytes, tuple[bytes | None, ...]] = {}
    for path, pieces in asked.pieces.items():
        if path in files:
            continue
        found = [known.get(_answer(path, pieces, n)) for n in range(len(pieces.regions))]
        used += [r for r in found if r is not None and r not in used]
        texts = [r.hunk.resolved if r and r.hunk else None for r in found]
        regions[path] = tuple(texts)
        merged = bench.trees.find(asked.tree, path)
        whole = [text for text in texts if text is not None]
        if merged is not None and len(whole) == len(texts):
            joined = b"".join(a + b for a, b in zip(pieces.clean, [*whole, b""], strict=True))
            files[path] = Entry(merged.mode, bench.objects.write("blob", joined))
    return Filled(question=asked, regions=regions, files=files, used=tuple(used))


def _answer(path: bytes, pieces: Pieces, n: int, *, resolved: bytes = b"") -> HunkAnswer:
    region = pieces.regions[n]
    return HunkAnswer(
        path=path, above=pieces.above(n), base=region.base, upstream=region.upstream,
        ours=region.ours, below=pieces.below(n), resolved=resolved,
    )  # fmt: skip


def _unanswered(hunk: HunkAnswer) -> HunkAnswer:
    return msgspec.structs.replace(hunk, resolved=b"")


def _same(files: Iterable[FileAnswer], asked: Question, bench: Workbench) -> bool:
    return all(f == _asks(f.path, asked, bench, mode=f.mode, content=f.content) for f in files)


def _asks(
    path: bytes, asked: Question, bench: Workbench, *, mode: str, content: bytes
) -> FileAnswer:
    """Return an answer to what is asked about one path."""
    stages = asked.sides.get(path, _NOWHERE)
    base, upstream, ours = (_said(stages.get(n)) for n in (1, 2, 3))
    merged = "" if stages else _said(bench.trees.find(asked.tree, path))
    return FileAnswer(
        path=path, base=base, upstream=upstream, ours=ours, merged=merged,
        mode=mode, content=content,
    )  # fmt: skip


def _said(entry: Entry | None) -> str:
    return "" if entry is None else f"{entry.mode.decode():0>6} {entry.oid}"


def _entry(f: FileAnswer, bench: Workbench) -> Entry | None:
    if not f.mode:
        return None
    mode = f.mode.encode()
    return Entry(mode, Oid(f.content.decode()) if mode == _GITLINK
                 else bench.objects.write("blob", f.content))  # fmt: skip


def complete(tree: Oid, files: Mapping[bytes, Entry | None], *, bench: Workbench) -> Oid | None:
    """Return ``tree`` with answers in their places; None when they stand in each other's way."""
    # what goes goes first: a file may take a folder's place, or the reverse
    without = bench.trees.edit(tree, {path: None for path, e in files.items() if e is None})
    there = {path: e for path, e in files.items() if e is not None}
    return None if without is None else bench.trees.edit(without, there)


def refreshed(patch: Patch, replays: Iterable[Replay], besides: Iterable[str]) -> str:
    """Return the patch's message, whose last lines name the resolutions that made it what it is.

    What a driver merged before stays named: an answer since then has not made anybody read it.
    """
    head, _, last = patch.message.rstrip("\n").rpartition("\n\n")
    lines = [
        line
        for line in last.split("\n")
        if _BY_DRIVER.fullmatch(line) or not line.startswith(TRAILER)
    ]
    said = [*(f"{r.key} ({r.tool or r.author}, {r.date})" for r in replays), *besides]
    trailers = (f"{TRAILER}{what}" for what in dict.fromkeys(said))
    return "\n".join([f"{head}\n", *lines, *trailers]) + "\n"


def merged_by(message: str) -> str:
    """Return the merge driver that a patch's message still names; '' when it names none.

    A person who has read the patch writes their own name in its place.
    """
    found = map(_BY_DRIVER.fullmatch, message.split("\n"))
    return next((m[1] for m in found if m), "")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Who answered, when, and on what."""

    author: str
    date: str
    channel: Channel
    onto: Place
    tool: str = ""


def record(
    asked: Question, answers: Mapping[bytes, Entry | None], by: Provenance, *, bench: Workbench
) -> tuple[Resolution, ...]:
    """Return resolutions that make ``answers`` of the same question again.

    ``answers`` are what each conflicted path became that was a question, and what else the person
    changed.
    """
    found: list[Resolution] = []
    whole = set(answers)
    if whole <= asked.sides.keys():
        for path, pieces in asked.pieces.items():
            if path not in answers:
                continue
            hunks = _hunks(path, pieces, answers[path], asked, bench)
            if hunks is not None:
                found += [_resolution(asked, by, hunk=h) for h in hunks]
                whole.discard(path)
    if whole:
        found.append(_whole(asked, answers, whole, by, bench))
    keys = [r.key for r in found]
    if len(set(keys)) < len(keys) or dict(fill(asked, found, bench=bench).files) != dict(answers):
        # two equal regions that became different things: the files as they are
        found = [_whole(asked, answers, set(answers), by, bench)]
    return tuple(found)


def _hunks(
    path: bytes, pieces: Pieces, answer: Entry | None, asked: Question, bench: Workbench
) -> tuple[HunkAnswer, ...] | None:
    merged = bench.trees.find(asked.tree, path)
    if answer is None or merged is None or answer.mode != merged.mode:
        return None
    texts = cut(pieces, bench.objects.read(answer.oid)[1])
    if texts is None:
        return None
    answers = (_answer(path, pieces, n, resolved=text) for n, text in enumerate(texts))
    return tuple(dict.fromkeys(answers))


def _whole(
    asked: Question, answers: Mapping[bytes, Entry | None], paths: Iterable[bytes],
    by: Provenance, bench: Workbench,
) -> Resolution:  # fmt: skip
    # a conflicted path first: it gives the answer its name
    order = sorted(paths, key=lambda p: (p not in asked.sides, p))
    return _resolution(asked, by, files=tuple(_file(p, answers[p], asked, bench) for p in order))


def _file(path: bytes, answer: Entry | None, asked: Question, bench: Workbench) -> FileAnswer:
    if answer is None:
        return _asks(path, asked, bench, mode="", content=b"")
    link = answer.mode == _GITLINK
    content = answer.oid.encode() if link else bench.objects.read(answer.oid)[1]
    return _asks(path, asked, bench, mode=answer.mode.decode(), content=content)


def _resolution(
    asked: Question, by: Provenance, *, hunk: HunkAnswer | None = None,
    files: tuple[FileAnswer, ...] = (),
) -> Resolution:  # fmt: skip
    return Resolution(
        patch=asked.patch, author=by.author, date=by.date, tool=by.tool, channel=by.channel,
        onto=by.onto.commit, onto_label=by.onto.label, hunk=hunk, files=files,
    )  # fmt: skip


def live(resolution: Resolution, *, before: Oid, after: Oid, bench: Workbench) -> bool:
    """Return whether its conflict can come back for a patch that turns one tree into another."""
    if resolution.hunk is not None:
        h = resolution.hunk
        old, new = (bench.trees.content(bench.trees.find(tree, h.path)) for tree in (before, after))
        return h.above + h.base + h.below in old and h.ours in new
    return all(
        _said(bench.trees.find(tree, f.path)) == said
        for f in resolution.files
        for tree, said in ((before, f.base), (after, f.ours))
        if f.base or f.upstream or f.ours
    )
