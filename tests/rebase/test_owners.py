"""Whose lines they are, on histories with merged branches whose every line has one known author."""

import os
import random
from collections import Counter
from pathlib import Path

from forkbot.git.repository import Repository, init_bare, quarantine, sealed_env
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.rebase.edits import Texts
from forkbot.rebase.ground import Ground
from forkbot.rebase.owners import Blame
from forkbot.rebase.turning import turned
from forkbot.words import Oid
from tests.scenario import DATE, commit_tree, write_tree

HISTORIES = int(os.environ.get("FORKBOT_HISTORIES", "20"))
SEED = 20261122
PATH = b"src/lib.rs"


def test_every_line_has_the_owner_that_the_generator_gave_it(tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 - a repeatable story, no secret
    seen = Counter[str]()
    for number in range(HISTORIES):
        story = _Story(chance, init_bare(tmp_path / f"{number}.git", env=_env()))
        story.check(tmp_path / "scratch")
        seen += story.seen
    assert all(seen[word] > HISTORIES for word in ("wrote", "removed", "on a branch")), seen


def _env() -> dict[str, str]:
    return sealed_env(dict(os.environ))


class _Story:
    """A file that upstream's line edits in its upper half, and merged branches in their lower."""

    def __init__(self, chance: random.Random, repository: Repository) -> None:
        self.chance, self.repository = chance, repository
        self.count = 0
        self.wrote: dict[bytes, Oid] = {}
        self.removed: dict[bytes, Oid] = {}
        self.seen = Counter[str]()
        self.old = [b"base %d\n" % n for n in range(20)]
        self.upper, self.lower = self.old[:10], self.old[10:]
        self.before = self.commit(())  # a branch may begin before the base
        self.base = self.tip = self.commit((self.before,), more=b"base")
        for _ in range(chance.randint(2, 7)):
            chance.choice([self.step, self.branch])()

    def commit(self, parents: tuple[Oid, ...], *, more: bytes = b"") -> Oid:
        """Write the file as it is, and something else besides."""
        self.count += 1
        text = b"".join([*self.upper, b"in between\n" * 4, *self.lower])
        files = {PATH: ("100644", text), b"more": ("100644", more or b"%d" % self.count)}
        tree = write_tree(self.repository, files)
        return commit_tree(
            self.repository, tree=tree, parents=parents, message=f"{self.count}",
            when=DATE + self.count,
        )  # fmt: skip

    def edit(self, half: list[bytes], parents: tuple[Oid, ...]) -> Oid:
        """Remove, replace or add a line or two; note who did it."""
        at, gone = self.chance.randint(0, len(half)), self.chance.randint(0, 2)
        new = [b"new %d-%d\n" % (self.count, n) for n in range(self.chance.randint(0, 2))]
        left = half[at : at + gone]
        half[at : at + gone] = new
        commit = self.commit(parents)
        self.wrote |= dict.fromkeys(new, commit)
        self.removed |= dict.fromkeys(left, commit)
        return commit

    def step(self) -> None:
        """Upstream edits the upper half."""
        self.tip = self.edit(self.upper, (self.tip,))

    def branch(self) -> None:
        """A branch edits the lower half, meanwhile the line goes on; then it is merged."""
        before = self.upper, self.tip
        branch = self.chance.choice([self.tip, self.before]) if self.tip == self.base else self.tip
        for _ in range(self.chance.randint(1, 2)):
            branch = self.edit(self.lower, (branch,))
            self.seen["on a branch"] += 1
        lower = self.lower
        self.upper, self.tip = list(before[0]), before[1]
        self.lower = self.old_lower(before[1])
        self.step()
        self.lower = lower
        self.tip = self.commit((self.tip, branch))

    def old_lower(self, commit: Oid) -> list[bytes]:
        """Return the lower half as a commit has it."""
        text = self.repository.git("cat-file", "blob", f"{commit}:{PATH.decode()}").stdout
        return text.rpartition(b"in between\n")[2].splitlines(keepends=True)

    def check(self, scratch: Path) -> None:
        """Ask of all lines; the answers are those of the generator."""
        now = [*self.upper, *([b"in between\n"] * 4), *self.lower]
        then = [*self.old[:10], *([b"in between\n"] * 4), *self.old[10:]]
        with quarantine(self.repository, scratch=scratch) as lent, Workbench(lent) as bench:
            blame = Blame(Ground(
                base=_place(self.repository, self.base), onto=_place(self.repository, self.tip),
                linear=True, bench=bench, texts=Texts(bench),
            ))  # fmt: skip
            wrote = blame.wrote(PATH, range(len(now)))
            removed = blame.removed(PATH, range(len(then)))
        assert {now[n]: oid for n, oid in wrote.items()} == {
            line: oid for line, oid in self.wrote.items() if line in now
        }
        assert {then[n]: oid for n, oid in removed.items()} == {
            line: oid for line, oid in self.removed.items() if line in then
        }
        self.seen["wrote"] += len(wrote)
        self.seen["removed"] += len(removed)


def _place(repository: Repository, oid: Oid) -> Place:
    return Place(commit=oid, tree=repository.commit(oid).tree, label=oid[:7])


def test_a_file_deleted_on_a_merged_branch(tmp_path: Path) -> None:
    repository = init_bare(tmp_path / "u.git", env=_env())

    def commit(*parents: Oid, **files: str) -> Oid:
        tree = write_tree(
            repository, {k.encode(): ("100644", v.encode()) for k, v in files.items()}
        )
        return commit_tree(repository, tree=tree, parents=parents, message="step", when=DATE)

    base = commit(a="a\n", b="b\n")
    side = commit(base, a="a\n")
    deleted = commit(commit(base, a="A\n", b="b\n"), a="A\n")
    onto = commit(deleted, side, a="A\n")
    other = commit(commit(base, a="A\n", b="b\n"), side, a="A\n")
    with quarantine(repository, scratch=tmp_path / "s") as lent, Workbench(lent) as bench:

        def gone(tree: Oid) -> bool:
            return bench.trees.find(tree, b"b") is None

        def who(onto: Oid) -> Oid | None:
            return turned(gone, base=base, onto=onto, paths=[b"b"], bench=bench)

        assert (who(onto), who(other), who(base)) == (deleted, side, None)


def test_where_nothing_happened_nobody_did_anything(tmp_path: Path) -> None:
    """A stack without patches on the newest release: its tip is its base."""
    repository = init_bare(tmp_path / "u.git", env=_env())
    tree = write_tree(repository, {PATH: ("100644", b"one\ntwo\n")})
    only = _place(
        repository, commit_tree(repository, tree=tree, parents=(), message="1", when=DATE)
    )
    with (
        quarantine(repository, scratch=tmp_path / "scratch") as lent,
        Workbench(lent) as bench,
    ):
        ground = Ground(base=only, onto=only, linear=True, bench=bench, texts=Texts(bench))
        blame = Blame(ground)
        assert (blame.wrote(PATH, [0, 1]), blame.removed(PATH, [0, 1])) == ({}, {})
