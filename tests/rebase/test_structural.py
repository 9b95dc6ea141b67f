"""A structural merge driver: off unless asked for, and believed only as far as can be checked."""

import dataclasses
import os
from pathlib import Path

import msgspec
import pytest

from forkbot.attempt import Attempt
from forkbot.git.repository import quarantine, sealed_env
from forkbot.git.workbench import Workbench
from forkbot.hold import hold_back
from forkbot.model.fate import Fate
from forkbot.model.judgement import Replay
from forkbot.model.publication import Move, Publication
from forkbot.model.resolution import Resolution
from forkbot.model.stack import ChannelLock, Lock, MergePolicy, Stack, StackVerdict
from forkbot.rebase.engine import Rebased, rebase
from forkbot.rebase.lockfile import Lockfiles
from forkbot.rebase.resolutions import Provenance, record, refreshed
from forkbot.rebase.structural import Driver, unsafe
from forkbot.rebase.stuck import stuck_at
from forkbot.words import BranchName, Channel
from tests.mergiraf import VERSION, install
from tests.rebase.test_resolutions import Files
from tests.scenario import Upstream, make_stack

LIB = "use std::io;\n\npub fn one() {}\n"
THEIRS = LIB.replace("io;\n", "io;\nuse std::net;\n")
OURS = LIB.replace("io;\n", "io;\nuse std::thread;\n")
BOTH = LIB.replace("io;\n", "io;\nuse std::net;\nuse std::thread;\n")
ON = MergePolicy(driver="mergiraf")


class Scene:
    """An upstream that moved, a stack in conflict with it, and a mergiraf on PATH."""

    def __init__(self, upstream: Upstream, folder: Path, sides: tuple[Files, Files, Files]) -> None:
        base, theirs, ours = sides
        at = upstream.commit("begin", base)
        upstream.commit("news", theirs)
        assert upstream.tip
        self.stack, _ = make_stack(upstream, at, {"fix": ours})
        self.upstream, self.folder = upstream, folder
        self.base, self.onto = upstream.place(at), upstream.place(upstream.tip)
        self.log = folder / "bin" / "log"

    def policy(self, merge: MergePolicy) -> Stack:
        """Return the stack with a policy of merging."""
        policy = msgspec.structs.replace(self.stack.policy, merge=merge)
        return msgspec.structs.replace(self.stack, policy=policy)

    def driver(self, *, timeout: float = 30.0) -> Driver:
        """Return the driver that is on PATH here."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return Driver(env={**sealed_env(os.environ), "PATH": path}, timeout=timeout)

    def rebased(
        self, driver: Driver, merge: MergePolicy = ON, answers: tuple[Resolution, ...] = ()
    ) -> Rebased:
        """Rebase the stack."""
        stack = msgspec.structs.replace(self.policy(merge), resolutions=answers)
        with quarantine(self.upstream.repository, scratch=self.folder / "scratch") as lent:
            return rebase(
                stack, repository=lent, channel=Channel.MAIN, base=self.base, onto=self.onto,
                driver=driver,
            )  # fmt: skip

    def refusal(self, then: str = "", *, timeout: float = 30.0) -> str:
        """Return what is said of a conflict that stays one, with a mergiraf that goes wrong."""
        install(self.folder / "bin", then=then)
        (outcome,) = self.rebased(self.driver(timeout=timeout)).facts.outcomes
        assert outcome.fate is Fate.CONFLICT
        return outcome.evidence


@pytest.fixture
def scene(upstream: Upstream, tmp_path: Path) -> Scene:
    """Return the scene in which both sides add an import."""
    return Scene(
        upstream, tmp_path, ({"src/lib.rs": LIB}, {"src/lib.rs": THEIRS}, {"src/lib.rs": OURS})
    )


def test_it_is_off_unless_stack_yaml_asks_for_it(scene: Scene) -> None:
    log = install(scene.folder / "bin")
    (outcome,) = scene.rebased(scene.driver(), MergePolicy()).facts.outcomes
    assert (outcome.fate, outcome.evidence, log.read_text()) == (Fate.CONFLICT, "", "")


def test_its_merge_is_taken_and_labelled(scene: Scene) -> None:
    log = install(scene.folder / "bin")
    found = scene.rebased(scene.driver())
    (outcome,) = found.facts.outcomes
    (replay,) = outcome.replays
    assert (outcome.fate, replay) == (
        Fate.ADAPTED,
        Replay(
            key=replay.key, path="src/lib.rs", author="mergiraf", date="2026-09-21", tool=VERSION
        ),
    )
    (patch,) = found.patches
    label = f"\nResolution: {replay.key} ({VERSION}, 2026-09-21)\n"
    assert patch.message.endswith(label)
    assert label.encode() in patch.mail
    assert b" use std::net;\n+use std::thread;\n" in patch.diff
    assert log.read_text().splitlines() == [
        "--version",
        "languages --gitattributes",
        "merge 1 2 3 --output merged --path-name=lib.rs --allow-parse-errors=false",
    ]
    # the same merge tomorrow is the same commit
    assert scene.rebased(scene.driver()).facts.tip == found.facts.tip


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ("text = ''", "its lib.rs is not taken: nothing is left in it"),
        ("text = None", "its lib.rs is not taken: nothing is left in it"),
        (
            "text = text.replace('use std::net;\\n', '')",
            "its lib.rs is not taken: it is the patch alone",
        ),
        (
            "text = text.replace('use std::thread;\\n', '')",
            "its lib.rs is not taken: it is the upstream side alone",
        ),
        (
            "text = text.replace('use std::thread;\\n', '// gone\\n')",
            "its lib.rs is not taken: a line that one side added is gone: use std::thread;",
        ),
        (
            "text = text.replace('use std::thread;', '=======\\nuse std::thread;')",
            "its lib.rs is not taken: line 3 is a conflict marker",
        ),
        (
            "text += 'pub(crate) const fn one() {}\\n'",
            "its lib.rs is not taken: fn one stands there twice",
        ),
        ("code = 1", "lib.rs stays in conflict (mergiraf merge ended with code 1)"),
        (
            "sys.stderr.write('it hurts\\n'); code = 255",
            "mergiraf merge ended with code 255: it hurts",
        ),
    ],
)
def test_an_answer_that_is_not_safe_is_no_answer(scene: Scene, then: str, why: str) -> None:
    assert scene.refusal(then) == f"mergiraf was asked for, and is no help: {why}"


def test_it_has_its_time(scene: Scene) -> None:
    # long enough for a python to say its version on a busy machine
    said = scene.refusal("time.sleep(60)", timeout=5)
    assert said.startswith("mergiraf was asked for, and is no help: mergiraf merge 1 2 3 ")
    assert said.endswith(" was ended after 5 s")


def test_a_machine_without_it_says_so(scene: Scene) -> None:
    (outcome,) = scene.rebased(scene.driver()).facts.outcomes
    assert (outcome.fate, outcome.evidence) == (
        Fate.CONFLICT,
        "mergiraf was asked for, and is no help: mergiraf is not installed, or not on PATH",
    )


def test_another_program_of_that_name_is_not_asked(scene: Scene) -> None:
    log = install(scene.folder / "bin", version="giraffe 1")
    (outcome,) = scene.rebased(scene.driver()).facts.outcomes
    assert outcome.evidence.endswith("asked for its version it says 'giraffe 1'")
    assert log.read_text() == "--version\n"


@pytest.mark.parametrize(
    ("path", "theirs", "why"),
    [
        ("notes.txt", THEIRS, "was asked for, and is no help: it knows no language for notes.txt"),
        ("src/lib.rs", None, "was not asked: src/lib.rs is not for it"),
    ],
)
def test_it_is_asked_only_about_lines_of_a_language(
    upstream: Upstream, tmp_path: Path, path: str, theirs: str | None, why: str
) -> None:
    keep: Files = {"keep": "1\n"}
    scene = Scene(upstream, tmp_path, ({path: LIB, **keep}, {path: theirs}, {path: OURS}))
    assert scene.refusal() == f"mergiraf {why}"
    assert "merge " not in scene.log.read_text()


def test_all_of_a_patch_or_nothing(upstream: Upstream, tmp_path: Path) -> None:
    """A person gets the whole conflict, and nothing of it is filled in."""
    files: list[Files] = [{"a.rs": text, "b.rs": text} for text in (LIB, THEIRS, OURS)]
    scene = Scene(upstream, tmp_path, (files[0], files[1], files[2]))
    said = scene.refusal("if path.endswith('b.rs'): code = 1")
    assert said.endswith("b.rs stays in conflict (mergiraf merge ended with code 1)")
    with quarantine(upstream.repository, scratch=tmp_path / "scratch") as lent:
        stuck = stuck_at(
            scene.policy(ON), repository=lent, channel=Channel.MAIN, base=scene.base,
            onto=scene.onto, lockfiles=Lockfiles(find=lambda: pytest.fail("no lock file here")),
            driver=scene.driver(),
        )  # fmt: skip
        assert stuck
        assert stuck.open == (b"a.rs", b"b.rs")
        laid = lent.git("cat-file", "blob", f"{stuck.tree}:a.rs").stdout.decode()
    assert laid.count("<<<<<<<") == 1


def test_a_person_who_answered_a_part_of_a_file_is_not_passed_over(
    upstream: Upstream, tmp_path: Path
) -> None:
    far = "".join(f"// {n}\n" for n in range(20))
    ends = [text + far + text.replace("one", "two") for text in (LIB, THEIRS, OURS)]
    scene = Scene(
        upstream, tmp_path,
        ({"src/lib.rs": ends[0]}, {"src/lib.rs": ends[1]}, {"src/lib.rs": ends[2]}),
    )  # fmt: skip
    log = install(tmp_path / "bin")
    with quarantine(upstream.repository, scratch=tmp_path / "scratch") as lent:
        stuck = stuck_at(
            scene.stack, repository=lent, channel=Channel.MAIN, base=scene.base, onto=scene.onto,
            lockfiles=Lockfiles(find=lambda: pytest.fail("no lock file here")),
        )  # fmt: skip
        assert stuck
        asked = stuck.filled.question
        with Workbench(lent) as bench:
            entry = bench.trees.find(asked.tree, b"src/lib.rs")
            assert entry
            text = BOTH + far + BOTH.replace("one", "two")
            answer = type(entry)(entry.mode, bench.objects.write("blob", text.encode()))
            by = Provenance(
                author="Ada", date="2026-11-18", channel=Channel.MAIN, onto=scene.onto
            )  # fmt: skip
            first, _ = record(asked, {b"src/lib.rs": answer}, by, bench=bench)
    (outcome,) = scene.rebased(scene.driver(), answers=(first,)).facts.outcomes
    assert (outcome.fate, outcome.evidence, log.read_text()) == (
        Fate.CONFLICT, "mergiraf was not asked: src/lib.rs is not for it", "",
    )  # fmt: skip


def test_a_line_that_both_changed_may_become_one_of_both() -> None:
    base, after = "use a::{b};\nfn x() {}\n", "fn x() {}\n"
    sides = {
        "base": base.encode(), "upstream": f"use a::{{b, c}};\n{after}".encode(),
        "ours": f"use a::{{b, d}};\n{after}".encode(),
    }  # fmt: skip
    assert unsafe(f"use a::{{b, c, d}};\n{after}".encode(), **sides) == ""
    lost = "a line that one side added is gone: use a::{b, "
    assert unsafe(f"use a::{{b, d, e}};\n{after}".encode(), **sides) == lost + "c};"
    assert unsafe(f"use a::b;\n{after}".encode(), **sides) == lost + "c};"
    # as many as both changed, and no more
    sides["ours"] += b"fn d() {}\n"
    merged = f"use a::{{b, c, d}};\n{after}".encode()
    assert unsafe(merged, **sides) == "a line that one side added is gone: use a::{b, d};"
    assert unsafe(merged + b"fn d() {}\n", **sides) == ""


def test_a_line_that_one_side_added_and_the_other_has_elsewhere_counts() -> None:
    """Each side has `}` at another place: a count of lines, not a set of them."""
    base, fn = "fn a() {\n}\n", "fn %s() {\n}\n"
    up, our = base + fn % "b", base + fn % "c"
    sides = {"base": base.encode(), "upstream": up.encode(), "ours": our.encode()}
    assert unsafe((up + fn % "c").encode(), **sides) == ""
    without = (base + "fn b() {\nfn c() {\n}\n").encode().replace(b"a() {\n}", b"a() {")
    assert unsafe(without, **sides) == "a line that one side added is gone: }"


@pytest.mark.parametrize(
    ("upstream", "ours", "twice"),
    [
        ("struct A;\n", "struct B;\n", ""),
        ("struct A;\n", "pub struct A;\n", "struct A"),
        ("const A: u8 = 1;\n", "const A: u8 = 2;\n", "const A"),
        ("const _: () = x();\n", "const _: () = y();\n", ""),
        ("impl A {\n    fn f() {}\n}\n", "impl B {\n    fn f() {}\n}\n", ""),
        ("impl A {\n    fn f() {}\n}\n", "impl A {\n    fn g() {}\n}\n", "impl A"),
        ("fn f() {}\n#[cfg(x)]\nfn f() {}\n", "fn g() {}\n", ""),
        ('unsafe extern "C" fn f() {}\n', "pub(crate) async fn f() {}\n", "fn f"),
    ],
)
def test_no_item_stands_there_twice(upstream: str, ours: str, twice: str) -> None:
    both = (upstream + ours).encode()
    said = unsafe(both, base=b"", upstream=upstream.encode(), ours=ours.encode())
    assert said == (f"{twice} stands there twice" if twice else "")


def test_nothing_is_published_that_nobody_read(scene: Scene) -> None:
    install(scene.folder / "bin")
    rebased = scene.rebased(scene.driver())
    (patch,) = rebased.patches
    assert rebased.facts.tip
    assert rebased.facts.tree
    green = StackVerdict(status="green", key="0" * 32, rustc="rustc", wasmtime="w")
    lock = ChannelLock(
        base=scene.onto.commit, base_label="", base_tree=scene.onto.tree,
        result=rebased.facts.tip, result_tree=rebased.facts.tree, verdict=green,
    )  # fmt: skip

    def planned(merge: MergePolicy, message: str) -> tuple[Move, str]:
        file = msgspec.structs.replace(patch, message=message)
        plan = Publication(
            repo="demo", branch=BranchName("wasip2"), move=Move.UPDATE, new=scene.onto.commit,
            old=scene.base.commit, recovery="refs/tags/x",
        )  # fmt: skip
        stack = msgspec.structs.replace(
            scene.policy(merge), lock=Lock(channels={Channel.MAIN: lock})
        )
        attempt = Attempt(
            stack=stack, chosen=True, upstream="x.git", publication=plan,
            rebased=dataclasses.replace(rebased, patches=(file,)),
        )  # fmt: skip
        hold_back([attempt], None, channel=Channel.MAIN)
        assert attempt.publication
        return attempt.publication.move, attempt.publication.why

    why = (
        f"patch fix was merged by {VERSION}, and nobody has read it: forkbot rebase demo, "
        f"read stacks/demo/patches/fix.patch, and write your name for `{VERSION}` "
        "in its last lines"
    )
    held = (Move.HELD, why)
    assert planned(ON, patch.message) == held
    # the driver may be gone again: what it merged is there
    assert planned(MergePolicy(), patch.message) == held
    # what is answered later does not make the earlier merge read
    later = refreshed(patch, (), ["Cargo.lock (made anew by cargo 1.95.0)"])
    assert planned(ON, later) == held
    assert planned(ON, patch.message.replace(VERSION, "Ada Lovelace")) == (Move.UPDATE, "")
    assert planned(MergePolicy(publish=True), patch.message) == (Move.UPDATE, "")
