"""GitHub as a whole, none of it ours: ``emulate`` behind its gate, and git over smart HTTP beside.

Emulate has a git store of its own, so whatever is pushed is told it by REST, object by object, and
must get the same ids there. What GitHub refuses and emulate takes, the hub refuses in its words.
"""

import base64
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping

import msgspec

from forkbot.git.repository import Repository, init_bare
from forkbot.words import Oid
from tests.forge.emulator import OWNERS, PERSON, THEIR_TOKEN, Emulator
from tests.forge.gate import Answer, Asked, Gate
from tests.forge.smarthttp import GitServer, basic
from tests.scenario import read_files

_owners = itertools.count()


class _Sha(msgspec.Struct):
    sha: str


class _Head(msgspec.Struct):
    ref: str


class _Pull(msgspec.Struct):
    number: int
    head: _Head


class Hub:
    """One owner's repositories, and all that is written to them, in its order."""

    def __init__(
        self, gate: Gate, emulator: Emulator, git: GitServer, env: Mapping[str, str]
    ) -> None:
        self.gate = gate
        self.emulator = emulator
        self.git = git
        self.owner = OWNERS[next(_owners)]
        self.writes: list[str] = []
        # called as a write comes; False: the line breaks before it is done
        self.meet: Callable[[str], bool] = lambda _: True
        self._env = env
        self._mirrored: dict[str, dict[str, Oid]] = {}
        self._known: dict[str, set[str]] = {}  # objects that emulate has
        self._lock = threading.Lock()
        git.public = True
        git.people |= {basic(PERSON, THEIR_TOKEN): PERSON}
        git.meet = lambda path, refs: self._met(f"push {path.rpartition('/')[2]} {', '.join(refs)}")
        git.pushed = lambda path: self._mirror(path.rpartition("/")[2].removesuffix(".git"))
        gate.meet = lambda asked: self._met(str(asked).replace(f"/repos/{self.owner}/", ""))
        gate.refusal = self._refused

    # --- repositories

    def create(self, name: str, *, private: bool = False) -> Repository:
        """Make an empty repository that a person may write to."""
        self.ask("POST", f"/orgs/{self.owner}/repos", {"name": name, "private": private})
        self.ask("PUT", self.at(name, f"/collaborators/{PERSON}"), {"permission": "push"})
        made = init_bare(self.git.root / self.owner / f"{name}.git", env=self._env)
        made.git("symbolic-ref", "HEAD", "refs/heads/main")
        self._mirrored[name], self._known[name] = {}, set()
        return made

    def fill(self, name: str, source: Repository, *refspecs: str) -> None:
        """Push into a repository from behind, as somebody did long ago."""
        source.git("push", "--quiet", str(self.repository(name).git_dir), *refspecs)
        self._mirror(name)

    def repository(self, name: str) -> Repository:
        """Return a repository as it lies on the server."""
        return Repository(git_dir=self.git.root / self.owner / f"{name}.git", env=self._env)

    def url(self, name: str) -> str:
        """Return where anybody may fetch it."""
        return f"{self.git.url}/{self.owner}/{name}.git"

    def at(self, name: str, path: str = "") -> str:
        """Return a path of the API."""
        return f"/repos/{self.owner}/{name}{path}"

    def ask(self, verb: str, path: str, body: object = None, *, token: str = "") -> object:
        """Ask emulate past the gate."""
        return self.emulator.ask(verb, path, body, token=token)

    # --- what comes in

    @contextlib.contextmanager
    def meeting(self, meet: Callable[[str], bool]) -> Iterator[None]:
        """Let a function see each write as it comes, for a while; False breaks its line."""
        self.meet = meet
        try:
            yield
        finally:
            self.meet = lambda _: True

    def _met(self, write: str) -> bool:
        with self._lock:
            self.writes.append(write)
        return self.meet(write)

    def _refused(self, asked: Asked) -> Answer | None:
        """Answer as GitHub does where emulate is too kind."""
        start, _, name = asked.path.removesuffix("/pulls").rpartition("/")
        if (asked.verb, start) != ("POST", f"/repos/{self.owner}") or "/pulls" not in asked.path:
            return None
        assert isinstance(asked.body, Mapping)
        if not asked.body:  # whoever asks so wants to know whether it may ask at all
            return None
        head, base = str(asked.body["head"]).rpartition(":")[2], str(asked.body["base"])
        refs = self.repository(name).refs()
        tips = [refs.get(f"refs/heads/{branch}") for branch in (head, base)]
        if None in tips:
            field = "head" if tips[0] is None else "base"
            return _invalid({"resource": "PullRequest", "field": field, "code": "invalid"})
        if not self.repository(name).git("rev-list", f"{tips[1]}..{tips[0]}").stdout:
            return _custom(f"No commits between {base} and {head}")
        if any(p.head.ref == head for p in self._pulls(name)):
            return _custom(f"A pull request already exists for {self.owner}:{head}.")
        return None

    def _pulls(self, name: str) -> list[_Pull]:
        there = self.ask("GET", self.at(name, "/pulls?state=open&per_page=100"))
        return msgspec.convert(there, list[_Pull])

    # --- emulate's git store

    def _mirror(self, name: str) -> None:
        """Bring emulate's refs to the server's; GitHub closes what loses its branch."""
        with self._lock:
            now, before = self.repository(name).refs(), self._mirrored[name]
            for ref, oid in now.items():
                if before.get(ref) != oid:
                    self._tell_commits(name, oid)
                if ref not in before:
                    self.ask("POST", self.at(name, "/git/refs"), {"ref": ref, "sha": oid})
                elif before[ref] != oid:
                    self.ask("PATCH", self.at(name, f"/git/{ref}"), {"sha": oid, "force": True})
            for ref in before.keys() - now.keys():
                self.ask("DELETE", self.at(name, f"/git/{ref}"))
                for pull in self._pulls(name):
                    if f"refs/heads/{pull.head.ref}" == ref:
                        path = self.at(name, f"/pulls/{pull.number}")
                        self.ask("PATCH", path, {"state": "closed"})
            self._mirrored[name] = now

    def _tell_commits(self, name: str, tip: Oid) -> None:
        repository, known = self.repository(name), self._known[name]
        said = repository.git("rev-list", "--reverse", "--topo-order", f"{tip}^{{commit}}").stdout
        for commit in said.decode().split():
            if commit not in known:
                self._tell_commit(name, repository, Oid(commit))
                known.add(commit)

    def _tell_commit(self, name: str, repository: Repository, commit: Oid) -> None:
        entries, known = [], self._known[name]
        for path, (mode, data) in read_files(repository, commit).items():
            blob = {"content": base64.b64encode(data).decode(), "encoding": "base64"}
            sha = msgspec.convert(self.ask("POST", self.at(name, "/git/blobs"), blob), _Sha).sha
            entries.append({"path": path.decode(), "mode": mode, "type": "blob", "sha": sha})
        tree = msgspec.convert(
            self.ask("POST", self.at(name, "/git/trees"), {"tree": entries}), _Sha
        ).sha
        form = "%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%P%x00%B"
        said = repository.git("show", "--no-patch", f"--format={form}", commit).stdout.decode()
        an, ae, ad, cn, ce, cd, parents, message = said.split("\0", 7)
        body = {
            "message": message.removesuffix("\n"), "tree": tree, "parents": parents.split(),
            "author": {"name": an, "email": ae, "date": ad},
            "committer": {"name": cn, "email": ce, "date": cd},
        }  # fmt: skip
        told = msgspec.convert(self.ask("POST", self.at(name, "/git/commits"), body), _Sha).sha
        assert told == commit, f"{name}: emulate makes {told} of {commit}"
        known.add(tree)


def _invalid(error: Mapping[str, str]) -> Answer:
    return Answer(status=422, body={"message": "Validation Failed", "errors": [error]})


def _custom(message: str) -> Answer:
    return _invalid({"resource": "PullRequest", "code": "custom", "message": message})
