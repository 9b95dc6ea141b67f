"""What a rebase leaves in a stack's folder, with no more writes than needed."""

from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from forkbot.model.stack import (
    ChannelLock,
    ForkPolicy,
    Lock,
    Patch,
    Policy,
    Stack,
    UpstreamPolicy,
)
from forkbot.stackdir.files import write_stack
from forkbot.stackdir.load import load_family
from forkbot.stackdir.patches import parse_patch
from forkbot.words import Channel, Oid, PatchName, StackName
from tests.stackdir.house import DIFF, HEADER, House

POLICY = Policy(
    crate="demo",
    upstream=UpstreamPolicy(git="upstream.git"),
    fork=ForkPolicy(repo="demo"),
)
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


def test_a_channel_with_patches_of_its_own_has_a_folder_while_it_needs_it(house: House) -> None:
    stack, folder = two(house)
    both = LOCK.with_channel(Channel.RELEASE, LOCK.channels[Channel.MAIN])
    stack = msgspec.structs.replace(stack, lock=both)
    for channel, patches, wanted in (
        (Channel.MAIN, stack.patches[1:], ["fix.patch", "more.patch", "series"]),
        (Channel.RELEASE, stack.patches[:1], ["fix.patch", "series"]),
        (Channel.RELEASE, stack.patches[1:], []),
    ):
        common, apart = stack.divided(channel, patches)
        write_stack(folder, old=stack, patches=common, apart=apart, lock=both)
        (stack,) = load_family(house.root)
        assert stack.on(channel).patches == patches
        assert sorted(p.name for p in folder.glob("patches-release/*")) == wanted


def test_a_parked_patch_keeps_its_file_where_its_channel_had_it(house: House) -> None:
    stack, folder = two(house)
    both = LOCK.with_channel(Channel.RELEASE, LOCK.channels[Channel.MAIN])
    stack = msgspec.structs.replace(stack, lock=both)
    fix, more = stack.patches
    # the release channel is on its own, and its `fix` is another
    own = msgspec.structs.replace(fix, mail=fix.mail.replace(b"+bar", b"+baz"))
    common, apart = stack.divided(Channel.RELEASE, (own, more))
    write_stack(folder, old=stack, patches=common, apart=apart, lock=both)
    (stack,) = load_family(house.root)
    for left, kept in (((more,), "patches-release/fix.patch"), ((fix, more), "")):
        common, apart = stack.divided(Channel.RELEASE, left)
        write_stack(folder, old=stack, patches=common, apart=apart, lock=both, parked=[fix.name])
        if kept:
            assert (folder / kept).read_bytes() == own.mail
        (stack,) = load_family(house.root)
        assert stack.on(Channel.RELEASE).patches == left
    assert (folder / "patches/fix.patch").read_bytes() == fix.mail


def test_a_parked_patch_outlives_the_folder_it_was_in(house: House) -> None:
    stack, folder = two(house)
    both = LOCK.with_channel(Channel.RELEASE, LOCK.channels[Channel.MAIN])
    stack = msgspec.structs.replace(stack, lock=both)
    fix, more = stack.patches
    common, apart = stack.divided(Channel.MAIN, (more,))
    write_stack(folder, old=stack, patches=common, apart=apart, lock=both)
    (stack,) = load_family(house.root)
    assert (folder / "patches-release/fix.patch").exists()
    common, apart = stack.divided(Channel.RELEASE, (more,))
    assert apart == {}
    write_stack(folder, old=stack, patches=common, apart=apart, lock=both, parked=[fix.name])
    assert not list(folder.glob("patches-release/*"))
    assert (folder / "patches/fix.patch").read_bytes() == fix.mail
    assert (folder / "patches/series").read_text() == "# ours\nmore.patch\n"


@given(
    st.sampled_from(Channel),
    st.lists(st.sampled_from(["a", "b", "c"]), unique=True),
    st.lists(st.sampled_from(["a", "b", "c"]), unique=True),
    st.none() | st.lists(st.sampled_from(["a", "b", "c"]), unique=True),
    st.sets(st.sampled_from(Channel)),
)
def test_what_one_channel_gets_no_other_loses(
    channel: Channel, new: list[str], old: list[str], own: list[str] | None, locked: set[Channel]
) -> None:
    one = parse_patch(PatchName("fix"), (HEADER + DIFF).encode(), where="fix.patch")

    def patches(names: list[str]) -> tuple[Patch, ...]:
        return tuple(msgspec.structs.replace(one, name=PatchName(name)) for name in names)

    lock = Lock(channels=dict.fromkeys(locked, LOCK.channels[Channel.MAIN]))
    stack = Stack(
        name=StackName("demo"), policy=POLICY, patches=patches(old), lock=lock, smoke_digest="",
        apart={Channel.RELEASE: patches(own)} if own is not None and own != old else {},
    )  # fmt: skip
    common, apart = stack.divided(channel, patches(new))
    after = msgspec.structs.replace(stack, patches=common, apart=apart)
    assert after.on(channel).patches == patches(new)
    for other in locked - {channel}:
        assert after.on(other).patches == stack.on(other).patches
    assert all(own != common for own in apart.values())
