"""What upstream took: only exact evidence drops a patch, and it is found long after the fact."""

from collections.abc import Mapping
from pathlib import Path

from forkbot.model.fate import PatchOutcome
from forkbot.words import Oid
from tests.rebase.test_breaker import Files, text
from tests.scenario import Upstream, carried, make_stack


def fates(
    upstream: Upstream, base: Oid, patches: Mapping[str, Files], folder: Path
) -> dict[str, str]:
    """Rebase onto upstream's tip; return each patch's fate, with its evidence if it left."""
    return {o.name: _told(o) for o in _outcomes(upstream, base, patches, folder)}


def _outcomes(
    upstream: Upstream, base: Oid, patches: Mapping[str, Files], folder: Path
) -> tuple[PatchOutcome, ...]:
    stack, _ = make_stack(upstream, base, patches)
    return carried(stack, upstream, base, folder).facts.outcomes


def _told(outcome: PatchOutcome) -> str:
    return f"{outcome.fate.value}: {outcome.evidence}" if outcome.evidence else outcome.fate.value


SERIES: dict[str, Files] = {
    "one": {"a.rs": text(l5="five")},
    "two": {"a.rs": text(l5="five", l6="six")},
    "three": {"b.rs": text(l9="nine"), "new.rs": "new\n"},
    "four": {"a.rs": text(l5="V", l6="six")},
}
SQUASHED: Files = {"a.rs": text(l5="V", l6="six"), "b.rs": text(l9="nine"), "new.rs": "new\n"}


def test_a_squash_of_four_is_seen_at_once(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    squash = upstream.commit("wasi support (#1931)", SQUASHED)
    told = f"merged: upstream took it in {squash[:12]} (wasi support (#1931)), "
    told += "squashed from 4 patches"
    assert fates(upstream, base, SERIES, tmp_path) == dict.fromkeys(SERIES, told)


def test_a_squash_is_seen_36_commits_later_though_upstream_reworked_it(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("before", {"a.rs": text(l30="thirty")})
    squash = upstream.commit(
        "wasi support", {**SQUASHED, "a.rs": text(l5="V", l6="six", l30="thirty")}
    )
    for n in range(36):
        upstream.commit(f"later {n}", {"a.rs": text(l5=f"V{n}", l6="SIX", l30="thirty")})
    found = fates(upstream, base, SERIES, tmp_path)
    assert set(found.values()) == {
        f"merged: upstream took it in {squash[:12]} (wasi support), squashed from 4 patches"
    }


def test_one_patch_of_three_is_taken_and_the_others_go_on(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    taken = upstream.commit("take the second", {"b.rs": text(l9="nine")})
    upstream.commit("rework it", {"b.rs": text(l9="NEUF")})
    patches: dict[str, Files] = {
        "one": {"a.rs": text(l5="five")},
        "two": {"b.rs": text(l9="nine")},
        "three": {"a.rs": text(l5="five", l20="twenty")},
    }
    assert fates(upstream, base, patches, tmp_path) == {
        "one": "shifted",
        "two": f"merged: upstream took it in {taken[:12]} (take the second)",
        "three": "shifted",
    }


def test_what_upstream_took_back_is_ours_again(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("take it", {"a.rs": text(l5="five")})
    upstream.commit("take it back", {"a.rs": text()})
    found = fates(upstream, base, {"one": {"a.rs": text(l5="five")}}, tmp_path)
    assert found == {"one": "shifted"}


def test_the_same_edit_at_another_place_is_not_ours(upstream: Upstream, tmp_path: Path) -> None:
    """Equal patch-ids, line numbers apart: the second hop tells them apart."""
    block = "fn {} {{\n    a();\n    b();\n    c();\n    d();\n}}\n"
    same = "    a();\n    b();\n    c();\n    d();\n    e();\n    f();\n    g();\n"
    edited = same.replace("d()", "D()")
    base = upstream.commit("base", {"a.rs": block.format("x") + same + "\n" * 9 + same})
    upstream.commit("edit the lower", {"a.rs": block.format("x") + same + "\n" * 9 + edited})
    upper: Files = {"a.rs": block.format("x") + edited + "\n" * 9 + same}
    assert fates(upstream, base, {"upper": upper}, tmp_path) == {"upper": "shifted"}


def test_a_reworked_take_is_no_evidence(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("do the same, another way", {"a.rs": text(l5="five; // ours")})
    found = fates(upstream, base, {"one": {"a.rs": text(l5="five")}}, tmp_path)
    assert found == {"one": "conflict"}


def test_white_space_counts(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("indented", {"a.rs": text(l5="  five")})
    found = fates(upstream, base, {"one": {"a.rs": text(l5="five")}}, tmp_path)
    assert found == {"one": "conflict"}


def test_a_part_of_a_squash_that_upstream_took_back_is_ours_again(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("take both", {"a.rs": text(l5="five"), "b.rs": text(l9="nine")})
    upstream.commit("take one back", {"b.rs": text()})
    patches: dict[str, Files] = {"one": {"a.rs": text(l5="five")}, "two": {"b.rs": text(l9="nine")}}
    found = fates(upstream, base, patches, tmp_path)
    assert {name: fate.partition(":")[0] for name, fate in found.items()} == {
        "one": "merged",
        "two": "shifted",
    }


def test_upstream_went_on_beside_a_branch_that_it_merged_later(
    upstream: Upstream, tmp_path: Path
) -> None:
    """What its line was before the merge did not have our change, and took nothing back."""
    base = upstream.commit("base", {"a.rs": text()})
    taken = upstream.commit("take it on a branch", {"a.rs": text(l5="five")})
    branch = upstream.commit("and more", {"b.rs": "b\n"})
    upstream.go_to(base)
    upstream.commit("go on", {"a.rs": text(l30="thirty")})
    merged: Files = {"a.rs": text(l5="five", l30="thirty"), "b.rs": "b\n"}
    upstream.commit("Merge", merged, merging=(branch,))
    upstream.commit("rework it", {"a.rs": text(l5="FIVE", l30="thirty")})
    found = fates(upstream, base, {"one": {"a.rs": text(l5="five")}}, tmp_path)
    assert found == {"one": f"merged: upstream took it in {taken[:12]} (take it on a branch)"}


def test_a_take_back_with_other_edits_around_it_is_seen(upstream: Upstream, tmp_path: Path) -> None:
    """Found by the generated histories: the reverse patch-id differs once the context moved."""
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("take both", {"a.rs": text(l4="four", l10="ten")})
    upstream.commit("rework beside it", {"a.rs": text(l4="4", l9="IX", l10="ten")})
    upstream.commit("take one back", {"a.rs": text(l4="4", l9="IX")})
    patches: dict[str, Files] = {
        "one": {"a.rs": text(l4="four")},
        "two": {"a.rs": text(l4="four", l10="ten")},
    }
    found = fates(upstream, base, patches, tmp_path)
    assert {name: fate.partition(":")[0] for name, fate in found.items()} == {
        "one": "merged",
        "two": "conflict",
    }


def test_what_was_taken_back_and_written_otherwise_later_is_not_merged(
    upstream: Upstream, tmp_path: Path
) -> None:
    """Found by the generated histories: at the tip it looks like a rework."""
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("take it", {"a.rs": text(l5="five")})
    upstream.commit("take it back, and more", {"a.rs": text(l6="six")})
    upstream.commit("write something else there", {"a.rs": text(l5="FIVE", l6="six")})
    found = fates(upstream, base, {"one": {"a.rs": text(l5="five")}}, tmp_path)
    assert found == {"one": "conflict"}


def test_one_of_two_neighbours_in_a_squash_is_taken_back(
    upstream: Upstream, tmp_path: Path
) -> None:
    """Found by the generated histories: neither of two adjacent edits can be undone by itself."""
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("take both", {"a.rs": text(l24="ours", l25="ours too")})
    upstream.commit("take one back", {"a.rs": text(l25="ours too")})
    patches: dict[str, Files] = {
        "one": {"a.rs": text(l24="ours")},
        "two": {"a.rs": text(l24="ours", l25="ours too")},
    }
    found = fates(upstream, base, patches, tmp_path)
    assert "merged" not in found["one"]


def test_a_copy_nearby_does_not_hide_that_it_was_taken_back(
    upstream: Upstream, tmp_path: Path
) -> None:
    """Found by the generated histories: the copy's lines look like ours, moved a little."""
    block = "".join(f"let ours_{n} = compute_{n}(context);\n" for n in range(6)).rstrip()
    copy = block.replace("ours_0", "theirs_0").replace("ours_2", "theirs_2")
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("take it", {"a.rs": text(l9=block, l17="ours")})
    upstream.commit("copy some of it", {"a.rs": text(l9=block, l12=copy, l17="ours")})
    upstream.commit("take it back", {"a.rs": text(l12=copy)})
    found = fates(upstream, base, {"one": {"a.rs": text(l9=block, l17="ours")}}, tmp_path)
    assert not found["one"].startswith("merged")
