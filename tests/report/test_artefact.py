"""What people receive: every artefact of every way a run can end, whole, as it reaches the forge.

``REWRITE_GOLDEN=1`` writes the files anew; read their diff as the one who gets the mail.
"""

import os
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from forkbot.model.artefact import Artefact, Identity, Kind, Over
from forkbot.model.conflictbranch import BranchState, ConflictBranch, Undecided
from forkbot.model.diagnostic import Deed, Doer, Origin
from forkbot.model.fate import Fate
from forkbot.model.order import Given, Order
from forkbot.model.publication import Move
from forkbot.model.record import RunRecord, StackRecord
from forkbot.model.stack import WhenPolicy
from forkbot.model.verdict import Colour
from forkbot.report.artefact import KINDS, Wish, family_wishes, how_told, wishes
from forkbot.report.dashboard import dashboard
from forkbot.words import BranchName, PatchName, StackName
from tests.report.broken import BROKEN
from tests.report.judged import CONFLICT, JUDGED
from tests.report.records import RECORDS, oid, place, publication

GOLDEN = Path(__file__).parent / "golden-artefacts"
BRANCH = ConflictBranch(
    patch=PatchName("wasi-inline-lookup"), repo="tokio",
    branch=BranchName("forkbot/tokio/conflict-wasi-inline-lookup"),
    base_branch=BranchName("forkbot/tokio/base-wasi-inline-lookup"), onto=place("master", 3),
    state=BranchState.OPEN, tip=oid(9),
)  # fmt: skip
HALF = replace(
    BRANCH,
    state=BranchState.HALF_DONE,
    why="A Person has begun an answer; it is left alone until nothing is undecided.",
    undecided=(
        Undecided(
            where="tokio/src/net/addr.rs:207",
            what="a conflict marker is left",
            hint="leave the lines as they shall be",
        ),
    ),
)


def with_branch(branch: ConflictBranch) -> RunRecord:
    record = JUDGED["judged-conflict"]
    stacks = tuple(replace(s, conflict_branch=branch) for s in record.stacks)
    return replace(record, stacks=stacks)


UNREAD = publication(
    "tokio", Move.HELD, why="patch wasi-threads was merged by mergiraf 0.14, and nobody has read it"
)
IGNORED = Given(
    order=Order.SKIP_PATCH, url="https://github.com/me/tokio/pull/3", by="mallory", obeyed=False,
    why="only people with write access tell forkbot what to do",
)  # fmt: skip
TAKEN = replace(
    BRANCH, state=BranchState.TAKEN, author="Ada", besides=("tokio/src/lib.rs",),
    why="the answer is taken, and what it makes of the stack did not stand the proof",
)  # fmt: skip


def _merged() -> RunRecord:
    """Return a run whose rebase a tool made clean."""
    record = JUDGED["judged-probe"]
    held = replace(UNREAD, unread="wasi-threads")
    return replace(record, stacks=tuple(replace(s, publication=held) for s in record.stacks))


def _answered() -> RunRecord:
    """Return a run that took an answer, and could not publish what it makes."""
    record = JUDGED["judged-probe"]
    return replace(record, stacks=tuple(replace(s, conflict_branch=TAKEN) for s in record.stacks))


def _told_by_a_stranger() -> RunRecord:
    record = with_branch(BRANCH)
    return replace(record, stacks=tuple(replace(s, orders=(IGNORED,)) for s in record.stacks))


ALL = {**RECORDS, **BROKEN, **JUDGED,
       "on-its-branch": with_branch(BRANCH), "half-done": with_branch(HALF),
       "merged-by-a-tool": _merged(), "answered": _answered(),
       "told-by-a-stranger": _told_by_a_stranger()}  # fmt: skip


def told(record: RunRecord, when: WhenPolicy | None = None) -> list[Wish]:
    """Return all that a run has to tell."""
    found = [w for s in record.stacks for w in wishes(s, record, when=when or WhenPolicy())]
    return [*found, *family_wishes(record)]


def page(wish: Wish) -> str:
    """Return an artefact as text: its title, what a comment would say, what it is, its body."""
    identity = wish.identity
    name = f"{identity.stack or 'the family'} {identity.channel.value} {identity.kind.value}"
    if isinstance(wish, Over):
        return f"==== {name}: over, if it stands\n{wish.reason}\n"
    pull = wish.pull_request
    what = f"pull request {pull.head} -> {pull.base}" if pull else "issue"
    labels = ", ".join(la.name for la in wish.labels)
    return (
        f"==== {name}: {what} ({labels})\n{wish.title}\n\n---- the facts\n{wish.facts}\n\n"
        f"---- the comment\n{wish.verdict}\n\n---- the body\n{wish.body}\n"
    )


@pytest.mark.parametrize("name", ALL)
def test_what_people_receive(name: str) -> None:
    record = ALL[name]
    board = dashboard(record, {s.name for s in record.stacks}, urls={})
    text = "\n".join(page(wish) for wish in [*told(record), board])
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_no_file_lies_about() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_nothing_of_a_run_is_in_what_it_tells(name: str) -> None:
    """Another id, another time, another machine: not one byte differs, so nothing is written."""
    record = ALL[name]
    smokes = record.verdict.smokes if record.verdict else ()
    again = replace(
        record, id="20271231T235959999Z", seconds=1.5, git="2.39.5", forkbot="9.9.9",
        verdict=record.verdict and replace(
            record.verdict,
            smokes=tuple(replace(s, seconds=s.seconds + 1) for s in smokes),
            builds=tuple(replace(b, seconds=b.seconds + 1) for b in record.verdict.builds),
        ),
    )  # fmt: skip
    assert told(again) == told(record)


def test_what_a_program_says_otherwise_each_time_is_told_the_same() -> None:
    def said(port: int, address: int, seconds: float, thread: int) -> RunRecord:
        record = RECORDS["red-smoke"]
        assert record.verdict is not None
        output = (
            f"thread 'main' ({thread}) panicked at src/main.rs:3:5:\n"
            f"GET http://127.0.0.1:{port}/ at {address:#x} failed after {seconds} s\n"
        )
        smokes = tuple(replace(s, output=output) for s in record.verdict.smokes)
        return replace(record, verdict=replace(record.verdict, smokes=smokes))

    first, second = said(40001, 0x7FFE12345678, 1.25, 1), said(51234, 0x7FFD00000000, 9.5, 77)
    assert told(first) == told(second)
    bodies = [w.body for w in told(first) if isinstance(w, Artefact)]
    assert any("GET http://127.0.0.1:…/ at 0x… failed after … s" in body for body in bodies)


def test_facts_and_verdict_stay_while_upstream_goes_on_elsewhere() -> None:
    """A later upstream, lines moved down: the body follows; no comment, and no reopening."""
    record = JUDGED["judged-conflict"]
    (stack,) = record.stacks
    assert stack.rebase is not None
    lower = replace(
        CONFLICT,
        paths=tuple(
            replace(p, hunks=tuple(replace(h, line=h.line + 40) for h in p.hunks))
            for p in CONFLICT.paths
        ),
    )
    outcomes = tuple(replace(o, conflict=lower) if o.conflict else o for o in stack.rebase.outcomes)
    further = replace(
        stack.rebase, onto=place("master 2026-12-24", 8), upstream_commits=700, outcomes=outcomes
    )
    later = replace(record, stacks=(replace(stack, rebase=further),))
    (was, *_), (now, *_) = told(record), told(later)
    assert isinstance(was, Artefact)
    assert isinstance(now, Artefact)
    assert (was.facts, was.verdict, was.title) == (now.facts, now.verdict, now.title)
    assert was.body != now.body


def test_many_that_get_no_answer_are_told_once() -> None:
    """The net is out: one issue of the family's, and none of each stack."""
    record = RECORDS["unreachable"]
    lost = record.stacks[0]

    def of(number: int) -> list[str]:
        stacks = tuple(replace(lost, name=StackName(f"mio-{n}")) for n in range(number))
        found = told(replace(record, stacks=stacks))
        return [w.title for w in found if isinstance(w, Artefact)]

    assert of(3) == [f"mio-{n} (release): upstream gives no answer" for n in range(3)]
    assert of(4) == of(400) == ["the family (release): many stacks get no answer"]
    ends = [w for w in told(RECORDS["published"]) if w.identity.stack is None]
    assert [(w.identity.kind, isinstance(w, Over)) for w in ends] == [
        (Kind.BUILD, True), (Kind.UNREACHABLE, True),
    ]  # fmt: skip


def test_each_kind_is_told_by_some_run() -> None:
    found = {
        w.identity.kind for record in ALL.values() for w in told(record) if isinstance(w, Artefact)
    }
    assert found == set(KINDS)


def test_each_kind_can_be_silenced() -> None:
    """A policy of `none` closes what stands, and opens nothing."""
    none = WhenPolicy(
        conflict="none", build="none", smoke="none", suspicious="none", unreachable="none",
        publish_refused="none", droppable="none",
    )  # fmt: skip
    assert set(how_told(none)) == set(KINDS)
    for record in ALL.values():
        for stack in record.stacks:
            ends = list(wishes(stack, record, when=none))
            assert [w.identity.kind for w in ends] == list(KINDS)
            assert all(isinstance(w, Over) for w in ends)


def test_a_pull_request_is_for_those_who_want_one() -> None:
    record = ALL["on-its-branch"]
    kinds = {}
    for how in ("draft-pr", "issue"):
        found = told(record, WhenPolicy(conflict=how))
        kinds[how] = [w.pull_request for w in found if isinstance(w, Artefact)]
    assert [p and p.head for p in kinds["draft-pr"]] == [BRANCH.branch]
    assert kinds["issue"] == [None]


def test_a_paused_stack_is_told_nothing_of() -> None:
    for record in ALL.values():
        for stack in record.stacks:
            assert list(wishes(replace(stack, paused=True), record, when=WhenPolicy())) == []


def test_what_was_not_looked_at_is_left_as_it_is() -> None:
    """Of a stack in conflict nothing was built: nothing is said of its build."""
    record = RECORDS["conflict"]
    tokio = next(s for s in record.stacks if s.name == "tokio")
    kinds = {w.identity.kind for w in wishes(tokio, record, when=WhenPolicy())}
    assert kinds == {Kind.CONFLICT, Kind.UNREACHABLE}


def test_an_error_is_told_where_its_code_is() -> None:
    """Tokio's build meets an error in mio's code: mio's issue, and none of tokio's."""
    assert _told_of(package="mio", author=None) == ["mio"]


def test_an_error_that_a_patch_has_a_part_in_is_told_where_the_patch_is() -> None:
    taken = Origin(
        doer=Doer.PATCH, deed=Deed.REMOVED, stack=StackName("mio"), patch=PatchName("our-cut"),
        name="lookup_host",
    )  # fmt: skip
    assert _told_of(package="hyper-util", author=None, named=taken) == ["mio"]
    assert _told_of(package="hyper-util", named=taken) == ["hyper-util"]


def _told_of(**said: object) -> list[StackName | None]:
    """Return the stacks that are told of a red build of hyper-util's, with other errors."""
    record = RECORDS["red-build"]
    assert record.verdict is not None
    builds = tuple(
        replace(b, diagnostics=tuple(replace(d, **said) for d in b.diagnostics))
        for b in record.verdict.builds
    )
    shifted = replace(record, verdict=replace(record.verdict, builds=builds))
    reds = [w.identity.stack for w in told(shifted) if isinstance(w, Artefact)]
    overs = {w.identity for w in told(shifted) if isinstance(w, Over)}
    met = Identity(kind=Kind.BUILD, channel=record.channel, stack=StackName("hyper-util"))
    assert met not in overs
    return reds


def test_what_no_compiler_said_of_several_stacks_is_told_once() -> None:
    """Two legs, and the graph of one does not resolve: one issue of the family's, not one each."""
    record = RECORDS["red-build"]
    assert record.verdict is not None
    why = "cargo cannot resolve the family: failed to select a version for `mio`"
    builds = tuple(
        replace(b, colour=Colour.RED, why=why, diagnostics=()) if b.stack != "mio" else b
        for b in record.verdict.builds
    )
    unresolved = replace(record, verdict=replace(record.verdict, builds=builds, smokes=()))
    found = [w for w in told(unresolved) if isinstance(w, Artefact)]
    assert [(w.identity.stack, w.title) for w in found] == [
        (None, f"the family (release): tokio and hyper-util: {why}")
    ]
    ends = {(w.identity.stack, w.identity.kind) for w in told(unresolved) if isinstance(w, Over)}
    assert ("tokio", Kind.BUILD) not in ends


def test_the_night_after_a_publication_leaves_the_dashboard_as_it_is() -> None:
    """What was published, moved, taken out and built is then found there: not a byte differs."""

    def later(stack: StackRecord) -> StackRecord:
        assert stack.rebase is not None
        assert stack.publication is not None
        carried = tuple(
            replace(o, fate=Fate.UNCHANGED) for o in stack.rebase.outcomes if o.fate.carried
        )
        there = replace(stack.rebase, base=stack.rebase.onto, moved=False, outcomes=carried)
        plan = replace(stack.publication, move=Move.NOTHING, done=False, recovery="")
        return replace(stack, rebase=there, publication=plan, files_written=())

    record = RECORDS["published"]
    assert record.verdict is not None
    known = replace(record.verdict, builds=(), smokes=(), reused=True)
    after = replace(record, stacks=tuple(later(s) for s in record.stacks), verdict=known)
    names = {s.name for s in record.stacks}
    assert dashboard(after, names, urls={}) == dashboard(record, names, urls={})


def test_a_dashboard_of_a_thousand_fits_and_counts_them_all() -> None:
    record = RECORDS["published"]
    many = tuple(
        replace(s, name=StackName(f"{s.name}-{n:03}")) for n in range(334) for s in record.stacks
    )
    ill = RECORDS["conflict"].stacks[1]
    many += tuple(replace(ill, name=StackName(f"ill-{n:03}")) for n in range(150))
    board = dashboard(replace(record, stacks=many), {s.name for s in many}, urls={})
    assert len(board.body) < 60_000
    assert "1,152 stacks: 150 in conflict, 1002 up to date" in board.body
    assert len(re.findall(r"^\| `ill-\d+`", board.body, re.MULTILINE)) == 100
    assert "And 50 stacks more in trouble." in board.body
