"""stack.lock at the door, and written again byte for byte."""

import json
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from forkbot.model.probed import Probed, ProbedPatch
from forkbot.model.stack import ChannelLock, Lock, StackVerdict
from forkbot.stackdir.load import load_family
from forkbot.stackdir.lock import read_lock, render_lock
from forkbot.words import Channel, Oid, PatchName
from tests.stackdir.house import House
from tests.stackdir.told import Break, expected, render

OID = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
CHANNEL = {
    "base": OID,
    "base-label": "1.2.0",
    "base-tree": OID,
    "result": OID,
    "result-tree": OID,
}
GOOD = json.dumps({"version": 1, "channels": {"main": CHANNEL}}, indent=2)


def lock(data: str | bytes) -> Break:
    """Return what writes the lock."""
    return lambda house: house.write("stacks/demo/stack.lock", data)


def changed(old: str, new: str) -> Break:
    """Return what changes a part of the lock."""
    assert old in GOOD
    return lock(GOOD.replace(old, new))


CASES: dict[str, Break] = {
    "a newer forkbot's": lock('{"version": 2, "chapters": []}'),
    "no version of ours": changed('"version": 1', '"version": 0'),
    "a version that is text": changed('"version": 1', '"version": "1"'),
    "an unknown key": changed('"version": 1', '"version": 1, "chanels": {}'),
    "an unknown key in a channel": changed('"base-label"', '"base-lable"'),
    "an unknown channel": changed('"main"', '"mian"'),
    "a missing key": changed(f'"base": "{OID}",', ""),
    "an id cut short": changed(f'"base": "{OID}"', '"base": "4b825dc"'),
    "an id with a line end": changed(f'"base": "{OID}"', f'"base": "{OID}\\n"'),
    "a conflict that git left": lock(
        GOOD.replace(
            '    "main"', '<<<<<<< HEAD\n    "main"\n=======\n    "main"\n>>>>>>> theirs\n', 1
        )
    ),
    "JSON cut short": lock(GOOD[:40]),
    "no JSON": lock("version: 1\n"),
    "a comma too many": changed('"version": 1,', '"version": 1,,'),
    "a key twice": changed('"version": 1,', '"version": 1,\n  "version": 1,'),
    "a list": lock("[]"),
    "nothing": lock(""),
    "an unknown key, indented with tabs": lock('{\n\t"version": 1,\n\t"x": 2\n}'),
    "bytes that are not UTF-8": lock(b'{\n"version": \xe9}'),
    "a nest without end": lock("[" * 100_000),
    "a folder": lambda house: (
        house.write("stacks/demo/stack.lock", ""),
        house.to_folder("stacks/demo/stack.lock"),
    ),
}


def test_what_is_told() -> None:
    assert render(CASES) == expected("lock_files")


def test_a_lock_without_its_empty_parts_is_taken(house: House) -> None:
    path = house.write("stacks/demo/stack.lock", GOOD)
    full = house.write("full", json.dumps(json.loads(GOOD)).replace(
        '"result-tree"', '"published": null, "verdict": null, "result-tree"'
    ))  # fmt: skip
    assert read_lock(path) == read_lock(full)


def test_no_lock_is_an_empty_one(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "stack.lock") == Lock()


OIDS = st.from_regex(r"\A[0-9a-f]{40}\Z").map(Oid)
# text that JSON can carry: no lone surrogates
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VERDICTS = st.builds(
    StackVerdict, status=st.sampled_from(["green", "red"]), key=TEXT, rustc=TEXT, wasmtime=TEXT
)
PROBED = st.builds(
    Probed,
    key=TEXT,
    patches=st.lists(
        st.builds(ProbedPatch, patch=st.just(PatchName("fix")), green=st.booleans(), why=TEXT)
    ).map(tuple),
)
CHANNELS = st.builds(
    ChannelLock,
    base=OIDS,
    base_label=TEXT,
    base_tree=OIDS,
    result=OIDS,
    result_tree=OIDS,
    published=st.none() | OIDS,
    verdict=st.none() | VERDICTS,
    probed=st.none() | PROBED,
)


@given(states=st.dictionaries(st.sampled_from(Channel), CHANNELS))
def test_what_is_rendered_is_read_again_to_the_byte(
    states: dict[Channel, ChannelLock],
) -> None:
    lock = Lock()
    for channel, state in states.items():
        lock = lock.with_channel(channel, state)
    data = render_lock(lock)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stack.lock"
        path.write_bytes(data)
        again = read_lock(path)
    assert again == lock
    assert render_lock(again) == data
    assert data.endswith(b"}\n")
    # whatever the order of events, the channels stand in one order
    assert list(json.loads(data)["channels"]) == [c.value for c in Channel if c in states]


def test_what_was_probed_is_known_for_that_result_only(house: House) -> None:
    path = house.write("stacks/demo/stack.lock", GOOD)
    lock = read_lock(path)
    before = lock.channels[Channel.MAIN]
    probed = Probed(
        key="0" * 32,
        patches=(
            ProbedPatch(patch=PatchName("fix"), green=False, why="demo does not build"),
            ProbedPatch(patch=PatchName("more"), green=True),
        ),
    )
    known = lock.with_channel(Channel.MAIN, msgspec.structs.replace(before, probed=probed))
    path.write_bytes(render_lock(known))
    assert json.loads(path.read_text())["channels"]["main"]["probed"] == {
        "key": "0" * 32,
        "patches": [
            {"patch": "fix", "green": False, "why": "demo does not build"},
            {"patch": "more", "green": True},
        ],
    }
    [stack] = load_family(house.root)
    assert stack.green_without(before.result_tree) == {"fix": False, "more": True}
    assert stack.green_without(Oid("1" * 40)) == {}
