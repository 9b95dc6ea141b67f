"""The files of a fetched crate, byte for byte as they were packaged."""

import dataclasses
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from forkbot.errors import RemoteError, UsageError
from forkbot.upstream.published import Fetched
from forkbot.words import Oid, parse_oid

_VCS_INFO = b".cargo_vcs_info.json"
# Left by cargo beside a crate's files, or written about them: no part of the crate.
_NOT_THE_CRATES = (_VCS_INFO, b".cargo-ok", b".cargo-checksum.json")
# Names that git refuses, or that would leave the folder.
_UNTREELY = {b"", b".", b"..", b".git"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One packaged file: its path, git's mode for it, its bytes."""

    path: bytes
    mode: str
    data: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Packaged:
    """A crate's files, and the upstream commit they were packaged from, where they say."""

    files: tuple[File, ...]
    upstream: Oid | None


class _Git(msgspec.Struct):
    sha1: str
    dirty: bool = False  # packaged with changes that no commit has


class _VcsInfo(msgspec.Struct):
    git: _Git


def read_package(fetched: Fetched) -> Packaged:
    """Return the files of a fetched crate.

    Taken from the ``.crate`` beside cargo's folder, when there is one with the checksum of
    Cargo.lock: what a build script or a person did to the folder does not count then. A vendored
    crate has a folder only.
    """
    archive = _archive(fetched)
    found = _from_folder(fetched.folder) if archive is None else _from_archive(archive)
    files = {file.path: file for file in found}
    for path in files:
        if any(part.lower() in _UNTREELY for part in path.split(b"/")):
            raise RemoteError(
                f"it packages {os.fsdecode(path)!r}, which git cannot hold",
                where=fetched.folder.name,
            )
    return Packaged(
        files=tuple(files[p] for p in sorted(files) if p not in _NOT_THE_CRATES),
        upstream=_upstream(files[_VCS_INFO].data) if _VCS_INFO in files else None,
    )


def _archive(fetched: Fetched) -> bytes | None:
    # the Cargo book, "Cargo Home": registry/src/<registry>/ is unpacked from registry/cache/
    folder = fetched.folder
    home = folder.parent.parent.parent
    try:
        data = (home / "cache" / folder.parent.name / f"{folder.name}.crate").read_bytes()
    except FileNotFoundError:
        return None
    return data if hashlib.sha256(data).hexdigest() == fetched.checksum else None


def _from_archive(data: bytes) -> Iterator[File]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        for member in tar:
            path = os.fsencode(member.name).partition(b"/")[2]  # after <crate>-<version>/
            if member.issym():
                yield File(path=path, mode="120000", data=os.fsencode(member.linkname))
            elif (content := tar.extractfile(member)) is not None:
                yield File(path=path, mode=_mode(member.mode), data=content.read())


def _from_folder(folder: Path) -> Iterator[File]:
    for path in folder.rglob("*"):
        name = os.fsencode(path.relative_to(folder).as_posix())
        if path.is_symlink():
            yield File(path=name, mode="120000", data=os.fsencode(path.readlink()))
        elif path.is_file():
            yield File(path=name, mode=_mode(path.stat().st_mode), data=path.read_bytes())


def _mode(bits: int) -> str:
    return "100755" if bits & 0o100 else "100644"  # git looks at the owner's bit alone


def _upstream(data: bytes) -> Oid | None:
    try:
        git = msgspec.json.decode(data, type=_VcsInfo).git
        return None if git.dirty else parse_oid(git.sha1)
    except (msgspec.DecodeError, UsageError):
        return None
