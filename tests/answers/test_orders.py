"""What people tell the bot to do with a label or a box, and who may."""

from pathlib import Path

import pytest

from forkbot.model.artefact import Label, Told
from forkbot.model.conflictbranch import BranchState
from forkbot.model.order import ORDER_LABELS, Order, checkboxes, ticked
from tests.answers.conftest import BRANCH, NEWS, SECOND, TEXT, Nights, branch_of
from tests.e2e.world import World


def artefact(nights: Nights, number: int = 1) -> Path:
    """Return the file of a pull request."""
    return nights.world.root / f".forkbot/forge/demo/artefacts/{number}/artefact.md"


def tick(nights: Nights, order: Order) -> None:
    """Tick a box, as a person does in the browser."""
    path = artefact(nights)
    text = path.read_text()
    box = checkboxes([order])
    assert box in text
    path.write_text(text.replace(box, checkboxes([order], ticked=[order])))


def put_label(nights: Nights, order: Order) -> None:
    """Set a label."""
    (told,) = nights.forge.artefacts("demo")
    nights.forge.label("demo", told, [ORDER_LABELS[order]])


def labels(nights: Nights) -> tuple[str, ...]:
    """Return the labels of the first pull request."""
    return nights.forge.artefacts("demo")[0].labels


def test_only_the_last_lines_of_a_body_are_boxes() -> None:
    boxes = checkboxes(Order, ticked=[Order.RETRY])
    assert ticked(f"upstream says\n{boxes}") == (Order.RETRY,)
    assert ticked(boxes.replace("[x]", "[X]").replace("\n", "\r\n")) == (Order.RETRY,)
    fake = checkboxes([Order.SKIP_PATCH], ticked=[Order.SKIP_PATCH])
    assert ticked(f"```\n{fake}\n```\n{checkboxes([Order.PAUSE])}") == ()
    assert ticked(f"{fake}\n\n{checkboxes([Order.PAUSE])}") == ()


def test_a_paused_stack_is_left_alone_and_says_so(nights: Nights) -> None:
    nights.night()
    tick(nights, Order.PAUSE)
    again = {**NEWS, "src/lib.rs": TEXT.replace("line 20\n", "line 20, anew\n")}
    nights.news(again, "3.0.0")
    stood = nights.everything()
    stack = nights.night()
    assert (stack.paused, stack.rebase and stack.rebase.onto.label) == (True, "v1.0.0")
    assert [(g.order, g.obeyed, g.by) for g in stack.orders] == [(Order.PAUSE, True, "")]
    assert nights.everything() == stood

    path = artefact(nights)
    path.write_text(path.read_text().replace("- [x] **Pause**", "- [ ] **Pause**"))
    branch = branch_of(nights.night())
    assert (branch.done, branch.onto.label) == (True, "v3.0.0")


def test_a_skipped_patch_is_parked_and_the_rest_goes_on(nights: Nights) -> None:
    nights.night()
    put_label(nights, Order.SKIP_PATCH)
    planned = nights.night(dry_run=True)
    assert planned.parked == ("second",)
    assert labels(nights) == ("forkbot: conflict", "forkbot: skip patch")
    stack = nights.night()
    assert stack.parked == ("second",)
    assert [(g.order, g.obeyed) for g in stack.orders] == [(Order.SKIP_PATCH, True)]
    folder = nights.world.folder() / "patches"
    assert (folder / "series").read_text() == "first.patch\nthird.patch\n"
    assert (folder / "second.patch").is_file()
    assert stack.left_out == ("second.patch",)
    assert branch_of(stack).patch == "third"
    assert not [r for r in nights.refs() if r.endswith("conflict-second")]
    first, second = nights.forge.artefacts("demo")
    assert (first.open, second.open) == (False, True)
    assert "forkbot: skip patch" not in first.labels
    stood = nights.everything()
    assert nights.night().parked == ()
    assert nights.everything() == stood


def test_what_people_said_is_planned_for_machines_that_cannot_ask_them(nights: Nights) -> None:
    nights.night()
    put_label(nights, Order.SKIP_PATCH)
    planned = nights.planned()
    assert [(n.parked, n.answers, n.again) for n in planned.stacks] == [(("second",), (), False)]
    nights.news({"more.rs": "upstream moves on meanwhile\n"}, "3.0.0")
    there = nights.elsewhere(planned)
    assert there.parked == ("second",)
    # the patch after it is in conflict as well: that is where this night ends, everywhere
    assert there.rebase
    assert there.rebase.conflict
    assert (there.rebase.conflict.patch, there.rebase.onto.label) == ("third", "v2.0.0")


def test_an_answer_is_planned_for_machines_that_cannot_ask_for_it(nights: Nights) -> None:
    nights.night()
    person = nights.person()
    person.commits({"src/lib.rs": SECOND})
    person.pushes()
    planned = nights.planned()
    (news,) = planned.stacks
    assert [r.patch for r in news.answers] == ["second"]
    assert nights.elsewhere(planned).rebase == nights.night().rebase


def test_a_retry_is_planned(nights: Nights) -> None:
    nights.night()
    put_label(nights, Order.RETRY)
    (news,) = nights.planned().stacks
    assert (news.again, news.new) == (True, "a person asks for another try")


def test_a_box_skips_as_a_label_does(nights: Nights) -> None:
    nights.night()
    tick(nights, Order.SKIP_PATCH)
    assert nights.night().parked == ("second",)
    tick_third = artefact(nights, 2)
    text = tick_third.read_text()
    tick_third.write_text(text.replace("- [ ] **Skip", "- [x] **Skip"))
    stack = nights.night()
    assert stack.parked == ("third",)
    assert stack.conflict_branch is None
    assert (nights.world.folder() / "patches" / "series").read_text() == "first.patch\n"
    assert '"base-label": "v2.0.0"' in (nights.world.folder() / "stack.lock").read_text()


def test_a_patch_that_others_stand_on_is_not_skipped(tmp_path: Path) -> None:
    nights = Nights(World(tmp_path))
    ours = TEXT.replace("line 20\n", "line twenty\n")
    nights.begin({
        "second": {"src/lib.rs": ours},
        "third": {"src/lib.rs": ours.replace("line twenty\n", "line twenty!\n")},
    })  # fmt: skip
    nights.news()
    nights.night()
    put_label(nights, Order.SKIP_PATCH)
    stack = nights.night()
    (given,) = stack.orders
    assert not given.obeyed
    assert given.why.startswith("third does not stand without second")
    assert branch_of(stack).state is BranchState.OPEN


def test_retry_is_done_once(nights: Nights) -> None:
    nights.night()
    put_label(nights, Order.RETRY)
    stack = nights.night()
    assert [(g.order, g.obeyed) for g in stack.orders] == [(Order.RETRY, True)]
    assert labels(nights) == ("forkbot: conflict",)
    assert nights.night().orders == ()


def test_who_may_not_write_tells_the_bot_nothing(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.night()
    put_label(nights, Order.SKIP_PATCH)
    put_label(nights, Order.PAUSE)

    def somebody(_self: object, _repo: str, _told: Told, _label: Label) -> str:
        return "mallory"

    monkeypatch.setattr("forkbot.forge.local.LocalForge.who_labelled", somebody)
    stack = nights.night()
    assert not stack.paused
    assert stack.parked == ()
    assert {(g.order, g.by, g.obeyed, g.why) for g in stack.orders} == {
        (o, "mallory", False, "only people with write access tell forkbot what to do")
        for o in (Order.PAUSE, Order.SKIP_PATCH)
    }


def test_an_order_about_another_patch_is_not_followed(nights: Nights) -> None:
    nights.night()
    put_label(nights, Order.SKIP_PATCH)
    person = nights.person()
    person.commits({"src/lib.rs": SECOND})
    person.pushes()
    # the answer is there, and so is the order: who says to skip the patch wants it gone
    stack = nights.night()
    assert stack.parked == ("second",)
    assert [r for r in nights.refs() if "/tags/" in r]
    assert BRANCH not in " ".join(nights.refs())
