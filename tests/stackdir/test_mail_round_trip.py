"""Patch mail, out through `git format-patch` and in again, with git's own reader as oracle."""

import datetime as dt
import os
import subprocess
import tempfile
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from forkbot.git.repository import quarantine, sealed_env
from forkbot.git.workbench import Workbench
from forkbot.model.stack import Patch, UpstreamStatus
from forkbot.rebase.export import make_patch
from forkbot.stackdir.mail import normal_author, normal_message
from forkbot.stackdir.patches import parse_patch
from forkbot.words import Oid, PatchName
from tests.scenario import DATE, Upstream, commit_tree, write_tree

TRAILERS = "Patch-Name: fix\nUpstream-Status: Pending\nDrop-When: green-without\n"
WORDS = st.sampled_from(
    [
        *("fix", "the", "[wasi]", "[PATCH", "2/3]", "`net`", "é", "李", "…", "Re:", "a:b", '"q"'),
        *("=?UTF-8?q?x?=", "(#12)", "https://example.com/a?b=c#d", "x" * 90, "\t", "  "),
        *("\\", "%s", "-", "---"),
    ]
)
SUBJECTS = st.lists(WORDS, min_size=1, max_size=30).map(" ".join)
LINES = st.sampled_from(
    [
        *(
            "Because.",
            "",
            "",
            " * a bullet",
            "# no comment",
            "\ttab",
            "é 李",
            "trailing  ",
            "y" * 200,
        ),
        *("---", "---  ", "-- ", "--- a/x", "+++ b/x", "  --- a/x", "  +++ b/x", "@@ -1 +1 @@"),
        *(
            "diff --git a/x b/x",
            "  diff --git a/x b/x",
            "  deleted file mode 100644",
            "diff -u x y",
        ),
        *("Index: x", "  Index: x", "*** a/x", "--- 1,2 ----", "***************", "*** 1 ****"),
        *("1c1", "< a", "> b", "3d", ".", "> ---", "GIT binary patch"),
        *("From here on", ">From", "From: me <me@example.invalid>", "Subject: x", "Date: never"),
        *("[PATCH] x", "Signed-off-by: A <a@example.invalid>", "Patch-Name: other"),
        *("a\rb", "form\x0cfeed", "line\u2028separator"),
    ]
)
BODIES = st.lists(LINES, max_size=12).map("\n".join)
NAME_PARTS = ("Anna", "O'Neil", "René", "李", "Dr.", ",", '"Nick"', "(x)", "a\\b", "=?", "[bot]")
NAMES = st.lists(st.sampled_from(NAME_PARTS), max_size=8).map(" ".join)
EMAILS = st.sampled_from(
    ["a@example.invalid", "49+x[bot]@users.noreply.example.invalid", "no-at", "a b@c", ""]
)
DATES = st.builds(
    lambda seconds, minutes: dt.datetime.fromtimestamp(
        seconds, tz=dt.timezone(dt.timedelta(minutes=minutes))
    ),
    st.integers(86_400, 4_000_000_000),
    st.sampled_from([0, 60, -60, 330, -210, 345, 765, -720, 840, 1, -1]),
)
MORNING = dt.datetime(2026, 11, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30)))


class Place:
    """A repository with the two trees between which every patch here leads."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.upstream = Upstream(folder / "upstream.git", env=env)
        self.before = self._tree("foo\n")
        self.after = self._tree("bar\n")

    def _tree(self, text: str) -> Oid:
        return write_tree(self.upstream.repository, {b"src/lib.rs": ("100644", text.encode())})

    def written(self, draft: Patch) -> Patch:
        """Return the patch as forkbot writes it."""
        repository = self.upstream.repository
        with (
            quarantine(repository, scratch=repository.git_dir / "scratch") as lent,
            Workbench(lent) as bench,
        ):
            return make_patch(draft, before=self.before, after=self.after, bench=bench)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a place; one for all examples."""
    return Place(tmp_path_factory.mktemp("mail"), sealed_env(dict(os.environ)))


def draft(message: str, *, name: str, email: str, date: dt.datetime) -> Patch:
    """Return a patch without its mail."""
    author, address = normal_author(name, email)
    return Patch(
        name=PatchName("fix"),
        author_name=author,
        author_email=address,
        author_date=date,
        message=f"{normal_message(message)}\n{TRAILERS}",
        upstream_status=UpstreamStatus.PENDING,
        upstream_reference="",
        drop_when="green-without",
        diff=b"",
        paths=(),
        mail=b"",
    )


def read_by_git(mail: bytes) -> tuple[dict[str, str], str]:
    """Return the header and the message as git's own reader takes them from a mail."""
    with tempfile.TemporaryDirectory() as folder:
        said = subprocess.run(
            ["git", "mailinfo", "-k", "--no-scissors", "message", "diff"],
            cwd=folder, input=mail, check=True, capture_output=True,
        )  # fmt: skip
        message = (Path(folder) / "message").read_bytes().decode()
    lines = said.stdout.decode().rstrip("\n").split("\n")
    return dict(line.split(": ", 1) for line in lines), message


@settings(max_examples=80)
@given(message=st.tuples(SUBJECTS, BODIES).map("\n\n".join), name=NAMES, email=EMAILS, date=DATES)
@example(message="[PATCH] x\n\n--- a/x\n+++ b/x", name="", email="", date=MORNING)
@example(message=" ", name="a", email="a@b", date=MORNING)
def test_a_patch_comes_out_of_its_mail_as_it_went_in(
    place: Place, message: str, name: str, email: str, date: dt.datetime
) -> None:
    went_in = draft(message, name=name, email=email, date=date)
    came_out = place.written(went_in)  # raises unless message and tree come out the same
    assert came_out.message == went_in.message
    assert (came_out.author_name, came_out.author_email) == (
        went_in.author_name,
        went_in.author_email,
    )
    assert came_out.author_date == date
    assert came_out.author_date.utcoffset() == date.utcoffset()
    assert came_out.paths == (b"src/lib.rs",)
    # and git reads the same out of it
    header, text = read_by_git(came_out.mail)
    assert header["Subject"] == came_out.subject
    assert header["Email"] == came_out.author_email
    assert parsedate_to_datetime(header["Date"]) == date
    below = came_out.message.partition("\n\n")[2]
    assert [line.rstrip() for line in text.strip("\n").split("\n")] == below.strip("\n").split("\n")
    # written a second time, it is the same file
    assert place.written(came_out).mail == came_out.mail


@settings(max_examples=40)
@given(name=NAMES)
def test_git_reads_the_same_author(place: Place, name: str) -> None:
    written = place.written(draft("x", name=name, email="a@b.invalid", date=MORNING))
    # git takes the address for a name of one or two characters, or of more than sixty; and it takes
    # a name that is all in parentheses out of them
    assume(3 <= len(written.author_name.encode()) <= 60)
    assume(written.author_name[0] != "(")
    assert read_by_git(written.mail)[0]["Author"] == written.author_name


@given(text=st.text(max_size=60) | st.lists(LINES | SUBJECTS, max_size=6).map("\n".join))
def test_a_normal_message_stays_as_it_is(text: str) -> None:
    once = normal_message(text)
    assert normal_message(once) == once
    assert once.endswith("\n")
    assert once[0].strip()


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("one\ntwo\n\nthree", "one two\n\nthree\n"),
        ("\n\n  one  \n\n\n\ntwo  \n\n", "one\n\ntwo\n"),
        ("a\r\n\r\nb\r\n", "a\n\nb\n"),
        ("[PATCH v2 3/4] [net] a", "[net] a\n"),
        ("", "no subject\n"),
        ("a\n\nFrom: b", "a\n\n> From: b\n"),
        ("a\n\nb\nFrom: b", "a\n\nb\nFrom: b\n"),
        ("a\n\nb\n---\nc", "a\n\nb\n> ---\nc\n"),
        ("a\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b",
         "a\n\n> diff --git a/x b/x\n> --- a/x\n> +++ b/x\n@@ -1 +1 @@\n-a\n+b\n"),
    ],
)  # fmt: skip
def test_how_a_message_is_made_normal(text: str, normal: str) -> None:
    assert normal_message(text) == normal


MESSAGES = (
    "plain",
    "[net] keep my brackets\n\nBody.",
    f"{'long ' * 40}subject\n\n{'long line ' * 40}",
    "é: 李\n\n👩‍🔧 …",
    "three dashes\n\n---\n\nand on",
    "a diff\n\n    --- a/x\n    +++ b/x\n    @@ -1 +1 @@\n    -a\n    +b",
)


@pytest.mark.parametrize("message", MESSAGES)
def test_git_am_makes_the_commit_that_forkbot_makes(
    place: Place, tmp_path: Path, message: str
) -> None:
    patch = place.written(draft(message, name="René, 李", email="r@example.invalid", date=MORNING))
    repository = place.upstream.repository
    base = commit_tree(repository, tree=place.before, parents=(), message="base", when=DATE)
    repository.git("update-ref", "refs/heads/base", base)
    work = tmp_path / "work"
    env = {**repository.env, "GIT_COMMITTER_NAME": "c", "GIT_COMMITTER_EMAIL": "c@example.invalid"}
    for args in (
        ["clone", "-q", "-b", "base", str(repository.git_dir), str(work)],
        ["-C", str(work), "am", "-q", "-k"],
    ):
        subprocess.run(["git", *args], env=env, input=patch.mail, check=True)
    said = subprocess.run(
        ["git", "-C", str(work), "show", "-s", "--format=%T%n%an%n%ae%n%ad%n%B", "--date=raw"],
        env=env, check=True, capture_output=True,
    )  # fmt: skip
    tree, name, email, date, made = said.stdout.decode().split("\n", 4)
    assert tree == place.after
    assert (name, email) == ("René, 李", "r@example.invalid")
    assert date == f"{int(MORNING.timestamp())} +0530"
    assert made.rstrip("\n") == patch.message.rstrip("\n")


def test_mail_as_git_writes_it_by_default_is_read_the_same(place: Place) -> None:
    """A person's own `git format-patch`: [PATCH], encoded words, statistics, signature."""
    patch = place.written(
        draft(
            "é: 李\n\nBody.",
            name="René, 李",
            email="r@example.invalid",
            date=MORNING,
        )
    )
    repository = place.upstream.repository
    base = commit_tree(repository, tree=place.before, parents=(), message="base", when=DATE)
    env = {"GIT_AUTHOR_NAME": patch.author_name, "GIT_AUTHOR_EMAIL": patch.author_email,
           "GIT_COMMITTER_NAME": "c", "GIT_COMMITTER_EMAIL": "c@example.invalid",
           "GIT_AUTHOR_DATE": f"@{int(MORNING.timestamp())} +0530"}  # fmt: skip
    said = repository.git(
        "commit-tree", place.after, "-p", base, stdin=patch.message.encode(), env=env
    )
    mail = repository.git("format-patch", "-1", "--stdout", said.stdout.decode().strip()).stdout
    assert b"=?UTF-8?q?" in mail
    assert b"1 file changed" in mail
    read = parse_patch(PatchName("fix"), mail, where="fix.patch")
    assert (read.author_name, read.author_email) == (patch.author_name, patch.author_email)
    assert (read.author_date, read.message) == (patch.author_date, patch.message)
    assert read.paths == patch.paths
