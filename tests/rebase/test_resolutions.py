"""Recorded resolutions: replayed where all is the same to the byte, and nowhere else."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forkbot.git.merge import Conflicted
from forkbot.git.repository import Repository, init_bare, quarantine, sealed_env
from forkbot.git.trees import Entry
from forkbot.git.workbench import Workbench
from forkbot.model.fate import Fate
from forkbot.model.place import Place
from forkbot.model.resolution import Resolution
from forkbot.model.stack import Stack
from forkbot.rebase.engine import Rebased, rebase
from forkbot.rebase.regions import cut, take_apart
from forkbot.rebase.resolutions import Provenance, complete, fill, question, record
from forkbot.stackdir.resolutions import file_name, read_resolution, render_resolution
from forkbot.words import Channel, Oid, PatchName
from tests.scenario import Content, Upstream, make_stack, read_files, with_files, write_tree

Files = Mapping[str | bytes, Content]
LINES = "".join(f"line {n}\n" for n in range(1, 31))
UPSTREAM = LINES.replace("line 20\n", "line 20, reworded\n")
OURS = LINES.replace("line 20\n", "line twenty\n")
BOTH = LINES.replace("line 20\n", "line twenty, reworded\n")


def tree(upstream: Upstream, commit: Oid, changed: Files) -> Oid:
    """Write a commit's tree with some files changed."""
    files = {k.encode() if isinstance(k, str) else k: v for k, v in changed.items()}
    repository = upstream.repository
    return write_tree(repository, with_files(read_files(repository, commit), files))


class Scene:
    """One upstream that moved, a stack on its old place, and answers to what they conflict in."""

    def __init__(self, upstream: Upstream, base: Oid, stack: Stack, folder: Path) -> None:
        assert upstream.tip
        self.upstream, self.stack, self._folder = upstream, stack, folder
        self.base, self.onto = upstream.place(base), upstream.place(upstream.tip)
        self.by = Provenance(
            author="Ada Lovelace", date="2026-11-18", channel=Channel.MAIN, onto=self.onto
        )

    def rebased(self, *resolutions: Resolution) -> Rebased:
        """Rebase the stack with these resolutions recorded."""
        stack = msgspec.structs.replace(self.stack, resolutions=resolutions)
        with quarantine(self.upstream.repository, scratch=self._folder / "scratch") as lent:
            return rebase(
                stack, repository=lent, channel=Channel.MAIN, base=self.base, onto=self.onto
            )

    def answered(self, answer: Files, *, number: int = 0) -> tuple[Resolution, ...]:
        """Record that the conflict of a patch alone on onto becomes onto with ``answer``."""
        with (
            quarantine(self.upstream.repository, scratch=self._folder / "scratch") as lent,
            Workbench(lent) as bench,
        ):
            change = self._changes()[number]
            merged = bench.merger.merge(base=change[0], upstream=self.onto.tree, ours=change[1])
            assert isinstance(merged, Conflicted)
            asked = question(self.stack.patches[number].name, merged, bench=bench)
            want = tree(self.upstream, self.onto.commit, answer)
            answers: dict[bytes, Entry | None] = {p: bench.trees.find(want, p) for p in asked.sides}
            answers |= {p: b for p, _, b in bench.trees.changes(asked.tree, want)}
            made = record(asked, answers, self.by, bench=bench)
            filled = fill(asked, made, bench=bench)
            assert filled.open == ()
            assert complete(asked.tree, filled.files, bench=bench) == want
            return tuple(self.through_file(r) for r in made)

    def through_file(self, resolution: Resolution) -> Resolution:
        """Return a resolution as its file gives it back."""
        path = self._folder / file_name(resolution)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(render_resolution(resolution))
        assert read_resolution(path) == resolution
        return read_resolution(path)

    def _changes(self) -> list[tuple[Oid, Oid]]:
        with (
            quarantine(self.upstream.repository, scratch=self._folder / "scratch") as lent,
            Workbench(lent) as bench,
        ):
            at, found = self.base.tree, []
            for patch in self.stack.patches:
                after = bench.patcher.apply(patch.diff, tree=at)
                assert isinstance(after, str)
                found.append((at, Oid(after)))
                at = Oid(after)
            for one in found:
                for oid in one:
                    self.upstream.repository.git("cat-file", "-e", oid)
            return found


def scene(
    upstream: Upstream, folder: Path, *, base: Files, news: Files, patches: Mapping[str, Files]
) -> Scene:
    """Return a scene of three states: base, upstream's news, our patches."""
    begun = upstream.commit("begin", base)
    stack, _ = make_stack(upstream, begun, patches)
    upstream.commit("news", news)
    return Scene(upstream, begun, stack, folder)


def fates(rebased: Rebased) -> list[tuple[str, str]]:
    """Return each patch with its fate."""
    return [(o.name, o.fate.value) for o in rebased.facts.outcomes]


def test_a_replay_completes_the_merge_and_is_told_in_commit_file_and_facts(
    upstream: Upstream, tmp_path: Path
) -> None:
    here = scene(
        upstream, tmp_path, base={"a.rs": LINES}, news={"a.rs": UPSTREAM},
        patches={"fix": {"a.rs": OURS}},
    )  # fmt: skip
    assert fates(here.rebased()) == [("fix", "conflict")]
    (answer,) = here.answered({"a.rs": BOTH})
    assert render_resolution(answer).decode().partition("onto-label: ")[0].splitlines()[2:] == [
        "patch: fix", "author: Ada Lovelace", "date: 2026-11-18", "channel: main",
        f'onto: "{here.onto.commit}"',
    ]  # fmt: skip
    assert render_resolution(answer).decode().partition("path: ")[2] == (
        "a.rs\nabove: |\n  line 17\n  line 18\n  line 19\nbase: |\n  line 20\n"
        "upstream: |\n  line 20, reworded\nours: |\n  line twenty\n"
        "below: |\n  line 21\n  line 22\n  line 23\nresolved: |\n  line twenty, reworded\n"
    )
    done = here.rebased(answer)
    (outcome,) = done.facts.outcomes
    assert (outcome.fate, done.facts.tree) == (
        Fate.ADAPTED, tree(upstream, here.onto.commit, {"a.rs": BOTH}),
    )  # fmt: skip
    assert [(r.key, r.path, r.author, r.date) for r in outcome.replays] == [
        (answer.key, "a.rs", "Ada Lovelace", "2026-11-18")
    ]
    (file,) = done.patches
    assert file.message.endswith(
        "Patch-Name: fix\nUpstream-Status: Pending\nDrop-When: green-without\n"
        f"Resolution: {answer.key} (Ada Lovelace, 2026-11-18)\n"
    )
    # the same commit when it is made again of the file, and nothing to replay then
    again = msgspec.structs.replace(here.stack, patches=done.patches, resolutions=(answer,))
    with quarantine(upstream.repository, scratch=tmp_path / "scratch") as lent:
        second = rebase(
            again, repository=lent, channel=Channel.MAIN, base=here.onto, onto=here.onto
        )
    assert (second.facts.tip, second.patches) == (done.facts.tip, done.patches)
    assert fates(second) == [("fix", "unchanged")]
    assert second.resolutions == (answer,)


def test_it_expires_when_the_refreshed_patch_is_next_carried_clean(
    upstream: Upstream, tmp_path: Path
) -> None:
    here = scene(
        upstream, tmp_path, base={"a.rs": LINES}, news={"a.rs": UPSTREAM},
        patches={"fix": {"a.rs": OURS}},
    )  # fmt: skip
    (answer,) = here.answered({"a.rs": BOTH})
    done = here.rebased(answer)
    assert done.resolutions == (answer,)
    later = upstream.commit("elsewhere", {"b.rs": "b\n"})
    refreshed = msgspec.structs.replace(here.stack, patches=done.patches, resolutions=(answer,))
    for channel, kept in ((Channel.RELEASE, (answer,)), (Channel.MAIN, ())):
        with quarantine(upstream.repository, scratch=tmp_path / "scratch") as lent:
            moved = rebase(
                refreshed, repository=lent, channel=channel, base=here.onto,
                onto=upstream.place(later),
            )  # fmt: skip
        assert (fates(moved), moved.resolutions) == ([("fix", "shifted")], kept)


def test_it_stays_when_the_conflict_went_by_itself_and_may_come_back(
    upstream: Upstream, tmp_path: Path
) -> None:
    here = scene(
        upstream, tmp_path, base={"a.rs": LINES}, news={"a.rs": UPSTREAM},
        patches={"fix": {"a.rs": OURS}},
    )  # fmt: skip
    (answer,) = here.answered({"a.rs": BOTH})
    upstream.commit("take it back", {"a.rs": LINES})
    assert upstream.tip
    here.onto = upstream.place(upstream.tip)
    done = here.rebased(answer)
    assert (fates(done), done.resolutions) == ([("fix", "shifted")], (answer,))


def test_an_equal_region_in_another_file_or_patch_is_not_answered(
    upstream: Upstream, tmp_path: Path
) -> None:
    """git's rerere does answer it: rerere's trap (facts/git.md §3.5)."""
    here = scene(
        upstream, tmp_path, base={"f1": LINES, "f2": LINES}, news={"f1": UPSTREAM, "f2": UPSTREAM},
        patches={"one": {"f1": OURS}, "two": {"f2": OURS}},
    )  # fmt: skip
    (answer,) = here.answered({"f1": BOTH})
    assert fates(here.rebased(answer)) == [("one", "adapted"), ("two", "conflict")]
    for other in ("two", "three"):
        wrong = msgspec.structs.replace(answer, patch=PatchName(other))
        assert fates(here.rebased(wrong)) == [("one", "conflict"), ("two", "blocked")]


@pytest.mark.parametrize("moved", ["line 17\n", "line 19\n", "line 21\n", "line 23\n"])
def test_another_context_is_another_question(
    upstream: Upstream, tmp_path: Path, moved: str
) -> None:
    here = scene(
        upstream, tmp_path, base={"a.rs": LINES}, news={"a.rs": UPSTREAM},
        patches={"fix": {"a.rs": OURS}},
    )  # fmt: skip
    (answer,) = here.answered({"a.rs": BOTH})
    upstream.commit("more", {"a.rs": UPSTREAM.replace(moved, f"{moved.strip()}!\n")})
    assert upstream.tip
    here.onto = upstream.place(upstream.tip)
    assert fates(here.rebased(answer)) == [("fix", "conflict")]


def test_a_conflict_half_answered_stays_one(upstream: Upstream, tmp_path: Path) -> None:
    def text(word: str) -> str:
        return LINES.replace("line 5\n", f"five {word}\n").replace("line 20\n", f"20 {word}\n")

    here = scene(
        upstream, tmp_path, base={"a.rs": LINES}, news={"a.rs": text("up")},
        patches={"fix": {"a.rs": text("our")}},
    )  # fmt: skip
    answers = here.answered({"a.rs": text("both")})
    assert len(answers) == 2
    assert fates(here.rebased(answers[0])) == [("fix", "conflict")]
    assert fates(here.rebased(*answers)) == [("fix", "adapted")]


SHAPES: dict[str, tuple[Files, Files, Files, Files]] = {
    "modify and delete, kept": ({"m": "1\n"}, {"m": None}, {"m": "2\n"}, {"m": "3\n"}),
    "modify and delete, let go": (
        {"m": "1\n", "n": "n\n"}, {"m": None}, {"m": "2\n", "n": "N\n"}, {"n": "N\n"},
    ),
    "delete and modify": (
        {"m": "1\n", "n": "n\n"}, {"m": "2\n"}, {"m": None, "n": "N\n"}, {"m": None, "n": "N\n"},
    ),
    "binary": ({"b": b"\0one"}, {"b": b"\0two"}, {"b": b"\0three"}, {"b": b"\0\xfffour"}),
    "both added": ({"x": "x\n"}, {"new": "up\n"}, {"new": "our\n"}, {"new": "up\nour\n"}),
    "both added, our mode": (
        {"x": "x\n"}, {"new": "up\n"}, {"new": ("100755", b"our\n")},
        {"new": ("100755", b"up\nour\n")},
    ),
    "a folder in the way": (
        {"d": "d\n"}, {"d": None, "d/q": "q\n"}, {"d": "dd\n"}, {"d/old": "dd\n"},
    ),
    "renamed two ways": (
        {"old": LINES}, {"old": None, "up": LINES}, {"old": None, "our": LINES},
        {"up": None, "our": LINES},
    ),
    "renamed and edited": (
        {"old": LINES}, {"old": None, "new": UPSTREAM}, {"old": OURS}, {"new": BOTH},
    ),
    "edits elsewhere too": (
        {"a": LINES, "other": "o\n"}, {"a": UPSTREAM}, {"a": OURS},
        {"a": BOTH, "other": "O\n", "more": "m\n"},
    ),
    "edited outside the region": (
        {"a": LINES}, {"a": UPSTREAM}, {"a": OURS}, {"a": BOTH.replace("line 2\n", "")},
    ),
    "a link": (
        {"l": ("120000", b"one")}, {"l": ("120000", b"two")}, {"l": ("120000", b"three")},
        {"l": ("120000", b"four")},
    ),
    "no last line end": ({"e": "a\nb"}, {"e": "a\nup"}, {"e": "a\nour\n"}, {"e": "a\nboth"}),
    "CRLF": (
        {"c": "a\r\nb\r\n"}, {"c": "a\r\nup\r\n"}, {"c": "a\r\nour\r\n"}, {"c": "a\r\nup\rx\n"},
    ),
    "not UTF-8": ({"c": b"a\nb\n"}, {"c": b"a\n\xe9\n"}, {"c": b"a\n\xff\n"}, {"c": b"a\n\x80\n"}),
    "nothing left of it": ({"a": LINES}, {"a": UPSTREAM}, {"a": OURS}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_of_conflict_is_answered_again(
    upstream: Upstream, tmp_path: Path, name: str
) -> None:
    base, news, ours, answer = SHAPES[name]
    here = scene(upstream, tmp_path, base=base, news=news, patches={"fix": ours})
    assert fates(here.rebased()) == [("fix", "conflict")]
    answers = here.answered(answer)
    done = here.rebased(*answers)
    assert done.facts.tree == tree(upstream, here.onto.commit, answer)
    assert fates(done) == [("fix", "empty" if name == "nothing left of it" else "adapted")]
    assert here.rebased(*answers[1:]).facts.conflict


def test_an_answer_to_several_files_is_not_given_for_one_of_them(
    upstream: Upstream, tmp_path: Path
) -> None:
    """The person moved the change into another file: without that file it is no answer."""
    here = scene(
        upstream, tmp_path, base={"a": LINES, "o": "o\n"}, news={"a": UPSTREAM},
        patches={"fix": {"a": OURS}},
    )  # fmt: skip
    answers = here.answered({"a": UPSTREAM, "o": "twenty\n"})
    assert fates(here.rebased(*answers)) == [("fix", "adapted")]
    upstream.commit("o too", {"o": "oo\n"})
    assert upstream.tip
    here.onto = upstream.place(upstream.tip)
    assert fates(here.rebased(*answers)) == [("fix", "conflict")]


# --- any three sides, any answer

_LINE = st.sampled_from([b"a", b"b", b"c", b"", b"  d", b"\xe9", b"e\r", b"=======", b"# no"])


@st.composite
def _texts(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(_LINE, min_size=2, max_size=14))
    end = draw(st.sampled_from([b"\n", b""]))
    return b"\n".join(lines) + end


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return one repository for many examples."""
    return init_bare(tmp_path_factory.mktemp("r") / "r.git", env=sealed_env(dict(os.environ)))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sides=st.tuples(_texts(), _texts(), _texts()), edits=st.data())
def test_recorded_and_replayed_any_answer_is_the_persons_tree(
    bare: Repository, tmp_path: Path, sides: tuple[bytes, bytes, bytes], edits: st.DataObject
) -> None:  # fmt: skip
    with quarantine(bare, scratch=tmp_path / "scratch") as lent, Workbench(lent) as bench:
        made = [
            bench.trees.write({b"f": Entry(b"100644", bench.objects.write("blob", text))})
            for text in sides
        ]
        merged = bench.merger.merge(base=made[0], upstream=made[1], ours=made[2])
        if not isinstance(merged, Conflicted):
            return
        asked = question(PatchName("fix"), merged, bench=bench)
        pieces = asked.pieces.get(b"f")
        if pieces is None or edits.draw(st.booleans(), label="free hand"):
            text = edits.draw(_texts())
        else:
            given_ = [edits.draw(_texts()) + b"\n" for _ in pieces.regions]
            text = b"".join(a + b for a, b in zip(pieces.clean, [*given_, b""], strict=True))
        answers = {b"f": Entry(b"100644", bench.objects.write("blob", text))}
        onto = Place(commit=made[1], tree=made[1], label="1.10")
        by = Provenance(author='é "x"', date="2026-11-18", channel=Channel.MAIN, onto=onto)
        found = record(asked, answers, by, bench=bench)
        back = []
        for r in found:
            path = tmp_path / file_name(r)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(render_resolution(r))
            back.append(read_resolution(path))
        assert back == list(found)
        filled = fill(asked, back, bench=bench)
        assert dict(filled.files) == answers


def test_a_cut_that_could_be_made_in_two_places_is_none() -> None:
    merged = (
        b"<<<<<<< aaaaaaa\nu\n||||||| bbbbbbb\n=======\no\n>>>>>>> ccccccc\n"
        b"}\n"
        b"<<<<<<< aaaaaaa\nv\n||||||| bbbbbbb\n=======\np\n>>>>>>> ccccccc\n"
        b"end\n"
    )
    pieces = take_apart(
        merged, upstream=b"u\n}\nv\nend\n", base=b"}\nend\n", ours=b"o\n}\np\nend\n"
    )
    assert pieces
    assert cut(pieces, b"u\n}\nv\nend\n") == (b"u\n", b"v\n")
    assert cut(pieces, b"u\n}\nx\n}\nv\nend\n") is None
    assert cut(pieces, b"u\n}\nv\nEND\n") is None
    assert cut(pieces, b"}\nend\n") == (b"", b"")
