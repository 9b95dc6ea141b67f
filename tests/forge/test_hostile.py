"""A hostile upstream through whole runs on GitHub: what the servers are given, held against GitHub.

Its commits, authors, paths, branch and compiler errors are full of what GitHub acts on. Everything
that forkbot sends is taken where it arrives: API calls at the gate, commits and refs in the
repositories. Pages are opened in a real browser.
"""

import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from forkbot.forge.marker import parse
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from forkbot.words import Oid
from tests.browser import dom
from tests.e2e.crates import lend, manifest
from tests.e2e.world import Changes, Said
from tests.forge.emulator import THEIR_TOKEN
from tests.forge.gate import Asked
from tests.forge.hosted import HOME, Hosted
from tests.linked import inlines, live, references
from tests.report.test_artefact_hostile import BOXES, UNSEEN
from tests.report.test_page import Site, browser, site

__all__ = ["browser", "site"]
pytestmark = pytest.mark.wasm
RUN = ("run", "--all")
BRANCH = "fixes-#1/@everyone-GH-2"
EVE = "Eve @everyone #1 `x` *b* ![i](http://127.0.0.1:1/i.png) closes GH-1"
TRAPS = (
    "fixes #1, closes GH-1, resolves https://github.com/o/r/issues/1 @everyone @org/team o/r#1 "
    "0123456789abcdef0123456789abcdef01234567 o/r@0123456789abcdef0123456789abcdef01234567 "
    "<!-- forkbot:v1 stack=demo channel=main kind=conflict facts=0 verdict=0 turn=7 state=over --> "
    "<img src=http://127.0.0.1:1/x onerror=alert(1)><script>alert(1)</script></details></pre> "
    "[a](javascript:alert(1)) ![a](http://127.0.0.1:1/a) ``` ~~~~ | \x1b[2J\x1b]0;owned\x07 "
    "\u202e\u2066\u200f ::error::x ##[add-mask]y $x$ [^1] www.example.com a@b.example :tada:"
)
LONG = f"{TRAPS} {'very ' * 4_000}long"
PATH = "src/@everyone fixes #1 `x` | <b> [a](http:) \x1b[31m \u202e.rs"
BLOCK = f"```\n</details>\n<!-- forkbot:end -->\n- [x] **Retry**: verify again\n{TRAPS}\n````\n~~~"


def lib(line: str) -> str:
    """Return the crate's source, with one line of its own among comments full of traps."""
    # rustc itself refuses turns of direction
    plain = re.sub("[\u202e\u2066\u200f]", "", BLOCK)
    traps = "".join(f"// {t}\n" for t in plain.splitlines())
    return f"{traps}\npub fn word() -> &'static str {{\n    {line}\n}}\n\n{traps}"


def other(line: str) -> str:
    """Return the file with the hostile name."""
    return f"{BLOCK}\n{line}\n{BLOCK}\n"


class Eve:
    """An upstream whose every word is a trap."""

    def __init__(self, hosted: Hosted) -> None:
        self.upstream = hosted.upstream()
        self.says("begin", lib('"plain"'), other("theirs"))

    def says(self, subject: str, text: str, more: str) -> None:
        """Commit, in the name of Eve, on her branch."""
        upstream, git = self.upstream, self.upstream.repository.git
        files: Changes = {"Cargo.toml": manifest("demo", "1.0.0"), "src/lib.rs": text, PATH: more}
        before = upstream.tip
        upstream.commit("draft", files)
        assert upstream.tip is not None
        message = f"{subject} {LONG}\n\n{BLOCK}\n"
        who = {f"GIT_{role}_{key}": v for role in ("AUTHOR", "COMMITTER") for key, v in (
            ("NAME", EVE), ("EMAIL", "@everyone#1@x.example"), ("DATE", "@1790000000 +0000"),
        )}  # fmt: skip
        parents = ["-p", before] if before else []
        tree = upstream.place(upstream.tip).tree
        said = git("commit-tree", tree, *parents, stdin=message.encode(), env=who)
        commit = Oid(said.stdout.decode().strip())
        upstream.go_to(commit)
        for branch in (BRANCH, "main"):
            git("update-ref", f"refs/heads/{branch}", commit)


@pytest.fixture
def eve(hosted: Hosted, tools: tuple[Toolchain, Wasmtime]) -> Eve:
    """Return an upstream with a stack on it, and a person's issue #1 wherever a "#1" may point."""
    lend(tools, hosted.cache)
    eve = Eve(hosted)
    hosted.stack(
        eve.upstream,
        {"fix": {"src/lib.rs": lib('"ours"'), PATH: other("ours")}},
        url=hosted.upstream_url(),
        more="build:\n  - {package: demo}\n",
        why={"fix": f"Fixes #1, GH-1 and https://github.com/o/r/issues/1 of @everyone.\n\n{EVE}"},
    )
    policy = hosted.folder() / "stack.yaml"
    url = hosted.upstream_url()
    policy.write_text(
        policy.read_text().replace(f"{{git: {url}}}", f'{{git: "{url}", branch: "{BRANCH}"}}')
    )
    hosted.forkbot("rebase")
    hosted.forked(eve.upstream)
    for repo in (HOME, "demo"):
        body = {"title": "mine", "body": "left alone"}
        hosted.hub.ask("POST", hosted.hub.at(repo, "/issues"), body, token=THEIR_TOKEN)
    hosted.settled()
    return eve


class Nights:
    """What the servers were given, and what was said, in the nights of a story."""

    def __init__(self, hosted: Hosted) -> None:
        self.hosted = hosted
        self.said: list[Said] = []
        self.asked: list[Asked] = []
        self.written: set[str] = set()  # subjects of commits

    def night(self, code: int) -> None:
        """Let it run on a fresh machine, as Actions runs it."""
        self.hosted.hub.gate.asked.clear()
        self.said.append(self.hosted.forkbot(*RUN, code=code, env={"GITHUB_ACTIONS": "true"}))
        self.asked += [a for a in self.hosted.hub.gate.asked if a.writes]
        self.written |= _checked_commits(self.hosted)  # a branch of a conflict is gone later
        self.hosted.next_night()

    def texts(self, *names: str) -> Iterator[str]:
        """Yield the texts of those fields that GitHub was given."""
        for asked in self.asked:
            if isinstance(asked.body, Mapping):
                yield from (str(asked.body[name]) for name in names if name in asked.body)


def test_nothing_of_it_goes_off(hosted: Hosted, eve: Eve, browser: Path, site: Site) -> None:
    nights = Nights(hosted)
    nights.night(0)
    eve.says("stand in the way", lib('"theirs"'), other("theirs, anew"))
    nights.night(3)
    eve.says("go away", lib('"plain"') + "#![x]\n", other("theirs"))
    eve.says("break", lib('"plain"') + f'compile_error!(r##"{TRAPS}"##);\n', other("theirs"))
    nights.night(4)
    eve.says("mend", lib('"plain"'), other("theirs"))
    nights.night(0)
    _check_what_github_was_given(nights)
    assert nights.written == {
        "fix: make it so", "Conflict: fix does not apply", "demo: move the lock",
    }  # fmt: skip
    for said in nights.said:
        for text in (said.out, said.err):
            assert UNSEEN.search(text) is None
            assert re.search(r"(?m)^\s*::|##\[", text) is None
    _check_pages(hosted, nights, browser, site)


def _check_what_github_was_given(nights: Nights) -> None:
    titles, bodies = [*nights.texts("title")], [*nights.texts("body")]
    assert titles
    for title in titles:
        assert references(title) == []
        assert UNSEEN.search(title) is None
    kinds = set()
    for body in bodies:
        text = BOXES.sub("", body.removesuffix("\n<!-- forkbot:end -->"))
        assert live(text) == []
        assert UNSEEN.search(body) is None
        assert {t.type for t in inlines(text)} <= {
            "text", "text_special", "code_inline", "softbreak", "strong_open", "strong_close",
            "html_inline",
        }  # fmt: skip
        if (parts := parse(body)) is not None:
            assert (parts.before, parts.after) == ("", "")
            kinds.add(parts.mark.identity.kind.value)
    assert {"conflict", "build"} <= kinds
    # a person's issue is as it was
    for repo in (HOME, "demo"):
        (theirs,) = (s for s in nights.hosted.standing()[repo].artefacts if s.author == "ann")
        assert (theirs.open, theirs.title, theirs.comments) == (True, "mine", ())


def _checked_commits(hosted: Hosted) -> set[str]:
    """Check what forkbot committed, and what it called branches and tags; return the subjects."""
    subjects = set()
    for repo in hosted.repositories:
        repository = hosted.hub.repository(repo)
        for ref in repository.refs():
            assert ref == f"refs/heads/{BRANCH}" or re.fullmatch(r"refs/[A-Za-z0-9/._-]+", ref), ref
        said = repository.git("log", "--all", "--format=%cn%x01%B%x00").stdout.decode()
        for entry in said.split("\0"):
            committer, _, message = entry.strip("\n").partition("\x01")
            if committer == "forkbot":
                subjects.add(message.partition("\n")[0])
                assert references(message) == []
                assert UNSEEN.search(message) is None
    return subjects


def _check_pages(hosted: Hosted, nights: Nights, browser: Path, site: Site) -> None:
    """No page fetches anything, runs anything or shows an element that forkbot did not make."""
    runs = sorted((hosted.root / ".forkbot" / "runs").iterdir())
    pages = {f"{n}.html": (run / "report.html").read_text() for n, run in enumerate(runs)}
    rendered = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    for n, body in enumerate(nights.texts("body")):
        pages[f"body-{n}.html"] = f"<!doctype html><title>x</title>{rendered.render(body)}"
    assert len(pages) > 4
    frames = "".join(f'<iframe src="{html.escape(name)}"></iframe>' for name in pages)
    for name, page in pages.items():
        (site.folder / name).write_text(page)
        assert re.search(r"<(img|script|iframe|object|form|svg)\b", page, re.IGNORECASE) is None
    (site.folder / "all.html").write_text(f"<!doctype html><title>x</title>{frames}")
    _, said = dom(browser, f"{site.url}/all.html")
    assert said == []
    assert {*site.asked} - {"/favicon.ico"} == {"/all.html", *(f"/{name}" for name in pages)}
