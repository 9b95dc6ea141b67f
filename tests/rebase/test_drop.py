"""A patch out of the series: the rest is proven on each base; what does not stand is refused."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkbot.errors import UsageError
from forkbot.git.repository import quarantine
from forkbot.git.workbench import Workbench
from forkbot.model.stack import Stack
from forkbot.rebase.drop import Dropped, Ground, drop_patches
from forkbot.rebase.engine import rebase
from forkbot.words import Channel, Oid, PatchName
from tests.rebase.test_breaker import Files, text
from tests.scenario import Upstream, make_stack


@contextlib.contextmanager
def grounds(upstream: Upstream, folder: Path, **bases: Oid) -> Iterator[dict[Channel, Ground]]:
    """Lend a workbench for each base."""
    with contextlib.ExitStack() as held:
        lent = held.enter_context(quarantine(upstream.repository, scratch=folder / "scratch"))
        yield {
            Channel(name): Ground(
                base=upstream.place(base), bench=held.enter_context(Workbench(lent))
            )
            for name, base in bases.items()
        }


def dropped(
    upstream: Upstream, stack: Stack, names: list[str], folder: Path, **bases: Oid
) -> Dropped:
    """Drop patches from a stack that sits on ``bases``."""
    with grounds(upstream, folder, **bases) as on:
        return drop_patches(stack, [PatchName(name) for name in names], on)


def test_a_later_patch_whose_context_it_wrote_is_rewritten(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    patches: dict[str, Files] = {
        "one": {"a.rs": text(l5="five")},
        "two": {"a.rs": text(l5="five", l7="seven")},
        "three": {"b.rs": text(l9="nine")},
    }
    stack, _ = make_stack(upstream, base, patches)
    found = dropped(upstream, stack, ["one"], tmp_path, main=base)
    assert [p.name for p in found.patches] == ["two", "three"]
    assert found.rewritten == ("two",)
    assert found.patches[1].mail == stack.patches[2].mail
    alone, (_, last) = make_stack(
        upstream, base, {"two": {"a.rs": text(l7="seven")}, "three": patches["three"]}
    )
    assert [p.mail for p in found.patches] == [p.mail for p in alone.patches]
    place = upstream.place(base)
    with quarantine(upstream.repository, scratch=tmp_path / "scratch") as lent:
        facts = rebase(
            alone, repository=lent, channel=Channel.MAIN, base=place, onto=place
        ).facts  # fmt: skip
    result = found.results[Channel.MAIN]
    assert (result.commit, result.tree) == (facts.tip, facts.tree)
    assert result.tree == last.after


def test_what_edits_its_lines_does_not_stand_without_it(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    patches: dict[str, Files] = {
        "one": {"a.rs": text(l5="five")},
        "two": {"a.rs": text(l5="FIVE")},
        "three": {"a.rs": text(l5="FIVE", l30="thirty")},
    }
    stack, _ = make_stack(upstream, base, patches)
    with pytest.raises(UsageError) as refused:
        dropped(upstream, stack, ["one"], tmp_path, main=base)
    assert str(refused.value) == (
        "stacks/demo/patches/two.patch: two does not stand without one: the same lines, or nothing "
        "left\nhint: forkbot patch drop demo one two  # all of them"
    )
    found = dropped(upstream, stack, ["one", "two"], tmp_path, main=base)
    assert [p.name for p in found.patches] == ["three"]


def test_all_of_them_leave_the_base(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    stack, _ = make_stack(upstream, base, {"one": {"a.rs": text(l5="five")}})
    found = dropped(upstream, stack, ["one"], tmp_path, main=base)
    result = found.results[Channel.MAIN]
    assert (found.patches, result.commit) == ((), base)


def test_one_file_is_right_on_both_channels(upstream: Upstream, tmp_path: Path) -> None:
    """The rewritten file fits the older base as well, whose neighbourhood is the same."""
    old = upstream.commit("old", {"a.rs": text()})
    new = upstream.commit("new", {"a.rs": text(l35="XXXV")})
    patches: dict[str, Files] = {
        "one": {"a.rs": text(l5="five")},
        "two": {"a.rs": text(l5="five", l7="seven")},
    }
    stack, _ = make_stack(upstream, old, patches)
    found = dropped(upstream, stack, ["one"], tmp_path, main=new, release=old)
    assert found.rewritten == ("two",)
    trees = dict.fromkeys(found.results, upstream.repository)
    assert set(trees) == {Channel.MAIN, Channel.RELEASE}
    assert found.results[Channel.MAIN].tree != found.results[Channel.RELEASE].tree
