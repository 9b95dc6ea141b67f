"""What a person may drop: likeness, hunks, links and conditions propose, and never act."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from forkbot.git.repository import quarantine
from forkbot.model.fate import Fate, PatchOutcome
from forkbot.model.judgement import Proposal, ProposalKind
from forkbot.model.place import Place
from forkbot.model.probed import Probed, ProbedPatch
from forkbot.model.stack import ChannelLock, Lock, Stack, UpstreamStatus
from forkbot.rebase.engine import rebase
from forkbot.words import Channel, Oid, PatchName, Subdir
from tests.rebase.test_breaker import Files, text
from tests.scenario import Upstream, make_stack

LOOKUP = """fn lookup(name: &str) -> Addrs {
    let hints = Hints::socket_stream();
    let found = resolve_addresses(name, &hints);
    for address in found.iter().rev() {
        // newest first
        reachable.push(address.port_and_ip());
    }
    Addrs::from_reachable(reachable)
}
"""
REWORKED = LOOKUP.replace("Hints::socket_stream()", "Hints::default()").replace("newest", "latest")


def outcomes(
    upstream: Upstream,
    stack: Stack,
    base: Oid,
    folder: Path,
    *,
    label: str = "",
    channel: Channel = Channel.MAIN,
    rustc: str | None = None,
) -> tuple[PatchOutcome, ...]:
    """Rebase onto upstream's tip and return what became of each patch."""
    assert upstream.tip
    onto = upstream.place(upstream.tip)
    with quarantine(upstream.repository, scratch=folder / "scratch") as lent:
        return rebase(
            stack, repository=lent, channel=channel, base=upstream.place(base),
            onto=Place(commit=onto.commit, tree=onto.tree, label=label or onto.label),
            rustc=rustc,
        ).facts.outcomes  # fmt: skip


def proposed(
    upstream: Upstream, base: Oid, patches: Mapping[str, Files], folder: Path
) -> list[tuple[str, str, list[Proposal]]]:
    """Return each patch's name, fate and proposals."""
    stack, _ = make_stack(upstream, base, patches)
    found = outcomes(upstream, stack, base, folder)
    return [(o.name, o.fate.value, list(o.proposals)) for o in found]


def with_header(stack: Stack, **changed: object) -> Stack:
    """Return a stack whose one patch has another header."""
    (patch,) = stack.patches
    return msgspec.structs.replace(stack, patches=(msgspec.structs.replace(patch, **changed),))


def told(found: list[Proposal]) -> list[str]:
    """Return proposals as people read them."""
    return [f"{p.kind.value}: {p.evidence}" for p in found]


def test_a_conflict_that_upstream_answers_in_another_file_is_superseded(
    upstream: Upstream, tmp_path: Path
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("something else", {"b.rs": text(l9="nine")})
    by = upstream.commit("net: look names up (#44)", {"lookup.rs": REWORKED, "a.rs": text(l5="x")})
    ((name, fate, found),) = proposed(
        upstream, base, {"fix": {"a.rs": text(l5=LOOKUP)}}, tmp_path
    )  # fmt: skip
    evidence = f"{by[:12]} (net: look names up (#44)) adds 5 of its 6 new lines"
    assert (name, fate) == ("fix", "superseded")
    assert told(found) == [f"superseded: {evidence}"]
    assert (found[0].likeness, [c.pull_request for c in found[0].commits]) == (0.83, [44])


def test_superseded_stops_the_series_as_a_conflict_does(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("net: look names up", {"a.rs": text(l5=REWORKED)})
    stack, _ = make_stack(upstream, base, {"fix": {"a.rs": text(l5=LOOKUP)}, "on": {"c": "c\n"}})
    assert upstream.tip
    with quarantine(upstream.repository, scratch=tmp_path / "scratch") as lent:
        facts = rebase(
            stack, repository=lent, channel=Channel.MAIN, base=upstream.place(base),
            onto=upstream.place(upstream.tip),
        ).facts  # fmt: skip
    assert [o.fate for o in facts.outcomes] == [Fate.SUPERSEDED, Fate.BLOCKED]
    assert facts.conflict is not None
    assert facts.conflict.patch == "fix"
    assert [b.subject for b in facts.conflict.breakers] == ["net: look names up"]
    assert (facts.tip, facts.tree, facts.dropped) == (None, None, ())


def test_a_patch_that_still_applies_keeps_its_fate(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    upstream.commit("net: look names up", {"b.rs": text(l30=REWORKED)})
    ((_, fate, found),) = proposed(upstream, base, {"fix": {"a.rs": text(l5=LOOKUP)}}, tmp_path)
    assert (fate, [p.kind for p in found]) == ("shifted", [ProposalKind.SUPERSEDED])


def test_what_three_commits_deliver_between_them(upstream: Upstream, tmp_path: Path) -> None:
    lines = [f"    let value_{n} = compute_{n}(context);\n" for n in range(12)]
    base = upstream.commit("base", {"a.rs": text()})
    for n in range(3):
        upstream.commit(f"part {n}", {f"{n}.rs": "".join(lines[4 * n : 4 * n + 4])})
    patch: Files = {"a.rs": text(l5="".join(lines))}
    ((_, _, found),) = proposed(upstream, base, {"fix": patch}, tmp_path)
    assert [c.subject for c in found[0].commits] == ["part 0", "part 1", "part 2"]
    assert found[0].evidence.endswith("add between them 12 of its 12 new lines")


def test_half_of_it_is_partly_taken(upstream: Upstream, tmp_path: Path) -> None:
    half = "".join(LOOKUP.splitlines(keepends=True)[:4])
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("net: begin to look names up", {"new.rs": half + "    todo!()\n}\n"})
    other = LOOKUP + LOOKUP.replace("name", "host_name").replace("found", "answers")
    ((_, fate, found),) = proposed(upstream, base, {"fix": {"a.rs": text(l5=other)}}, tmp_path)
    assert (fate, [(p.kind, p.likeness) for p in found]) == (
        "shifted",
        [(ProposalKind.PARTLY, 0.44)],
    )


def test_the_words_that_everybody_writes_are_no_likeness(
    upstream: Upstream, tmp_path: Path
) -> None:
    common = "use std::net::SocketAddr;\n\n// what it is for\n{\n}\n#[test]\nmod tests {\n"
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("the same", {"b.rs": common})
    ((_, _, found),) = proposed(upstream, base, {"fix": {"a.rs": text(l5=common)}}, tmp_path)
    assert found == []


def test_what_upstream_only_moved_it_did_not_add(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text(), "old.rs": LOOKUP})
    upstream.commit("move", {"old.rs": None, "new.rs": LOOKUP})
    ((_, _, found),) = proposed(upstream, base, {"fix": {"a.rs": text(l5=LOOKUP)}}, tmp_path)
    assert found == []


def test_one_of_two_hunks_is_taken(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("elsewhere", {"a.rs": text(l20="twenty")})
    by = upstream.commit("take the first (#8)", {"a.rs": text(l5="five", l20="twenty")})
    upstream.commit("in the way", {"a.rs": text(l5="five", l20="twenty", l35="XXXV")})
    assert upstream.tip
    patch: Files = {"a.rs": text(l5="five", l35="thirty-five")}
    ((_, fate, found),) = proposed(upstream, base, {"fix": patch}, tmp_path)
    label = upstream.place(upstream.tip).label
    assert fate == "conflict"
    assert told(found) == [f"partly taken: {label} has 1 of its 2 hunks as they are, in a.rs"]
    assert (found[0].hunks, found[0].taken, found[0].commits[0].commit) == (2, 1, by)


def test_a_hunk_that_only_removes_is_taken_where_the_lines_close_up(
    upstream: Upstream, tmp_path: Path
) -> None:
    without = text().replace("line 5\n", "")
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("remove it", {"a.rs": without.replace("line 35", "XXXV")})
    patch: Files = {"a.rs": without.replace("line 35", "thirty-five")}
    ((_, _, found),) = proposed(upstream, base, {"fix": patch}, tmp_path)
    assert [(p.kind, p.hunks, p.taken) for p in found] == [(ProposalKind.PARTLY, 2, 1)]


def test_a_line_rewritten_by_upstream_is_no_hunk_taken(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("rewrite", {"a.rs": text(l5="V", l35="XXXV")})
    patch: Files = {"a.rs": text(l35="thirty-five").replace("line 5\n", "")}
    ((_, fate, found),) = proposed(upstream, base, {"fix": patch}, tmp_path)
    assert (fate, found) == ("conflict", [])


PULL = "https://github.com/upstream/demo/pull/12"


@pytest.mark.parametrize(
    ("status", "reference", "git", "found"),
    [
        (UpstreamStatus.SUBMITTED, PULL, "https://github.com/upstream/demo", True),
        (UpstreamStatus.ACCEPTED, f"{PULL}/files", "git@github.com:Upstream/demo.git", True),
        (UpstreamStatus.SUBMITTED, PULL, "https://www.github.com/upstream/demo.git/", True),
        (UpstreamStatus.SUBMITTED, PULL, "https://github.com/other/demo", False),
        (UpstreamStatus.SUBMITTED, PULL[:-1], "https://github.com/upstream/demo", False),
        (UpstreamStatus.DENIED, PULL, "https://github.com/upstream/demo", False),
        (UpstreamStatus.SUBMITTED, "to the list", "https://github.com/upstream/demo", False),
    ],
)
def test_the_pull_request_that_a_header_names(
    upstream: Upstream,
    tmp_path: Path,
    *,
    status: UpstreamStatus,
    reference: str,
    git: str,
    found: bool,
) -> None:
    base = upstream.commit("base (#1)", {"a.rs": text()})
    by = upstream.commit("net: for wasi (#12)", {"b.rs": "b\n"})
    upstream.commit("later", {"b.rs": "c\n"})
    stack, _ = make_stack(upstream, base, {"fix": {"a.rs": text(l5="five")}})
    policy = msgspec.structs.replace(
        stack.policy, upstream=msgspec.structs.replace(stack.policy.upstream, git=git)
    )
    stack = with_header(stack, upstream_status=status, upstream_reference=reference)
    (outcome,) = outcomes(upstream, msgspec.structs.replace(stack, policy=policy), base, tmp_path)
    evidence = f"its Upstream-Status is reached: {reference} is {by[:12]} (net: for wasi (#12))"
    assert told(list(outcome.proposals)) == ([evidence] if found else [])
    assert outcome.fate is Fate.SHIFTED


def test_a_backport_is_reached_when_its_commit_comes(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    by = upstream.commit("net: for wasi", {"a.rs": text(l5="V")})
    stack, _ = make_stack(upstream, base, {"fix": {"a.rs": text(l5="five")}})
    for reference in (by, by[:9], f"https://github.com/upstream/demo/commit/{by}"):
        ours = with_header(
            stack, upstream_status=UpstreamStatus.BACKPORT, upstream_reference=reference
        )
        git = msgspec.structs.replace(stack.policy.upstream, git="https://github.com/upstream/demo")
        policy = msgspec.structs.replace(stack.policy, upstream=git)
        (outcome,) = outcomes(
            upstream, msgspec.structs.replace(ours, policy=policy), base, tmp_path
        )
        assert outcome.fate is Fate.SUPERSEDED
        assert outcome.evidence == f"{reference} is {by[:12]} (net: for wasi)"
    old = with_header(stack, upstream_status=UpstreamStatus.BACKPORT, upstream_reference=base)
    (outcome,) = outcomes(upstream, old, base, tmp_path)
    assert (outcome.fate, outcome.proposals) == (Fate.CONFLICT, ())


MANIFEST = '[package]\nname = "demo"\nversion = "1.54.0"\n'


@pytest.mark.parametrize(
    ("condition", "label", "met", "evidence"),
    [
        ("released >=1.54", "demo-1.54.1-12-gabc123456", True,
         "demo-1.54.1-12-gabc123456 is 1.54.1 or newer"),
        ("released >=1.54.1", "v1.54.1", True, "v1.54.1 is 1.54.1 or newer"),
        ("released >=1.54", "demo-1.53.0-2-gabc123456", None,
         "Cargo.toml says 1.54.0 on demo-1.53.0-2-gabc123456: released, or about to be"),
        ("released >=1.55", "demo-1.53.0-2-gabc123456", False,
         "demo-1.53.0-2-gabc123456 is older than 1.55.0"),
        ("released >=1.54.0", "v1.54.0-rc.1", None,
         "Cargo.toml says 1.54.0 on v1.54.0-rc.1: released, or about to be"),
        ("released >=1.54", "2026-11-22 abc123456", None,
         "Cargo.toml says 1.54.0 on 2026-11-22 abc123456: released, or about to be"),
        ("rustc >=1.90", "x", True, "rustc is 1.90.0"),
        ("rustc >=1.90.1", "x", False, "rustc is 1.90.0, older than 1.90.1"),
        ("green-without", "x", None, "nobody tried: forkbot probe demo"),
        ("merged https://github.com/upstream/demo/pull/13", "x", False,
         "no commit up to x says that it is pull request #13"),
        ("merged https://github.com/someone/else/pull/12", "x", None,
         "https://github.com/someone/else/pull/12 is not upstream's"),
        ("merged soon", "x", None, "soon is neither a pull request nor a commit"),
    ],
)  # fmt: skip
def test_drop_when_is_asked(
    upstream: Upstream,
    tmp_path: Path,
    *,
    condition: str,
    label: str,
    met: bool | None,
    evidence: str,
) -> None:
    base = upstream.commit("base", {"a.rs": text(), "crates/demo/Cargo.toml": MANIFEST})
    upstream.commit("net: for wasi (#12)", {"b.rs": "b\n"})
    stack = conditional(upstream, base, condition)
    (outcome,) = outcomes(
        upstream, stack, base, tmp_path, label=label, rustc="rustc 1.90.0 (abc 2026-01-01)"
    )
    check = outcome.drop_check
    assert check
    assert (check.condition, check.met, check.evidence) == (condition, met, evidence)
    expected = [f"its Drop-When is met: `{condition}`: {evidence}"] if met else []
    assert told(list(outcome.proposals)) == expected


def conditional(upstream: Upstream, base: Oid, condition: str) -> Stack:
    """Return a stack of one patch with that Drop-When."""
    stack, _ = make_stack(upstream, base, {"fix": {"a.rs": text(l5="five")}})
    where = msgspec.structs.replace(
        stack.policy.upstream,
        git="https://github.com/upstream/demo",
        subdir=Subdir("crates/demo"),
    )
    policy = msgspec.structs.replace(stack.policy, upstream=where)
    return msgspec.structs.replace(with_header(stack, drop_when=condition), policy=policy)


def test_merged_is_met_also_when_it_was_before_the_base(upstream: Upstream, tmp_path: Path) -> None:
    by = upstream.commit("net: for wasi (#12)", {"a.rs": text(), "b.rs": text()})
    base = upstream.commit("base", {"c.rs": "c\n"})
    upstream.commit("Revert the other (#12) (#13)", {"c.rs": "d\n"})
    for reference in (PULL, by):
        stack = conditional(upstream, base, f"merged {reference}")
        (outcome,) = outcomes(upstream, stack, base, tmp_path, label="tip")
        assert outcome.drop_check
        evidence = f"tip has {by[:12]} (net: for wasi (#12))"
        assert (outcome.drop_check.met, outcome.drop_check.evidence) == (True, evidence)


def test_a_release_carries_no_upstream_commits(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("demo 1.0.0", {"a.rs": text()})
    upstream.commit("demo 1.1.0", {"b.rs": "b\n"})
    stack = conditional(upstream, base, f"merged {PULL}")
    (outcome,) = outcomes(upstream, stack, base, tmp_path, channel=Channel.RELEASE, label="1.1.0")
    assert outcome.drop_check
    assert outcome.drop_check.met is None


def test_no_toolchain_no_answer(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    stack = conditional(upstream, base, "rustc >=1.90")
    (outcome,) = outcomes(upstream, stack, base, tmp_path)
    assert outcome.drop_check
    assert outcome.drop_check.met is None


@pytest.mark.parametrize("green", [True, False])
def test_what_a_probe_found_is_believed_of_the_same_result(
    upstream: Upstream, tmp_path: Path, *, green: bool
) -> None:
    base = upstream.commit("base", {"a.rs": text()})
    upstream.commit("later", {"b.rs": "b\n"})
    stack, (change,) = make_stack(upstream, base, {"fix": {"a.rs": text(l5="five")}})
    probed = Probed(key="k", patches=(ProbedPatch(patch=PatchName("fix"), green=green),))
    place = upstream.place(base)
    lock = ChannelLock(
        base=base, base_label=place.label, base_tree=place.tree, result=base,
        result_tree=change.after, probed=probed,
    )  # fmt: skip
    stack = msgspec.structs.replace(stack, lock=Lock(channels={Channel.MAIN: lock}))
    (outcome,) = outcomes(upstream, stack, base, tmp_path)
    assert outcome.drop_check
    assert outcome.drop_check.met is green
    assert [p.kind for p in outcome.proposals] == [ProposalKind.CONDITION] * green
