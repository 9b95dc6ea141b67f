"""A structural merge driver, asked where lines conflict: opt-in, checked from outside, labelled.

mergiraf is no part of forkbot (its licence is the GPL's third version): it is called where
stack.yaml asks for it and it is on PATH. It knows the language, and may still be wrong, so its
answer is taken only when what can be seen without knowing the language speaks for it
(facts/git.md §3.6), for all of a patch's paths or for none; and the patch says whose it is.
"""

import dataclasses
import datetime as dt
import fnmatch
import hashlib
import re
import tempfile
from collections import Counter
from pathlib import Path

from forkbot.errors import ForkbotError, MachineError
from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.model.judgement import Replay
from forkbot.process import Completed, Env, last_words, run
from forkbot.rebase.regions import left_markers
from forkbot.rebase.resolutions import DRIVER, UPSTREAM, Filled, side_of
from forkbot.text import decode
from forkbot.words import PatchName

_VERSION = re.compile(rf"{DRIVER} [\w.+-]+")
_ITEM = re.compile(
    rb'^([ \t]*)(?:pub(?:\([^)\n]*\))? +)?(?:(?:default|async|unsafe|const|extern(?: "\w+")?) +)*'
    rb"(?:(fn|struct|enum|union|trait|mod|type|const|static(?: mut)?|macro_rules!) +([A-Za-z]\w*)"
    rb"|(impl\b[^{\n]*))",
    re.MULTILINE,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """mergiraf, if it is here; ``trouble`` says of a patch why it is no help."""

    env: Env
    timeout: float = 30.0  # seconds, for each time it is called
    trouble: dict[PatchName, str] = dataclasses.field(default_factory=dict)

    def answer(
        self, filled: Filled, paths: tuple[bytes, ...], *, when: int, bench: Workbench
    ) -> Filled:
        """Return ``filled`` with an answer to each of ``paths``, or as it is.

        The answers are dated ``when``, so that the same merge has the same commit id tomorrow.
        """
        asked = filled.question
        other = [p for p in paths if any(r is not None for r in filled.regions.get(p, (b"",)))]
        if other:  # no lines, or a person answered a part of it, knowing more
            why = f"{decode(other[0])} is not for it"
            self.trouble[asked.patch] = f"{DRIVER} was not asked: {why}"
            return filled
        try:
            with tempfile.TemporaryDirectory(prefix="forkbot-merge-") as name:
                folder = Path(name)
                tool = self._version(folder)
                files = {p: self._merge(p, filled, folder=folder, bench=bench) for p in paths}
        except ForkbotError as e:
            self.trouble[asked.patch] = f"{DRIVER} was asked for, and is no help: {e.what}"
            return filled
        date = dt.datetime.fromtimestamp(when, tz=dt.UTC).date().isoformat()
        merged = tuple(
            Replay(key=_key(p, filled, to), path=decode(p), author=DRIVER, date=date, tool=tool)
            for p, to in files.items()
        )
        return dataclasses.replace(filled, files={**filled.files, **files}, merged=merged)

    def _version(self, folder: Path) -> str:
        said = decode(self._run(folder, "--version").stdout).strip()
        if _VERSION.fullmatch(said) is None:
            raise MachineError(f"asked for its version it says {said[:60]!r}")
        return said

    def _merge(self, path: bytes, filled: Filled, *, folder: Path, bench: Workbench) -> Entry:
        """Return the file as the driver merges it; ``MachineError`` says why not."""
        name = decode(path.rpartition(b"/")[2])
        known = self._run(folder, "languages", "--gitattributes").stdout.split(b"\n")
        if not any(fnmatch.fnmatchcase(name, decode(k.partition(b" ")[0])) for k in known):
            raise MachineError(f"it knows no language for {name}")
        sides = {n: side_of(filled.question, path, n, bench=bench) for n in (1, UPSTREAM, 3)}
        for n, text in sides.items():
            (folder / str(n)).write_bytes(text)
        out = folder / "merged"
        out.unlink(missing_ok=True)
        said = self._run(
            folder, "merge", "1", str(UPSTREAM), "3", "--output", out.name,
            f"--path-name={name}", "--allow-parse-errors=false",
        )  # fmt: skip
        if said.code:
            words = last_words(said.stderr, lines=1)
            how = f"{DRIVER} merge ended with code {said.code}" + (f": {words}" if words else "")
            raise MachineError(f"{name} stays in conflict ({how})" if said.code == 1 else how)
        merged = out.read_bytes() if out.exists() else b""
        wrong = unsafe(merged, base=sides[1], upstream=sides[UPSTREAM], ours=sides[3])
        if wrong:
            raise MachineError(f"its {name} is not taken: {wrong}")
        before = bench.trees.find(filled.question.tree, path)
        assert before is not None  # it has pieces
        return Entry(before.mode, bench.objects.write("blob", merged))

    def _run(self, folder: Path, *args: str) -> Completed:
        # it keeps its merges under HOME, and reads the attributes of a repository around it
        own = {"HOME": str(folder), "GIT_CEILING_DIRECTORIES": str(folder.parent)}
        env = {**self.env, **own}
        return run([DRIVER, *args], env=env, cwd=folder, timeout=self.timeout, ok=None)


def _key(path: bytes, filled: Filled, to: Entry) -> str:
    """Return what names this answer to this question."""
    sides = sorted(filled.question.sides[path].items())
    parts = [path.hex(), *(f"{n} {entry.oid}" for n, entry in sides), to.oid]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def unsafe(merged: bytes, *, base: bytes, upstream: bytes, ours: bytes) -> str:
    """Return what speaks against a merged file, as far as lines can tell; '' when nothing does."""
    if not merged.strip():
        return "nothing is left in it"
    theirs = frozenset(line.rstrip() for side in (upstream, ours) for line in side.split(b"\n"))
    if marks := left_markers(merged, but=theirs):
        return f"line {marks[0]} is a conflict marker"
    if merged in (upstream, ours):
        return f"it is the {'upstream side' if merged == upstream else 'patch'} alone"
    lost = _lost(merged, base, upstream, ours) or _lost(merged, base, ours, upstream)
    if lost:
        return f"a line that one side added is gone: {decode(lost)[:80]}"
    known = _items(upstream) | _items(ours)
    twice = [names for names, n in _items(merged).items() if n > max(1, known[names])]
    return f"{decode(twice[0][-1])} stands there twice" if twice else ""


def _lost(merged: bytes, base: bytes, side: bytes, other: bytes) -> bytes:
    """Return a line that ``side`` added and the merge lacks; b'' without one.

    Where both sides changed a line, it may have become one of both: as many lines as that, if the
    lines that are new in the merge have all their words.
    """
    was, now, mine, theirs = map(_lines, (base, merged, side, other))
    kept = mine - (was - theirs)
    lost = Counter({line: kept[line] for line in mine - was}) - now
    if not lost:
        return b""
    both = (was - mine) & (was - theirs)
    joined = now - (mine | theirs)
    if lost.total() <= both.total() and _words(lost) <= _words(both) | _words(joined):
        return b""
    return next(iter(lost))


def _lines(text: bytes) -> Counter[bytes]:
    """Return a text's lines, whatever their indent and with or without a comma at the end."""
    lines = (b" ".join(line.split()).rstrip(b",") for line in text.split(b"\n"))
    return Counter(line for line in lines if line)


def _words(lines: Counter[bytes]) -> set[bytes]:
    return {word for line in lines for word in re.findall(rb"\w+", line)}


def _items(text: bytes) -> Counter[tuple[bytes, ...]]:
    """Return the items that Rust would not have twice, each with the items around it.

    What is around it is told by the indent: rustfmt's habit, and good enough to refuse by.
    """
    found, around = Counter[tuple[bytes, ...]](), list[tuple[int, bytes]]()
    for item in _ITEM.finditer(text):
        indent = len(item[1].expandtabs())
        while around and around[-1][0] >= indent:
            around.pop()
        around.append((indent, item[4].strip() if item[4] else b"%b %b" % (item[2], item[3])))
        found[tuple(name for _, name in around)] += 1
    return found
