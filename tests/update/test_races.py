"""Somebody pushes between the look and the push: tried once more, or left; nothing goes back."""

from collections.abc import Callable, Sequence

import pytest

from forkbot.errors import EXIT_DONE, EXIT_REFUSED, EXIT_REMOTE
from forkbot.forge.local import LocalForge
from forkbot.forge.patience import EnoughError
from forkbot.git.remote import RefUpdate, Remote
from forkbot.git.repository import Repository
from forkbot.model.artefact import Told
from forkbot.model.update import Way
from forkbot.update import bring
from tests.update.place import PATCH, Place, lines, update_of


def _between(monkeypatch: pytest.MonkeyPatch, *happenings: Callable[[], object]) -> None:
    """Let things happen right before a push each, the first before the first."""
    push, left = Remote.push, list(happenings)

    def late(self: Remote, source: Repository, updates: Sequence[RefUpdate]) -> bool:
        if left:
            left.pop(0)()
        return push(self, source, updates)

    monkeypatch.setattr(Remote, "push", late)


@pytest.fixture
def lock_moves(place: Place) -> Place:
    """Return a place where a lock is to be pushed."""
    place.begin({"fix": lines(b="B")}).commit("far", {"other": "x\n"})
    return place


def test_a_commit_elsewhere_is_no_hindrance(
    lock_moves: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = lock_moves
    _between(monkeypatch, lambda: place.person({"README": "new\n"}))
    update = update_of(place.night())
    assert (update.way, update.done) == (Way.PUSH, 1)
    assert place.world.log(place.repository, "main") == [
        "demo: move the lock", "a person's", "the stacks",
    ]  # fmt: skip


def test_a_commit_in_the_stack_is_left_to_the_next_night(
    lock_moves: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = lock_moves
    _between(monkeypatch, lambda: place.person({"stacks/demo/acknowledged": "# mine\n"}))
    record = place.night()
    update = update_of(record)
    assert (update.way, update.done, record.exit_code) == (Way.LEFT, 0, EXIT_REFUSED)
    assert update.why == "stacks/demo/acknowledged is not here as main has it"
    assert place.world.log(place.repository, "main") == ["a person's", "the stacks"]
    assert update_of(place.night()).way is Way.PUSH
    assert place.show("main", "stacks/demo/acknowledged") == "# mine\n"


def test_who_pushes_all_the_time_is_not_fought(
    lock_moves: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = lock_moves
    _between(monkeypatch, *(lambda n=n: place.person({"README": n}) for n in "ab"))
    record = place.night()
    update = update_of(record)
    assert (update.way, record.exit_code) == (Way.LEFT, EXIT_REFUSED)
    assert "the push was refused" in update.why
    assert place.told() == ()  # main takes pushes: nothing is to be proposed


def test_two_runs_at_once_push_once(lock_moves: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place = lock_moves
    _between(monkeypatch, place.night)
    # both make the very same commit
    record = place.night()
    assert (update_of(record).done, record.exit_code) == (0, EXIT_DONE)
    assert place.world.log(place.repository, "main") == ["demo: move the lock", "the stacks"]


def test_a_persons_push_to_the_branch_wins(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    upstream.commit("near", lines(d="D"))
    place.night()
    upstream.commit("nearer", lines(d="D", e="E"))
    _between(monkeypatch, lambda: place.person({"stacks/demo/about": "mine\n"}, branch=PATCH))
    record = place.night()
    assert record.exit_code == EXIT_REFUSED
    assert place.world.log(place.repository, f"main..{PATCH}") == [
        "a person's", "demo: refresh the patches",
    ]  # fmt: skip
    assert update_of(place.night()).way is Way.LEFT


def test_a_stacks_folder_inside_a_repository_is_found_there(place: Place) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    folder = place.checkout()
    (folder / "forks").mkdir()
    place.git(folder, "mv", "stacks", "forks/stacks")
    place.commits(folder, "move")
    place.git(folder, "push", "--quiet", place.url, "HEAD:refs/heads/main")
    upstream.commit("near", lines(d="D"))
    assert update_of(place.night(root=place.checkout() / "forks")).way is Way.PULL_REQUEST
    assert set(place.changed("main", PATCH)) == {
        "forks/stacks/demo/patches/fix.patch", "forks/stacks/demo/stack.lock",
    }  # fmt: skip


def test_a_stack_that_nobody_pushed_is_not_pushed_by_the_bot(place: Place) -> None:
    place.begin({"fix": lines(b="B")})
    root = place.checkout()
    (root / "stacks" / "demo").rename(root / "stacks" / "other")
    (root / "stacks" / "other" / "stack.lock").unlink()
    update = update_of(place.night(root=root), "other")
    assert (update.way, update.exit_code) == (Way.LEFT, EXIT_REFUSED)
    assert update.why == "main has no stacks/other/patches/fix.patch, and it is here"
    assert set(place.refs()) == {"main"}


def test_what_cannot_be_looked_at_is_said(place: Place) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    upstream.commit("far", {"other": "x\n"})
    root = place.checkout()
    place.git(place.git_dir, "symbolic-ref", "HEAD", "refs/heads/nowhere")
    record = place.night(root=root)
    assert (update_of(record).way, record.exit_code) == (Way.LEFT, 2)
    assert update_of(record).why == "the stacks repository has no commit on its default branch"


def test_an_old_checkout_with_nothing_new_brings_nothing(place: Place) -> None:
    place.begin({"fix": lines(b="B")})
    root = place.checkout()
    place.person({"stacks/demo/acknowledged": "# mine\n"})
    place.repository.git("update-ref", f"refs/heads/{PATCH}", "main")
    refs, record = place.refs(), place.night(root=root)
    assert (update_of(record).way, record.exit_code) == (Way.NOTHING, EXIT_DONE)
    assert place.refs() == refs


def _two(place: Place) -> None:
    """Begin with two stacks whose patches are to be proposed."""
    upstreams = {name: place.world.upstream(name) for name in ("one", "two")}
    for name, upstream in upstreams.items():
        upstream.commit("begin", lines())
        place.world.stack(upstream, {"fix": lines(b="B")}, name=name)
    place.settle()
    for upstream in upstreams.values():
        upstream.commit("near", lines(d="D"))


def test_more_proposals_than_a_run_may_make_wait_for_the_next(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bring, "_PROPOSALS", 1)
    _two(place)
    record = place.night()
    ways = [update_of(record, name).way for name in ("one", "two")]
    assert (ways, record.exit_code) == ([Way.PULL_REQUEST, Way.LEFT], EXIT_DONE)
    assert set(place.refs()) == {"main", "forkbot/update/one"}
    place.night()
    assert [t.title for t in place.told()] == ["one: fix rewritten", "two: fix rewritten"]


def test_what_the_forge_takes_no_more_of_is_not_pushed_either(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    _two(place)

    def enough(*_: object) -> Told:
        raise EnoughError("this run has made the writes it may")

    with monkeypatch.context() as patch:
        patch.setattr(LocalForge, "open_artefact", enough)
        record = place.night()
    assert record.exit_code == EXIT_REMOTE
    whys = [update_of(record, name).why.partition(" (")[0] for name in ("one", "two")]
    assert whys == ["this run has made the writes it may"] * 2
    assert set(place.refs()) == {"main", "forkbot/update/one"}
    place.night()
    assert [t.title for t in place.told()] == ["one: fix rewritten", "two: fix rewritten"]
