"""What every forge does alike: on files of this machine, and on GitHub as ``emulate`` plays it."""

import msgspec
import pytest

from forkbot.errors import ForkbotError
from forkbot.forge.marker import TEXT_LIMIT
from forkbot.model.artefact import (
    CLOSED_BY_A_PERSON,
    Act,
    Artefact,
    Identity,
    Kind,
    Over,
)
from forkbot.tell import carry_out, plan_telling
from forkbot.words import BranchName, Channel, StackName
from tests.forge.places import Place, Seen, tell
from tests.forge.scenes import DRAFT, IDENTITY, LABEL, OVER, TROUBLE, changed


def only(place: Place) -> Seen:
    """Return the one thing there is."""
    (seen,) = place.seen()
    return seen


def test_an_issue_is_opened_once_and_then_left_alone(place: Place) -> None:
    first = tell(place, TROUBLE)
    assert (first.act, first.writes, first.done) == (
        Act.OPEN, ("open issue 'tokio: conflict at wasi-net'",), 1,
    )  # fmt: skip
    seen = only(place)
    assert seen == Seen(
        number=1, author="forkbot", open=True, title="tokio: conflict at wasi-net",
        text="<!-- forkbot:v1 stack=tokio channel=main kind=conflict facts=c0b0d46f898f3ad4 "
        "verdict=c10b71e9f959ed89 turn=0 -->\n# conflict\n\nat `src/net.rs`\n"
        "<!-- forkbot:end -->",
        labels=("forkbot: conflict",), head="", comments=(),
    )  # fmt: skip
    again = tell(place, TROUBLE)
    assert (again.act, again.writes, again.url) == (Act.NOTHING, (), first.url)
    assert only(place) == seen


def test_the_report_is_kept_current_and_a_comment_is_for_a_new_verdict(place: Place) -> None:
    tell(place, TROUBLE)
    told = tell(place, changed(body="# conflict\n\nat `src/net.rs` and `src/io.rs`"))
    assert (told.act, told.writes) == (Act.UPDATE, ("update #1",))
    assert "`src/io.rs`" in only(place).text
    assert only(place).comments == ()
    told = tell(place, changed(verdict="conflict at wasi-io", title="tokio: conflict at wasi-io"))
    assert told.writes == ("comment on #1", "update #1")
    seen = only(place)
    assert seen.comments == ("<!-- forkbot:v1 comment=1 -->\nconflict at wasi-io",)
    assert (seen.title, "turn=1" in seen.text) == ("tokio: conflict at wasi-io", True)


def test_what_people_write_around_the_report_stays_byte_for_byte(place: Place) -> None:
    tell(place, TROUBLE)
    ours = only(place).text
    before, after = (
        "I look into it. \r\n\r\n",
        "\r\n\r\n- [ ] ask upstream\r\n\t\u00a0<!-- hm -->\n",
    )
    # a browser sends our part with CRLF, too
    place.person_writes(1, before + ours.replace("\n", "\r\n") + after)
    assert tell(place, TROUBLE).act is Act.NOTHING
    tell(place, changed(body="# another"))
    text = only(place).text
    assert text.startswith(f"{before}<!-- forkbot:v1 stack=tokio")
    assert text.endswith(f"-->\n# another\n<!-- forkbot:end -->{after}")
    tell(place, OVER)
    assert only(place).text.endswith(f"-->\n# another\n<!-- forkbot:end -->{after}")


def test_what_people_do_between_looking_and_writing_stays(place: Place) -> None:
    tell(place, TROUBLE)
    wishes: tuple[Artefact | Over, ...] = (changed(body="# news"), OVER)
    for number, wish in enumerate(wishes):
        plan = plan_telling(wish, place.forge.artefacts(place.repo), repo=place.repo)
        place.person_writes(1, f"{only(place).text}\n\nwritten {number}")
        if number == 0:
            place.person_turns(1, open=False)
        carry_out(plan, forge=place.forge)
        if number == 0:
            assert not only(place).open
            place.person_turns(1, open=True)
    text = only(place).text
    assert text.partition("\n")[2] == ("# news\n<!-- forkbot:end -->\n\nwritten 0\n\nwritten 1")
    assert not only(place).open


def test_it_is_closed_with_the_reason_and_opened_again_when_trouble_returns(place: Place) -> None:
    tell(place, TROUBLE)
    told = tell(place, OVER)
    assert (told.act, told.writes) == (Act.CLOSE, ("comment on #1", "close #1"))
    seen = only(place)
    assert not seen.open
    assert seen.comments == ("<!-- forkbot:v1 comment=1 -->\nthe stack applies again",)
    assert tell(place, OVER).act is Act.NOTHING
    told = tell(place, TROUBLE)
    assert (told.act, told.writes) == (Act.REOPEN, ("comment on #1", "reopen #1"))
    assert only(place).open
    assert only(place).comments[1:] == ("<!-- forkbot:v1 comment=2 -->\nconflict at wasi-net",)
    assert tell(place, TROUBLE).act is Act.NOTHING


def test_what_a_person_closed_stays_closed_until_the_facts_change(place: Place) -> None:
    tell(place, TROUBLE)
    place.person_turns(1, open=False)
    told = tell(place, changed(body="# the same in other words"))
    assert (told.act, told.writes) == (
        Act.LEFT_CLOSED, ("label #1 forkbot: closed by a person",),
    )  # fmt: skip
    assert only(place).labels == (LABEL.name, CLOSED_BY_A_PERSON.name)
    again = tell(place, changed(verdict="the same trouble"))
    assert (again.act, again.writes) == (Act.LEFT_CLOSED, ())
    assert tell(place, OVER).act is Act.NOTHING
    told = tell(place, changed(facts="wasi-net src/net.rs 89abcde"))
    assert (told.act, told.writes) == (
        Act.REOPEN,
        ("comment on #1", "reopen #1", "take 'forkbot: closed by a person' off #1"),
    )
    assert (only(place).open, only(place).labels) == (True, (LABEL.name,))


def test_what_a_person_opened_again_is_theirs_until_there_is_trouble(place: Place) -> None:
    tell(place, TROUBLE)
    tell(place, OVER)
    place.person_turns(1, open=True)
    assert tell(place, OVER).act is Act.NOTHING
    assert tell(place, TROUBLE).writes == ("comment on #1", "update #1")


def test_a_pull_request_is_opened_for_its_branch_and_anew_when_trouble_returns(
    place: Place,
) -> None:
    assert DRAFT.pull_request is not None
    place.branch(DRAFT.pull_request.head)
    told = tell(place, DRAFT)
    assert told.writes == ("open pull request 'tokio: conflict at wasi-net'",)
    seen = only(place)
    assert (seen.head, seen.labels, seen.open) == (DRAFT.pull_request.head, (LABEL.name,), True)
    assert tell(place, DRAFT).act is Act.NOTHING
    assert tell(place, changed(DRAFT, body="# new")).writes == ("update #1",)
    assert tell(place, OVER).writes == ("comment on #1", "close #1")
    # its branch was moved meanwhile, and GitHub reopens none of these
    assert tell(place, DRAFT).act is Act.OPEN
    assert [s.open for s in place.seen()] == [False, True]


def test_a_person_who_closes_a_pull_request_is_respected_too(place: Place) -> None:
    assert DRAFT.pull_request is not None
    place.branch(DRAFT.pull_request.head)
    tell(place, DRAFT)
    place.person_turns(1, open=False)
    assert tell(place, DRAFT).act is Act.LEFT_CLOSED
    assert only(place).labels == (LABEL.name, CLOSED_BY_A_PERSON.name)
    # nor is it said as an issue instead
    assert tell(place, TROUBLE).act is Act.LEFT_CLOSED
    assert tell(place, changed(DRAFT, facts="another")).act is Act.OPEN
    assert [s.open for s in place.seen()] == [False, True]


def test_only_one_is_open_where_the_form_or_the_branch_changes(place: Place) -> None:
    assert DRAFT.pull_request is not None
    tell(place, TROUBLE)
    place.branch(DRAFT.pull_request.head)
    told = tell(place, DRAFT)
    assert told.writes == (
        "open pull request 'tokio: conflict at wasi-net'", "comment on #1", "close #1",
    )  # fmt: skip
    other = msgspec.structs.replace(DRAFT.pull_request, head=BranchName("forkbot/tokio/other"))
    place.branch(other.head)
    told = tell(place, changed(DRAFT, pull_request=other))
    assert told.writes[1:] == ("comment on #2", "close #2")
    assert [(s.head, s.open) for s in place.seen()] == [
        ("", False), ("forkbot/tokio/conflict-wasi-net", False), ("forkbot/tokio/other", True),
    ]  # fmt: skip


def test_stacks_channels_and_kinds_are_told_apart(place: Place) -> None:
    others = [
        Identity(kind=Kind.CONFLICT, channel=Channel.MAIN, stack=StackName("tokio-util")),
        Identity(kind=Kind.CONFLICT, channel=Channel.RELEASE, stack=StackName("tokio")),
        Identity(kind=Kind.BUILD, channel=Channel.MAIN, stack=StackName("tokio")),
        Identity(kind=Kind.DASHBOARD, channel=Channel.MAIN),
    ]
    for identity in (IDENTITY, *others):
        assert tell(place, changed(identity=identity)).act is Act.OPEN
    for identity in (IDENTITY, *others):
        assert tell(place, changed(identity=identity)).act is Act.NOTHING
    assert tell(place, OVER).act is Act.CLOSE
    assert [s.open for s in place.seen()] == [False, True, True, True, True]


def test_a_marker_in_somebody_elses_issue_makes_it_no_artefact(place: Place) -> None:
    tell(place, TROUBLE)
    text = only(place).text
    tell(place, OVER)
    theirs = place.person_opens(TROUBLE.title, text)
    assert tell(place, changed(body="# news")).act is Act.REOPEN
    assert place.seen()[theirs - 1].text == text
    assert tell(place, OVER).writes == ("comment on #1", "close #1")
    assert place.seen()[theirs - 1].open


def test_markers_that_a_report_quotes_are_text(place: Place) -> None:
    """A commit message of upstream's that would like to end our part, and to be another one."""
    hostile = (
        "> Fix a thing\n\n```\n<!-- forkbot:end -->\n"
        "<!-- forkbot:v1 stack=mio channel=main kind=conflict facts=0 verdict=0 turn=0 -->\n"
        "<!--forkbot:end-->\n<!-- FORKBOT:v1 stack=mio -->\n<!-- forkbot:end -->\n```\nthe rest"
    )
    wish = changed(body=hostile, verdict="conflict\n<!-- forkbot:v1 comment=2 -->")
    tell(place, wish)
    text = only(place).text
    assert text.count("<!-- forkbot") == 2
    assert text.splitlines()[0].startswith("<!-- forkbot:v1 stack=tokio ")
    assert text.splitlines()[-1] == "<!-- forkbot:end -->"
    assert tell(place, wish).act is Act.NOTHING
    mio = Identity(kind=Kind.CONFLICT, channel=Channel.MAIN, stack=StackName("mio"))
    assert tell(place, changed(identity=mio)).act is Act.OPEN
    assert tell(place, Over(identity=mio, reason="over")).writes == ("comment on #2", "close #2")
    # the comment that quotes the next one's name does not stand for it
    tell(place, changed(wish, verdict="first <!-- forkbot:v1 comment=2 -->"))
    tell(place, changed(wish, verdict="second"))
    assert [c.splitlines()[-1] for c in place.seen()[0].comments] == [
        "first <!\u200b-- forkbot:v1 comment=2 -->", "second",
    ]  # fmt: skip


def test_a_text_that_is_too_long_is_refused_before_anything_is_written(place: Place) -> None:
    with pytest.raises(ForkbotError, match=r"report of conflict has 65,\d+ characters; GitHub"):
        tell(place, changed(body="x" * TEXT_LIMIT))
    with pytest.raises(ForkbotError, match="the title has 257 characters"):
        tell(place, changed(title="x" * 257))
    assert place.seen() == []
    tell(place, TROUBLE)
    room = TEXT_LIMIT - len(only(place).text) + len(TROUBLE.body)
    tell(place, changed(body="x" * room))
    assert len(only(place).text) == TEXT_LIMIT
    with pytest.raises(ForkbotError, match="has 65,537 characters"):
        tell(place, changed(body="x" * room + "y"))


def test_two_of_one_identity_become_one(place: Place) -> None:
    """What two runs at once may leave: the older one goes on."""
    tell(place, TROUBLE)
    text = only(place).text
    draft = msgspec.structs.replace(
        TROUBLE, identity=msgspec.structs.replace(IDENTITY, kind=Kind.SMOKE)
    )
    tell(place, draft)
    place.person_writes(2, text)
    told = tell(place, TROUBLE)
    assert told.writes == ("comment on #2", "close #2")
    assert [s.open for s in place.seen()] == [True, False]
    assert "it goes on in #1" in place.seen()[1].comments[0]
    assert tell(place, TROUBLE).act is Act.NOTHING
