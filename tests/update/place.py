"""A stacks repository on a forge, a check-out of it as Actions makes one, and people at work."""

import dataclasses
import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from forkbot.connection import Connection
from forkbot.forge.base import Forge
from forkbot.forge.local import LocalForge
from forkbot.git.repository import Repository, init_bare, sealed_env
from forkbot.locate import Aim
from forkbot.model.artefact import Told
from forkbot.model.record import RunRecord
from forkbot.model.update import Update
from forkbot.run import Step, run
from forkbot.session import Session
from forkbot.words import BranchName, Channel, Oid
from tests.e2e.world import NOW, Changes, World
from tests.scenario import Upstream

STEPS = Step.REBASE | Step.WRITE | Step.UPDATE
LINES = "".join(f"{n}\n" for n in "abcdefghijklmnopqrstuvwxyz")
PATCH = BranchName("forkbot/update/demo")


def lines(**changed: str) -> Changes:
    """Return a file of 26 lines, some of them changed."""
    text = "".join(f"{changed.get(n, n)}\n" for n in LINES.split())
    return {"src/lib.rs": text}


class Place:
    """One story: an upstream, the stacks repository ``stacks`` on a forge, nights that go by."""

    def __init__(self, folder: Path, world: World | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.world = world or World(folder)
        self.forge: Forge = LocalForge(folder / "forge", ambient=dict(os.environ))
        self.home = "stacks"
        self.git_dir = folder / "forge" / "stacks.git"
        self.url = str(self.git_dir)  # where people push to
        self.upstream_url: str | None = None  # where it is
        self.said: list[str] = []
        self._env = sealed_env(dict(os.environ))
        self._nights = 0

    def copied(self, folder: Path) -> "Place":
        """Return another place where all is as it is here now."""
        shutil.copytree(self.folder / "forge", folder / "forge")
        shutil.copytree(self.folder / "cache", folder / "cache")
        return Place(folder)

    # --- the scene

    def begin(self, patches: Mapping[str, Changes], *, more: str = "") -> Upstream:
        """Return an upstream; the stack ``demo`` is on it, rebased and pushed by a person."""
        upstream = self.world.upstream()
        upstream.commit("begin", lines())
        upstream.tag("v1.0.0")
        self.world.stack(upstream, patches, more=more, url=self.upstream_url)
        self.settle()
        return upstream

    def settle(self) -> None:
        """Rebase what the world's folder has, and push it all as a person's first commit."""
        run(
            self.session(self.world.root), (), command="forkbot rebase",
            steps=Step.REBASE | Step.WRITE, aim=Aim(), connection=self.connection,
        )  # fmt: skip
        init_bare(self.git_dir, env=self._env)
        (self.world.root / ".gitignore").write_text(".forkbot/\n")
        self.git(self.world.root, "init", "--quiet", "--initial-branch=main")
        self.commits(self.world.root, "the stacks")
        self.git(self.world.root, "push", "--quiet", self.url, "HEAD:refs/heads/main")

    @property
    def connection(self) -> Connection:
        """Return how runs reach the forge."""
        return Connection(forge=self.forge, home=self.home)

    def session(self, root: Path, *, dry_run: bool = False) -> Session:
        """Return a session on a check-out."""
        return Session(
            root=root, cache=self.folder / "cache", ambient=dict(os.environ),
            channel=Channel.MAIN, now=dt.datetime.fromtimestamp(NOW, tz=dt.UTC),
            say=self.said.append, dry_run=dry_run,
        )  # fmt: skip

    # --- what the bot does

    def checkout(self) -> Path:
        """Return a fresh check-out of ``main``: one commit deep, as Actions has it."""
        self._nights += 1
        folder = self.folder / f"night-{self._nights}"
        url = f"file://{self.git_dir}"
        self.git(self.folder, "clone", "--quiet", "--depth=1", url, str(folder))
        return folder

    def night(
        self, *, root: Path | None = None, dry_run: bool = False, channel: Channel = Channel.MAIN
    ) -> RunRecord:
        """Run in a check-out, a fresh one unless one is named; return the record."""
        session = self.session(root or self.checkout(), dry_run=dry_run)
        return run(
            dataclasses.replace(session, channel=channel), (), command="forkbot run --all",
            steps=STEPS, aim=Aim(), connection=self.connection,
        )  # fmt: skip

    # --- what people do

    def git(self, folder: Path, *args: str) -> str:
        """Let a person run git; return what it said."""
        dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{NOW} +0000")
        home = {"HOME": str(self.folder / "home"), "LC_ALL": "C"}
        env = {"PATH": os.environ["PATH"], **home, **dates}
        who = ("-c", "user.name=A Person", "-c", "user.email=person@example.invalid")
        done = subprocess.run(
            ["git", *who, "-c", "protocol.file.allow=always", *args], cwd=folder, env=env,
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        return done.stdout.decode()

    def commits(self, folder: Path, subject: str) -> None:
        """Let a person commit all there is in a check-out."""
        self.git(folder, "add", "--all")
        self.git(folder, "commit", "--quiet", "--message", subject)

    def person(
        self, files: Mapping[str, str | None], *, branch: str = "main", subject: str = "a person's"
    ) -> Oid:
        """Let a person commit files to a branch of the forge's repository; return the commit."""
        folder = self.checkout()
        self.git(folder, "fetch", "--quiet", "origin", branch)
        self.git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        for name, text in files.items():
            path = folder / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.commits(folder, subject)
        self.git(folder, "push", "--quiet", self.url, f"HEAD:refs/heads/{branch}")
        return Oid(self.git(folder, "rev-parse", "HEAD").strip())

    def merge(self, branch: str = PATCH, *, how: str = "--no-ff") -> None:
        """Let a person merge a branch into ``main``, as the button does."""
        self._nights += 1
        folder = self.folder / f"merging-{self._nights}"
        self.git(self.folder, "clone", "--quiet", str(self.git_dir), str(folder))
        self.git(folder, "merge", "--quiet", how, f"origin/{branch}")
        if how == "--squash":
            self.git(folder, "commit", "--quiet", "--message", "squashed")
        self.git(folder, "push", "--quiet", self.url, "HEAD:refs/heads/main")

    # --- what is there afterwards

    @property
    def repository(self) -> Repository:
        """Return the stacks repository on the forge."""
        return Repository(git_dir=self.git_dir, env=self._env)

    def refs(self) -> dict[str, Oid]:
        """Return its branches, by their short names."""
        found = self.repository.refs("refs/heads")
        return {ref.removeprefix("refs/heads/"): oid for ref, oid in found.items()}

    def changed(self, older: str, newer: str) -> dict[str, str]:
        """Return what is different between two commits: A, M or D for each path."""
        said = self.repository.git("diff", "--name-status", "--no-renames", older, newer)
        pairs = (line.split("\t") for line in said.stdout.decode().splitlines())
        return {path: how for how, path in pairs}

    def show(self, rev: str, path: str) -> str:
        """Return a file in a commit."""
        return self.repository.git("cat-file", "blob", f"{rev}:{path}").stdout.decode()

    def standing(self) -> object:
        """Return what the world sees: branches and artefacts."""
        told = [(t.title, t.text, t.labels, t.open, self.comments(t)) for t in self.told()]
        return self.refs(), told

    def comments(self, told: Told) -> list[str]:
        """Return the comments on an artefact of one machine's forge."""
        return [p.read_text() for p in sorted(Path(told.url).parent.glob("comment-*"))]

    def told(self) -> tuple[Told, ...]:
        """Return what was told in the stacks repository."""
        return self.forge.artefacts(self.home)


def update_of(record: RunRecord, stack: str = "demo") -> Update:
    """Return what became of a stack's files."""
    found = next(s.update for s in record.stacks if s.name == stack)
    assert found is not None, record
    return found
