"""`quilt push -a` on the base gives exactly the tree that forkbot gives; here is the real quilt.

It must be on PATH: `make test` sees to that.
"""

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forkbot
from forkbot.attempt import cargo_of
from forkbot.git.repository import Repository, quarantine, sealed_env
from forkbot.locate import Aim, locate
from forkbot.model.stack import Patch, Stack
from forkbot.rebase.base import find_base
from forkbot.rebase.engine import rebase
from forkbot.stackdir.load import load_family
from forkbot.verify.toolchain import find_toolchain
from forkbot.words import Channel, Oid
from tests.scenario import Content, Upstream, make_stack
from tests.stackdir.test_mail_round_trip import BODIES, MORNING, Place, draft
from tests.stackdir.test_new import session_in

ROOT = Path(forkbot.__file__).parent.parent
# Read before the tests are sealed: the toolchain and the releases that were got before.
AMBIENT = dict(os.environ)
CACHE = Path(
    AMBIENT.get("FORKBOT_TEST_CACHE")
    or AMBIENT.get("FORKBOT_CACHE")
    or Path(AMBIENT.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "forkbot"
)
Changes = Mapping[str | bytes, Content]
BASE: Changes = {
    "text": "a\nb\nc\nd\ne\n",
    "run.sh": ("100755", b"#!/bin/sh\n"),
    "deep/er/file.rs": "1\n2\n3\n",
    "sp ace/f ile": "1\n2\n3\n",
    "é/ü": "1\n",
    b'q"uote\ttab': "1\n2\n",
    b"byte\xff": "1\n",
    "latin": b"caf\xe9\nb\n",
    "crlf": b"x\r\ny\r\nz\r\n",
    "no end": b"a\nb",
    "empty": "",
    "link": ("120000", b"text"),
    "binary": bytes(range(256)),
}


class Bench:
    """A check-out of a base beside its repository, where quilt works."""

    def __init__(self, repository: Repository, base: Oid, folder: Path) -> None:
        self._repository = repository
        self._work = folder / "work"
        self._work.mkdir(parents=True)
        self._aside = folder / "aside"
        self._aside.mkdir()
        self._env = {"GIT_WORK_TREE": str(self._work), "GIT_INDEX_FILE": str(folder / "index")}
        repository.git("read-tree", base, env=self._env)
        repository.git("checkout-index", "--all", env=self._env)

    def quilt(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run quilt as a person does, with no settings of anybody's."""
        assert shutil.which("quilt"), "quilt is not on PATH; `make test` gets it"
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self._aside)}
        return subprocess.run(
            ["quilt", "--quiltrc", "-", *args], cwd=self._work, env=env, check=False,
            capture_output=True, text=True, errors="backslashreplace",
        )  # fmt: skip

    def push_all(self, patches: tuple[Patch, ...], series: str) -> tuple[int, str]:
        """Lay a stack's patches beside the files and push them all; return what quilt said."""
        folder = self._work / "patches"
        folder.mkdir()
        for patch in patches:
            (folder / f"{patch.name}.patch").write_bytes(patch.mail)
        (folder / "series").write_text(series)
        said = self.quilt("push", "-a")
        return said.returncode, said.stdout + said.stderr

    def tree(self) -> str:
        """Return the tree of the files, without what is quilt's own."""
        own = ("patches", ".pc")
        for name in own:
            if (self._work / name).exists():
                (self._work / name).rename(self._aside / name)
        self._git("add", "--all", "--force", ".")
        made = self._git("write-tree")
        for name in own:
            if (self._aside / name).exists():
                (self._aside / name).rename(self._work / name)
        return made

    def _git(self, *args: str) -> str:
        env = {**self._repository.env, **self._env, "GIT_DIR": str(self._repository.git_dir)}
        said = subprocess.run(
            ["git", *args], cwd=self._work, env=env, check=True, capture_output=True, text=True
        )
        return said.stdout.strip()


def series_of(patches: tuple[Patch, ...]) -> str:
    """Return a series with these patches, and a comment."""
    return "# generated\n" + "".join(f"{p.name}.patch\n" for p in patches)


KINDS: dict[str, list[Changes]] = {
    "edits": [{"text": "a\nB\nc\nd\ne\n"}, {"text": "a\nB\nc\nd\nE\n", "deep/er/file.rs": "1\n"}],
    "far below": [{"text": "".join(f"{i}\n" for i in range(50)) + "a\nb\nc\nd\ne\n"}],
    "new files": [{"n/e/w.rs": "x\n", "new": "", "x.sh": ("100755", b"#!/bin/sh\n")}],
    "deletions": [{"deep/er/file.rs": None}, {"empty": None, "run.sh": None}],
    "new, edited, gone": [{"n": "1\n"}, {"n": "1\n2\n"}, {"n": None}],
    "modes": [
        {"run.sh": ("100644", b"#!/bin/sh\n")},
        {"run.sh": ("100755", b"#!/bin/bash\n"), "text": ("100755", b"a\nb\nc\nd\ne\n")},
    ],
    "emptied and filled": [{"text": "", "empty": "x\n"}],
    "renames": [
        {"text": None, "moved/text": "a\nb\nc\nd\ne\n"},
        {"moved/text": "a\nB\nc\nd\ne\n"},
        {"run.sh": None, "run": ("100644", b"#!/bin/sh\n")},
        {"moved/text": None, "text": "a\nB\nC\nd\ne\n"},
    ],
    "two files in each other's place": [
        {"text": "1\n2\n3\n", "deep/er/file.rs": "a\nb\nc\nd\ne\n"}
    ],
    "links": [{"link": ("120000", b"run.sh")}, {"new link": ("120000", b"x")}, {"link": None}],
    "a link for a file, a file for a link": [{"text": ("120000", b"run.sh")}, {"link": "x\n"}],
    "line ends": [
        {"crlf": b"x\r\nY\r\nz\r\n"},
        {"crlf": b"x\nY\nz\n", "new crlf": b"x\r\n"},
        {"no end": b"a\nB", "text": b"a\nb\nc\nd\ne"},
        {"no end": b"a\nB\n"},
    ],
    "names": [
        {"sp ace/f ile": "1\nX\n3\n", "é/ü": "2\n", b'q"uote\ttab': "1\n3\n", b"byte\xff": "2\n"},
        {"sp ace/f ile": None, b"new \xfe": "1\n", b"byte\xff": ("100755", b"2\n")},
    ],
    "bytes that are not UTF-8": [{"latin": b"caf\xe8\nb\n"}],
    "lines like a patch's": [
        {"text": "-- \n--- a/x\n+++ b/x\n@@ -1 +1 @@\n"},
        {"text": "diff --git a/x b/x\n"},
        {"fix.patch": "--- a/text\n+++ b/text\n@@ -1 +1 @@\n-a\n+Z\n"},
    ],
    "a binary file with another name": [{"binary": None, "moved": bytes(range(256))}],
}


@pytest.mark.parametrize("kind", KINDS)
def test_quilt_and_forkbot_make_the_same_tree(
    upstream: Upstream, tmp_path: Path, kind: str
) -> None:
    base = upstream.commit("base", BASE)
    stack, changes = make_stack(
        upstream, base, {f"p{i}": change for i, change in enumerate(KINDS[kind])}
    )
    bench = Bench(upstream.repository, base, tmp_path / "bench")
    code, said = bench.push_all(stack.patches, series_of(stack.patches))
    assert code == 0, said
    assert "fuzz" not in said
    assert bench.tree() == changes[-1].after == engine_tree(upstream, stack, base)
    assert bench.quilt("pop", "-a").returncode == 0
    # back again, but for what quilt cannot keep: an empty file counts as none, links are lost
    if kind not in {"deletions", "emptied and filled", *(k for k in KINDS if "link" in k)}:
        assert bench.tree() == upstream.place(base).tree


PATHS = st.sampled_from(["a", "b.rs", "x/c", "x/y/d", "x/y/e-f", "z/ü"])
LINES = st.lists(st.sampled_from(["a\n", "b\n", "fn x() {\n", "}\n", "\n", "-- \n"]), min_size=1)
FILES = st.tuples(st.sampled_from(["100644", "100755"]), LINES.map(lambda li: "".join(li).encode()))
TREES = st.dictionaries(PATHS, FILES, min_size=1)


@settings(max_examples=5)
@given(trees=st.lists(TREES, min_size=2, max_size=4))
def test_quilt_and_forkbot_make_the_same_tree_of_any_text(
    tmp_path_factory: pytest.TempPathFactory, trees: list[dict[str, tuple[str, bytes]]]
) -> None:
    """From tree to tree: edits, new files, deletions, modes, whatever lies between."""
    folder = tmp_path_factory.mktemp("generated")
    upstream = Upstream(folder / "upstream.git", env=sealed_env(AMBIENT))
    base = upstream.commit("base", cast("Changes", trees[0]))
    patches: dict[str, Changes] = {}
    for number, (old, new) in enumerate(itertools.pairwise(trees)):
        if old != new:
            gone = dict.fromkeys(old.keys() - new.keys())
            patches[f"p{number}"] = cast("Changes", gone | new)
    stack, changes = make_stack(upstream, base, patches)
    bench = Bench(upstream.repository, base, folder / "bench")
    code, said = bench.push_all(stack.patches, series_of(stack.patches))
    assert code == 0 or not patches, said
    assert "fuzz" not in said
    wanted = changes[-1].after if changes else upstream.place(base).tree
    assert bench.tree() == wanted == engine_tree(upstream, stack, base)
    assert bench.quilt("pop", "-a").returncode == 0 or not patches
    assert bench.tree() == upstream.place(base).tree


def engine_tree(upstream: Upstream, stack: Stack, base: Oid) -> str:
    """Return the tree that forkbot's engine gives."""
    place = upstream.place(base)
    repository = upstream.repository
    with quarantine(repository, scratch=repository.git_dir / "scratch") as lent:
        facts = rebase(stack, repository=lent, channel=Channel.MAIN, base=place, onto=place).facts
    assert facts.tree
    return facts.tree


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"binary": b"\0"}, "File binary: git binary diffs are not supported."),
        ({"new": b"\0"}, "File new: git binary diffs are not supported."),
        ({"binary": None}, "File binary: git binary diffs are not supported."),
        # a change without lines, of a file whose name has a space
        ({"new empty": ""}, "can't find file to patch"),
        (
            {"text": None, "te xt": "a\nb\nc\nd\ne\n"},
            "Cannot rename file without two valid file names",
        ),
        ({"sp ace/f ile": ("100755", b"1\n2\n3\n")}, "can't find file to patch"),
        (
            {"text": None, "text/inside": "x\n"},
            "Invalid file name text/inside -- skipping patch",
        ),
        (
            {"deep/er/file.rs": None, "deep/er": "x\n"},
            "File deep/er is not a regular file -- refusing to patch",
        ),
    ],
)
def test_what_quilt_cannot_do_it_says_and_forkbot_does(
    upstream: Upstream, tmp_path: Path, change: Changes, why: str
) -> None:
    base = upstream.commit("base", BASE)
    stack, changes = make_stack(upstream, base, {"p": change})
    assert engine_tree(upstream, stack, base) == changes[-1].after
    bench = Bench(upstream.repository, base, tmp_path / "bench")
    code, said = bench.push_all(stack.patches, series_of(stack.patches))
    assert code == 1
    assert why in said
    assert "Patch p.patch does not apply (enforce with -f)" in said
    assert bench.tree() == upstream.place(base).tree


@settings(max_examples=8)
@given(bodies=st.lists(BODIES, min_size=1, max_size=4))
def test_no_message_is_taken_for_a_part_of_its_patch(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("messages")
    place = Place(folder, sealed_env(AMBIENT))
    repository = place.upstream.repository
    for number, body in enumerate(bodies):
        patch = place.written(draft(f"x\n\n{body}", name="A", email="a@b.invalid", date=MORNING))
        bench = Bench(repository, place.before, folder / str(number))
        code, said = bench.push_all((patch,), series_of((patch,)))
        assert (code, re.findall(r"(?m)^patching file (.*)$", said)) == (0, ["src/lib.rs"]), said
        assert bench.tree() == place.after


@pytest.mark.parametrize("name", sorted(p.parent.name for p in ROOT.glob("stacks/*/stack.yaml")))
def test_the_real_stacks_on_their_bases(tmp_path: Path, name: str) -> None:
    toolchain = find_toolchain(env=AMBIENT, cache=CACHE, say=lambda _: None)
    session = session_in(ROOT, tmp_path, channel=Channel.RELEASE, cache=CACHE, ambient=AMBIENT)
    stack = next(s for s in load_family(ROOT) if s.name == name)
    located = locate(stack, session=session, aim=Aim(stay=True), cargo=cargo_of(toolchain, session))
    with quarantine(located.repository, scratch=tmp_path / "scratch") as lent:
        base = located.base or find_base(
            stack, repository=lent, channel=Channel.RELEASE, candidates=located.candidates
        )
        facts = rebase(stack, repository=lent, channel=Channel.RELEASE, base=base, onto=base).facts
        bench = Bench(lent, base.tree, tmp_path / "bench")
        series = (ROOT / "stacks" / name / "patches/series").read_text()
        code, said = bench.push_all(stack.patches, series)
        assert (code, said) == (2, "No patches in series\n") if not stack.patches else code == 0, (
            said
        )
        assert "fuzz" not in said
        assert bench.tree() == facts.tree
