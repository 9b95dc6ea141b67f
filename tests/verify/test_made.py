"""What a build may leave in a target folder to keep its reader waiting, or to fill its memory."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from forkbot.errors import MachineError
from forkbot.verify.depinfo import is_read
from forkbot.verify.made import LARGEST, digest_made, keep_made, read_made


def a_pipe(path: Path) -> None:
    """Lay a pipe that nobody writes to."""
    os.mkfifo(path)


def an_endless_device(path: Path) -> None:
    """Lay a link to zeros without an end."""
    path.symlink_to("/dev/zero")


def a_folder(path: Path) -> None:
    """Lay a folder."""
    path.mkdir()


def nothing(_: Path) -> None:
    """Lay nothing."""


TRAPS = [a_pipe, an_endless_device, a_folder, nothing]


@pytest.mark.parametrize("lay", TRAPS)
@pytest.mark.parametrize("read", [read_made, digest_made])
def test_what_is_no_file_is_told_so_at_once(
    lay: Callable[[Path], None], read: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "made.wasm"
    lay(path)
    with pytest.raises(MachineError) as raised:
        read(path)
    assert raised.value.where == str(path)


def test_a_file_is_read_up_to_a_size(tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    path.write_bytes(b"{}")
    assert read_made(path) == b"{}"
    assert digest_made(path, b"[", b"]") == hashlib.sha256(b"{}[]").hexdigest()
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)  # of holes: it takes no room on the disk
    with pytest.raises(MachineError, match="larger than 512 MiB"):
        read_made(path)


def test_no_name_that_a_stranger_gives_becomes_a_files(tmp_path: Path) -> None:
    """A macro prints cargo's words with any name in them, and a program of its own beside it."""
    target, into = tmp_path / "target", tmp_path / "kept"
    for folder in (target, into):
        folder.mkdir()
    (target / "program").write_text("of a stranger")
    (tmp_path / "mine").write_text("mine")
    a_pipe(target / "pipe")
    names = ["net", "../mine", str(tmp_path / "mine"), "", "a/b"]
    found = [(name, target / "program") for name in names]
    traps = [("pipe", target / "pipe"), ("out", tmp_path / "mine"), ("gone", target / "gone")]
    kept = keep_made([*found, *traps], target_dir=target, into=into)
    assert [*kept] == names
    assert {path.parent for path in kept.values()} == {into}
    assert sorted(path.name for path in into.iterdir()) == ["0", "1", "2", "3", "4"]
    assert (tmp_path / "mine").read_text() == "mine"
    assert {path.read_text() for path in kept.values()} == {"of a stranger"}


@pytest.mark.parametrize("lay", TRAPS)
def test_among_the_notes_of_rustc_it_is_none(lay: Callable[[Path], None], tmp_path: Path) -> None:
    notes = tmp_path / "debug" / "deps"
    notes.mkdir(parents=True)
    lay(notes / "a.d")
    source = tmp_path / "src" / "lib.rs"
    assert not is_read(source, target_dir=tmp_path)
    (notes / "b.d").write_text(f"b.rmeta: {source}\n")
    assert is_read(source, target_dir=tmp_path)
