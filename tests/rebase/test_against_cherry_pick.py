"""The oracle: each push of the engine must give the tree that a real ``git cherry-pick`` gives.

Histories are generated: edits, renames, mode changes, symlinks, binary and empty files, CRLF,
missing final newlines, bytes that are no UTF-8 in paths and in contents, deletions.
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forkbot import process
from forkbot.git.merge import Clean
from forkbot.git.repository import Repository, quarantine, sealed_env
from forkbot.git.workbench import Workbench
from forkbot.model.fate import Fate
from forkbot.model.place import Place
from forkbot.model.stack import Stack
from forkbot.rebase.engine import Rebased, push, rebase
from forkbot.rebase.recreate import Change
from forkbot.words import Channel, Oid
from tests.scenario import Upstream, commit_tree, make_stack, with_files, write_tree

EXAMPLES = int(os.environ.get("FORKBOT_EXAMPLES", "30"))
Files = dict[bytes, tuple[str, bytes]]

_PATHS = [b"a.rs", b"src/lib.rs", b"src/b.rs", b"old/deep/c.rs", b"caf\xc3\xa9.txt", b"raw\xff.bin"]
_LINES = st.sampled_from([b"alpha", b"beta", b"gamma\r", b"delta", b"", b"\xfe\xff", b"end"])
_texts = st.builds(
    lambda lines, last: b"\n".join(lines) + last,
    st.lists(_LINES, min_size=0, max_size=14),
    st.sampled_from([b"\n", b""]),
)
_binary = st.binary(min_size=1, max_size=24).map(lambda b: b"\0" + b)
_files = st.dictionaries(
    st.sampled_from(_PATHS),
    st.tuples(st.sampled_from(["100644", "100755"]), st.one_of(_texts, _binary)),
    min_size=1,
)


Edit = Callable[[Files, bytes, st.DrawFn], None]


def _is_link(files: Files, path: bytes) -> bool:
    # a work tree cannot hold a link to nothing or to two lines, so the oracle could not answer
    return files[path][0] == "120000"


def _lines_of(files: Files, path: bytes) -> list[bytes]:
    return files[path][1].split(b"\n")


def _line(files: Files, path: bytes, draw: st.DrawFn) -> None:
    if _is_link(files, path):
        return
    lines = _lines_of(files, path)
    lines[draw(st.integers(0, len(lines) - 1))] = draw(_LINES)
    files[path] = (files[path][0], b"\n".join(lines))


def _insert(files: Files, path: bytes, draw: st.DrawFn) -> None:
    if _is_link(files, path):
        return
    lines = _lines_of(files, path)
    lines.insert(draw(st.integers(0, len(lines))), draw(_LINES) + b"!")
    files[path] = (files[path][0], b"\n".join(lines))


def _delete(files: Files, path: bytes, _: st.DrawFn) -> None:
    del files[path]


def _rename(files: Files, path: bytes, _: st.DrawFn) -> None:
    files[b"moved/" + path.replace(b"/", b"_")] = files.pop(path)


def _mode(files: Files, path: bytes, _: st.DrawFn) -> None:
    files[path] = ("100755" if files[path][0] == "100644" else "100644", files[path][1])


def _add(files: Files, _: bytes, draw: st.DrawFn) -> None:
    files[draw(st.sampled_from([b"src/new.rs", b"z\xe9.rs"]))] = ("100644", draw(_texts))


def _empty(files: Files, path: bytes, _: st.DrawFn) -> None:
    if _is_link(files, path):
        return
    files[path] = (files[path][0], b"")


def _link(files: Files, path: bytes, _: st.DrawFn) -> None:
    files[path] = ("120000", b"a.rs")


def _crlf(files: Files, path: bytes, _: st.DrawFn) -> None:
    if _is_link(files, path):
        return
    mode, data = files[path]
    files[path] = (mode, data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


_EDITS: tuple[Edit, ...] = (
    _line, _line, _insert, _delete, _rename, _mode, _add, _empty, _link, _crlf,
)  # fmt: skip


@st.composite
def edited(draw: st.DrawFn, files: Files) -> Files:
    """Return ``files`` after one or two edits of the kinds that upstreams and patches make."""
    result = dict(files)
    for _ in range(draw(st.integers(1, 2))):
        if not result:
            return {b"new.rs": ("100644", b"fresh\n")}
        draw(st.sampled_from(_EDITS))(result, draw(st.sampled_from(sorted(result))), draw)
    return result


@st.composite
def stories(draw: st.DrawFn) -> tuple[Files, Files, list[Files]]:
    """Return a base, what upstream made of it, and the states after one to three patches."""
    base = draw(_files)
    upstream = draw(edited(base))
    states = [base]
    for _ in range(draw(st.integers(1, 3))):
        states.append(draw(edited(states[-1])))
    return base, upstream, states


def cherry_pick(
    work: Path, *, repository: Repository, onto: Oid, pick: Oid
) -> tuple[Oid, Oid] | None:
    """Return tree and commit of a real cherry-pick in a work tree, or None when it conflicts."""
    env = {
        **repository.env,
        "GIT_COMMITTER_NAME": "x",
        "GIT_COMMITTER_EMAIL": "x@example.invalid",
    }

    def git(*args: str, ok: tuple[int, ...] | None = (0,)) -> process.Completed:
        return process.run(["git", *args], env=env, cwd=work, timeout=60, ok=ok)

    git("checkout", "--quiet", "--force", "--detach", onto)
    git("clean", "-fdxq")
    picked = git("cherry-pick", "--allow-empty", "--keep-redundant-commits", pick, ok=None)
    if picked.code != 0:
        git("cherry-pick", "--abort", ok=None)
        return None
    tree, commit = git("rev-parse", "HEAD^{tree}", "HEAD").stdout.decode().split()
    return Oid(tree), Oid(commit)


def _check(story: tuple[Files, Files, list[Files]], folder: Path, *, stream: bool) -> None:
    base_files, upstream_files, states = story
    env = sealed_env(dict(os.environ))
    upstream = Upstream(folder / "u.git", env=env)
    repository = upstream.repository
    work = folder / "work"
    process.run(["git", "init", "--quiet", work], env=env, timeout=60)
    alternates = work / ".git" / "objects" / "info" / "alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_text(f"{upstream.path / 'objects'}\n")
    base = commit_tree(
        repository, tree=write_tree(repository, base_files), parents=(), message="base", when=1
    )
    onto = commit_tree(
        repository,
        tree=write_tree(repository, upstream_files),
        parents=(base,),
        message="u",
        when=2,
    )
    trees = [write_tree(repository, files) for files in states]
    with (
        quarantine(repository, scratch=folder / "scratch") as lent,
        Workbench(lent, stream=stream) as bench,
    ):
        current = upstream.place(onto).tree
        parent, patched = onto, base
        for before, after in itertools.pairwise(trees):
            pick = commit_tree(repository, tree=after, parents=(patched,), message="p", when=3)
            expected = cherry_pick(work, repository=repository, onto=parent, pick=pick)
            merged = bench.merger.merge(base=before, upstream=current, ours=after)
            got = merged.tree if isinstance(merged, Clean) else None
            assert got == (expected and expected[0])
            if got is None or expected is None:
                return
            parent = expected[1]
            current, patched = got, pick


@settings(max_examples=EXAMPLES)
@given(story=stories(), stream=st.booleans())
@example(story=({b"a": ("100644", b"1\n")}, {}, [{b"a": ("100644", b"1\n")}, {b"a": ("100755", b"1\n")}]), stream=True)  # fmt: skip  # noqa: E501
def test_every_push_is_what_cherry_pick_would_do(
    story: tuple[Files, Files, list[Files]], *, stream: bool
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="forkbot-oracle-"))
    try:
        _check(story, folder, stream=stream)
    finally:
        shutil.rmtree(folder)


@settings(max_examples=EXAMPLES)
@given(story=stories())
def test_files_and_trees_tell_the_same_story(story: tuple[Files, Files, list[Files]]) -> None:
    """Patch files written, read back, applied and merged end in the tree of the merges alone."""
    base_files, upstream_files, states = story
    folder = Path(tempfile.mkdtemp(prefix="forkbot-files-"))
    try:
        upstream = Upstream(folder / "u.git", env=sealed_env(dict(os.environ)))
        base = upstream.commit("base", _changes({}, base_files))
        onto = upstream.commit("onto", _changes(base_files, upstream_files))
        patches = {
            f"p{i}": _changes(a, b) for i, (a, b) in enumerate(itertools.pairwise(states)) if a != b
        }
        stack, changes = make_stack(upstream, base, patches)
        with quarantine(upstream.repository, scratch=folder / "scratch") as lent:
            by_files = rebase(
                stack, repository=lent, channel=Channel.MAIN,
                base=upstream.place(base), onto=upstream.place(onto),
            )  # fmt: skip
            assert len(by_files.facts.outcomes) == len(stack.patches)
            # what upstream took, squashed perhaps, is left out; the rest must be the merges alone
            taken = {o.name for o in by_files.facts.outcomes if o.fate is Fate.MERGED}
            left = tuple(c for c in changes if c.patch.name not in taken)
            assert by_files.facts.tree == _by_trees(lent, left, upstream, onto)
            if by_files.facts.tip:
                _exported_files_reproduce(by_files, stack, lent, upstream.place(onto))
    finally:
        shutil.rmtree(folder)


def _exported_files_reproduce(
    rebased: Rebased, stack: Stack, lent: Repository, place: Place
) -> None:
    again = msgspec.structs.replace(stack, patches=rebased.patches)
    result = rebase(again, repository=lent, channel=Channel.MAIN, base=place, onto=place)
    assert result.facts.tree == rebased.facts.tree
    assert result.facts.tip == rebased.facts.tip
    assert all(o.fate is Fate.UNCHANGED for o in result.facts.outcomes)


def _by_trees(
    lent: Repository, changes: tuple[Change, ...], upstream: Upstream, onto: Oid
) -> Oid | None:
    with Workbench(lent, shortcuts=False) as bench:
        pushed = list(push(changes, onto=upstream.place(onto), bench=bench, when=1))
    if any(p.conflict for p in pushed):
        return None
    return next((p.tree for p in reversed(pushed)), upstream.place(onto).tree)


def _changes(old: Files, new: Files) -> Mapping[str | bytes, tuple[str, bytes] | None]:
    gone: dict[str | bytes, tuple[str, bytes] | None] = dict.fromkeys(set(old) - set(new))
    return {**gone, **{p: c for p, c in new.items() if old.get(p) != c}}


def test_with_files_deletes_and_adds() -> None:
    assert with_files({b"a": ("100644", b"1")}, {b"a": None, b"b": "2"}) == {b"b": ("100644", b"2")}
