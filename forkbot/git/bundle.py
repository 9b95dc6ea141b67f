"""A rebased stack as one file: ``git fetch x.bundle`` takes it up wherever upstream is known."""

import tempfile
from pathlib import Path

from forkbot.git.repository import Repository, init_bare
from forkbot.words import BranchName, Oid


def make_bundle(repository: Repository, *, branch: BranchName, onto: Oid, tip: Oid) -> bytes:
    """Return a bundle of ``onto..tip`` with ``tip`` as ``branch``; needs at least one commit.

    A bundle needs a ref. It is made in a repository that only borrows objects, so that no ref
    moves in the mirror.
    """
    plain = {k: v for k, v in repository.env.items() if "OBJECT_DIRECTOR" not in k}
    with tempfile.TemporaryDirectory(prefix="forkbot-bundle-") as folder:
        borrower = init_bare(Path(folder) / "b.git", env=plain)
        lenders = [str(repository.git_dir / "objects")]
        if "GIT_OBJECT_DIRECTORY" in repository.env:
            lenders.append(repository.env["GIT_OBJECT_DIRECTORY"])
        (borrower.git_dir / "objects" / "info").mkdir(parents=True, exist_ok=True)
        (borrower.git_dir / "objects" / "info" / "alternates").write_text(
            "".join(f"{path}\n" for path in lenders)
        )
        ref = f"refs/heads/{branch}"
        borrower.git("update-ref", ref, tip)
        target = Path(folder) / "stack.bundle"
        borrower.git("bundle", "create", "--quiet", target, f"^{onto}", ref)
        return target.read_bytes()
