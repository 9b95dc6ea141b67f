"""Git objects without a process each: one ``cat-file --batch`` reads, loose files are written."""

import contextlib
import hashlib
import os
import tempfile
import zlib
from pathlib import Path
from typing import Self

from forkbot.errors import MachineError
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
        self._folder = Path(folder)
        self._repository = repository
        self._reader: Conversation | None = None

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Return the type (blob, tree, commit, tag) and content of an object.

        Raises ``MachineError`` when it is not there: a damaged or shallow repository.
        """
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

    def write(self, kind: str, content: bytes) -> Oid:
        """Store one loose object and return its id. Writing it twice is harmless."""
        whole = f"{kind} {len(content)}\0".encode() + content
        oid = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        folder = self._folder / oid[:2]
        path = folder / oid[2:]
        if not path.exists():
            folder.mkdir(exist_ok=True)
            handle, unfinished = tempfile.mkstemp(dir=folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(zlib.compress(whole, 1))
                os.replace(unfinished, path)  # noqa: PTH105 - hot path: no Path objects
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(unfinished)  # noqa: PTH108
                raise
        return Oid(oid)

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

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the reading child."""
        if self._reader is not None:
            self._reader.close()
