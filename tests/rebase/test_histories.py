"""Generated histories: no patch dropped that upstream has not, none lost, nothing proposed of air.

FORKBOT_HISTORIES=2000 for the full count; the generator is told on ``_Story``.
"""

import os
import random
from pathlib import Path

from forkbot.git.repository import quarantine, sealed_env
from forkbot.model.fate import Fate, PatchOutcome
from forkbot.model.judgement import ProposalKind
from forkbot.rebase.engine import Rebased, rebase
from forkbot.words import Channel, Oid
from tests.rebase.test_breaker import Files, text
from tests.scenario import Upstream, make_stack

HISTORIES = int(os.environ.get("FORKBOT_HISTORIES", "30"))
SEED = 20261122
Edit = tuple[str, str, str]  # file, line, value


def test_no_wrong_drop_and_no_patch_lost_over_generated_histories(tmp_path: Path) -> None:
    """The generator knows what upstream took."""
    chance = random.Random(SEED)  # noqa: S311 - a repeatable story, no secret
    seen = set[str]()
    for number in range(HISTORIES):
        seen |= _Story(chance, tmp_path / str(number)).check()
    assert seen >= {
        "shifted", "conflict", "blocked", "merged", "our own commit", "superseded", "likeness",
        ProposalKind.PARTLY.value,
    }  # fmt: skip


class _Story:
    """An upstream of two files, and a stack of one to four patches of one or two edits each.

    An edit is a line, or a block of six that say something. In one to eight steps upstream takes a
    patch, or a range squashed; takes it on a branch that it merges later; merges our fork branch as
    it is; takes one edit of two; takes a patch back; adopts a block reworked, in one commit or in
    two, here or in another file; or edits any line, one of ours perhaps.
    """

    def __init__(self, chance: random.Random, folder: Path) -> None:
        self.chance = chance
        self.folder = folder
        self.upstream = Upstream(folder / "u.git", env=sealed_env(dict(os.environ)))
        self.there: dict[str, dict[str, str]] = {"a.rs": {}, "b.rs": {}}
        self.base = self.upstream.commit("base", dict.fromkeys(self.there, text()))
        self.edits: dict[str, list[Edit]] = {}
        self.took: set[str] = set()  # wholly, as they are
        self.touched: set[str] = set()  # upstream has had something of them
        patches: dict[str, Files] = {}
        lines: dict[str, dict[str, str]] = {file: {} for file in self.there}
        free = chance.sample(range(40), 8)
        for number in range(chance.randint(1, 4)):
            name = f"p{number}"
            self.edits[name] = [self._edit(name, free.pop()) for _ in range(chance.randint(1, 2))]
            for file, line, value in self.edits[name]:
                lines[file][line] = value
            patches[name] = {file: text(**lines[file]) for file, _, _ in self.edits[name]}
        self.stack, _ = make_stack(self.upstream, self.base, patches)
        self.published: Oid | None = None

    def _edit(self, name: str, line: int) -> Edit:
        file = self.chance.choice(sorted(self.there))
        value = f"ours {name} {line}"
        if self.chance.random() < 0.4:
            value = "\n".join(f"let {name}_{line} = compute_{n}(context);" for n in range(6))
        return file, f"l{line}", value

    def commit(self, subject: str, *merging: Oid) -> None:
        """Upstream commits its files as they are now."""
        files: Files = {file: text(**lines) for file, lines in self.there.items()}
        self.upstream.commit(subject, files, merging=merging)
        for name, edits in self.edits.items():
            if all(self.there[file].get(line) == value for file, line, value in edits):
                self.took.add(name)

    def _have(self, name: str) -> None:
        for file, line, value in self.edits[name]:
            self.there[file][line] = value
        self.touched.add(name)

    def take(self) -> None:
        """Upstream takes one patch, or squashes a range of them."""
        names = list(self.edits)
        start = self.chance.randrange(len(names))
        for name in names[start : self.chance.randint(start + 1, len(names))]:
            self._have(name)
        self.commit("take")

    def take_on_a_branch(self) -> None:
        """Upstream takes a patch on a branch, goes on, and merges the branch."""
        begun, before = self.upstream.tip, {f: dict(lines) for f, lines in self.there.items()}
        assert begun
        name = self.chance.choice(sorted(self.edits))
        self._have(name)
        self.commit("take on a branch")
        branch = self.upstream.tip
        assert branch
        self.upstream.go_to(begun)
        self.there = before
        self.rework()
        self._have(name)
        self.commit("merge the branch", branch)

    def merge_ours(self) -> None:
        """Upstream merges our fork branch as it is."""
        if self.published is None:
            self.published = self._rebase(self.base).facts.tip
            assert self.published
            for name in self.edits:
                self._have(name)
            self.commit("merge the fork branch", self.published)

    def take_a_part(self) -> None:
        """Upstream takes one edit of a patch."""
        name = self.chance.choice(sorted(self.edits))
        file, line, value = self.chance.choice(self.edits[name])
        self.there[file][line] = value
        self.touched.add(name)
        self.commit("take a part")

    def take_back(self) -> None:
        """Upstream takes one back: its lines are as they were on the base."""
        if self.took:
            name = self.chance.choice(sorted(self.took))
            for file, line, _ in self.edits[name]:
                self.there[file].pop(line, None)
            self.took.remove(name)
            self.commit("take back")

    def adopt(self) -> None:
        """Upstream writes a block of ours its own way: some lines of it, anywhere."""
        name = self.chance.choice(sorted(self.edits))
        file, line, value = self.chance.choice(self.edits[name])
        if self.chance.random() < 0.5:
            file, line = self.chance.choice(sorted(self.there)), f"l{self.chance.randrange(40)}"
        lines = value.split("\n")
        for at in self.chance.sample(range(len(lines)), min(len(lines), self.chance.randint(1, 3))):
            lines[at] = f"let theirs_{at} = another({self.chance.random()});"
        self.touched.add(name)
        if self.chance.random() < 0.3:
            self.there[file][line] = "\n".join(lines[: len(lines) // 2])
            self.commit("adopt the first half")
        self.there[file][line] = "\n".join(lines)
        self.commit("adopt")

    def rework(self) -> None:
        """Upstream edits any line, one of ours perhaps."""
        file = self.chance.choice(sorted(self.there))
        self.there[file][f"l{self.chance.randrange(40)}"] = f"theirs {self.chance.random()}"
        self.commit("rework")

    def check(self) -> set[str]:
        """Live through some steps and compare; return what kinds of answers there were."""
        moves = [self.take, self.take, self.take_back, self.take_back, self.take_on_a_branch,
                 self.merge_ours, self.take_a_part, self.adopt, self.adopt,
                 self.rework, self.rework, self.rework, self.rework]  # fmt: skip
        for _ in range(self.chance.randint(1, 8)):
            self.chance.choice(moves)()
        assert self.upstream.tip
        rebased = self._rebase(self.upstream.tip)
        outcomes = rebased.facts.outcomes
        assert [o.name for o in outcomes] == list(self.edits)
        gone = {o.name for o in outcomes if o.fate in (Fate.MERGED, Fate.EMPTY)}
        if rebased.facts.conflict is None:
            assert [p.name for p in rebased.patches] == [n for n in self.edits if n not in gone]
        else:
            assert rebased.patches == self.stack.patches
        return {word for outcome in outcomes for word in self._check(outcome)}

    def _check(self, outcome: PatchOutcome) -> set[str]:
        if outcome.fate in (Fate.MERGED, Fate.EMPTY):
            there = all(self.there[f].get(line) == v for f, line, v in self.edits[outcome.name])
            assert outcome.name in self.took or there, outcome
        assert (outcome.fate in (Fate.CONFLICT, Fate.SUPERSEDED)) == (outcome.conflict is not None)
        if outcome.proposals:
            assert outcome.name in self.touched, outcome
        words = {outcome.fate.value, *(p.kind.value for p in outcome.proposals)}
        words |= {"likeness" for p in outcome.proposals if p.likeness is not None}
        return words | {word for word in ("our own commit",) if word in outcome.evidence}

    def _rebase(self, onto: Oid) -> Rebased:
        """Rebase; onto the base itself: our commits stay in the repository, as once published."""
        upstream = self.upstream
        with quarantine(upstream.repository, scratch=self.folder / "scratch") as lent:
            rebased = rebase(
                self.stack, repository=lent, channel=Channel.MAIN, base=upstream.place(self.base),
                onto=upstream.place(onto),
            )  # fmt: skip
            if onto == self.base:
                tip = rebased.facts.tip
                lent.git("push", "--quiet", str(upstream.path), f"{tip}:refs/heads/ours")
        return rebased
