"""A world whose forge is GitHub, none of it ours: a stacks repository and forks, tokens, people.

Each night is another machine: it clones the stacks repository, and has nothing of the night before
but the mirror cache. What took long, a build, is remembered from a run record (`Hosted.proven`).
"""

import contextlib
import copy
import dataclasses
import itertools
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from forkbot.git.repository import Repository
from forkbot.words import Oid
from tests.e2e.world import NOW, Said, World, adopting, wait_for
from tests.forge.emulator import OUR_TOKEN, PERSON, THEIR_TOKEN
from tests.forge.hub import Hub
from tests.forge.places import Seen, seen_in
from tests.scenario import Upstream, read_files

HOME = "stacks"
_ANN = ("-c", f"user.name={PERSON}", "-c", f"user.email={PERSON}@example.invalid")
# a person's commits have the same ids in every world
_WHEN = {f"GIT_{who}_DATE": f"@{NOW} +0000" for who in ("AUTHOR", "COMMITTER")}
_RUNS = Path(".forkbot") / "runs"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """The subjects of its commits, newest first, and its files: mode and text."""

    subjects: tuple[str, ...]
    files: Mapping[str, tuple[str, str]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the world can see of a repository: branches with their files, tags, artefacts."""

    branches: Mapping[str, Branch]
    tags: tuple[str, ...]
    artefacts: tuple[Seen, ...]


class Hosted(World):
    """A world whose root is a clone of the stacks repository."""

    def __init__(self, place: Path, hub: Hub) -> None:
        super().__init__(place)
        self.hub = hub
        self.repositories = [HOME]
        self.env |= {
            "FORKBOT_TOKEN": OUR_TOKEN,
            "FORKBOT_PACE": "0",
            "GITHUB_REPOSITORY": f"{hub.owner}/{HOME}",
            "GITHUB_REPOSITORY_OWNER": hub.owner,
            "GITHUB_API_URL": hub.gate.url,
            "GITHUB_SERVER_URL": hub.git.url,
        }
        hub.create(HOME)

    # --- the scene

    def upstream(self, name: str = "demo") -> Upstream:
        """Return an empty upstream repository, of an owner of its own; anybody may fetch it."""
        return Upstream(self.hub.git.root / "upstream" / f"{name}.git", env=self._git_env)

    def upstream_url(self, name: str = "demo") -> str:
        """Return where it is fetched."""
        return f"{self.hub.git.url}/upstream/{name}.git"

    def fork(self, name: str = "demo") -> "Repository":
        """Return a fork as it lies on the server."""
        return self.hub.repository(name)

    def forked(self, upstream: Upstream, name: str = "demo") -> None:
        """Let the owner have a fork of upstream, as GitHub's button makes one."""
        self.hub.create(name)
        self.hub.fill(name, upstream.repository, "refs/heads/main:refs/heads/main")
        self.repositories.append(name)

    def settled(self) -> None:
        """Make what is in root the stacks repository's main."""
        (self.root / ".gitignore").write_text(".forkbot/\n")
        self._git("init", "--quiet", "--initial-branch=main", ".")
        self._git("add", "--all")
        self._commit("begin")
        self._git("remote", "add", "origin", self.hub.url(HOME))
        self._git("push", "--quiet", self._push_url(HOME), "main")

    def proven_by(self, other: Path) -> None:
        """Take over what a run on another machine found out about builds."""
        shutil.copytree(other / _RUNS, self.root / _RUNS, dirs_exist_ok=True)

    def next_night(self, *, elsewhere: bool = True) -> None:
        """Go to another machine: a fresh clone, and the verdicts that were found before.

        Not ``elsewhere``, it is the same machine, which pulls.
        """
        if not elsewhere:
            self._git("pull", "--quiet", "--ff-only", "origin", "main")
            return
        records = self.root / _RUNS
        kept = self.place / "kept"
        if records.is_dir():
            shutil.copytree(records, kept, dirs_exist_ok=True)
        shutil.rmtree(self.root)
        self._git("clone", "--quiet", self.hub.url(HOME), str(self.root), cwd=self.place)
        if kept.is_dir():
            shutil.copytree(kept, self.root / _RUNS)

    def beside(self) -> "Hosted":
        """Return another machine with a clone of the same stacks repository."""
        other = copy.copy(self)
        other.place = self.place / "beside"
        other.root, other.cache = other.place / "root", other.place / "cache"
        (other.place / "home").mkdir(parents=True)
        other.env = self.env | {
            "HOME": str(other.place / "home"), "FORKBOT_CACHE": str(other.cache),
        }  # fmt: skip
        shutil.copytree(self.cache, other.cache, symlinks=True)
        self._git("clone", "--quiet", self.hub.url(HOME), str(other.root))
        other.proven_by(self.root)
        return other

    # --- people

    def person_pushes(
        self, repo: str, branch: str, change: Callable[[Path], None], *, why: str
    ) -> Oid:
        """Let a person change a branch over http, as an editor in the browser would."""
        folder = self.place / f"person-{repo}"
        shutil.rmtree(folder, ignore_errors=True)
        url = self._push_url(repo)
        self._git("clone", "--quiet", "--branch", branch, url, str(folder), cwd=self.place)
        change(folder)
        self._git("add", "--all", cwd=folder)
        self._commit(why, cwd=folder)
        self._git("push", "--quiet", url, f"HEAD:refs/heads/{branch}", cwd=folder)
        return Oid(self._git("rev-parse", "HEAD", cwd=folder).strip())

    def person_merges(self, repo: str, branch: str) -> None:
        """Let a person press the button of a branch's pull request, and delete the branch."""

        def merge(folder: Path) -> None:
            self._git(
                *_ANN, "merge", "--quiet", "--no-ff", "--no-edit", f"origin/{branch}", cwd=folder
            )

        self.person_pushes(repo, "main", merge, why="Merged")
        (pull,) = (s for s in seen_in(self.hub.emulator, self.hub.at(repo)) if s.head == branch)
        path = self.hub.at(repo, f"/pulls/{pull.number}/merge")
        self.hub.ask("PUT", path, {}, token=THEIR_TOKEN)
        url = self._push_url(repo)
        self._git(
            "push", "--quiet", url, f":refs/heads/{branch}", cwd=self.place / f"person-{repo}"
        )

    def _push_url(self, repo: str) -> str:
        return self.hub.url(repo).replace("http://", f"http://{PERSON}:{THEIR_TOKEN}@")

    def _commit(self, why: str, *, cwd: Path | None = None) -> None:
        self._git(*_ANN, "commit", "--quiet", "--allow-empty", "-m", why, cwd=cwd)

    def _git(self, *args: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *args], cwd=cwd or self.root,
            env={**self._git_env, "HOME": self.env["HOME"], **_WHEN},
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    # --- what happens

    def killed(self, *args: str, at: int, done: bool) -> bool:
        """Call forkbot and kill it as its write of that number comes (0 is the first).

        ``done``: the write is done all the same, and nobody hears of it. Returns whether there was
        such a write; else forkbot went through.
        """
        count = -1

        def meet(_: str) -> bool:
            nonlocal count
            count += 1
            if count < at:
                return True
            child.kill()  # its git goes on for a moment, as an orphan does
            return done and count == at

        with self.hub.meeting(meet), adopting() as left_running:
            child = subprocess.Popen(
                self.command(*args), env=self.env, cwd=self.place, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            child.wait(timeout=120)
            wait_for(lambda: not left_running())
        return count >= at

    @contextlib.contextmanager
    def held(self, *args: str, at: int) -> Iterator["subprocess.Popen[bytes]"]:
        """Call forkbot; its write of that number waits, undone, until the block ends."""
        here, go = threading.Event(), threading.Event()
        count = itertools.count()

        def meet(_: str) -> bool:
            if next(count) == at:
                here.set()
                assert go.wait(120)
            return True

        with self.hub.meeting(meet):
            child = self.start(*args)
            try:
                assert here.wait(60), child.poll()
                yield child
            finally:
                go.set()

    def heard(self, child: "subprocess.Popen[bytes]") -> Said:
        """Wait for a call; return what it said."""
        out, err = child.communicate(timeout=120)
        return Said(code=child.returncode, out=self.tidy(out), err=self.tidy(err))

    # --- what is there afterwards

    def wrote(self, *args: str, code: int = 0) -> tuple[Said, Sequence[str]]:
        """Call forkbot; return what it said and what it wrote to the servers."""
        self.hub.writes.clear()
        said = self.forkbot(*args, code=code)
        return said, tuple(self.hub.writes)

    def standing(self) -> Mapping[str, Standing]:
        """Return what the world sees of every repository, whoever owns it and wherever it is."""
        return {name: self._standing(name) for name in self.repositories}

    def _standing(self, name: str) -> Standing:
        repository = self.hub.repository(name)
        refs = repository.refs()
        heads = {r.removeprefix("refs/heads/"): o for r, o in refs.items() if "/heads/" in r}
        seen = seen_in(self.hub.emulator, self.hub.at(name))
        return Standing(
            branches={
                branch: Branch(
                    subjects=tuple(self.log(repository, oid)),
                    files={
                        path.decode(): (mode, self._anywhere(data.decode()))
                        for path, (mode, data) in read_files(repository, oid).items()
                    },
                )
                for branch, oid in heads.items()
            },
            tags=tuple(sorted(r for r in refs if "/tags/" in r)),
            artefacts=tuple(
                dataclasses.replace(
                    s,
                    title=self._anywhere(s.title),
                    text=self._anywhere(s.text),
                    comments=tuple(map(self._anywhere, s.comments)),
                )
                for s in seen
            ),
        )

    def _anywhere(self, text: str) -> str:
        """Return a text as any owner, on any machine, would have it."""
        git, api = self.hub.git.url, self.hub.gate.url
        for own, general in ((git, "WEB"), (api, "API"), (self.hub.owner, "OWNER")):
            text = text.replace(own, general)
        return text
