"""Since which upstream commit something is true of upstream's tree, and where a file went.

Asked of the first-parent line first, and where the answer is a merge, of the branch it brought in:
whatever is answered was checked on both sides, true on the commit and not on its parent.
"""

from collections.abc import Callable, Iterable

from forkbot.git.workbench import Workbench
from forkbot.rebase.line import first_parents
from forkbot.words import Oid

Question = Callable[[Oid], bool]  # of a tree


def turned(
    question: Question, *, base: Oid, onto: Oid, paths: Iterable[bytes], bench: Workbench
) -> Oid | None:
    """Return the last commit in ``base..onto`` that made ``question``, about ``paths``, true.

    None when it is not true on ``onto``, or was all the way.
    """
    asked, objects = frozenset(paths), bench.objects
    for commit in reversed(first_parents(bench, base, onto, asked)):
        if not question(objects.tree(commit)):
            return None
        before, *merged = objects.parents(commit) or (None,)
        if before is None or question(objects.tree(before)):
            continue
        for branch in merged:
            found = turned(question, base=before, onto=branch, paths=asked, bench=bench)
            if found is not None:
                return found
        return commit
    return None


def followed(path: bytes, *, base: Oid, onto: Oid, bench: Workbench) -> tuple[list[Oid], bytes]:
    """Return the commits that moved or took away ``path``, and where it is on ``onto``.

    Each move is the moving commit's own, where it is plainest. ``b""`` where the way ends.
    """
    steps: list[Oid] = []
    while path and (gone := _gone(path, bench))(bench.objects.tree(onto)):
        start = steps[-1] if steps else base
        commit = turned(gone, base=start, onto=onto, paths=(path,), bench=bench)
        if commit is None:
            return steps, b""
        steps.append(commit)
        path = _moved(path, commit, bench)
    return steps, path


def _gone(path: bytes, bench: Workbench) -> Question:
    def question(tree: Oid) -> bool:
        entry = bench.trees.find(tree, path)
        return entry is None or entry.is_tree  # a folder in its place is not the file

    return question


def _moved(path: bytes, commit: Oid, bench: Workbench) -> bytes:
    """Return where ``commit`` put ``path``: by git's likeness, or a module into its own folder."""
    trees = bench.trees
    before, after = (bench.objects.tree(c) for c in (bench.objects.parents(commit)[0], commit))
    renames = renamed(before, after, bench=bench)
    if path in renames:
        return renames[path]
    module = _module(path)
    came = module and trees.find(before, module) is None and trees.find(after, module)
    return module if came else b""


def renamed(before: Oid, after: Oid, *, bench: Workbench) -> dict[bytes, bytes]:
    """Return the files of one tree that have another name in the other, by git's likeness."""
    bench.objects.flush()
    said = bench.repository.git(
        "diff-tree", "-r", "-M", "-l0", "-z", "--diff-filter=R", "--name-status", before, after
    ).stdout.split(b"\0")
    return dict(zip(said[1::3], said[2::3], strict=False))


def _module(path: bytes) -> bytes:
    """Return the other place where Rust looks for the module of ``path``."""
    if path.endswith(b"/mod.rs"):
        return path.removesuffix(b"/mod.rs") + b".rs"
    return path.removesuffix(b".rs") + b"/mod.rs" if path.endswith(b".rs") else b""
