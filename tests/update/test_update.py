"""What a run makes of the stacks' files comes to the stacks repository once; no work is lost."""

import msgspec

from forkbot.errors import EXIT_DONE, EXIT_REFUSED
from forkbot.model.artefact import PullRequest, Told
from forkbot.model.stack import ChannelLock, Lock
from forkbot.model.update import Way
from forkbot.report.updated import update_lines
from forkbot.stackdir.lock import render_lock
from forkbot.update.copy import update_branch
from forkbot.words import BranchName, Channel, StackName
from tests.e2e.world import listing
from tests.scenario import Upstream
from tests.update.place import PATCH, Place, lines, update_of
from tests.update.protection import protect

BODY = """\
<!-- forkbot:v1 stack=demo channel=main kind=update facts={facts} verdict={verdict} turn=0 -->
forkbot rebased the stack onto `{label}` (`{tip}`), and that changed the files named here.

Nothing waits for this: until it is merged, each run starts from `main` and comes to the same. \
Merged, it is where the next one starts.

- `stacks/demo/patches/fix.patch`
- `stacks/demo/stack.lock`

## demo: 1 patch, each accounted for

**0 of 1 patch as reviewed; read fix**.

| patch | fate | what became of it | subject | upstream status | goes when |
|---|---|---|---|---|---|
| `fix` | **adapted** | merged cleanly; the patch file is rewritten | fix: make it so | Pending | \
`green-without` (not known: nobody tried: forkbot probe demo) |

## demo: what changed in `fix`

<details><summary>the old patch against the new one</summary>

```diff
@@ src/lib.rs
 -b
 +B
  c
- d
+ D
  e
```

</details>

---

forkbot keeps this current, and closes it when it is over. Close it yourself, and it stays closed \
until the facts change. What you write above or below this report is kept.
<!-- forkbot:end -->"""
FILES = ("stacks/demo/patches/fix.patch", "stacks/demo/stack.lock")


def _proposed(place: Place) -> tuple[Upstream, Told]:
    """Begin with a patch that upstream's next commit makes forkbot write anew: proposed."""
    upstream = place.begin({"fix": lines(b="B")})
    upstream.commit("near", lines(d="D"))
    assert update_of(place.night()).way is Way.PULL_REQUEST
    (told,) = place.told()
    assert told.open
    return upstream, told


def _quiet(place: Place, way: Way) -> None:
    """See that another night with nothing new writes nothing at all."""
    before = listing(place.folder / "forge")
    update = update_of(place.night())
    assert (update.way, update.done, update.writes) == (way, 0, ())
    assert listing(place.folder / "forge") == before


def test_a_lock_goes_straight(place: Place) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    begun = place.refs()["main"]
    upstream.commit("more", {"other": "x\n"})
    update = update_of(place.night())
    assert upstream.tip
    assert (update.way, update.files, update.done) == (Way.PUSH, ("stack.lock",), 1)
    assert place.refs() == {"main": update.new}
    assert place.changed(begun, "main") == {"stacks/demo/stack.lock": "M"}
    assert place.repository.git("log", "-1", "--format=%an <%ae>|%cn <%ce>|%B").stdout.decode() == (
        "forkbot <forkbot@localhost.invalid>|forkbot <forkbot@localhost.invalid>|"
        "demo: move the lock\n\n"
        f"demo (main) on v1.0.0-1-g{upstream.tip[:9]} {upstream.tip[:12]}: stack.lock\n\n"
    )
    assert place.told() == ()
    _quiet(place, Way.NOTHING)


def test_a_rewritten_patch_is_proposed_and_waits(place: Place) -> None:
    upstream, told = _proposed(place)
    refs = place.refs()
    assert place.changed("main", PATCH) == dict.fromkeys(FILES, "M")
    assert told.title == "demo: fix rewritten"
    assert told.pull_request == PullRequest(head=PATCH, base=BranchName("main"), draft=False)
    assert upstream.tip
    assert told.text == BODY.format(
        tip=upstream.tip[:12], label=f"v1.0.0-1-g{upstream.tip[:9]}",
        facts=told.mark.facts, verdict=told.mark.verdict,
    )  # fmt: skip
    _quiet(place, Way.PULL_REQUEST)
    assert update_lines(place.night()) == ((f"demo: 2 files wait for a review: {told.url}", True),)
    # that upstream goes on is no news to whoever reads the patch
    upstream.commit("far", {"other": "x\n"})
    _quiet(place, Way.PULL_REQUEST)
    assert place.refs() == refs


def test_what_changes_anew_is_a_commit_on_top(place: Place) -> None:
    upstream, told = _proposed(place)
    before = place.refs()[PATCH]
    upstream.commit("nearer", lines(d="D", e="E"))
    update = update_of(place.night())
    assert (update.old, update.new, update.url) == (before, place.refs()[PATCH], told.url)
    assert place.world.log(place.repository, f"main..{PATCH}") == ["demo: refresh the patches"] * 2
    (after,) = place.told()
    assert after.number == told.number
    assert "+ D\n+ E\n" in after.text
    _quiet(place, Way.PULL_REQUEST)


def test_once_merged_it_is_over(place: Place) -> None:
    for how in ("--no-ff", "--squash", "--ff-only"):
        here = Place(place.folder / how.strip("-"))
        _, told = _proposed(here)
        here.merge(PATCH, how=how)
        update = update_of(here.night())
        assert update.way is Way.NOTHING
        assert set(here.refs()) == {"main"}
        (after,) = here.told()
        assert (after.number, after.open) == (told.number, False)
        _quiet(here, Way.NOTHING)


def test_what_is_needed_no_longer_is_closed(place: Place) -> None:
    upstream, _ = _proposed(place)
    upstream.commit("taken back", lines())
    update = update_of(place.night())
    # the patch is again what main has; its lock is all that moves
    assert (update.way, update.files, update.done) == (Way.PUSH, ("stack.lock",), 4)
    assert set(place.refs()) == {"main"}
    assert [t.open for t in place.told()] == [False]
    _quiet(place, Way.NOTHING)


def test_a_patch_that_goes_takes_its_file_and_its_line_along(place: Place) -> None:
    upstream = place.begin({"fix": lines(b="B"), "more": {"more": "x\n"}})
    upstream.commit("taken", lines(b="B"))
    update_of(place.night())
    assert place.changed("main", PATCH) == {
        "stacks/demo/patches/fix.patch": "D",
        "stacks/demo/patches/series": "M",
        "stacks/demo/stack.lock": "M",
    }
    assert place.show(PATCH, "stacks/demo/patches/series") == "more.patch\n"
    assert place.told()[0].title == "demo: fix leaves the series"


def test_the_policy_may_turn_both_round(place: Place) -> None:
    turned = "when: {patches-changed: push, lock-changed: pr}\n"
    upstream = place.begin({"fix": lines(b="B")}, more=turned)
    begun = place.refs()["main"]
    upstream.commit("near", lines(d="D"))
    assert update_of(place.night()).way is Way.PUSH
    assert place.changed(begun, "main") == dict.fromkeys(FILES, "M")
    upstream.commit("far", {"other": "x\n"})
    assert update_of(place.night()).way is Way.PULL_REQUEST
    first = place.refs()[PATCH]
    assert place.told()[0].title == "demo: stack.lock moves"
    _quiet(place, Way.PULL_REQUEST)
    # a lock has nothing to tell but where it is: it is kept current
    upstream.commit("farther", {"other": "y\n"})
    assert update_of(place.night()).old == first
    assert [t.number for t in place.told()] == [1]
    _quiet(place, Way.PULL_REQUEST)


def test_several_locks_are_one_commit(place: Place) -> None:
    first, second = place.world.upstream("one"), place.world.upstream("two")
    for name, upstream in (("one", first), ("two", second)):
        upstream.commit("begin", lines())
        place.world.stack(upstream, {"fix": lines(b="B")}, name=name)
    place.settle()
    begun = place.refs()["main"]
    for upstream in (first, second):
        upstream.commit("more", {"other": "x\n"})
    record = place.night()
    assert {s.update.new for s in record.stacks if s.update} == {place.refs()["main"]}
    assert place.world.log(place.repository, f"{begun}..main") == ["one and two: move the lock"]
    assert place.changed(begun, "main") == {
        "stacks/one/stack.lock": "M", "stacks/two/stack.lock": "M",
    }  # fmt: skip


def test_equal_inputs_give_equal_ids(place: Place) -> None:
    _proposed(place)
    first = place.refs()[PATCH]
    place.repository.git("update-ref", "-d", f"refs/heads/{PATCH}")
    place.night()
    assert place.refs()[PATCH] == first


def test_a_lock_that_moves_for_the_other_channel_leaves_the_proposal_alone(place: Place) -> None:
    path = "stacks/demo/stack.lock"
    upstream = place.begin({"fix": lines(b="B")})
    lock = msgspec.json.decode(place.show("main", path), type=Lock)
    main = lock.channel(Channel.MAIN)
    assert main

    def release(label: str) -> ChannelLock:
        moved = msgspec.structs.replace(main, base_label=label)
        place.person({path: render_lock(lock.with_channel(Channel.RELEASE, moved)).decode()})
        return moved

    release("1.0.0")
    upstream.commit("near", lines(d="D"))
    place.night()
    tip = place.refs()[PATCH]
    moved = release("1.1.0")
    _quiet(place, Way.PULL_REQUEST)
    assert place.refs()[PATCH] == tip
    # once there is more to say, both are in it
    upstream.commit("nearer", lines(d="D", e="E"))
    update_of(place.night())
    assert place.world.log(place.repository, f"main..{PATCH}") == ["demo: refresh the patches"] * 2
    assert place.changed("main", PATCH) == {
        **dict.fromkeys(FILES, "M"),
        # what the release channel keeps for itself
        "stacks/demo/patches-release/fix.patch": "A",
        "stacks/demo/patches-release/series": "A",
    }
    both = msgspec.json.decode(place.show(PATCH, path), type=Lock)
    assert both.channel(Channel.RELEASE) == moved
    assert both.channel(Channel.MAIN) != main
    assert place.repository.git("merge-base", "--is-ancestor", "main", PATCH).code == 0


def test_each_channel_has_a_branch_of_its_own() -> None:
    demo = StackName("demo")
    assert [update_branch(demo, c) for c in Channel] == [PATCH, "forkbot/update-release/demo"]


# --- people's work


def test_the_checkout_stays_as_it_is(place: Place) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    upstream.commit("near", lines(d="D"))
    root = place.checkout()
    (root / "README").write_text("not committed\n")
    (root / "stacks" / "notes").mkdir()
    (root / "stacks" / "notes" / "stack.yaml").write_text("")
    (root / "stacks" / "notes").rename(root / "notes")
    place.git(root, "add", "README")
    before = listing(root, (".forkbot",))
    assert update_of(place.night(root=root)).done == 2
    assert listing(root, (".forkbot",)) == before
    assert place.changed("main", PATCH) == dict.fromkeys(FILES, "M")


def test_local_work_in_a_stack_is_neither_taken_nor_touched(place: Place) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    upstream.commit("near", lines(d="D"))
    root = place.checkout()
    policy = root / "stacks" / "demo" / "stack.yaml"
    policy.write_text(policy.read_text() + "about: mine\n")
    refs, before = place.refs(), listing(root, (".forkbot",))
    record = place.night(root=root)
    update = update_of(record)
    assert (update.way, update.why, record.exit_code) == (
        Way.LEFT, "stacks/demo/stack.yaml is not here as main has it", EXIT_REFUSED,
    )  # fmt: skip
    assert (place.refs(), listing(root, (".forkbot",))) == (refs, before)


def test_a_stale_checkout_moves_nothing_back(place: Place) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    root = place.checkout()
    upstream.commit("more", {"other": "x\n"})
    place.night()
    refs = place.refs()
    # the same again from the old one is what main has already
    assert update_of(place.night(root=root)).way is Way.NOTHING
    upstream.commit("much more", {"other": "y\n"})
    assert update_of(place.night(root=root)).way is Way.LEFT
    assert place.refs() == refs


def test_a_persons_commit_on_the_branch_stops_the_bot_there(place: Place) -> None:
    upstream, told = _proposed(place)
    mine = place.person({"stacks/demo/about": "mine\n"}, branch=PATCH)
    upstream.commit("nearer", lines(d="D", e="E"))
    record = place.night()
    update = update_of(record)
    assert (update.way, update.old, record.exit_code) == (Way.LEFT, None, EXIT_REFUSED)
    assert update.why == f"{PATCH} has commits that are not forkbot's: {mine[:12]}"
    assert place.refs()[PATCH] == mine
    folder = place.folder / "forge" / "stacks" / "artefacts" / "1"
    (comment,) = folder.glob("comment-*")
    assert comment.read_text().splitlines()[1] == (
        f"`{mine[:12]}` is not forkbot's, so forkbot leaves this branch to you. Merge it, or close "
        "it and delete the branch: the next run goes on from there."
    )
    (after,) = place.told()
    assert (after.title, after.open) == (told.title, True)
    before = listing(place.folder / "forge")
    assert update_of(place.night()).done == 0
    assert listing(place.folder / "forge") == before
    # merged, it is the next night's start
    place.merge()
    update = update_of(place.night())
    assert update.way is Way.PULL_REQUEST
    assert place.show("main", "stacks/demo/about") == "mine\n"
    assert place.show(PATCH, "stacks/demo/about") == "mine\n"


def test_what_a_person_closed_stays_closed_until_the_patches_change(place: Place) -> None:
    upstream, told = _proposed(place)
    page = place.folder / "forge" / "stacks" / "artefacts" / "1" / "artefact.md"
    page.write_text(page.read_text().replace('"open": true', '"open": false'))
    upstream.commit("far", {"other": "x\n"})
    record = place.night()
    update = update_of(record)
    assert (update.way, record.exit_code) == (Way.LEFT, EXIT_DONE)
    assert update.why == f"a person closed {told.url}"
    before = listing(place.folder / "forge")
    assert update_of(place.night()).done == 0
    assert listing(place.folder / "forge") == before
    upstream.commit("nearer", lines(d="D", e="E"))
    assert update_of(place.night()).way is Way.PULL_REQUEST
    assert [t.open for t in place.told()] == [False, True]


# --- the forge's own will


def test_where_main_is_protected_a_lock_is_proposed_and_main_not_asked_again(place: Place) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    protect(place)
    upstream.commit("more", {"other": "x\n"})
    update = update_of(place.night())
    assert (update.way, update.files) == (Way.PULL_REQUEST, ("stack.lock",))
    assert "the push was refused" in update.why
    (told,) = place.told()
    assert told.title == "demo: stack.lock moves"
    assert "stack.yaml would have this pushed, but the branch took no push: " in told.text
    asked = (place.git_dir / "asked").read_text()
    _quiet(place, Way.PULL_REQUEST)
    upstream.commit("more still", {"other": "y\n"})
    assert update_of(place.night()).done == 2
    assert (place.git_dir / "asked").read_text() == asked == "\n"
    assert len(place.told()) == 1


def test_a_dry_run_says_each_write_and_makes_none(place: Place) -> None:
    upstream = place.begin({"fix": lines(b="B")})
    upstream.commit("near", lines(d="D"))
    before = listing(place.folder / "forge")
    update = update_of(place.night(dry_run=True))
    assert update.new is not None
    assert update.writes == (
        f"push stacks {PATCH}: new, {update.new[:12]}",
        "open pull request 'demo: fix rewritten'",
    )
    assert (update.done, listing(place.folder / "forge")) == (0, before)
    assert update_of(place.night()).new == update.new
