"""On the release channel: crates from a registry of our own, really built, really run, published."""

# ruff: noqa: E501 - what forkbot says is compared whole, in its own lines

from textwrap import dedent

import pytest

from tests.e2e.crates import LOWER, MAIN, UPPER, Crates
from tests.e2e.world import World

pytestmark = pytest.mark.wasm

RUN = ("run", "--all", "--channel", "release")
BRANCH = "refs/heads/wasip2-release"
BUILD = ".forkbot/build"


@pytest.fixture
def published(crates: Crates) -> Crates:
    """Return the crates with their first releases published."""
    crates.world.forkbot(*RUN)
    return crates


def after_table(out: str) -> list[str]:
    """Return what follows the table."""
    return out.rsplit("\n\n", maxsplit=1)[-1].splitlines()


def heard(report: str, how: str) -> str:
    """Return what stands in a report of what a case said, behind the line that names its run."""
    return report.partition(f"\n== word/said, {how}: ")[2].partition("\n")[2]


def forks(world: World) -> dict[str, dict[str, str]]:
    """Return the refs of both forks."""
    return {name: dict(world.refs(name)) for name in ("lower", "upper")}


def test_a_green_run_publishes_and_a_second_one_writes_nothing(crates: Crates) -> None:
    world = crates.world
    before = world.listing()
    said = world.forkbot(*RUN, "--dry-run")
    assert after_table(said.out)[-3:] == [
        "would write .forkbot/runs/20261118T110640000Z/",
        "2 stacks on release: built and run, 2 would be published",
        "next: forkbot run --all --channel release",
    ]
    assert world.listing(".forkbot") == before
    assert [p.name for p in (world.root / ".forkbot").iterdir()] == ["build"]

    said = world.forkbot(*RUN)
    assert said.out == dedent("""
         stack   upstream   patches       verified                   fork branch
         ─────────────────────────────────────────────────────────────────────────────────────────
         lower   1.0.0      1 unchanged   1 of 1 built               lower wasip2-release: created
         upper   1.0.0      1 unchanged   1 of 1 built, 1 of 1 ran   upper wasip2-release: created


         component     with the stacks   on pristine upstream
         ────────────────────────────────────────────────────
         upper: word   1 green           1 red as declared

        2 stacks on release: built and run, 2 published
        """)
    assert world.log(world.fork("lower"), BRANCH) == ["our-word: make it so", "lower 1.0.0"]
    report = world.reports()[-1]
    assert "| upper: word/said | green | red, as declared: not our word |\n" in report
    assert heard(report, "with the stacks").startswith("said: ours\n")
    assert heard(report, "on pristine upstream").startswith("said: plain\n")

    before = world.listing()
    said = world.forkbot(*RUN)
    assert said.out == dedent("""
         stack   upstream   patches       verified         fork branch
         ──────────────────────────────────────────────────────────────────────────────────
         lower   1.0.0      1 unchanged   green (before)   lower wasip2-release: up to date
         upper   1.0.0      1 unchanged   green (before)   upper wasip2-release: up to date

        2 stacks on release: verified green before, nothing new
        """)
    assert world.listing() == before


def test_what_moved_is_published_and_what_did_not_is_left(published: Crates) -> None:
    world = published.world
    published.release("lower", "1.1.0", LOWER + "\n/// News.\npub fn news() {}\n")
    said = world.forkbot(*RUN)
    assert after_table(said.out) == ["2 stacks on release: built and run, 1 published"]
    assert world.log(world.fork("lower"), BRANCH) == [
        "our-word: make it so",
        "lower 1.1.0",
        "lower 1.0.0",
    ]
    assert len(world.refs("lower")) == 2
    assert len(world.refs("upper")) == 1
    before = world.listing()
    world.forkbot(*RUN)
    assert world.listing() == before


def test_a_conflicting_release_stops_its_stack_and_what_is_built_on_it(published: Crates) -> None:
    world = published.world
    published.release("lower", "1.1.0", LOWER.replace("plain", "simple"))
    published.release("upper", "1.1.0", UPPER + "\n/// News.\npub fn news() {}\n")
    refs, before = forks(world), world.listing(".forkbot")
    said = world.forkbot(*RUN, code=3)
    assert said.out == dedent("""
         stack   upstream        patches      verified   fork branch
         ───────────────────────────────────────────────────────────────────────────────
         lower   1.0.0 → 1.1.0   1 conflict   held       not asked
         upper   1.0.0 → 1.1.0   1 shifted    held       upper wasip2-release: held back

        conflict: lower: patch our-word is in conflict with 1.1.0 in 1 file, broken by lower 1.1.0
          it is for: Because.
          src/lib.rs: both edited, needs a small edit, line 5
            broken by lower 1.1.0 (releases carry no finer history)
          floor: the whole stack goes no further than it is: the next commit after its base (lower 1.1.0) is in the way
        held back: upper: waits: lower is in conflict at patch our-word
        lower: the conflict is laid out on forkbot/lower/release-conflict-our-word of lower
        told: lower, conflict: opened, ~/root/.forkbot/forge/lower/artefacts/1/artefact.md
        the whole report: .forkbot/runs/20261118T110640000Z-2/report.html
        2 stacks on release: 1 in conflict, 1 held back
        next: forkbot resolve lower --channel release
        """)
    assert "resolving" not in said.err, "there is nothing to build"
    conflict = "release-conflict-our-word"
    laid = {f"refs/heads/forkbot/lower/{name}" for name in (conflict, f"base/{conflict}")}
    now = forks(world)
    assert now["lower"].keys() == refs["lower"].keys() | laid
    assert {ref: oid for ref, oid in now["lower"].items() if ref not in laid} == refs["lower"]
    assert now["upper"] == refs["upper"]
    assert world.listing(".forkbot") == before
    headline = "lower: patch our-word is in conflict with 1.1.0 in 1 file, broken by lower 1.1.0"
    assert world.reports()[-1].startswith(f"# {headline}\n")


def test_a_person_mends_a_conflict_as_the_report_says(published: Crates) -> None:
    world = published.world
    world.env["GIT_AUTHOR_NAME"] = "Ada Lovelace"
    published.release("lower", "1.1.0", LOWER.replace("plain", "simple"))
    said = world.forkbot(*RUN, code=3)
    world.forkbot(*told_next(said.out), code=3)
    file = world.root / ".forkbot" / "resolve" / "lower" / "src" / "lib.rs"
    file.write_text(LOWER.replace("plain", "ours"))
    world.forkbot(*told_next(said.out), "--continue")
    assert after_table(world.forkbot(*RUN).out) == [
        "lower: 2 branches of what is over taken away",
        "told: lower, conflict: closed, ~/root/.forkbot/forge/lower/artefacts/1/artefact.md",
        "2 stacks on release: built and run, 1 published",
    ]


def told_next(out: str) -> list[str]:
    """Return the first command that is told as the next one, as words for forkbot."""
    return next(li for li in out.splitlines() if li.startswith("next: forkbot ")).split()[2:]


def test_a_compile_error_holds_everything_connected(published: Crates) -> None:
    world = published.world
    published.release("upper", "1.1.0", UPPER.replace("lower::word()", "lower::words()"))
    published.release("lower", "1.1.0", LOWER + "\n/// News.\npub fn news() {}\n")
    refs, before = forks(world), world.listing(".forkbot")
    said = world.forkbot(*RUN, code=4)
    assert said.out == dedent("""
         stack   upstream        patches     verified                   fork branch
         ──────────────────────────────────────────────────────────────────────────────────────────────
         lower   1.0.0 → 1.1.0   1 shifted   1 of 1 built               lower wasip2-release: held back
         upper   1.0.0 → 1.1.0   1 adapted   0 of 1 built, 0 of 1 ran   upper wasip2-release: held back


         component     with the stacks   on pristine upstream
         ────────────────────────────────────────────────────
         upper: word   1 red             1 red

        upper: 0 of 1 patch as reviewed; read louder
        whose fault: upstream's, upper 1.1.0 (releases carry no finer history); it is as red without our patches, on this machine's own target, too (upper does not build: upper/src/lib.rs:5: cannot find function `words` in crate `lower` (upper's upstream wrote the line in upper 1.1.0))
        red: upper does not build: upper/src/lib.rs:5: cannot find function `words` in crate `lower` (upper's upstream wrote the line in upper 1.1.0)
        red: the control of upper's word: it does not build: cannot find function `words` in crate `lower`
        red: upper's word does not build either
        held back: lower, upper: verification of upper is red
        told: upper, build: opened, ~/root/.forkbot/forge/stacks/artefacts/1/artefact.md
        told: upper, smoke: opened, ~/root/.forkbot/forge/stacks/artefacts/2/artefact.md
        the whole report: .forkbot/runs/20261118T110640000Z-2/report.html
        2 stacks on release: 2 held back
        next: forkbot run --all --channel release  # again, once the red is mended
        """)
    assert forks(world) == refs
    assert world.listing(".forkbot") == before
    assert "error[E0425]: cannot find function `words` in crate `lower`\n" in world.reports()[-1]


def test_a_component_that_is_red_holds_everything(published: Crates) -> None:
    world = published.world
    published.release("upper", "1.1.0", UPPER.replace("said: {}", "says: {}"))
    refs, before = forks(world), world.listing(".forkbot")
    said = world.forkbot(*RUN, code=4)
    assert after_table(said.out) == [
        "upper: 0 of 1 patch as reviewed; read louder",
        "whose fault: upstream's, upper 1.1.0 (releases carry no finer history) (upper's word/said is red: assertion `left == right` failed: not our word (exit code 134))",
        "red: upper's word/said is red: assertion `left == right` failed: not our word (exit code 134)",
        "held back: upper: verification of upper is red",
        "told: upper, smoke: opened, ~/root/.forkbot/forge/stacks/artefacts/1/artefact.md",
        "the whole report: .forkbot/runs/20261118T110640000Z-2/report.html",
        "2 stacks on release: 1 up to date, 1 held back",
        "next: forkbot run --all --channel release  # again, once the red is mended",
    ]
    assert forks(world) == refs
    assert world.listing(".forkbot") == before
    assert 'left: "says: ours"' in world.reports()[-1]


def test_a_control_that_is_green_says_that_the_patch_may_go(published: Crates) -> None:
    """Upstream took our word in: the patch leaves, and the proof that needed it proves nothing."""
    world = published.world
    published.release("lower", "1.1.0", LOWER.replace("plain", "ours"))
    refs = forks(world)
    said = world.forkbot(*RUN, code=4)
    assert after_table(said.out) == [
        "lower: patch our-word leaves the series, empty: on 1.1.0 the merge leaves nothing of it: upstream has this content",
        "red: the control of upper's word/said: upstream is green by itself: the patch that made the difference may go",
        "held back: lower: verification of upper is red",
        "told: upper, smoke: opened, ~/root/.forkbot/forge/stacks/artefacts/1/artefact.md",
        "the whole report: .forkbot/runs/20261118T110640000Z-2/report.html",
        "2 stacks on release: 1 held back, 1 up to date",
        "next: forkbot run --all --channel release  # again, once the red is mended",
    ]
    assert forks(world) == refs
    policy = world.folder("upper") / "stack.yaml"
    policy.write_text(policy.read_text().replace("{upstream: not our word}", "{}"))
    assert (
        after_table(world.forkbot(*RUN).out)[-1]
        == "2 stacks on release: built and run, 1 published"
    )
    assert not (world.folder("lower") / "patches" / "our-word.patch").exists()


def test_a_second_copy_of_a_patched_crate_is_red(published: Crates) -> None:
    """The fork is in the graph, and upstream's own crate beside it, because somebody wants that."""
    world = published.world
    published.release("lower", "2.0.0", LOWER + "\n/// News.\npub fn news() {}\n")
    refs = forks(world)
    said = world.forkbot(*RUN, code=4)
    copy = (
        "a second copy of lower, 1.0.0, is built beside the fork's 2.0.0: "
        "upper 1.0.0 → lower 1.0.0 (upper 1.0.0 wants ^1)"
    )
    assert after_table(said.out)[:2] == [
        (
            "whose fault: upstream's, lower 2.0.0 (releases carry no finer history); "
            f"it is as red without our patches ({copy})"
        ),
        f"red: {copy}",
    ]
    assert forks(world) == refs


def test_a_patch_that_the_build_ignores_is_red(published: Crates) -> None:
    world = published.world
    policy = world.folder("lower") / "stack.yaml"
    policy.write_text(policy.read_text().replace("build:\n  - {package: lower}\n", ""))
    published.release("lower", "2.0.0", LOWER + "\n/// News.\npub fn news() {}\n")
    refs = forks(world)
    said = world.forkbot(*RUN, code=4)
    assert (
        "red: patch lower 2.0.0 was not used in the crate graph: nobody asks for that version"
        in after_table(said.out)
    )
    assert forks(world) == refs


def test_a_component_that_hangs_is_ended_with_its_last_words(crates: Crates) -> None:
    crates.stacks_again(timeout=2)
    crates.component('fn main() { println!("still here"); loop { std::hint::spin_loop() } }\n')
    said = crates.world.forkbot(*RUN, code=4)
    assert "red: upper's word/said is red: it was ended after 2 s" in said.out.splitlines()
    report = crates.world.reports()[-1]
    assert heard(report, "with the stacks").startswith("still here\n")
    assert "Run with the stacks: hangs, and it must be green: it was ended after 2 s." in report
    assert forks(crates.world) == {"lower": {}, "upper": {}}


def test_only_the_stack_that_is_named(published: Crates) -> None:
    """What it is built on is taken as its files say, and stays there."""
    world = published.world
    published.release("lower", "1.1.0", LOWER.replace("plain", "simple"))
    published.release("upper", "1.1.0", UPPER + "\n/// News.\npub fn news() {}\n")
    lower = world.refs("lower")
    said = world.forkbot("run", "upper", "--channel", "release")
    assert after_table(said.out) == ["1 stack on release: built and run, 1 published"]
    assert world.refs("lower") == lower
    assert after_table(
        world.forkbot("run", "lower", "--channel", "release", "--onto", "1.0.0").out
    )[-1] == ("1 stack on release: built and run, files updated")


def test_verify_then_publish_is_what_run_does(crates: Crates) -> None:
    world = crates.world
    world.forkbot("rebase", "--channel", "release")
    assert after_table(world.forkbot("publish", "--channel", "release").out)[-1] == (
        "2 stacks on release: 2 held back"
    )
    world.forkbot("verify", "--channel", "release")
    said = world.forkbot("publish", "--channel", "release")
    assert after_table(said.out) == ["2 stacks on release: 2 published"]
    assert after_table(world.forkbot(*RUN).out) == [
        "2 stacks on release: verified green before, nothing new"
    ]


def test_a_component_is_asked_again_when_it_changes(published: Crates) -> None:
    published.component(MAIN.replace("not our word", "not our word at all"))
    said = published.world.forkbot(*RUN)
    assert "forkbot: running word with the stacks: said (1 of 1)\n" in said.err
    said = published.world.forkbot(*RUN)
    assert "forkbot: running word with the stacks: said (1 of 1)\n" not in said.err
