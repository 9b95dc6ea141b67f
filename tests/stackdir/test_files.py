"""What a rebase leaves in a stack's folder, with no more writes than needed."""

from pathlib import Path

import msgspec

from forkbot.model.stack import ChannelLock, Lock, Stack
from forkbot.stackdir.files import write_stack
from forkbot.stackdir.load import load_family
from forkbot.words import Channel, Oid
from tests.stackdir.house import DIFF, HEADER, House

OID = Oid("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
LOCK = Lock().with_channel(
    Channel.MAIN,
    ChannelLock(base=OID, base_label="1.2.0", base_tree=OID, result=OID, result_tree=OID),
)


def two(house: House) -> tuple[Stack, Path]:
    """Return a stack of two patches, and its folder."""
    house.write(
        "stacks/demo/patches/more.patch", (HEADER + DIFF).replace("Name: fix", "Name: more")
    )
    house.write("stacks/demo/patches/series", "# ours\nfix.patch # why\nmore.patch\n")
    (stack,) = load_family(house.root)
    return stack, house.root / "stacks/demo"


def test_only_what_changed_is_written(house: House) -> None:
    stack, folder = two(house)
    assert write_stack(folder, old=stack, patches=stack.patches, lock=LOCK) == ("stack.lock",)
    assert write_stack(folder, old=stack, patches=stack.patches, lock=LOCK) == ()
    (again,) = load_family(house.root)
    assert again == msgspec.structs.replace(stack, lock=LOCK)


def test_a_patch_that_went_takes_its_file_and_its_line_along(house: House) -> None:
    stack, folder = two(house)
    left = stack.patches[1:]
    would = write_stack(folder, old=stack, patches=left, lock=LOCK, dry_run=True)
    assert (folder / "patches/fix.patch").exists()
    written = write_stack(folder, old=stack, patches=left, lock=LOCK)
    assert would == written == ("patches/fix.patch", "patches/series", "stack.lock")
    assert (folder / "patches/series").read_text() == "# ours\nmore.patch\n"
    assert sorted(p.name for p in (folder / "patches").iterdir()) == ["more.patch", "series"]
    (again,) = load_family(house.root)
    assert again.patches == left


def test_a_patch_written_anew_keeps_its_place(house: House) -> None:
    stack, folder = two(house)
    mail = stack.patches[0].mail.replace(b"+bar", b"+baz")
    fresh = msgspec.structs.replace(stack.patches[0], mail=mail)
    patches = (fresh, stack.patches[1])
    assert write_stack(folder, old=stack, patches=patches, lock=stack.lock) == (
        "patches/fix.patch",
        "stack.lock",
    )
    assert (folder / "patches/series").read_text() == "# ours\nfix.patch # why\nmore.patch\n"
