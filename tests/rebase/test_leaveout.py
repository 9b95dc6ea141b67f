"""A series without one of its patches: what it gives, and who cannot do without it."""

from collections.abc import Mapping
from pathlib import Path

from forkbot.git.repository import quarantine
from forkbot.git.workbench import Workbench
from forkbot.rebase.leaveout import leave_each_out
from forkbot.rebase.recreate import recreate
from forkbot.words import Channel
from tests.rebase.test_breaker import Files, text
from tests.scenario import Upstream, make_stack

BASE: Files = {"a.rs": text(), "b.rs": "b\n"}


def left_out(
    upstream: Upstream, patches: Mapping[str, Files], folder: Path
) -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    """Return for each patch who goes with it, and the files that are left."""
    base = upstream.commit("base", BASE)
    stack, _ = make_stack(upstream, base, patches)
    with quarantine(upstream.repository, scratch=folder / "scratch") as lent:
        place = upstream.place(base)
        with Workbench(lent) as bench:
            changes = recreate(stack, bench=bench, channel=Channel.MAIN, base=place)
            found = tuple(leave_each_out(changes, base=place.tree, bench=bench))
        return {
            left.patch: (
                left.with_it,
                {
                    name: lent.git("show", f"{left.tree}:{name}").stdout.decode()
                    for name in ("a.rs", "b.rs")
                },
            )
            for left in found
        }


def test_independent_patches_go_alone(upstream: Upstream, tmp_path: Path) -> None:
    patches: Mapping[str, Files] = {
        "five": {"a.rs": text(l5="five")},
        "other": {"b.rs": "B\n"},
        "thirty": {"a.rs": text(l5="five", l30="thirty")},
    }
    assert left_out(upstream, patches, tmp_path) == {
        "five": ((), {"a.rs": text(l30="thirty"), "b.rs": "B\n"}),
        "other": ((), {"a.rs": text(l5="five", l30="thirty"), "b.rs": "b\n"}),
        "thirty": ((), {"a.rs": text(l5="five"), "b.rs": "B\n"}),
    }


def test_who_edits_its_lines_goes_with_it_and_so_on(upstream: Upstream, tmp_path: Path) -> None:
    patches: Mapping[str, Files] = {
        "five": {"a.rs": text(l5="five")},
        "fifth": {"a.rs": text(l5="the fifth", l6="and sixth")},
        "other": {"b.rs": "B\n"},
        "sixth": {"a.rs": text(l5="the fifth", l6="and the sixth")},
    }
    assert left_out(upstream, patches, tmp_path) == {
        "five": (("fifth", "sixth"), {"a.rs": text(), "b.rs": "B\n"}),
        "fifth": (("sixth",), {"a.rs": text(l5="five"), "b.rs": "B\n"}),
        "other": ((), {"a.rs": text(l5="the fifth", l6="and the sixth"), "b.rs": "b\n"}),
        "sixth": ((), {"a.rs": text(l5="the fifth", l6="and sixth"), "b.rs": "B\n"}),
    }


def test_a_stack_of_one_patch_leaves_its_base(upstream: Upstream, tmp_path: Path) -> None:
    assert left_out(upstream, {"only": {"b.rs": "B\n"}}, tmp_path) == {"only": ((), BASE)}
    assert left_out(upstream, {}, tmp_path) == {}
