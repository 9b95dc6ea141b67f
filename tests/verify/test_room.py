"""Target folders: one a toolchain, the last two are kept, and none grows for ever."""

import os
from pathlib import Path

from forkbot.verify.room import make_room, target_folder

MIB = 1 << 20


def folder(place: Path, rustc: str, *, mib: int = 1, used: int = 0) -> Path:
    """Return a toolchain's target folder, with so much in it, used at that time."""
    made = target_folder(place / "build", rustc=rustc, target="wasm32-wasip2")
    made.mkdir(parents=True)
    (made / "compiled").write_bytes(os.urandom(mib * MIB))
    os.utime(made, (used, used))
    return made


def names(place: Path) -> set[str]:
    return {p.name for p in (place / "build").iterdir()}


def test_the_toolchain_before_is_kept_and_older_ones_are_not(tmp_path: Path) -> None:
    oldest, before, now = (folder(tmp_path, f"rustc 1.{n}", used=n) for n in (96, 97, 98))
    (tmp_path / "build" / "target").mkdir()  # of a forkbot that had one for all
    os.utime(tmp_path / "build" / "target", (1, 1))
    (tmp_path / "build" / "with-stacks").mkdir()
    said: list[str] = []
    make_room(now, say=said.append)
    assert names(tmp_path) == {before.name, now.name, "with-stacks"}
    assert sorted(said) == sorted([
        f"removing what an older toolchain left of builds, 1 MiB: {oldest.name}",
        "removing what an older toolchain left of builds, 0 MiB: target",
    ])  # fmt: skip
    make_room(before, say=said.append)
    assert len(said) == 2
    assert names(tmp_path) == {before.name, now.name, "with-stacks"}


def test_which_was_used_last_counts_and_not_which_is_newest(tmp_path: Path) -> None:
    first, second = (folder(tmp_path, f"rustc 1.{n}", used=n) for n in (97, 98))
    make_room(first, say=print)
    third = target_folder(tmp_path / "build", rustc="rustc 1.99", target="wasm32-wasip2")
    make_room(third, say=print)
    assert names(tmp_path) == {first.name, third.name}
    assert not second.exists()


def test_a_folder_that_grew_too_large_is_begun_anew(tmp_path: Path) -> None:
    grown = folder(tmp_path, "rustc 1.97", mib=3)
    said: list[str] = []
    make_room(grown, say=said.append, largest=4 * MIB)
    assert (said, (grown / "compiled").exists()) == ([], True)
    make_room(grown, say=said.append, largest=2 * MIB)
    assert said == [
        f"removing what many versions of many crates left of builds, 3 MiB: {grown.name}"
    ]
    assert list(grown.iterdir()) == []
