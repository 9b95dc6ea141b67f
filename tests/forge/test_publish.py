"""Fork branches on GitHub: emulate for the API, git over smart HTTP, and servers that say no."""

import datetime as dt
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkbot.errors import RemoteError
from forkbot.forge.auth import parse_token
from forkbot.forge.github import GitHubForge
from forkbot.git.repository import Repository, init_bare, quarantine
from forkbot.model.publication import Move, Publication
from forkbot.model.stack import ForkPolicy, RecoveryPolicy
from forkbot.publish import carry_out, plan_publication
from forkbot.words import BranchName, Oid, StackName
from tests.forge.emulator import OUR_TOKEN, US
from tests.forge.places import GitHubPlace
from tests.forge.refusing import no_workflows, says_no
from tests.forge.smarthttp import GitServer
from tests.scenario import Upstream

HEAD = "refs/heads/wasip2"
DAY = dt.date(2026, 11, 18)


class Fork:
    """A fork on GitHub, and forkbot's way to it."""

    def __init__(
        self, place: GitHubPlace, server: GitServer, upstream: Upstream, lent: Repository
    ) -> None:
        self.server, self.upstream, self.repo = server, upstream, place.repo
        self.lent = lent
        self.bare = init_bare(server.root / US / f"{place.repo}.git", env=upstream.repository.env)
        self.forge = GitHubForge(
            parse_token(OUR_TOKEN, where="a test"), owner=US, ambient=dict(os.environ),
            api=place.gate.url, web=server.url, pace=0,
        )  # fmt: skip

    def plan(
        self, tip: Oid, *, known: Oid | None = None, today: dt.date = DAY,
        workflows: bool = True, recovery: RecoveryPolicy | None = None,
    ) -> Publication:  # fmt: skip
        """Return what publishing would do."""
        fork = ForkPolicy(
            repo=self.repo,
            workflows="keep" if workflows else "leave-out",
            recovery=recovery or RecoveryPolicy(),
        )
        return plan_publication(
            stack=StackName("demo"), fork=fork, branch=BranchName("wasip2"), tip=tip,
            forge=self.forge, repository=self.lent, known=known, today=today,
        )  # fmt: skip

    def do(self, plan: Publication) -> Publication:
        """Carry it out."""
        return carry_out(plan, forge=self.forge, repository=self.lent)

    def refs(self) -> dict[str, Oid]:
        """Return what is there."""
        return self.bare.refs()


@pytest.fixture
def fork(github: GitHubPlace, upstream: Upstream, tmp_path: Path) -> Iterator[Fork]:
    """Lend an empty fork."""
    with (
        GitServer(tmp_path / "served", OUR_TOKEN).opened() as server,
        quarantine(upstream.repository, scratch=tmp_path / "scratch") as lent,
    ):
        yield Fork(github, server, upstream, lent)


def files(repository: Repository, commit: Oid) -> list[str]:
    """Return the names of a commit's files."""
    said = repository.git("ls-tree", "-r", "--name-only", commit)
    return said.stdout.decode().split()


def test_a_branch_is_made_moved_and_then_left_alone(fork: Fork) -> None:
    one = fork.upstream.commit("one", {"a": "a\n"})
    assert fork.do(fork.plan(one)).done
    two = fork.upstream.commit("two", {"a": "b\n"})
    plan = fork.plan(two, known=one)
    assert (plan.move, plan.old, plan.new) == (Move.UPDATE, one, two)
    assert fork.do(plan).done
    tag = f"refs/tags/forkbot/demo/2026-11-18-{one[:12]}"
    assert fork.refs() == {HEAD: two, tag: one}
    asked = len(fork.server.told)
    again = fork.plan(two, known=two)
    assert (again.move, fork.do(again)) == (Move.NOTHING, again)
    assert len(fork.server.told) - asked <= 2, "looked, and no more"


def test_recovery_tags_go_when_they_are_old_and_many(fork: Fork) -> None:
    policy = RecoveryPolicy(days=30, least=2)
    tips = [fork.upstream.commit(f"{n}", {"a": f"{n}\n"}) for n in range(6)]
    fork.do(fork.plan(tips[0]))
    days = [DAY + dt.timedelta(days=n) for n in (0, 1, 2, 40, 41)]
    for known, tip, day in zip(tips[:3], tips[1:4], days[:3], strict=True):
        assert fork.do(fork.plan(tip, known=known, today=day, recovery=policy)).retired == ()
    theirs = f"refs/tags/forkbot/demo/2026-11-01-{tips[5][:12]}"
    for ref, oid in {
        theirs: tips[0],
        "refs/tags/forkbot/demo/mine": tips[0],
        "refs/tags/forkbot/demo-2/2026-01-01-" + tips[0][:12]: tips[0],
    }.items():
        fork.bare.git("update-ref", ref, oid)  # moved, named otherwise, another stack's

    def tag(number: int) -> str:
        return f"refs/tags/forkbot/demo/{days[number]:%Y-%m-%d}-{tips[number][:12]}"

    plan = fork.plan(tips[4], known=tips[3], today=days[3], recovery=policy)
    assert [(t.ref, t.oid) for t in plan.retired] == [(tag(0), tips[0]), (tag(1), tips[1])]
    before = set(fork.refs())
    fork.do(plan)
    assert set(fork.refs()) == (before | {tag(3)}) - {tag(0), tag(1)}
    plan = fork.plan(tips[5], known=tips[4], today=days[4], recovery=policy)
    assert [t.ref for t in plan.retired] == [tag(2)]
    fork.bare.git("update-ref", tag(2), tips[0])  # a person moves it meanwhile
    refused = fork.do(plan)
    assert refused.move is Move.REFUSED
    assert fork.refs()[HEAD] == tips[4], "all or nothing"
    assert fork.refs()[tag(2)] == tips[0]


@pytest.mark.parametrize("whose", ["a Personal Access Token", "a GitHub App", "an OAuth App"])
def test_workflows_are_explained_and_can_be_left_out(fork: Fork, whose: str) -> None:
    name = ".github/workflows/ci.yml"
    says_no(fork.bare, when=name, words=no_workflows(name, whose))
    tip = fork.upstream.commit(
        "one", {"a": "a\n", ".github/workflows/ci.yml": "on: push\n", ".github/x": "x\n"}
    )
    said = fork.do(fork.plan(tip))
    assert said.move is Move.REFUSED
    assert not said.done
    assert said.why == (
        "the push was refused, nothing was changed: it brings upstream's .github/workflows/ci.yml, "
        "and the token may not change workflows"
    )
    assert said.hint == "forkbot doctor  # or say `fork: {workflows: leave-out}` in stack.yaml"
    assert fork.refs() == {}

    plan = fork.plan(tip, workflows=False)
    assert (plan.left_out, plan.new != tip) == (1, True)
    assert fork.plan(tip, workflows=False) == plan, "the same again for the same tip"
    assert fork.do(plan).done
    new = fork.refs()[HEAD]
    assert files(fork.bare, new) == [".github/x", "a"]
    log = fork.bare.git("log", "--format=%s|%cn|%ct", new).stdout.decode().splitlines()
    assert [li.split("|")[0] for li in log] == ["Leave out upstream's workflows", "one"]
    assert log[0].split("|")[1:] == ["forkbot", log[1].split("|")[2]]
    assert fork.plan(tip, workflows=False).move is Move.NOTHING
    more = fork.upstream.commit("two", {"a": "b\n"})
    plan = fork.plan(more, workflows=False)  # and nothing is known: the commit is forkbot's own
    assert (plan.move, plan.left_out) == (Move.UPDATE, 1)


def test_where_there_are_no_workflows_none_are_left_out(fork: Fork) -> None:
    tip = fork.upstream.commit("one", {"a": "a\n", ".github/x": "x\n"})
    plan = fork.plan(tip, workflows=False)
    assert (plan.new, plan.left_out) == (tip, 0)


PROTECTED = """\
error: GH006: Protected branch update failed for refs/heads/wasip2.
error: Cannot force-push to this branch
"""
RULE = """\
error: GH013: Repository rule violations found for refs/heads/wasip2.

- Cannot update this protected ref.

"""
LEAK = """\
error: GH013: Repository rule violations found for refs/heads/wasip2.
- GITHUB PUSH PROTECTION
  —————————————
    - Push cannot contain secrets
"""
AGAIN = "run the same command again: it starts from what is there now"
DECLINED = "push declined due to repository rule violations"
BY_RULE = f"refs/heads/wasip2: {DECLINED}: GH013: Repository rule violations found for {HEAD}; "
BY_BRANCH = f"GH006: Protected branch update failed for {HEAD}; Cannot force-push to this branch"
PUSH_PROTECTION = "- GITHUB PUSH PROTECTION; - Push cannot contain secrets"
REFUSALS = {  # git's words, those for people, and what forkbot makes of them
    "protected": (
        "protected branch hook declined",
        PROTECTED,
        f"the branch is protected: {HEAD}: protected branch hook declined: {BY_BRANCH}",
        "allow forkbot to push to it by force, SERVER/settings/branches",
    ),
    "a rule": (
        DECLINED,
        RULE,
        f"a rule of the repository forbids it: {BY_RULE}- Cannot update this protected ref",
        "let forkbot bypass the rule, SERVER/settings/rules",
    ),
    "a secret": (
        DECLINED,
        LEAK,
        f"GitHub takes something in it for a secret: {BY_RULE}{PUSH_PROTECTION}",
        "open the link that it names, and allow it if upstream means it so",
    ),
    "anything": (
        "because I say so",
        "\x1b[31mno\x1b[0m",
        f"{HEAD}: because I say so: \\x1b[31mno\\x1b[0m",
        AGAIN,
    ),
}  # fmt: skip


@pytest.mark.parametrize("which", REFUSALS)
def test_a_refusal_is_told_with_what_to_do(fork: Fork, which: str) -> None:
    words, people, why, hint = REFUSALS[which]
    one = fork.upstream.commit("one", {"a": "a\n"})
    fork.do(fork.plan(one))
    says_no(fork.bare, words=words, people=people)
    two = fork.upstream.commit("two", {"a": "b\n"})
    said = fork.do(fork.plan(two, known=one))
    web = fork.forge.remote(fork.repo).shown
    assert (said.move, said.done, said.recovery, said.place) == (Move.REFUSED, False, "", web)
    assert said.why == f"the push was refused, nothing was changed: {why}"
    assert said.hint.replace(web.removesuffix(".git"), "SERVER") == hint
    assert fork.refs() == {HEAD: one}, "and no recovery tag of what was not overwritten"


@pytest.mark.parametrize(
    ("body", "what", "hint"),
    [
        (
            "Permission to forkbot/demo.git denied to forkbot.",
            "the token may not write here (contents: write)",
            "forkbot doctor  # says which permission is missing, and where to give it",
        ),
        (
            "This repository was archived so it is read-only.",
            "the repository is archived: nobody may write to it",
            "unarchive SERVER",
        ),
    ],
)
def test_a_token_that_may_not_write(fork: Fork, body: str, what: str, hint: str) -> None:
    one = fork.upstream.commit("one", {"a": "a\n"})
    plan = fork.plan(one)
    fork.server.denies = body
    with pytest.raises(RemoteError) as caught:
        fork.do(plan)
    web = fork.forge.remote(fork.repo).shown.removesuffix(".git")
    assert (caught.value.what, caught.value.hint) == (what, hint.replace("SERVER", web))


@pytest.mark.parametrize("same", [True, False], ids=["the same", "another result"])
def test_two_at_once(fork: Fork, same: bool) -> None:  # noqa: FBT001
    """Both looked, both push; one acts, and the other says what the first did."""
    one = fork.upstream.commit("one", {"a": "a\n"})
    fork.do(fork.plan(one))
    two = fork.upstream.commit("two", {"a": "b\n"})
    three = two if same else fork.upstream.commit("three", {"a": "c\n"})
    plans = [fork.plan(two, known=one), fork.plan(three, known=one)]
    gathered = threading.Barrier(2, timeout=30)
    waited: set[int] = set()

    def meet() -> None:
        me = threading.get_ident()
        if me not in waited:
            waited.add(me)
            gathered.wait()

    fork.server.asked = meet
    ended: list[Publication] = []
    threads = [threading.Thread(target=lambda p=p: ended.append(fork.do(p))) for p in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    winner = next(p for p in ended if p.done)
    other = next(p for p in ended if p is not winner)
    tag = f"refs/tags/forkbot/demo/2026-11-18-{one[:12]}"
    assert fork.refs() == {HEAD: winner.new, tag: one}
    if same:
        assert (other.move, other.why) == (Move.NOTHING, "another run published the same meanwhile")
    else:
        assert other.move is Move.REFUSED
        assert "nothing was changed: not what it was when forkbot looked" in other.why
        assert (other.hint, other.outrun) == (AGAIN, True)
