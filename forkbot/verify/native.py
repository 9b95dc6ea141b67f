"""Host-neutrality: a crate's own tests and its public API on this machine, with and without us.

A stack is there for one target. On the machine that builds it the crate must answer its own tests
as upstream's does, and offer the same API. Both sides are built in the same folders, one after the
other, so that cargo compiles again only what a patch touches.
"""

import dataclasses
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec

from forkbot import process
from forkbot.cargo import CargoError, cause
from forkbot.errors import MachineError, TimedOutError
from forkbot.model.neutrality import Neutrality
from forkbot.model.stack import NativePolicy
from forkbot.process.seclusion import View, secluded
from forkbot.text import decode, redact
from forkbot.verify.api import Api, read_api
from forkbot.verify.build import RESOLVE_LIMIT, Say, heard_as
from forkbot.verify.family import Family, Member, check_out
from forkbot.verify.made import keep_made, read_made
from forkbot.verify.workshop import Workshop

_TEST_LIMIT = 600.0
_AGAIN = 2  # how often a test that answered otherwise is asked once more on each side

Answers = Mapping[str, str]  # by test: ok, failed, ignored, or that it gave none


class _Target(msgspec.Struct, frozen=True):
    name: str = ""


class _Message(msgspec.Struct, frozen=True):
    level: str = ""
    message: str = ""


class _Line(msgspec.Struct, frozen=True):
    """One line of `cargo test --no-run --message-format=json`."""

    reason: str
    executable: str | None = None
    target: _Target = _Target()
    message: _Message = _Message()


class _Event(msgspec.Struct, frozen=True):
    """One line of what a test program says in JSON."""

    type: str
    event: str
    name: str = ""


class _Unbuilt(Exception):  # noqa: N818 - says why a side is not there, and becomes the answer
    pass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One of the two: its test programs, kept apart, and its API."""

    tests: tuple[str, ...]  # the files of tests that are there: a release has not all of them
    programs: Mapping[str, Path]  # by what cargo calls them
    api: Api


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One stack with all that it is built on, and where and with what the sides are compared."""

    member: Member
    below: tuple[Member, ...]
    policy: NativePolicy
    folder: Path
    workshop: Workshop
    env: process.Env  # what a test program sees of the surroundings
    say: Say

    @property
    def crate(self) -> Path:
        """Where the crate's manifest lies."""
        stack = self.member.stack
        return self.folder / "src" / stack.name / stack.policy.upstream.subdir

    @property
    def family(self) -> Family:
        """What a build is shown: the sources, and a folder where no cargo configuration lies."""
        workspace = self.folder / "work"
        workspace.mkdir(parents=True, exist_ok=True)
        return Family(
            workspace=workspace, sources=self.folder / "src", crates=(), builds=(), smokes=()
        )

    def arguments(self) -> list[str]:
        """Return what all of cargo's commands are told: which crate, and the patched ones below."""
        told = ["--manifest-path", str(self.crate / "Cargo.toml")]
        for member in self.below:
            upstream = member.stack.policy.upstream
            path = self.folder / "src" / member.stack.name / upstream.subdir
            told += ["--config", f"patch.crates-io.{member.stack.policy.crate}.path='{path}'"]
        return told

    def built(self) -> list[str]:
        """Return with what features the crate is built."""
        plain = [] if self.policy.default_features else ["--no-default-features"]
        features = ["--features", ",".join(self.policy.features)] if self.policy.features else []
        return [*self.arguments(), *plain, *features, "--target-dir", str(self.workshop.target_dir)]


def compare(bench: Bench) -> Neutrality:
    """Return whether the crate is the same with the stacks, as far as its policy asks.

    Raises ``MachineError`` where rustdoc is missing, or says what forkbot cannot read.
    """
    began = time.monotonic()
    stack, target = bench.member.stack.name, bench.workshop.host
    members = (bench.member, *bench.below)
    if all(m.tree == m.pristine_tree for m in members):
        return Neutrality(stack=stack, target=target, untouched=True)
    try:
        pristine = _side(bench, pristine=True)
        ours = _side(bench, pristine=False)
    except _Unbuilt as e:
        spent = round(time.monotonic() - began, 1)
        return Neutrality(stack=stack, target=target, why=str(e), seconds=spent)
    bench.say(f"running {stack}'s own tests on both sides")
    before, after = _ask(pristine, bench), _ask(ours, bench)
    differ = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    unsteady = _unsteady(differ, ((pristine, before), (ours, after)), bench) if differ else set()
    same = Counter(before[name] for name in before if before[name] == after.get(name))
    return Neutrality(
        stack=stack,
        target=target,
        passed=same["ok"],
        ignored=same["ignored"],
        failed=tuple(sorted(n for n in before if before[n] == after.get(n) == "failed")),
        changed=tuple(
            f"{name}: {before.get(name, 'not there')} on pristine upstream, "
            f"{after.get(name, 'not there')} with the stacks"
            for name in sorted(differ - unsteady)
        ),
        unsteady=tuple(sorted(unsteady)),
        absent=tuple(name for name in bench.policy.tests if name not in pristine.tests),
        api=len(pristine.api),
        api_changed=pristine.api.differences(ours.api),
        seconds=round(time.monotonic() - began, 1),
    )


def _side(bench: Bench, *, pristine: bool) -> _Side:
    """Lay out one side, build its tests, keep them, and read its API. Raises ``_Unbuilt``."""
    kind = "on pristine upstream" if pristine else "with the stacks"
    name = bench.member.stack.name
    for member in (bench.member, *bench.below):
        tree = member.pristine_tree if pristine else member.tree
        check_out(member.repository, tree, into=bench.folder / "src" / member.stack.name)
    work = bench.family.workspace
    run = bench.workshop.cargo.run
    bench.say(f"resolving {name}'s dependencies {kind}")
    try:
        run(["generate-lockfile", *bench.arguments()], cwd=work, timeout=RESOLVE_LIMIT)
        run(["fetch", "--locked", "--target", bench.workshop.host, *bench.arguments()], cwd=work,
            timeout=RESOLVE_LIMIT)  # fmt: skip
    except CargoError as e:
        raise _Unbuilt(f"{kind}: {e.last_words}") from e
    bench.say(f"building {name}'s own tests {kind}")
    kept = bench.folder / "kept" / name / ("pristine" if pristine else "stacks")
    tests = tuple(test for test in bench.policy.tests if _is_there(bench.crate / "tests" / test))
    programs = _programs(bench, tests, kind, kept)
    bench.say(f"reading {name}'s public API {kind}")
    return _Side(tests=tests, programs=programs, api=_api(bench, kind))


def _is_there(test: Path) -> bool:
    return test.with_suffix(".rs").is_file() or (test / "main.rs").is_file()


def _programs(bench: Bench, tests: tuple[str, ...], kind: str, kept: Path) -> dict[str, Path]:
    """Return the test programs, copied away: the other side's take their place."""
    units = ["--lib"] if bench.policy.unit else []
    units += [word for name in tests for word in ("--test", name)]
    if not units:
        return {}
    lines: list[_Line] = []
    said = _cargo(bench, ["test", "--no-run", "--message-format", "json", *units], lines)
    if said is not None:
        errors = [li.message.message for li in lines if li.message.level == "error"]
        raise _Unbuilt(f"{kind} its own tests do not build: {errors[0] if errors else said}")
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    # a macro can print cargo's words: only what lies where cargo puts programs is one
    found = ((line.target.name, Path(line.executable)) for line in lines if line.executable)
    return keep_made(found, target_dir=bench.workshop.target_dir, into=kept)


def _api(bench: Bench, kind: str) -> Api:
    said = _cargo(
        bench, ["rustdoc", "--lib"], [], ["-Z", "unstable-options", "--output-format", "json"]
    )
    if said is not None:
        raise _Unbuilt(f"{kind} rustdoc does not read it: {said}")
    name = bench.member.stack.policy.crate.replace("-", "_")
    return read_api(read_made(bench.workshop.target_dir / "doc" / f"{name}.json"))


def _cargo(
    bench: Bench, command: list[str], lines: list[_Line], after: list[str] | None = None
) -> str | None:
    """Run a command of cargo's without a network; return why it failed, None when it did not."""
    rustdoc = Path(bench.workshop.cargo.env.get("RUSTC", "rustc")).with_name("rustdoc")
    if not rustdoc.is_file():
        raise MachineError(
            "there is no rustdoc beside rustc, which tells what the public API is",
            where=str(rustdoc),
            hint="rustup component add rust-docs",
        )
    trailing = ["--", *after] if after else []
    argv, env = bench.workshop.command(
        bench.family, command[0], "--frozen", *command[1:], *bench.built(), *trailing
    )
    # rustdoc's JSON is for this one crate to have, not for what it is built on
    own = {
        "RUSTDOC": str(rustdoc),
        "RUSTC_BOOTSTRAP": bench.member.stack.policy.crate.replace("-", "_"),
        "CARGO_PROFILE_DEV_DEBUG": "false",  # nobody debugs these
    }
    heard: list[bytes] = []
    try:
        ended = process.run(
            argv, env={**env, **own}, cwd=bench.family.workspace,
            timeout=bench.workshop.seconds, on_stdout=heard.append, ok=None,
            limits=dataclasses.replace(bench.workshop.limits, folder=bench.workshop.target_dir),
        )  # fmt: skip
    except TimedOutError as e:
        return f"cargo was ended{e.why}"
    lines += filter(None, (heard_as(raw, _Line) for raw in heard))
    return cause(redact(decode(ended.stderr))) if ended.code else None


def _ask(side: _Side, bench: Bench, *, only: frozenset[str] = frozenset()) -> Answers:
    """Run a side's test programs, each for what the policy names; ``only`` these tests if any."""
    answers: dict[str, str] = {}
    for target, program in side.programs.items():
        is_lib = target not in bench.policy.tests
        names = [n.partition(" ")[2] for n in only if n.partition(" ")[0] == target]
        if only and not names:
            continue
        wanted = ["--exact", *sorted(names)] if only else list(bench.policy.unit) * is_lib
        answers |= {f"{target} {n}": a for n, a in _run(target, program, wanted, bench).items()}
    return answers


def _run(target: str, program: Path, wanted: list[str], bench: Bench) -> dict[str, str]:
    """Return what each test of a target answered, on a loopback of its own where that can be."""
    argv: list[str | Path] = [program, *wanted, "-Z", "unstable-options", "--format", "json"]
    if bench.workshop.secluded:
        root = bench.workshop.target_dir.parent / "view"
        shown = (program.parent, bench.family.sources)
        argv = secluded(argv, View(root=root, read=shown, loopback=True), bench.workshop.limits)
    env = {**bench.env, "RUSTC_BOOTSTRAP": "1", "CARGO_MANIFEST_DIR": str(bench.crate)}
    lines: list[bytes] = []
    try:
        process.run(
            argv, env=env, cwd=bench.crate, timeout=_TEST_LIMIT, on_stdout=lines.append, ok=None,
            limits=bench.workshop.limits,
        )  # fmt: skip
    except TimedOutError as e:  # who had not answered by then is seen in what was said
        bench.say(f"{target} was ended{e.why}")
    answers: dict[str, str] = {}
    for line in lines:
        event = heard_as(line, _Event)  # else a test printed it past its harness
        if event is not None and event.type == "test":
            answers[event.name] = "no answer" if event.event == "started" else event.event
    return answers


def _unsteady(differ: set[str], sides: tuple[tuple[_Side, Answers], ...], bench: Bench) -> set[str]:
    """Return which of these do not even agree with themselves when they are asked again."""
    bench.say(f"asking {len(differ)} tests again that did not answer the same")
    only = frozenset(differ)
    found = set()
    for side, first in sides:
        heard = [first, *(_ask(side, bench, only=only) for _ in range(_AGAIN))]
        found |= {name for name in differ if len({h.get(name) for h in heard}) > 1}
    return found
