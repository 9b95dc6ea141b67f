"""Where two edits of one text meet: the regions are those that git marks, on all three sides."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forkbot.git.merge import Conflicted
from forkbot.git.repository import init_bare, quarantine, sealed_env
from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.rebase.edits import Texts, back, carried, regions
from forkbot.words import Oid

# few different lines, so that they repeat; and odd ends
LINES = st.sampled_from([b"a\n", b"b\n", b"}\n", b"\n", b"c\r\n", b"\xe9\n"])
BASES = st.lists(LINES, max_size=12)
EDITS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3), st.lists(LINES, max_size=3)))
LAST = st.sampled_from([b"", b"the end"])
MARKED = re.compile(
    rb"^<<<<<<< [^\n]*\n(.*?)^\|\|\|\|\|\|\| [^\n]*\n(.*?)^=======\r?\n(.*?)"
    rb"^>>>>>>> [^\n]*\n",
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """Return a workbench on an empty repository."""
    folder: Path = tmp_path_factory.mktemp("edits")
    repository = init_bare(folder / "r.git", env=sealed_env(dict(os.environ)))
    with (
        quarantine(repository, scratch=folder / "scratch") as lent,
        Workbench(lent, shortcuts=False) as bench,
    ):
        yield bench


@given(base=BASES, theirs=EDITS, ours=EDITS, ends=st.tuples(LAST, LAST, LAST))
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
def test_regions_are_those_that_git_marks(
    bench: Workbench,
    base: list[bytes],
    theirs: list[tuple[int, int, list[bytes]]],
    ours: list[tuple[int, int, list[bytes]]],
    ends: tuple[bytes, bytes, bytes],
) -> None:
    sides = [b"".join(base), _edited(base, theirs), _edited(base, ours)]
    blobs = [bench.objects.write("blob", s + end) for s, end in zip(sides, ends, strict=True)]
    texts = Texts(bench)
    found = [
        tuple(
            b"".join(texts.lines(blob)[n] for n in span)
            for blob, span in zip(blobs, (r.base, r.upstream, r.ours), strict=True)
        )
        for r in regions(blobs[0], blobs[1], blobs[2], texts=texts)
    ]
    assert [tuple(map(_unended, sides)) for sides in found] == _marked(blobs, bench)


def _edited(lines: list[bytes], edits: list[tuple[int, int, list[bytes]]]) -> bytes:
    result = list(lines)
    for at, count, new in edits:
        result[at : at + count] = new
    return b"".join(result)


def _marked(blobs: list[Oid], bench: Workbench) -> list[tuple[bytes, ...]]:
    """Return the texts of base, upstream and ours between the markers of git's merge."""
    base, upstream, ours = (bench.trees.write({b"f": Entry(b"100644", oid)}) for oid in blobs)
    merged = bench.merger.merge(base=base, upstream=upstream, ours=ours)
    if not isinstance(merged, Conflicted):
        return []
    whole = bench.objects.read(bench.trees.entries(merged.tree)[b"f"].oid)[1]
    return [tuple(map(_unended, (m[2], m[1], m[3]))) for m in MARKED.finditer(whole)]


def _unended(text: bytes) -> bytes:
    """Return a text whose last line has no end: git gives it one before a marker."""
    return text.removesuffix(b"\n").removesuffix(b"\r")


@given(base=BASES, edits=EDITS)
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
def test_lines_that_no_edit_touches_are_carried_to_their_likes(
    bench: Workbench, base: list[bytes], edits: list[tuple[int, int, list[bytes]]]
) -> None:
    old = bench.objects.write("blob", b"".join(base))
    new = bench.objects.write("blob", _edited(base, edits))
    texts = Texts(bench)
    way = texts.edits(old, new)
    there = carried(way, range(len(base)))
    assert all(texts.lines(old)[a] == texts.lines(new)[b] for a, b in there.items())
    assert len(there) == len(base) - sum(len(e.old) for e in way)
    assert carried(back(way), there.values()) == {b: a for a, b in there.items()}
