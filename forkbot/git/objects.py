"""Git objects without a process each: one ``cat-file --batch`` reads, small packs are written."""

import hashlib
from pathlib import Path

from forkbot.errors import MachineError
from forkbot.git.pack import write_pack
from forkbot.git.repository import Repository
from forkbot.process import Conversation
from forkbot.words import Oid


class Objects:
    """Reads any object of a repository and writes new ones into its quarantine folder."""

    def __init__(self, repository: Repository) -> None:
        """Open on a quarantined repository: writing elsewhere would leave scraps behind."""
        folder = repository.env.get("GIT_OBJECT_DIRECTORY")
        if folder is None:
            raise ValueError("objects are written in quarantine only")
        self._folder = Path(folder) / "pack"
        self._written: dict[Oid, tuple[str, bytes]] = {}
        self._waiting: dict[Oid, tuple[str, bytes]] = {}
        self._repository = repository
        self._reader: Conversation | None = None

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Return the type (blob, tree, commit, tag) and content of an object.

        Raises ``MachineError`` when it is not there: a damaged or shallow repository.
        """
        if oid in self._written:
            return self._written[oid]
        if self._reader is None:
            self._reader = Conversation(
                ["git", "cat-file", "--batch"],
                env={**self._repository.env, "GIT_DIR": str(self._repository.git_dir)},
            )
        self._reader.send(f"{oid}\n".encode())
        header = self._reader.read_until(b"\n").decode().split(" ")
        if header[1] == "missing":
            raise MachineError(f"object {oid} is missing", where=str(self._repository.git_dir))
        content = self._reader.read_exactly(int(header[2]))
        self._reader.read_exactly(1)
        return header[1], content

    def committed(self, commit: Oid) -> int:
        """Return a commit's committer date, in seconds since 1970."""
        return int(self._header(commit, b"committer")[0].rsplit(b" ", 2)[1])

    def tree(self, commit: Oid) -> Oid:
        """Return a commit's tree."""
        return Oid(self._header(commit, b"tree")[0].decode())

    def parents(self, commit: Oid) -> tuple[Oid, ...]:
        """Return a commit's parents; none for a root."""
        return tuple(Oid(p.decode()) for p in self._header(commit, b"parent"))

    def _header(self, commit: Oid, key: bytes) -> list[bytes]:
        lines = self.read(commit)[1].partition(b"\n\n")[0].split(b"\n")
        return [li.partition(b" ")[2] for li in lines if li.startswith(key + b" ")]

    def write(self, kind: str, content: bytes) -> Oid:
        """Return the id of a new object. Git sees it after the next ``flush``."""
        whole = f"{kind} {len(content)}\0".encode() + content
        oid = Oid(hashlib.sha1(whole, usedforsecurity=False).hexdigest())
        if oid not in self._written:
            self._written[oid] = self._waiting[oid] = (kind, content)
        return oid

    def flush(self) -> None:
        """Put what is waiting where git sees it."""
        if self._waiting:
            self._folder.mkdir(exist_ok=True)
            write_pack(self._folder, self._waiting)
            self._waiting = {}

    def write_commit(
        self,
        *,
        tree: Oid,
        parents: tuple[Oid, ...],
        author: bytes,
        committer: bytes,
        message: bytes,
    ) -> Oid:
        """Store a commit; ``author`` and ``committer`` are git's ``name <email> seconds zone``."""
        lines = [b"tree " + tree.encode()]
        lines += [b"parent " + parent.encode() for parent in parents]
        lines += [b"author " + author, b"committer " + committer, b"", message]
        return self.write("commit", b"\n".join(lines))

    def close(self) -> None:
        """Flush, and end the reading child. Safe to call twice."""
        self.flush()
        if self._reader is not None:
            self._reader.close()
