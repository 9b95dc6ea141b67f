"""GitHub on a bad day: limits, errors, lost and half answers, nonsense. Each wait has an end."""

import email.utils
import time
from collections.abc import Mapping

import pytest

from forkbot.errors import RefusedError, RemoteError
from forkbot.forge.patience import Budget, EnoughError
from forkbot.model.artefact import Act
from tests.forge.emulator import THEIR_TOKEN, US
from tests.forge.gate import Answer, Asked, Drip, Fault, Half, Lost
from tests.forge.places import GitHubPlace, Seen, tell
from tests.forge.scenes import DRAFT, OVER, PULL, TROUBLE, changed

BROKEN = Answer(status=502, body=b"<html>Bad Gateway</html>", headers={"Content-Type": "text/html"})
SECONDARY = "You have exceeded a secondary rate limit."
PRIMARY = "API rate limit exceeded for user ID 1."
NOW = 1_795_000_000


def limited(status: int, message: str, **headers: object) -> Answer:
    """Return how GitHub says that it was asked too often, by a clock of its own."""
    told = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    told["Date"] = email.utils.formatdate(NOW, usegmt=True)
    return Answer(status=status, body={"message": message}, headers=told)


def spent(seconds: int) -> dict[str, object]:
    """Return the headers of a primary limit that is over in so many seconds."""
    return {"X_RateLimit_Remaining": 0, "X_RateLimit_Reset": NOW + seconds}


def opening(asked: Asked) -> bool:
    """Whether an issue is opened."""
    return asked.verb == "POST" and asked.path.endswith("/issues")


def patching(asked: Asked) -> bool:
    """Whether an issue is edited."""
    return asked.verb == "PATCH"


def listing(asked: Asked) -> bool:
    """Whether the issues are listed."""
    return asked.verb == "GET" and asked.path.endswith("/issues")


def only(place: GitHubPlace) -> Seen:
    """Return the one thing there is."""
    (seen,) = place.seen()
    return seen


PASSING: dict[str, tuple[list[Fault], list[int]]] = {
    "bad gateway": ([BROKEN], [1]),
    "two of them": ([BROKEN, Answer(status=503, body={"message": "x"})], [1, 2]),
    "unavailable, with a time": (
        [Answer(status=503, body={"message": "x"}, headers={"Retry-After": "7"})], [7],
    ),
    "lost before it was done": ([Lost(after=False)], [1]),
    "lost after it was done": ([Lost(after=True)], [1]),
    "lost in the midst of the answer": ([Half()], [1]),
    "a secondary limit with a time": ([limited(403, SECONDARY, Retry_After=5)], [5]),
    "a secondary limit without": ([limited(403, SECONDARY)], [60]),
    "too many requests with a time": ([limited(429, "too many", Retry_After=9)], [9]),
    "too many requests without": ([limited(429, "too many")], [60]),
    "a primary limit, over in 20 s": ([limited(403, PRIMARY, **spent(20))], [21]),
    "a primary limit as 429": ([limited(429, PRIMARY, **spent(20))], [21]),
    "a date to wait for": (
        [limited(403, SECONDARY, Retry_After=email.utils.formatdate(NOW + 12, usegmt=True))], [12],
    ),
}  # fmt: skip
POINTS = {"list": listing, "open": opening, "edit": patching}


@pytest.mark.parametrize("case", PASSING)
@pytest.mark.parametrize("point", POINTS)
def test_what_passes_is_waited_for_and_done_once(
    case: str, point: str, github: GitHubPlace
) -> None:
    """GitHub's clock is days from ours in each of them."""
    faults, waits = PASSING[case]
    github.gate.breaks(POINTS[point], *faults)
    tell(github, TROUBLE)
    tell(github, changed(body="# news"))
    assert only(github).text.splitlines()[1] == "# news"
    assert github.slept == waits


def test_an_answer_that_cannot_be_read_says_nothing_of_what_was_done(github: GitHubPlace) -> None:
    half = Answer(status=201, body=b'{"number": 1, "html_', done=True)
    page = Answer(status=201, body=b"<html>hello</html>", done=True)
    github.gate.breaks(opening, half)
    tell(github, TROUBLE)
    github.gate.breaks(lambda a: a.path.endswith("/comments") and a.writes, page)
    tell(github, changed(verdict="news"))
    assert len(only(github).comments) == 1


@pytest.mark.parametrize(
    "answer",
    [
        limited(403, SECONDARY, Retry_After=130),
        limited(429, "too many", Retry_After=130),
        limited(403, PRIMARY, **spent(129)),
        Answer(status=503, body={"message": "x"}, headers={"Retry-After": "130"}),
    ],
    ids=["secondary", "too many", "primary", "unavailable"],
)
@pytest.mark.parametrize("point", POINTS)
def test_no_wait_is_longer_than_it_may_be(answer: Answer, point: str, github: GitHubPlace) -> None:
    if point == "edit":
        tell(github, TROUBLE)
    github.gate.breaks(POINTS[point], answer)
    with pytest.raises(RemoteError, match=r"^GitHub asks to wait for 130 s, and forkbot waits"):
        tell(github, changed(body="# news"))
    assert github.slept == []
    # GitHub bans who asks before the time it told: in this run nobody does
    asked = len(github.gate.asked)
    with pytest.raises(EnoughError, match=r"^GitHub asks to wait for 130 s"):
        github.forge.artefacts(github.repo)
    assert len(github.gate.asked) == asked
    github.forge = github.client()
    tell(github, changed(body="# news"))
    assert only(github).text.splitlines()[1] == "# news"


def test_the_waits_of_a_run_have_a_sum(github: GitHubPlace) -> None:
    minute = limited(403, SECONDARY)
    for _ in range(10):
        github.gate.breaks(listing, minute)
        tell(github, TROUBLE)
    github.gate.breaks(listing, minute)
    with pytest.raises(RemoteError, match=r"for 60 s, .* 120 s at once and 0 s more in this run"):
        tell(github, TROUBLE)
    assert sum(github.slept) == 600


def test_the_answers_to_a_run_have_a_sum(github: GitHubPlace) -> None:
    """Each in time, and all of them together not."""
    github.forge = github.client(answer=5, whole=1)
    tell(github, TROUBLE)
    github.gate.breaks(patching, Drip())
    began = time.monotonic()
    with pytest.raises(EnoughError, match=r"^GitHub took 1 s in all to answer this run; nothing"):
        tell(github, changed(body="# news"))
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("fault", [BROKEN, Lost(after=False)], ids=["broken", "lost"])
@pytest.mark.parametrize("point", POINTS)
def test_what_does_not_pass_is_given_up(fault: Fault, point: str, github: GitHubPlace) -> None:
    if point == "edit":
        tell(github, TROUBLE)
    github.gate.breaks(POINTS[point], *[fault] * 20)
    with pytest.raises(RemoteError):
        tell(github, changed(body="# news"))
    assert sum(github.slept) <= 30
    tried = sum(POINTS[point](a) for a in github.gate.asked)
    assert tried <= 12


@pytest.mark.parametrize("point", POINTS)
def test_a_server_that_drips_holds_nobody(point: str, github: GitHubPlace) -> None:
    if point == "edit":
        tell(github, TROUBLE)
    github.gate.breaks(POINTS[point], Drip())
    github.forge = github.client(answer=0.5)
    began = time.monotonic()
    with pytest.raises(RemoteError, match="no whole answer in 0 s; nothing more was asked"):
        tell(github, changed(body="# news"))
    # what was asked for may still be under way: this run does not ask for anything else
    with pytest.raises(RemoteError, match="nothing more was asked"):
        github.forge.artefacts(github.repo)
    assert time.monotonic() - began < 5
    github.forge = github.client()
    tell(github, changed(body="# news"))
    assert only(github).text.splitlines()[1] == "# news"


def test_a_server_that_is_never_ready_holds_nobody(github: GitHubPlace) -> None:
    """To a 202 PyGithub asks again, for ever."""
    github.gate.breaks(listing, *[Answer(status=202, body=b"{}")] * 20)
    github.forge = github.client(answer=0.5)
    with pytest.raises(RemoteError, match="no whole answer"):
        tell(github, TROUBLE)


NONSENSE = {
    "a page for people": b"<html>We are back soon</html>",
    "half of it": b'[{"number": 1',
    "nothing": b"",
    "an object": b"{}",
    "a list of anything": b'[1, "two"]',
    "a number in letters": b'[{"number": "one", "html_url": "x", "title": "t", "state": "open"}]',
}


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_is_no_list_of_artefacts(case: str, github: GitHubPlace) -> None:
    """Least of all an empty one: each run would open another issue."""
    tell(github, TROUBLE)
    github.gate.breaks(listing, Answer(status=200, body=NONSENSE[case]))
    with pytest.raises(RemoteError, match="GitHub's answer "):
        tell(github, TROUBLE)
    assert tell(github, TROUBLE).act is Act.NOTHING


DENIALS = {
    401: ("Bad credentials", "GitHub refuses the token: Bad credentials"),
    403: (
        "Resource not accessible by personal access token",
        "the token may not do this: Resource not accessible by personal access token; it needs x",
    ),
    404: ("Not Found", "it is not there, or the token may not see it"),
    410: (
        "Issues has been disabled in this repository.",
        "it is turned off in this repository: Issues has been disabled in this repository.",
    ),
    422: ("Validation Failed", "GitHub answered 422: Validation Failed; title missing_field"),
}


@pytest.mark.parametrize("status", DENIALS)
def test_a_denial_says_what_to_do_and_is_not_asked_again(status: int, github: GitHubPlace) -> None:
    message, what = DENIALS[status]
    errors = [{"field": "title", "code": "missing_field"}] if status == 422 else []
    body = {"message": message, "errors": errors}
    needs = {"X-Accepted-GitHub-Permissions": "x"}
    github.gate.breaks(opening, Answer(status=status, body=body, headers=needs))
    with pytest.raises(RemoteError) as caught:
        tell(github, TROUBLE)
    told = caught.value
    assert told.what.removesuffix(")").partition(" (done: ")[0] == what
    assert told.what.endswith("(done: nothing; not done: open issue 'tokio: conflict at wasi-net')")
    assert (told.where, told.hint) == (f"POST {github.at}/issues", "forkbot doctor")
    assert len([a for a in github.gate.asked if opening(a)]) == 1


def test_a_clock_that_is_off_is_named_where_a_token_is_refused(github: GitHubPlace) -> None:
    late = email.utils.formatdate(NOW, usegmt=True)
    refusal = Answer(status=401, body={"message": "'exp' is too far"}, headers={"Date": late})
    github.gate.breaks(listing, refusal)
    with pytest.raises(RemoteError, match=r"this machine's clock is [+-][\d,]+ s off"):
        tell(github, TROUBLE)


def test_what_was_done_and_what_was_not_is_told(github: GitHubPlace) -> None:
    tell(github, TROUBLE)
    github.gate.breaks(patching, *[BROKEN] * 20)
    with pytest.raises(RemoteError, match=r"\(done: comment on #1; not done: close #1\)"):
        tell(github, OVER)


def test_a_run_makes_no_more_writes_than_it_may(github: GitHubPlace) -> None:
    github.forge = github.client(budget=Budget(limit=1))
    with pytest.raises(EnoughError, match=r"this run has made the 1 writes it may \("):
        tell(github, TROUBLE)
    assert github.gate.writes == [f"POST {github.at}/labels"]
    github.forge = github.client()
    tell(github, TROUBLE)
    assert only(github).open


# --- pull requests

EXISTS = Answer(
    status=422,
    body={
        "message": "Validation Failed",
        "errors": [{"message": f"A pull request already exists for {US}:{PULL.head}."}],
    },
)


def pulling(asked: Asked) -> bool:
    """Whether a pull request is opened."""
    return asked.verb == "POST" and asked.path.endswith("/pulls")


def test_a_duplicate_that_github_refuses_is_ours(github: GitHubPlace) -> None:
    """A list that lags behind: the run believes that there is none yet."""
    github.branch(PULL.head)
    tell(github, DRAFT)
    late = Answer(status=200, body=[])
    github.gate.breaks(lambda a: a.verb == "GET" and a.path.endswith("/pulls"), late)
    github.gate.breaks(pulling, EXISTS)
    assert tell(github, DRAFT).url == tell(github, DRAFT).url
    assert len(github.seen()) == 1


def test_a_persons_pull_request_for_our_branch_is_left_alone(github: GitHubPlace) -> None:
    github.branch(PULL.head)
    body = {"title": "mine", "head": PULL.head, "base": "main"}
    github.emulator.ask("POST", f"{github.at}/pulls", body, token=THEIR_TOKEN)
    github.gate.breaks(pulling, EXISTS)
    with pytest.raises(RefusedError, match="a pull request that is not forkbot's speaks for "):
        tell(github, DRAFT)
    assert [(s.author, s.title) for s in github.seen()] == [("ann", "mine")]


def test_a_marker_in_somebody_elses_pull_request_makes_it_no_artefact(
    github: GitHubPlace,
) -> None:
    """GitHub lists pull requests of all authors; issues are asked for by ours."""
    for branch in (PULL.head, "theirs"):
        github.branch(branch)
    tell(github, DRAFT)
    text = only(github).text
    tell(github, OVER)
    body = {"title": DRAFT.title, "body": text, "head": "theirs", "base": "main"}
    github.emulator.ask("POST", f"{github.at}/pulls", body, token=THEIR_TOKEN)
    assert tell(github, OVER).act is Act.NOTHING
    assert tell(github, DRAFT).act is Act.OPEN
    assert [(s.author, s.open) for s in github.seen()] == [
        ("forkbot", False), ("ann", True), ("forkbot", True),
    ]  # fmt: skip


def test_where_there_are_no_drafts_it_is_opened_as_it_may_be(github: GitHubPlace) -> None:
    github.branch(PULL.head)
    message = "Draft pull requests are not supported in this repository."
    github.gate.breaks(pulling, Answer(status=422, body={"message": message}))
    tell(github, DRAFT)
    bodies = [a.body for a in github.gate.asked if pulling(a)]
    assert [b["draft"] for b in bodies if isinstance(b, Mapping)] == [True, False]
    assert tell(github, DRAFT).act is Act.NOTHING


def test_another_refusal_of_a_pull_request_is_told(github: GitHubPlace) -> None:
    github.branch(PULL.head)
    said = {"message": "Validation Failed", "errors": [{"message": "No commits between a and b"}]}
    github.gate.breaks(pulling, Answer(status=422, body=said))
    with pytest.raises(RemoteError, match="GitHub answered 422: Validation Failed; No commits"):
        tell(github, DRAFT)


# --- lists


def test_what_is_on_a_later_page_is_found(github: GitHubPlace) -> None:
    for number in range(103):
        github.emulator.ask("POST", f"{github.at}/issues", {"title": str(number)})
    tell(github, TROUBLE)
    github.gate.fresh()
    assert tell(github, TROUBLE).act is Act.NOTHING
    assert [a.query.get("page") for a in github.gate.asked if listing(a)] == [None, ["2"]]


def test_pages_in_a_circle_are_no_list(github: GitHubPlace) -> None:
    link = {"Link": f'<{github.gate.url}{github.at}/issues?page=2>; rel="next"'}
    github.gate.breaks(listing, *[Answer(status=200, body=[], headers=link)] * 5)
    with pytest.raises(RemoteError, match="GitHub's pages go in a circle"):
        tell(github, TROUBLE)


def test_pages_in_a_wider_circle_are_no_list(github: GitHubPlace) -> None:
    def page(number: int) -> Answer:
        link = {"Link": f'<{github.gate.url}{github.at}/issues?page={number}>; rel="next"'}
        return Answer(status=200, body=[], headers=link)

    github.gate.breaks(listing, *[page(2), page(3)] * 10)
    with pytest.raises(RemoteError, match="GitHub's pages go in a circle"):
        tell(github, TROUBLE)


def test_pages_without_an_end_are_no_list(
    github: GitHubPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forkbot.forge.api._PAGES", 4)
    base = f"{github.gate.url}{github.at}/issues?page="
    links = [{"Link": f'<{base}{number}>; rel="next"'} for number in range(2, 12)]
    github.gate.breaks(listing, *[Answer(status=200, body=[], headers=li) for li in links])
    with pytest.raises(RemoteError, match="GitHub has more than 4 pages"):
        tell(github, TROUBLE)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("point", ["list", "open", "edit"])
def test_what_has_moved_is_told_and_not_followed(
    point: str, status: int, github: GitHubPlace
) -> None:
    """To follow a list without its query finds what is open alone, and opens the rest again."""
    if point == "edit":
        tell(github, TROUBLE)
    there = {"Location": f"{github.gate.url}/repositories/7/issues?page=1"}
    moved = {"message": "Moved Permanently"}
    github.gate.breaks(POINTS[point], Answer(status=status, body=moved, headers=there))
    with pytest.raises(RemoteError, match="GitHub says that this has moved") as caught:
        tell(github, changed(body="# news"))
    assert caught.value.where is not None
    assert github.at in caught.value.where
    assert "/repositories/7/issues" not in [a.path for a in github.gate.asked]
    tell(github, changed(body="# news"))
    assert only(github).text.splitlines()[1] == "# news"


def test_a_token_goes_to_no_other_host_that_an_answer_names(github: GitHubPlace) -> None:
    tell(github, TROUBLE)
    link = {"Link": f'<https://evil.invalid{github.at}/issues?page=1>; rel="next"'}
    github.gate.breaks(listing, Answer(status=200, body=[], headers=link))
    assert tell(github, TROUBLE).act is Act.NOTHING


def test_issues_that_are_turned_off_hold_no_artefact(github: GitHubPlace) -> None:
    """As in every fork, until somebody turns them on."""
    off = Answer(status=410, body={"message": "Issues has been disabled in this repository."})
    github.branch(PULL.head)
    github.gate.breaks(listing, off, off)
    tell(github, DRAFT)
    assert tell(github, DRAFT).act is Act.NOTHING


def test_a_label_that_another_run_makes_first_is_taken(github: GitHubPlace) -> None:
    def labelling(asked: Asked) -> bool:
        return asked.verb == "POST" and asked.path.endswith("/labels")

    error = {"resource": "Label", "code": "already_exists", "field": "name"}
    said = {"message": "Validation Failed", "errors": [error]}
    github.gate.breaks(labelling, Answer(status=422, body=said, done=True))
    tell(github, TROUBLE)
    assert only(github).labels == ("forkbot: conflict",)
