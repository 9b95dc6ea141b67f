"""cfg drift: platform code that upstream adds to what a stack edits, and the stack says nothing of.

A rebase may be clean, and the build green, while upstream goes on to write code for other platforms
next to our patches: a new ``#[cfg(unix)]`` branch, a thread, a socket by its file descriptor, a
file. Whoever keeps the port wants to hear of it; nothing is stopped. Told is a run of new lines,
once for all it holds, in a Rust file that a carried patch edits, unless

* the line or a condition over it names wasi or wasm: somebody thought of it;
* a condition over it leaves wasm32-wasip2 out, and it is not that condition that is new;
* it is for tests, or a comment;
* the rebased stack covers it: it changes the line, or what the line stands under.
"""

import re
from collections.abc import Iterator

from forkbot.git.workbench import Workbench
from forkbot.model.judgement import Drift, DriftKind
from forkbot.rebase.alignment import origins
from forkbot.rebase.case import Case
from forkbot.rebase.cfg import FALSE, implies, names_platform, on_wasi
from forkbot.rebase.gates import RustFile
from forkbot.rebase.news import News, for_tests, runs
from forkbot.text import decode, visible
from forkbot.words import PatchName

_KINDS = {
    DriftKind.THREAD: re.compile(
        r"\bstd::thread\b|\bthread::(?:spawn|Builder|scope|park)\b|\bBuilder::new\(\)\.name\b"
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
    onto = news.changed[path][1]
    ours = news.at(next(p.tree for p in reversed(case.pushed) if p.commit is not None), path)
    text, here, final = news.lines(onto), news.rust(onto), news.rust(ours)
    kept = {o + 1: n + 1 for n, o in enumerate(origins(text, news.lines(ours))) if o is not None}
    found = _kinds(here, news.added(path))
    telling = {
        line: kind
        for line, kind in found.items()
        if line in kept and implies(here.condition(line), final.condition(kept[line]))
        and implies(final.condition(kept[line]), here.condition(line))
    }  # fmt: skip
    for run in runs(news.added(path), text):
        told = [line for line in run if line in telling]
        if told:
            (by, *_) = news.authors(path, told[:1])
            yield Drift(
                path=decode(path), line=told[0], kind=telling[told[0]],
                text=visible(text[told[0] - 1].strip()), by=by, patch=patch,
            )  # fmt: skip


def _kinds(file: RustFile, added: frozenset[int]) -> dict[int, DriftKind]:
    """Return which new lines are platform code, as upstream's file itself tells."""
    found: dict[int, DriftKind] = {}
    bare = file.bare.split("\n")
    for line in sorted(added):
        kind = next((k for k, words in _KINDS.items() if words.search(bare[line - 1])), None)
        if kind is not None and on_wasi(file.condition(line)) is not False:
            found[line] = kind
    for gate in file.gates:
        line = file.line_of(gate.first)
        if line in added and names_platform(gate.condition):
            found[line] = DriftKind.CFG
    return {
        line: kind
        for line, kind in found.items()
        if not _OURS.search(" ".join(file.condition(line).atoms()))
        and not implies(file.condition(line), FALSE)
    }
