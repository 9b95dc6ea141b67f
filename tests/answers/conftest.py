"""Nights on one machine: a stack in conflict, its fork, and a person who works there."""

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from forkbot.connection import Connection
from forkbot.forge.local import LocalForge
from forkbot.git.repository import Repository
from forkbot.locate import Aim
from forkbot.model.conflictbranch import ConflictBranch
from forkbot.model.plan import Plan
from forkbot.model.record import RunRecord, StackRecord
from forkbot.planning import plan
from forkbot.run import Step, run
from forkbot.session import Session
from forkbot.words import Channel, Oid
from tests.e2e.world import NOW, Changes, World, listing
from tests.scenario import read_files

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
HEAD = "a line of ours\n" + TEXT
PATCHES: dict[str, Changes] = {
    "first": {"src/lib.rs": HEAD},
    "second": {"src/lib.rs": HEAD.replace("line 20\n", "line twenty\n"), "clean.rs": "c\n"},
    "third": {"notes.md": "one\nTWO\nthree\n", "gone.rs": "2\n"},
}
NEWS: Changes = {
    "src/lib.rs": TEXT.replace("line 20\n", "line 20, reworded\n"),
    "notes.md": "one\n2\nthree\n",
    "gone.rs": None,
}
SECOND = HEAD.replace("line 20\n", "line twenty, reworded\n")
BRANCH = "forkbot/demo/conflict-second"
BASE = "forkbot/demo/base/conflict-second"
STEPS = Step.REBASE | Step.WRITE | Step.TELL
ADA = "Ada Lovelace <ada@example.invalid>"


class Nights:
    """The world, night after night; nothing is built, so that all of it takes a moment."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.upstream = world.upstream()
        self.said: list[str] = []
        self._days = 0

    def begin(self, patches: dict[str, Changes] = PATCHES) -> None:
        """Put the stack on upstream's beginning."""
        files: Changes = {"src/lib.rs": TEXT, "notes.md": "one\ntwo\nthree\n", "gone.rs": "1\n"}
        self.upstream.commit("begin", files)
        self.upstream.tag("v1.0.0")
        self.world.stack(self.upstream, patches)
        self.world.forkbot("rebase")

    def news(self, files: Changes = NEWS, version: str = "2.0.0") -> None:
        """Let upstream rework what the patches stand on."""
        self.upstream.commit("rework it all (#7)", files)
        self.upstream.tag(f"v{version}")

    def night(self, *, dry_run: bool = False, steps: Step = STEPS) -> StackRecord:
        """Go the whole way but for building and publishing; return what became of the stack."""
        (stack,) = self.whole(dry_run=dry_run, steps=steps).stacks
        return stack

    def whole(self, *, dry_run: bool = False, steps: Step = STEPS) -> RunRecord:
        """Return the record of such a night."""
        self._days += 1
        return run(
            self._session(dry_run=dry_run), (), command="a night", steps=steps, aim=Aim(),
            connection=Connection(forge=self.forge, home="stacks"),
        )  # fmt: skip

    def planned(self) -> Plan:
        """Return what a night would do, for machines that cannot ask the forge."""
        connection = Connection(forge=self.forge, home="stacks")
        return plan(self._session(dry_run=True), connection=connection)

    def elsewhere(self, plan: Plan) -> StackRecord:
        """Return what such a machine makes of the stack."""
        nowhere = LocalForge(self.world.place / "nowhere", ambient=self.world.env)
        made = run(
            self._session(dry_run=True), (), command="a leg", steps=Step.REBASE, aim=Aim(),
            connection=Connection(forge=nowhere, home="stacks"), plan=plan,
        )  # fmt: skip
        return made.stacks[0]

    def _session(self, *, dry_run: bool) -> Session:
        return Session(
            root=self.world.root, cache=self.world.cache, ambient=self.world.env,
            channel=Channel.MAIN, say=self.said.append, dry_run=dry_run,
            now=dt.datetime.fromtimestamp(NOW, dt.UTC) + dt.timedelta(days=self._days),
        )  # fmt: skip

    @property
    def forge(self) -> LocalForge:
        """Return the forge of this machine."""
        folder = self.world.root / ".forkbot" / "forge"
        return LocalForge(folder, ambient=self.world.env)

    @property
    def fork(self) -> Repository:
        """Return the fork as it lies there."""
        return self.world.fork()

    def refs(self) -> dict[str, Oid]:
        """Return the fork's refs."""
        return self.fork.refs()

    def files(self, rev: str) -> dict[str, str]:
        """Return the files of a commit in the fork."""
        found = read_files(self.fork, self.fork.resolve(rev))
        return {path.decode(): text.decode() for path, (_, text) in found.items()}

    def patch(self, name: str) -> str:
        """Return a patch's file."""
        return (self.world.folder() / "patches" / f"{name}.patch").read_text()

    def everything(self) -> object:
        """Return all files but the run records, which a stack in trouble leaves each night."""
        return listing(self.world.root, but=[".forkbot/runs", ".forkbot"]), self.forge_listing()

    def forge_listing(self) -> object:
        """Return all that lies on the forge."""
        return self.refs(), {
            str(p): p.read_bytes()
            for p in sorted((self.world.root / ".forkbot" / "forge").rglob("*.md"))
        }

    # --- a person

    def person(self, branch: str = BRANCH, *, who: str = ADA) -> "Person":
        """Return somebody with a clone of the fork, at a branch."""
        folder = self.world.place / f"clone-{len(list(self.world.place.iterdir()))}"
        url = str(self.fork.git_dir)
        person = Person(folder, who, self.world.env)
        person.git("clone", "--quiet", "--branch", branch, url, str(folder), here=False)
        return person


class Person:
    """Somebody in a clone."""

    def __init__(self, folder: Path, who: str, env: dict[str, str]) -> None:
        self.folder = folder
        name, _, email = who.partition(" <")
        day = {
            "GIT_AUTHOR_DATE": "2026-11-20T12:00:00+01:00",
            "GIT_COMMITTER_DATE": "2026-11-20T12:00:00+01:00",
        }
        self._env = env | day | {
            "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email.rstrip(">"),
            "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email.rstrip(">"),
        }  # fmt: skip

    def git(self, *args: str, here: bool = True) -> str:
        """Run git there."""
        done = subprocess.run(
            ["git", *args], cwd=self.folder if here else None, env=self._env, capture_output=True,
            text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def commits(self, files: dict[str, str | None], *, why: str = "mend it") -> None:
        """Write files (None: take away) and commit."""
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                self.git("rm", "--quiet", name)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", why)

    def pushes(self, *args: str) -> None:
        """Push the branch."""
        self.git("push", "--quiet", *args)


def branch_of(stack: StackRecord) -> ConflictBranch:
    """Return the branch that the run left open."""
    assert stack.conflict_branch is not None
    return stack.conflict_branch


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    """Return a stack whose second and third patches do not stand on upstream's news."""
    nights = Nights(World(tmp_path))
    nights.begin()
    nights.news()
    return nights
