"""patches/series at the door, and written again: quilt must read the same as forkbot."""

import re
import shutil
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from forkbot.stackdir.load import left_out
from forkbot.stackdir.series import parse_series, read_series, render_series
from forkbot.words import PatchName
from tests.stackdir.house import House
from tests.stackdir.told import Break, expected, render


def series(data: str | bytes) -> Break:
    """Return what writes the series."""
    return lambda house: house.write("stacks/demo/patches/series", data)


CASES: dict[str, Break] = {
    "no series": lambda house: house.remove("stacks/demo/patches/series"),
    "no patches folder": lambda house: shutil.rmtree(house.root / "stacks/demo/patches"),
    "a folder for the series": lambda house: house.to_folder("stacks/demo/patches/series"),
    "a name twice": series("fix.patch\n# again\nfix.patch\n"),
    "an option": series("fix.patch -p0\n"),
    "an option behind a tab": series("fix.patch\t-R # undo\n"),
    "a folder": series("sub/fix.patch\n"),
    "a folder above": series("../fix.patch\n"),
    "an absolute path": series("/etc/fix.patch\n"),
    "an option for a name": series("-fix.patch\n"),
    "no .patch": series("fix\n"),
    "two dots": series("fix..patch\n"),
    "a comment without its space": series("fix.patch#why\n"),
    "an indented comment": series("fix.patch\n  # why\n"),
    "Windows line ends": series("fix.patch\r\n"),
    "bytes that are not UTF-8": series(b"# caf\xe9\nfix.patch\n"),
    "a control character": series("fix.patch\x0c\n"),
    "a patch that is not there": series("fix.patch\nother.patch\n"),
    "a patch that is a folder": lambda house: house.to_folder("stacks/demo/patches/fix.patch"),
}


def test_what_is_told() -> None:
    assert render(CASES) == expected("series_files")


def test_comments_and_empty_lines_are_nobodys_patch(house: House) -> None:
    path = house.write(
        "series", "# first\u2028second.patch\n\n  fix.patch  # why\nb.patch\t#\tc\n#\n"
    )
    assert read_series(path) == ("fix", "b")


def test_quilt_reads_the_same(house: House) -> None:
    path = house.write("patches/series", "# a\n\n  fix.patch  # why\nb.patch\t# c\n")
    said = subprocess.run(
        ["quilt", "series"], cwd=house.root, check=True, capture_output=True, text=True
    )
    names = [line.removeprefix("patches/") for line in said.stdout.split()]
    assert names == [f"{name}.patch" for name in read_series(path)]


OLD = """\
# what upstream should take
one.patch  # sent

# ours for good
two.patch
three.patch
# the end
"""


def told(*names: str) -> str:
    """Return the series rendered from OLD with these names."""
    return render_series(OLD, tuple(PatchName(n) for n in names))


def test_an_unchanged_series_is_the_same_text() -> None:
    assert told("one", "two", "three") == OLD


def test_a_dropped_patch_leaves_the_comments() -> None:
    assert told("one", "three") == OLD.replace("two.patch\n", "")
    assert told() == re.sub(r"(?m)^\w+\.patch.*\n", "", OLD)


def test_new_patches_and_a_new_order_are_kept() -> None:
    assert told("one", "new", "three", "two", "last") == (
        "# what upstream should take\none.patch  # sent\n\n# ours for good\n"
        "new.patch\nthree.patch\ntwo.patch\n# the end\nlast.patch\n"
    )


NAMES = st.lists(
    st.from_regex(r"\A[a-z0-9](?:[a-z0-9_+-]|\.(?!\.)){0,5}[a-z]\Z"), unique=True, max_size=6
)
COMMENTS = st.sampled_from(["", "#", "# a comment", "# b.patch", "\t", "#c\u2028d"])


@given(old=NAMES, keep=NAMES, data=st.data())
def test_what_is_rendered_is_read_again_and_comments_stay(
    old: list[str], keep: list[str], data: st.DataObject
) -> None:
    lines = []
    for name in old:
        lines += data.draw(st.lists(COMMENTS, max_size=2))
        lines.append(f"{name}.patch" + data.draw(st.sampled_from(["", " # why", "\t#"])))
    lines += data.draw(st.lists(COMMENTS, max_size=2))
    names = tuple(PatchName(n) for n in data.draw(st.permutations(sorted({*old[::2], *keep}))))
    text = render_series("\n".join(lines), names)
    assert parse_series(text, where="series") == names
    remarks = [line for line in lines if line.startswith("#")]
    assert [line for line in text.split("\n") if line.startswith("#")] == remarks
    assert render_series(text, names) == text


def test_a_parked_patch_is_left_out_and_said(tmp_path: Path) -> None:
    """quilt's way to set a patch aside: its line goes, its file stays; every report says so."""
    patches = tmp_path / "patches"
    (patches / "old").mkdir(parents=True)
    (patches / "series").write_text("kept.patch\n# parked.patch\n")
    for name in ("kept", "parked", "old/older"):
        (patches / f"{name}.patch").write_text("x")
    assert left_out(tmp_path) == ("old/older.patch", "parked.patch")
