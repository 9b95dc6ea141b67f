"""cfg drift: platform code that upstream adds to what a stack edits, and the stack says nothing of.

A rebase may be clean, and the build green, while upstream goes on to write code for other platforms
next to our patches: a new ``#[cfg(unix)]`` branch, a thread, a socket by its file descriptor, a
file. Whoever keeps the port wants to hear of it; nothing is stopped. Told is a run of new lines,
once for all it holds, in a Rust file that a carried patch edits, unless

* a condition over it names wasi or wasm: somebody thought of it;
* a condition over it leaves wasm32-wasip2 out, and it is not that condition that is new: a file
  that is for unix alone may do as unix does;
* a new condition is for some systems by their names, or for all but some, or for Windows;
* it is for tests, or a comment;
* the rebased stack covers it: it changes the line, or what the line stands under.
"""

import re
from collections.abc import Iterator

from forkbot.git.workbench import Workbench
from forkbot.model.judgement import Drift, DriftKind
from forkbot.rebase.alignment import origins
from forkbot.rebase.case import Case
from forkbot.rebase.cfg import Condition, every, implies, on_wasi, parts_unix_from_wasi
from forkbot.rebase.news import News, for_tests, runs
from forkbot.text import decode, visible
from forkbot.words import Oid, PatchName

_KINDS = {
    DriftKind.THREAD: re.compile(
        r"\bthread::(?:spawn|Builder|scope|park)\b|\bBuilder::new\(\)\.name\b"
        r"|\bspawn_(?:mandatory_)?blocking\b"
    ),
    DriftKind.SOCKET: re.compile(
        r"\blibc::socket\b|\bstd::os::(?:fd|unix)\b|\b(?:As|From|Into)(?:Raw|Owned)?Fd\b"
        r"|\bsocket2::|\bSockRef\b|\b(?:Tcp|Udp|Unix)(?:Stream|Listener|Socket|Datagram)::"
    ),
    DriftKind.FILE: re.compile(
        r"\bstd::fs\b|\bfs::(?:File|OpenOptions|read|write)\b|\bFile::(?:open|create)\b"
    ),
}
_GATE = re.compile(r"cfg|\bif_|#\s*\[")
_OURS = re.compile(r"wasi|wasm", re.IGNORECASE)


def find_drifts(case: Case, news: News, *, bench: Workbench) -> tuple[Drift, ...]:
    """Return the platform code that upstream added in files the carried patches edit."""
    carried = [p for p in case.pushed if p.commit is not None]
    if not carried or not news.changed:
        return ()
    editors: dict[bytes, PatchName] = {}
    for pushed in carried:
        for path, _, after in bench.trees.changes(pushed.before, pushed.tree):
            if after is not None and path.endswith(b".rs") and not for_tests(path):
                editors.setdefault(path, pushed.patch.name)
    return tuple(
        drift
        for path in sorted(editors.keys() & news.changed.keys())
        for drift in _in_file(path, editors[path], case, news)
    )


def _in_file(path: bytes, patch: PatchName, case: Case, news: News) -> Iterator[Drift]:
    if not any(_may_be(line) for line in _new_lines(path, news)):
        return
    ours = next(p.tree for p in reversed(case.pushed) if p.commit is not None)
    text, final = news.lines(news.changed[path][1]), news.lines(news.at(ours, path))
    kept = {o + 1: n + 1 for n, o in enumerate(origins(text, final)) if o is not None}
    theirs = case.onto.tree
    open_ = {
        line: told
        for line, told in _platform_code(path, theirs, news).items()
        if line in kept
        and _alike(news.condition(theirs, path, line), news.condition(ours, path, kept[line]))
    }
    begun = (next((n for n in run if n in open_), None) for run in runs(news.added(path), text))
    lines = [line for line in begun if line is not None]
    news.authors(path, lines)  # all in one question
    for line in lines:
        by = news.authors(path, [line])
        if by:  # git may call a line old that was only moved
            kind, words = open_[line]
            yield Drift(
                path=decode(path), line=line, kind=kind, text=visible(words), by=by[0], patch=patch
            )


def _new_lines(path: bytes, news: News) -> Iterator[str]:
    text = news.lines(news.changed[path][1])
    return (text[line - 1] for line in news.added(path))


def _may_be(line: str) -> bool:
    """Whether a line can be platform code at all: reading its file as Rust costs much more."""
    return _GATE.search(line) is not None or any(words.search(line) for words in _KINDS.values())


def _alike(one: Condition, other: Condition) -> bool:
    return implies(one, other) and implies(other, one)


def _platform_code(path: bytes, tree: Oid, news: News) -> dict[int, tuple[DriftKind, str]]:
    """Return which new lines are platform code, as upstream's file itself tells."""
    found: dict[int, tuple[DriftKind, str]] = {}
    file, added, ambient = news.rust(news.at(tree, path)), news.added(path), news.ambient(path)
    bare, code = file.bare.split("\n"), file.code.split("\n")
    macros = news.macros(tree, path)
    for line in sorted(added):
        kind = next((k for k, words in _KINDS.items() if words.search(bare[line - 1])), None)
        around = every((ambient, news.condition(tree, path, line)))
        if kind is not None and on_wasi(around) is not False:
            found[line] = kind, code[line - 1].strip()
    for gate in file.gates:
        line = file.line_of(gate.first)
        if line not in added or not parts_unix_from_wasi(gate.condition.expanded(macros)):
            continue
        outer = every(g.condition for g in file.gates if g.first < gate.first <= g.last)
        if on_wasi(every((ambient, outer.expanded(macros)))) is not False:
            found[line] = DriftKind.CFG, file.head(gate)
    return {
        line: told
        for line, told in found.items()
        if not _OURS.search(" ".join(news.condition(tree, path, line).atoms()))
    }
