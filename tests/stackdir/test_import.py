"""`forkbot import`: somebody's commits become patches, each proven against git itself."""

import datetime as dt
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from forkbot.begin import import_branch
from forkbot.cli.main import run_cli
from forkbot.git.repository import sealed_env
from forkbot.model.stack import Patch
from forkbot.stackdir.load import load_family
from forkbot.words import Channel
from tests.stackdir.house import House, told
from tests.stackdir.test_new import everything, session_in
from tests.stackdir.told import Break, expected, render

AUTHOR = {
    "GIT_AUTHOR_NAME": "A Person",
    "GIT_AUTHOR_EMAIL": "person@example.invalid",
    "GIT_AUTHOR_DATE": "@1790000000 +0530",
    "GIT_COMMITTER_NAME": "A Committer",
    "GIT_COMMITTER_EMAIL": "committer@example.invalid",
    "GIT_COMMITTER_DATE": "@1790000001 +0000",
}


class Clone:
    """A clone with a branch, as a person has it; `base` is tagged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.env = {**sealed_env(dict(os.environ)), **AUTHOR}
        self.git("init", "-q", "-b", "main")
        self.commit("base", {"src/lib.rs": "a\nb\nc\n", "run.sh": "#!/bin/sh\n", "gone": "x\n"})
        self.git("tag", "base")

    def git(self, *args: str | Path, **env: str) -> str:
        """Run git in the work tree."""
        said = subprocess.run(
            ["git", *args], cwd=self.folder, env={**self.env, **env}, check=True,
            capture_output=True,
        )  # fmt: skip
        return said.stdout.decode(errors="replace").strip()

    def commit(
        self, message: str | bytes, files: Mapping[str, str | bytes | None], **env: str
    ) -> str:
        """Write files (None deletes) and commit; the message is taken as it is."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.commit_all(message, **env)

    def commit_all(self, message: str | bytes, **env: str) -> str:
        """Commit whatever there is."""
        self.git("add", "-A")
        with tempfile.NamedTemporaryFile() as file:
            file.write(message.encode() if isinstance(message, str) else message)
            file.flush()
            args = ("commit", "-q", "--allow-empty", "--allow-empty-message", "--cleanup=verbatim")
            self.git(*args, "-F", file.name, **env)
        return self.git("rev-parse", "HEAD")

    def trees(self, base: str, tip: str) -> list[str]:
        """Return the trees of the commits above ``base``, oldest first."""
        return self.git("log", "--reverse", "--format=%T", f"{base}..{tip}").split()

    def applied(self, patches: tuple[Patch, ...], base: str) -> list[str]:
        """Return the trees that ``git apply`` itself makes of patches, one after the other."""
        with tempfile.TemporaryDirectory() as scratch:
            index = {"GIT_INDEX_FILE": f"{scratch}/index"}
            self.git("read-tree", base, **index)
            trees = []
            for patch in patches:
                file = Path(scratch) / "patch"
                file.write_bytes(patch.mail)
                self.git("apply", "--cached", "--whitespace=nowarn", file, **index)
                trees.append(self.git("write-tree", **index))
            return trees


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Return a clone with only its base."""
    return Clone(tmp_path / "clone")


@pytest.fixture
def taken(empty: House, clone: Clone, tmp_path: Path) -> Callable[[], tuple[Patch, ...]]:
    """Return what imports the clone's branch, proves its trees, and reads the stack back."""

    def take() -> tuple[Patch, ...]:
        session = session_in(empty.root, tmp_path)
        _, patches, files = import_branch(
            session, "demo", source=clone.folder, base="base", tip="HEAD"
        )
        (stack,) = load_family(empty.root)
        assert stack.patches == patches
        assert {f"patches/{p.name}.patch" for p in patches} <= set(files)
        assert clone.applied(patches, "base") == clone.trees("base", "HEAD")
        state = stack.lock.channel(Channel.MAIN)
        assert state
        assert state.base == clone.git("rev-parse", "base")
        assert state.result_tree == clone.git("rev-parse", "HEAD^{tree}")
        return patches

    return take


@pytest.fixture
def empty(house: House) -> House:
    """Return a house whose stack has no patches yet."""
    return emptied(house)


def emptied(house: House) -> House:
    """Take the patches out of a house."""
    house.write("stacks/demo/patches/series", "# what upstream should take\n")
    house.remove("stacks/demo/patches/fix.patch")
    return house


def test_each_commit_becomes_a_patch(
    clone: Clone, taken: Callable[[], tuple[Patch, ...]], empty: House
) -> None:
    clone.commit("net: first\n\nWhy.\n", {"src/lib.rs": "a\nB\nc\n"})
    clone.commit("net: second", {"new/file.rs": "new\n", "gone": None})
    first, second = taken()
    assert (first.name, second.name) == ("net-first", "net-second")
    assert first.message == (
        "net: first\n\nWhy.\n\n"
        "Patch-Name: net-first\nUpstream-Status: Pending\nDrop-When: green-without\n"
    )
    assert (first.author_name, first.author_email) == ("A Person", "person@example.invalid")
    assert first.author_date == dt.datetime.fromtimestamp(1_790_000_000, tz=dt.UTC)
    assert first.author_date.utcoffset() == dt.timedelta(hours=5, minutes=30)
    assert second.paths == (b"gone", b"new/file.rs")
    assert (empty.root / "stacks/demo/patches/series").read_text() == (
        "# what upstream should take\nnet-first.patch\nnet-second.patch\n"
    )


def test_files_of_every_kind(clone: Clone, taken: Callable[[], tuple[Patch, ...]]) -> None:
    (clone.folder / "run.sh").chmod(0o755)
    clone.commit_all("a mode")
    clone.commit("rename", {"src/lib.rs": None, "src/core lib.rs": "a\nb\nc\n"})
    clone.commit("binary", {"logo.png": bytes(range(256)), "é/ü.txt": "ü\n"})
    clone.commit("binary, changed", {"logo.png": bytes(range(255, -1, -1))})
    clone.commit("no line end, CRLF, empty", {"a": "x", "b": "x\r\ny\r\n", "c": ""})
    (clone.folder / "link").symlink_to("src/core lib.rs")
    clone.commit_all("a symlink")
    (clone.folder / "link").unlink()
    clone.commit("a folder for the symlink", {"link/file": "x\n"})
    clone.commit("not UTF-8", {"latin": b"caf\xe9\n"})
    clone.commit("gone again", {"logo.png": None, "b": None, "c": None})
    clone.commit("a patch in a patch", {"x.patch": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n-- \n"})
    patches = taken()
    assert [p.name for p in patches][:3] == ["a-mode", "rename", "binary"]
    assert patches[1].paths == (b"src/core lib.rs", b"src/lib.rs")


MESSAGES: dict[str, tuple[str | bytes, str, str]] = {
    "a subject over two lines": ("one\ntwo\n\nbody", "one two\n\nbody", "one-two"),
    "a body with a separator": ("a\n\nb\n---\nc", "a\n\nb\n> ---\nc", "a"),
    "a body with a diff": (
        "a\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n",
        "a\n\n> diff --git a/x b/x\n> --- a/x\n+++ b/x",
        "a",
    ),
    "a body with an indented diff": (
        "a\n\nSo:\n    --- a/x\n    +++ b/x\n    @@ -1 +1 @@\n",
        "a\n\nSo:\n>     --- a/x\n>     +++ b/x\n    @@ -1 +1 @@",
        "a",
    ),
    "a body like a header": ("a\n\nFrom: b <b@c>", "a\n\n> From: b <b@c>", "a"),
    "a body like a mail": ("a\n\nb\nFrom c", "a\n\nb\n> From c", "a"),
    "Windows line ends": ("a\r\n\r\nb\r\n", "a\n\nb", "a"),
    "escape sequences": ("a \x1b[1mb\n\n\x07c", "a \\x1b[1mb\n\n\\x07c", "a-x1b-1mb"),
    "no message": ("", "no subject", "no-subject"),
    "a subject of other letters": ("李さん", "李さん", "patch"),
    "a subject with accents": ("Réseau: écoute", "Réseau: écoute", "reseau-ecoute"),
    "a long subject": ("long  " * 40, " ".join(["long"] * 40), "-".join(["long"] * 12)),
    "a mail's subject": ("[PATCH v2 1/3] net: x", "net: x", "net-x"),
    "brackets": ("[net] x", "[net] x", "net-x"),
    "an encoded word": ("=?UTF-8?q?x?=", "= ?UTF-8?q?x?=", "utf-8-q-x"),
    "bytes that are not UTF-8": (b"caf\xe9", "café", "cafe"),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_odd_messages(clone: Clone, taken: Callable[[], tuple[Patch, ...]], name: str) -> None:
    message, wanted, slug = MESSAGES[name]
    clone.commit(message, {"a": "a\n"})
    (patch,) = taken()
    assert patch.name == slug
    trailers = f"Patch-Name: {slug}\nUpstream-Status: Pending\nDrop-When: green-without\n"
    assert patch.message == f"{wanted}\n\n{trailers}"


def test_a_message_in_another_encoding_is_read_in_it(
    clone: Clone, taken: Callable[[], tuple[Patch, ...]]
) -> None:
    clone.git("config", "i18n.commitEncoding", "ISO-8859-1")
    clone.commit("café".encode("latin-1"), {"a": "a\n"})
    assert taken()[0].subject == "café"


def test_trailers_that_stand_there_are_kept(
    clone: Clone, taken: Callable[[], tuple[Patch, ...]]
) -> None:
    clone.commit(
        "a\n\nSigned-off-by: A <a@example.invalid>\nUpstream-Status: Submitted\n"
        " [https://example.com/1]\nPatch-Name: my.name\n",
        {"a": "a\n"},
    )
    clone.commit("b: c", {"a": "b\n"})
    first, second = taken()
    assert first.name == "my.name"
    assert first.upstream_reference == "https://example.com/1"
    assert first.message == (
        "a\n\nSigned-off-by: A <a@example.invalid>\nUpstream-Status: Submitted\n"
        " [https://example.com/1]\nPatch-Name: my.name\nDrop-When: green-without\n"
    )
    assert second.subject == "b: c"


def test_the_same_subject_gives_names_apart(
    clone: Clone, taken: Callable[[], tuple[Patch, ...]]
) -> None:
    for content in "bcd":
        clone.commit("fix", {"a": f"{content}\n"})
    clone.commit("fix\n\nPatch-Name: FIX\n", {"a": "e\n"})
    clone.commit("fix\n\nPatch-Name: fix\n", {"a": "f\n"})
    assert [p.name for p in taken()] == ["fix", "fix-2", "fix-3", "FIX-4", "fix-5"]


@pytest.mark.parametrize("name", ["../../evil", ".hidden", "-x", "a/b", "a..b", "x" * 129])
def test_a_name_that_is_no_name_is_not_taken(
    clone: Clone, taken: Callable[[], tuple[Patch, ...]], empty: House, name: str
) -> None:
    clone.commit(f"fix\n\nPatch-Name: {name}\n", {"a": "a\n"})
    assert [p.name for p in taken()] == ["fix"]
    assert sorted(p.name for p in (empty.root / "stacks/demo/patches").iterdir()) == [
        "fix.patch",
        "series",
    ]


@pytest.mark.parametrize(
    ("name", "email", "wanted"),
    [
        ('René, 李 "Nick" O\'Neil', "r@x.invalid", ('René, 李 "Nick" O\'Neil', "r@x.invalid")),
        ("Bo", "b@x.invalid", ("Bo", "b@x.invalid")),
        ("a (b) c", "49+x[bot]@x.invalid", ("a (b) c", "49+x[bot]@x.invalid")),
        ("x" * 200, "no-at", ("x" * 200, "no-at")),
        ("A =?x?= B", "a b@x.invalid", ("A = ?x?= B", "ab@x.invalid")),
    ],
)
def test_odd_authors(
    clone: Clone, taken: Callable[[], tuple[Patch, ...]],
    name: str, email: str, wanted: tuple[str, str],
) -> None:  # fmt: skip
    clone.commit("a", {"a": "a\n"}, GIT_AUTHOR_NAME=name, GIT_AUTHOR_EMAIL=email)
    (patch,) = taken()
    assert (patch.author_name, patch.author_email) == wanted


@pytest.mark.parametrize("zone", ["+0000", "-0330", "+1245", "-1200"])
def test_the_time_zone_is_kept(
    clone: Clone, taken: Callable[[], tuple[Patch, ...]], zone: str
) -> None:
    clone.commit("a", {"a": "a\n"}, GIT_AUTHOR_DATE=f"@1790000000 {zone}")
    (patch,) = taken()
    assert f"{patch.author_date:%s %z}".endswith(zone)
    assert patch.author_date.timestamp() == 1_790_000_000


def test_a_linked_work_tree_has_its_own_head(clone: Clone, empty: House, tmp_path: Path) -> None:
    clone.git("worktree", "add", "-q", "-b", "side", tmp_path / "linked", "base")
    clone.commit("in the main tree", {"a": "main\n"})
    linked = tmp_path / "linked"
    (linked / "a").write_text("side\n")
    clone.git("-C", linked, "add", "-A")
    clone.git("-C", linked, "commit", "-q", "-m", "in the linked tree")
    session = session_in(empty.root, tmp_path)
    _, patches, _ = import_branch(session, "demo", source=linked / "src", base="HEAD~1", tip="HEAD")
    assert [p.subject for p in patches] == ["in the linked tree"]


def test_a_bare_repository_and_one_with_borrowed_objects(
    clone: Clone, empty: House, tmp_path: Path
) -> None:
    clone.commit("one", {"a": "a\n"})
    clone.git("clone", "-q", "--shared", "--bare", clone.folder, tmp_path / "bare.git")
    session = session_in(empty.root, tmp_path)
    _, patches, _ = import_branch(
        session, "demo", source=tmp_path / "bare.git", base="base", tip="main"
    )
    assert clone.applied(patches, "base") == clone.trees("base", "HEAD")


def test_a_dry_run_writes_nothing_and_the_clone_is_left_as_it_is(
    clone: Clone, empty: House, tmp_path: Path
) -> None:
    clone.commit("one", {"a": "a\n"})
    house, source = everything(empty.root), everything(clone.folder)
    session = session_in(empty.root, tmp_path, dry_run=True)
    _, patches, files = import_branch(session, "demo", source=clone.folder, base="base", tip="HEAD")
    assert ([p.name for p in patches], files) == (["one"], ())
    assert everything(empty.root) == house
    import_branch(
        session_in(empty.root, tmp_path), "demo", source=clone.folder, base="base", tip="HEAD"
    )
    assert everything(clone.folder) == source


def refused(
    prepare: Callable[[Clone], object], *, base: str = "base", tip: str = "HEAD", name: str = "demo"
) -> Break:
    """Return what tries to import a branch that cannot be, and says what was told."""

    def attempt(house: House) -> str:
        emptied(house)
        clone = Clone(house.root / "clone")
        source = prepare(clone)
        before = everything(house.root / "stacks")
        said = told(
            lambda: import_branch(
                session_in(house.root, house.root),
                name,
                source=source if isinstance(source, Path) else clone.folder,
                base=base,
                tip=tip,
            ),
            root=house.root,
        )
        assert everything(house.root / "stacks") == before
        return said

    return attempt


def as_it_is(_: Clone) -> None:
    """Leave the clone as it is."""


def merge(clone: Clone) -> None:
    """Merge a side branch."""
    clone.git("checkout", "-q", "-b", "side")
    clone.commit("side", {"side": "x\n"})
    clone.git("checkout", "-q", "main")
    clone.commit("main", {"main": "x\n"})
    clone.git("merge", "-q", "-m", "both", "side")


def aside(clone: Clone) -> None:
    """Let the base lie on another branch."""
    clone.git("checkout", "-q", "-b", "side")
    clone.commit("side", {"side": "x\n"})
    clone.git("tag", "-f", "base")
    clone.git("checkout", "-q", "main")
    clone.commit("main", {"main": "x\n"})


def shallow(clone: Clone) -> Path:
    """Make a shallow clone."""
    clone.commit("one", {"a": "a\n"})
    copy = clone.folder.parent / "shallow"
    clone.git("clone", "-q", "--depth=1", f"file://{clone.folder}", copy)
    return copy


def second_import(house: House) -> str:
    """Import into a stack that has patches."""
    clone = Clone(house.root / "clone")
    clone.commit("one", {"a": "a\n"})
    return told(
        lambda: import_branch(
            session_in(house.root, house.root), "demo",
            source=clone.folder, base="base", tip="HEAD",
        ),
        root=house.root,
    )  # fmt: skip


CASES: dict[str, Break] = {
    "no repository": refused(lambda clone: clone.folder.parent / "stacks"),
    "no folder": refused(lambda clone: clone.folder / "nowhere"),
    "a shallow clone": refused(shallow),
    "no such base": refused(as_it_is, base="v9"),
    "a base like an option": refused(as_it_is, base="--all"),
    "no such tip": refused(as_it_is, tip="side branch"),
    "no commits": refused(as_it_is),
    "a base elsewhere": refused(aside),
    "a merge": refused(merge),
    "a commit that changes nothing": refused(lambda clone: clone.commit("nothing", {})),
    "a commit that is undone": refused(
        lambda clone: (clone.commit("a", {"a": "a\n"}), clone.commit("nothing", {}))
    ),
    "a trailer that says what none may": refused(
        lambda clone: clone.commit("a\n\nUpstream-Status: Perhaps\n", {"a": "a\n"})
    ),
    "an unknown stack": refused(as_it_is, name="dmeo"),
    "a stack with patches": second_import,
}


def test_what_is_told() -> None:
    assert render(CASES) == expected("import")


def test_the_commands_lead_from_one_to_the_next(
    house: House, clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.git("checkout", "-q", "-b", "work")
    clone.commit("net: first", {"a": "a\n"})
    clone.commit("net: second", {"a": "b\n"})
    at = ["-C", str(house.root)]
    assert run_cli([*at, "new", "fresh", "--git", str(clone.folder)]) == 0
    hint = capsys.readouterr().out.splitlines()[-1]
    command = hint.replace("<your clone>", str(clone.folder)).replace("<upstream commit>", "base")
    _, forkbot, *argv = command.split()
    assert forkbot == "forkbot"
    assert run_cli([*at, *argv, "--dry-run"]) == 0
    assert capsys.readouterr().out == (
        "net-first: net: first\nnet-second: net: second\n"
        "2 patches would be written to stacks/fresh/patches\n"
    )
    assert run_cli([*at, *argv]) == 0
    assert capsys.readouterr().out == (
        "net-first: net: first\nnet-second: net: second\n"
        "2 patches, 4 files in stacks/fresh; trees equal\n"
        "next: say in each header why the patch exists and when it may go (Drop-When)\n"
    )
    assert run_cli([*at, "rebase", "fresh"]) == 0
    assert "fresh" in capsys.readouterr().out
    assert run_cli([*at, *argv]) == 2
    error, hint = capsys.readouterr().err.splitlines()[-2:]
    assert "fresh has 2 patches already, and an import would replace them" in error
    # and the hint's command works
    _, _, *argv = hint.partition("into a new stack: ")[2].split()
    assert run_cli([*at, "new", *argv]) == 0
