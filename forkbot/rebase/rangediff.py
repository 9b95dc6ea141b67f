"""An adapted patch against what it was: the difference of the two differences.

Line numbers, blob ids and the message are no part of it, so what is shown is what a reviewer has to
read anew.
"""

from forkbot.git.workbench import Workbench
from forkbot.rebase.case import Case
from forkbot.rebase.export import PLAIN_DIFF
from forkbot.text import decode
from forkbot.words import Oid, PatchName

_NOBODY = b"nobody <nobody@localhost.invalid> 0 +0000"
_INDENT = "    "


def range_diffs(case: Case, *, bench: Workbench) -> dict[PatchName, str]:
    """Return for each patch whose file changes how ``git range-diff`` shows old against new.

    The text is '' where the patch's own lines and their context are as they were.
    """
    old = {c.patch.name: (c.before, c.after) for c in case.changes}
    new = {p.patch.name: (p.before, p.tree) for p in case.pushed if case.rewritten(p.patch)}
    pairs = {name: (_alone(*old[name], bench), _alone(*new[name], bench)) for name in new}
    bench.objects.flush()
    return {name: _range_diff(*pair, bench) for name, pair in pairs.items()}


def _alone(before: Oid, after: Oid, bench: Workbench) -> Oid:
    """Write a commit that is nothing but the step from one tree to another."""
    commit, parents = Oid(""), tuple[Oid, ...]()
    for tree in (before, after):
        commit = bench.objects.write_commit(
            tree=tree, parents=parents, author=_NOBODY, committer=_NOBODY, message=b""
        )
        parents = (commit,)
    return commit


def _range_diff(old: Oid, new: Oid, bench: Workbench) -> str:
    said = bench.repository.git(
        *PLAIN_DIFF, "range-diff", "--no-color", "--creation-factor=100",
        f"{old}^..{old}", f"{new}^..{new}",
    )  # fmt: skip
    lines = decode(said.stdout).split("\n")
    # the lines at the margin pair the commits by id; there is one pair, and the patch names it
    return "\n".join(li.removeprefix(_INDENT) for li in lines if li.startswith(_INDENT))
