"""A series without one hunk of a patch: which hunks there are, and what is left without each."""

import random
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from forkbot.git.repository import quarantine
from forkbot.git.workbench import Workbench
from forkbot.rebase.hunks import take_each_hunk_back
from forkbot.rebase.recreate import recreate
from forkbot.words import Channel, Oid
from tests.rebase.test_breaker import Files, text
from tests.scenario import Upstream, make_stack

Left = tuple[str, str, tuple[str, ...], bool, dict[str, str]]


def taken_back(
    upstream: Upstream, base: Files, patches: Mapping[str, Files], folder: Path
) -> list[Left]:
    """Return of each hunk: patch, place, who falls with it, if it is comments, what is changed."""
    commit = upstream.commit("base", base)
    stack, made = make_stack(upstream, commit, patches)
    tip = made[-1].after
    with quarantine(upstream.repository, scratch=folder / "scratch") as lent:
        with Workbench(lent) as bench:
            place = upstream.place(commit)
            changes = recreate(stack, bench=bench, channel=Channel.MAIN, base=place)
            found = tuple(take_each_hunk_back(changes, bench=bench))
        return [
            (left.patch, left.hunk, left.with_it, left.only_comments, {
                name: lent.git("show", f"{left.tree}:{name}", ok=None).stdout.decode()
                for name in lent.git("diff", "--name-only", tip, left.tree).stdout.decode().split()
            })
            for left in found
        ]  # fmt: skip


def test_edits_with_room_between_them_are_hunks_of_their_own(
    upstream: Upstream, tmp_path: Path
) -> None:
    patches: Mapping[str, Files] = {
        "near": {"a.rs": text(l5="five", l12="twelve")},  # six lines between
        "far": {"a.rs": text(l5="five", l12="twelve", l20="twenty", l28="more")},  # seven
    }
    assert taken_back(upstream, {"a.rs": text()}, patches, tmp_path) == [
        ("near", "a.rs:6", (), False, {"a.rs": text(l20="twenty", l28="more")}),
        ("far", "a.rs:21", (), False, {"a.rs": text(l5="five", l12="twelve", l28="more")}),
        ("far", "a.rs:29", (), False, {"a.rs": text(l5="five", l12="twelve", l20="twenty")}),
    ]


def test_a_file_that_comes_or_goes_or_is_no_text_is_one_hunk(
    upstream: Upstream, tmp_path: Path
) -> None:
    patches: Mapping[str, Files] = {
        "files": {
            "new.rs": "new\n",
            "old.rs": None,
            "picture": b"\0one",
            "way": ("120000", b"new.rs"),
        }
    }
    found = taken_back(
        upstream, {"old.rs": "old\n", "picture": b"\0two", "way": "text\n"}, patches, tmp_path
    )
    assert found == [
        ("files", "new.rs", (), False, {"new.rs": ""}),
        ("files", "old.rs", (), False, {"old.rs": "old\n"}),
        ("files", "picture", (), False, {"picture": "\0two"}),
        ("files", "way", (), False, {"way": "text\n"}),
    ]


def test_what_a_later_patch_edits_falls_with_the_hunk_and_nothing_else_of_its_patch(
    upstream: Upstream, tmp_path: Path
) -> None:
    patches: Mapping[str, Files] = {
        "first": {"a.rs": text(l5="five", l30="thirty")},
        "second": {"a.rs": text(l5="the fifth", l30="thirty")},
        "third": {"a.rs": text(l5="the fifth", l30="thirty", l18="eighteen")},
    }
    assert taken_back(upstream, {"a.rs": text()}, patches, tmp_path)[:2] == [
        ("first", "a.rs:6", ("second",), False, {"a.rs": text(l30="thirty", l18="eighteen")}),
        ("first", "a.rs:31", (), False, {"a.rs": text(l5="the fifth", l18="eighteen")}),
    ]


def test_comments_of_rust_are_known_for_what_they_are(upstream: Upstream, tmp_path: Path) -> None:
    code = text(l5="/// Five.", l20="// twenty")
    patches: Mapping[str, Files] = {
        "words": {
            "a.rs": text(l5="/// The fifth.\n///", l20="let x = 1; // twenty"),
            "b.md": "// b",
        }
    }
    found = taken_back(upstream, {"a.rs": code, "b.md": "// a"}, patches, tmp_path)
    assert [(hunk, comments) for _, hunk, _, comments, _ in found] == [
        ("a.rs:6", True), ("a.rs:22", False), ("b.md:1", False),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_the_hunks_are_those_of_the_diff_and_one_back_is_git_apply_of_it(
    upstream: Upstream, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    old = [f"line {n}\n" for n in range(120)]
    new = list(old)
    for _ in range(chance.randrange(1, 12)):
        at = chance.randrange(len(new))
        new[at : at + chance.randrange(3)] = [f"ours {seed} {at}\n"] * chance.randrange(3)
    if new == old:
        new = new[1:]
    base, ours = "".join(old), "".join(new)
    found = taken_back(upstream, {"a.rs": base}, {"ours": {"a.rs": ours}}, tmp_path)
    stack, _ = make_stack(upstream, upstream.tip or Oid(""), {"ours": {"a.rs": ours}})
    diff = stack.patches[0].diff.decode()
    head, *hunks = re.split(r"^(?=@@ )", diff, flags=re.MULTILINE)
    assert len(found) == len(hunks)
    work = tmp_path / "work"
    work.mkdir()
    for hunk, (*_, left) in zip(hunks, found, strict=True):
        (work / "a.rs").write_text(ours)
        subprocess.run(["git", "apply", "-R"], cwd=work, input=(head + hunk).encode(), check=True)
        assert left == {"a.rs": (work / "a.rs").read_text()}
