"""Upstream merged our fork branch as it is: our own commits are its history."""

from pathlib import Path

from forkbot.git.repository import quarantine
from forkbot.model.fate import Rebase
from forkbot.model.stack import Stack
from forkbot.rebase.engine import rebase
from forkbot.words import Channel, Oid
from tests.rebase.test_breaker import Files, text
from tests.scenario import Upstream, make_stack

SERIES: dict[str, Files] = {
    "one": {"a.rs": text(l5="five")},
    "two": {"b.rs": text(l9="nine")},
}


def rebased(upstream: Upstream, stack: Stack, base: Oid, onto: Oid, folder: Path) -> Rebase:
    """Rebase; onto the base itself: the commits stay in the repository, as once published."""
    with quarantine(upstream.repository, scratch=folder / "scratch") as lent:
        facts = rebase(
            stack, repository=lent, channel=Channel.MAIN, base=upstream.place(base),
            onto=upstream.place(onto),
        ).facts  # fmt: skip
        if base == onto:
            lent.git("push", "--quiet", str(upstream.path), f"{facts.tip}:refs/heads/wasip2")
    return facts


def told(facts: Rebase) -> dict[str, str]:
    """Return each patch's fate and why."""
    return {o.name: f"{o.fate.value} {o.evidence}".strip() for o in facts.outcomes}


def published(upstream: Upstream, folder: Path) -> tuple[Stack, Oid, tuple[Oid, Oid]]:
    """Return a stack of two patches, its base, and its commits on the fork branch."""
    base = upstream.commit("base", {"a.rs": text(), "b.rs": text()})
    stack, _ = make_stack(upstream, base, SERIES)
    one, two = (o.commit for o in rebased(upstream, stack, base, base, folder).outcomes)
    assert one
    assert two
    return stack, base, (one, two)


def test_a_true_merge_of_the_fork_branch(upstream: Upstream, tmp_path: Path) -> None:
    stack, base, (one, two) = published(upstream, tmp_path)
    upstream.commit("beside ours, in the same file", {"a.rs": text(l30="thirty")})
    merge = upstream.commit(
        "Merge pull request #7 from us/wasip2",
        {"a.rs": text(l5="five", l30="thirty"), "b.rs": text(l9="nine")}, merging=(two,),
    )  # fmt: skip
    onto = upstream.commit("rework it", {"a.rs": text(l5="FIVE", l30="thirty")})
    since = f", since {merge[:12]} (Merge pull request #7 from us/wasip2)"
    assert told(rebased(upstream, stack, base, onto, tmp_path)) == {
        "one": f"merged upstream's history has our own commit {one[:12]}{since}",
        "two": f"merged upstream's history has our own commit {two[:12]}{since}",
    }


def test_a_fast_forward_to_the_first_of_our_commits(upstream: Upstream, tmp_path: Path) -> None:
    stack, base, (one, _) = published(upstream, tmp_path)
    upstream.go_to(one)
    onto = upstream.commit("rework it", {"a.rs": text(l5="FIVE")})
    assert told(rebased(upstream, stack, base, onto, tmp_path)) == {
        "one": f"merged upstream's history has our own commit {one[:12]}",
        "two": "shifted",
    }


def test_what_was_taken_back_after_the_merge_is_ours_again(
    upstream: Upstream, tmp_path: Path
) -> None:
    stack, base, (_, two) = published(upstream, tmp_path)
    upstream.commit("merge", {"a.rs": text(l5="five"), "b.rs": text(l9="nine")}, merging=(two,))
    upstream.commit("take one back", {"a.rs": text()})
    onto = upstream.commit("write on those lines", {"a.rs": text(l6="six")})
    assert [o.fate.value for o in rebased(upstream, stack, base, onto, tmp_path).outcomes] == [
        "conflict",
        "merged",
    ]


def test_a_merge_that_kept_nothing_of_ours_is_no_take(upstream: Upstream, tmp_path: Path) -> None:
    """``git merge -s ours``: our commits are in the history, and their content is not."""
    stack, base, (_, two) = published(upstream, tmp_path)
    onto = upstream.commit("merge, without taking it", {}, merging=(two,))
    assert told(rebased(upstream, stack, base, onto, tmp_path)) == {
        "one": "shifted",
        "two": "shifted",
    }
