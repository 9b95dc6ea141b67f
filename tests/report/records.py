"""Runs that end in each of the ways a run can end, as records: what the reports are made from."""

# ruff: noqa: E501 - sentences of reports

from collections.abc import Mapping

from msgspec.structs import replace

from forkbot.model.conflict import Conflict, ConflictedPath, Hunk, Stage
from forkbot.model.diagnostic import Deed, Diagnostic, Doer, Origin
from forkbot.model.fate import Fate, PatchOutcome, Rebase
from forkbot.model.place import Place
from forkbot.model.publication import Move, Publication
from forkbot.model.record import RunRecord, StackRecord, Trouble
from forkbot.model.upstream import UpstreamCommit
from forkbot.model.verdict import Build, Colour, FamilyMember, How, Smoke, Verdict
from forkbot.words import BranchName, Channel, Oid, PatchName, StackName

WASM = "wasm32-wasip2"
RUSTC = "rustc 1.97.1 (8bab26f4f 2026-07-14)"
WASMTIME = "wasmtime 49.0.3 (f96eabaa1 2026-10-14)"


def oid(seed: int) -> Oid:
    """Return an object id."""
    return Oid(f"{seed:x}" * 40)


def place(label: str, seed: int) -> Place:
    """Return a place upstream."""
    return Place(commit=oid(seed), tree=oid(seed + 1), label=label)


def outcome(
    name: str, fate: Fate, *, evidence: str = "", conflict: Conflict | None = None
) -> PatchOutcome:
    """Return what became of one patch."""
    return PatchOutcome(
        name=PatchName(name), fate=fate, subject=f"net: {name.replace('-', ' ')}",
        upstream_status="Pending", drop_when="released >=1.55", commit=None, evidence=evidence,
        conflict=conflict,
    )  # fmt: skip


def rebase(stack: str, *outcomes: PatchOutcome, moved: bool = True) -> Rebase:
    """Return a stack's way from one release to the next."""
    stopped = any(o.conflict for o in outcomes)
    onto = place("1.55.0", 3)
    return Rebase(
        stack=StackName(stack), channel=Channel.RELEASE,
        base=place("1.54.1", 1) if moved else onto, onto=onto, outcomes=outcomes,
        tip=None if stopped else oid(5), tree=None if stopped else oid(6), moved=moved,
    )  # fmt: skip


def publication(repo: str, move: Move, *, why: str = "", done: bool = False) -> Publication:
    """Return what publishing does to a fork branch."""
    old = None if move is Move.CREATE else oid(7)
    recovery = f"refs/tags/forkbot/{repo}/2026-11-22-{oid(7)[:12]}" if move is Move.UPDATE else ""
    return Publication(
        repo=repo, branch=BranchName("wasip2-release"), move=move, place=f"forge/{repo}.git",
        old=old, new=oid(7) if move is Move.NOTHING else oid(5), recovery=recovery, why=why,
        done=done,
    )  # fmt: skip


def stack(
    name: str, rebased: Rebase | None, plan: Publication | None = None, *,
    trouble: Trouble | None = None, written: tuple[str, ...] = (), to_write: tuple[str, ...] = (),
) -> StackRecord:  # fmt: skip
    """Return one stack's part of a record."""
    return StackRecord(
        name=StackName(name), crate=name, about="", rebase=rebased, publication=plan,
        trouble=trouble, files_written=written, files_to_write=to_write,
    )  # fmt: skip


def build(
    name: str, colour: Colour = Colour.GREEN, *, why: str = "",
    diagnostics: tuple[Diagnostic, ...] = (), features: tuple[str, ...] = (),
) -> Build:  # fmt: skip
    """Return one build."""
    held = colour is Colour.HELD
    return Build(
        stack=StackName(name), package="" if held else name, features=features,
        default_features=not features, colour=colour, units=3 if colour is Colour.GREEN else 0,
        seconds=1.0, why=why, diagnostics=diagnostics,
    )  # fmt: skip


DEAD = "can't spawn worker thread"


def smoke(
    *, pristine: bool, green: bool, right: bool = True, why: str = "", output: str = "",
    case: str = "by-name", how: How = How.ENDED,
) -> Smoke:  # fmt: skip
    """Return one run of tokio's component."""
    return Smoke(
        stack=StackName("tokio"), name="lookup", case=case, pristine=pristine,
        declared=DEAD if pristine and case == "by-name" else "", how=how,
        colour=Colour.GREEN if right else Colour.RED, ran_green=green,
        exit_code=0 if green else 134, seconds=0.5, why=why, output=output,
    )  # fmt: skip


def canary(*, green: bool) -> Smoke:
    """Return one run of tokio's canary."""
    words = "failed to run custom build command for `aws-lc-sys`"
    return Smoke(
        stack=StackName("tokio"), name="aws-lc", case="get" if green else "", pristine=False,
        canary=True, declared=words, how=How.ENDED if green else How.UNBUILT,
        colour=Colour.NEWS if green else Colour.GREEN, ran_green=green,
        exit_code=0 if green else None, seconds=0.5,
        why="it is green: a canary no longer" if green else f"it does not build: {words}",
        output="forkbot serves 0123456789abcdef" if green else f"error: {words}",
    )  # fmt: skip


def verdict(
    builds: tuple[Build, ...], smokes: tuple[Smoke, ...] = (), *,
    problems: tuple[str, ...] = (), reused: bool = False,
) -> Verdict:  # fmt: skip
    """Return a verdict."""
    names = dict.fromkeys(b.stack for b in builds)
    members = tuple(
        FamilyMember(stack=name, label="1.55.0", tip=oid(5), tree=oid(6)) for name in names
    )
    return Verdict(
        channel=Channel.RELEASE, key="0" * 32, target=WASM, rustc=RUSTC, wasmtime=WASMTIME,
        members=members, builds=builds, smokes=smokes, problems=problems, reused=reused,
    )  # fmt: skip


def record(
    *stacks: StackRecord, verdict: Verdict | None = None, code: int = 0, dry_run: bool = False,
) -> RunRecord:  # fmt: skip
    """Return a whole run."""
    return RunRecord(
        id="20261122T031500000Z", channel=Channel.RELEASE, forkbot="0.1.0", git="2.47.3",
        command="forkbot run --all --channel release" + (" --dry-run" if dry_run else ""),
        dry_run=dry_run, seconds=95.4, stacks=stacks, verdict=verdict, exit_code=code,
    )  # fmt: skip


PANIC = """\

thread 'main' (1) panicked at library/std/src/thread/functions.rs:131:29:
failed to spawn thread: Os { code: 58, kind: Unsupported, message: "Not supported" }
can't spawn worker thread
Error: failed to run main module"""
RENAMED = UpstreamCommit(
    commit=oid(7), author="An Upstream Dev", date="2026-11-20", pull_request=8123,
    subject="net: say what is looked up (#8123)",
)  # fmt: skip
ERROR = Diagnostic(
    level="error", code="E0425", message="cannot find function `lookup_host` in this scope",
    package="hyper-util", file="hyper-util/src/client/legacy/connect/dns.rs", line=123,
    rendered="""\
error[E0425]: cannot find function `lookup_host` in this scope
   --> hyper-util/src/client/legacy/connect/dns.rs:123:9
    |
123 |         lookup_host(&name)
    |         ^^^^^^^^^^^ not found in this scope
""",
    names=("lookup_host",),
    named=Origin(
        doer=Doer.UPSTREAM, deed=Deed.RENAMED, stack=StackName("tokio"), commit=RENAMED,
        name="lookup_host", now="lookup_names", file="tokio/tokio/src/net/lookup_host.rs", line=71,
        change="-pub async fn lookup_host<T>(host: T)\n+pub async fn lookup_names<T>(host: T)",
    ),
    author=Origin(
        doer=Doer.PATCH, deed=Deed.WROTE, stack=StackName("hyper-util"),
        patch=PatchName("wasi-inline-lookup"),
        file="hyper-util/src/client/legacy/connect/dns.rs", line=123,
    ),
)  # fmt: skip
FOLLOWER = replace(ERROR, line=140, follows=0)
OF_A_DEPENDENCY = Diagnostic(
    level="error", code="E0599", message="no method named `connect_now` found for struct `Socket`",
    package="hyper-util", file="hyper-util/src/client/connect.rs", line=9,
    rendered="error[E0599]: no method named `connect_now` found for struct `Socket`\n",
    named=Origin(
        doer=Doer.DEPENDENCY, deed=Deed.OWNS, dependency="socket2 0.6.4", name="connect_now"
    ),
)  # fmt: skip
CONTROL = smoke(pristine=True, green=False, why="exit code 134", output=PANIC)
RAN = smoke(pristine=False, green=True, output="127.0.0.1:80")
UNCHANGED = outcome("wasi-inline-lookup", Fate.UNCHANGED)
SHIFTED = outcome("wasi-inline-lookup", Fate.SHIFTED)
ADAPTED = outcome("wasi-net-without-unstable", Fate.ADAPTED)
MIO_STAYS = stack("mio", rebase("mio", moved=False), publication("mio", Move.NOTHING))


def _published() -> RunRecord:
    gone = outcome(
        "net-fix",
        Fate.EMPTY,
        evidence="on 1.55.0 the merge leaves nothing of it: upstream has this content",
    )
    return record(
        MIO_STAYS,
        stack(
            "tokio", rebase("tokio", SHIFTED, ADAPTED, gone),
            publication("tokio", Move.UPDATE, done=True), written=("stack.lock",),
        ),
        stack(
            "reqwest", rebase("reqwest", SHIFTED), publication("reqwest", Move.CREATE, done=True),
            written=("stack.lock",),
        ),
        verdict=verdict(
            (build("mio"), build("tokio"), build("tokio", features=("net", "rt")), build("reqwest")),
            (RAN, CONTROL),
        ),
    )  # fmt: skip


def _nothing_new() -> RunRecord:
    return record(
        MIO_STAYS,
        stack("tokio", rebase("tokio", UNCHANGED, moved=False), publication("tokio", Move.NOTHING)),
        verdict=verdict((), reused=True),
    )


def _dry_run() -> RunRecord:
    gone = outcome(
        "net-fix",
        Fate.EMPTY,
        evidence="on 1.55.0 the merge leaves nothing of it: upstream has this content",
    )
    return record(
        MIO_STAYS,
        stack(
            "tokio", rebase("tokio", SHIFTED, ADAPTED, gone), publication("tokio", Move.UPDATE),
            to_write=("patches/net-fix.patch", "patches/series", "patches/wasi-net-without-unstable.patch", "stack.lock"),
        ),
        stack(
            "reqwest", rebase("reqwest", SHIFTED), publication("reqwest", Move.CREATE),
            to_write=("stack.lock",),
        ),
        verdict=verdict((build("mio"), build("tokio"), build("reqwest")), (RAN, CONTROL)),
        dry_run=True,
    )  # fmt: skip


def _conflict() -> RunRecord:
    hunks = (
        Hunk(
            line=41,
            base="    spawn(lookup)\n",
            upstream='    spawn_named("dns", lookup)\n',
            ours="    lookup()\n",
        ),
        Hunk(line=77, base="old", upstream="new", ours=""),
    )
    side = Stage(mode="100644", oid=oid(9), path="src/net/addr.rs")
    conflict = Conflict(
        patch=PatchName("wasi-inline-lookup"),
        paths=(
            ConflictedPath(
                path="src/net/addr.rs", kinds=("contents",), base=side, upstream=side, ours=side,
                hunks=hunks,
            ),
            ConflictedPath(path="src/net/mod.rs", kinds=("modify/delete",), base=side, ours=side),
        ),
    )  # fmt: skip
    return record(
        MIO_STAYS,
        stack("tokio", rebase(
            "tokio", outcome("first", Fate.SHIFTED),
            outcome("wasi-inline-lookup", Fate.CONFLICT, conflict=conflict),
            outcome("wasi-net-without-unstable", Fate.BLOCKED),
        )),
        stack(
            "reqwest", rebase("reqwest", SHIFTED),
            publication("reqwest", Move.HELD, why="waits: tokio is in conflict at patch wasi-inline-lookup"),
        ),
        verdict=verdict((
            build("mio"),
            build("tokio", Colour.HELD, why="tokio is in conflict at patch wasi-inline-lookup"),
            build("reqwest", Colour.HELD, why="waits: tokio is in conflict at patch wasi-inline-lookup"),
        )),
        code=3,
    )  # fmt: skip


def _red(
    name: str,
    *,
    builds: tuple[Build, ...],
    smokes: tuple[Smoke, ...] = (),
    problems: tuple[str, ...] = (),
) -> RunRecord:
    why = problems[0] if problems else f"verification of {name} is red"
    held = (publication("tokio", Move.HELD, why=why), publication("hyper-util", Move.HELD, why=why))
    return record(
        MIO_STAYS,
        stack("tokio", rebase("tokio", SHIFTED), held[0]),
        stack("hyper-util", rebase("hyper-util", SHIFTED), held[1]),
        verdict=verdict(builds, smokes, problems=problems),
        code=4,
    )


def _red_build() -> RunRecord:
    said = (ERROR, FOLLOWER, OF_A_DEPENDENCY)
    red = build("hyper-util", Colour.RED, why=ERROR.message, diagnostics=said)
    also = build("hyper-util", Colour.RED, why=ERROR.message, diagnostics=said, features=("http2",))
    return _red(
        "hyper-util", builds=(build("mio"), build("tokio"), red, also), smokes=(RAN, CONTROL)
    )


def _red_smoke() -> RunRecord:
    red = smoke(pristine=False, green=False, right=False, why="exit code 134", output=PANIC)
    return _red(
        "tokio", builds=(build("mio"), build("tokio"), build("hyper-util")), smokes=(red, CONTROL)
    )


def _news() -> RunRecord:
    """Several cases of one component, one that hangs upstream as declared, and two canaries."""
    hung = smoke(
        pristine=True, green=False, case="denied", how=How.HUNG, why="it was ended after 30 s",
        output="asking",
    )  # fmt: skip
    quiet = replace(canary(green=False), name="wasip3", declared="can't find crate for `std`")
    return record(
        MIO_STAYS,
        stack("tokio", rebase("tokio", SHIFTED), publication("tokio", Move.NOTHING)),
        verdict=verdict(
            (build("mio"), build("tokio")),
            (
                smoke(pristine=False, green=True, case="by-ip", output="127.0.0.1:80"), RAN,
                smoke(pristine=False, green=True, case="denied", output="denied"),
                smoke(pristine=True, green=True, case="by-ip", output="127.0.0.1:80"), CONTROL,
                replace(hung, declared="asking"), canary(green=True), quiet,
            ),
        ),
    )  # fmt: skip


def _many_reds() -> RunRecord:
    """One cause that makes every case red, and a control that does not build."""
    cases = ("by-ip", "by-name", "denied", "in-a-loop", "udp")
    reds = tuple(
        smoke(pristine=False, green=False, right=False, case=case, why="exit code 134",
              output=PANIC)
        for case in cases
    )  # fmt: skip
    unbuilt = smoke(
        pristine=True, green=False, right=False, case="", how=How.UNBUILT,
        why="it does not build: no such thing", output=ERROR.rendered,
    )  # fmt: skip
    return _red(
        "tokio", builds=(build("mio"), build("tokio"), build("hyper-util")),
        smokes=(*reds, unbuilt),
    )  # fmt: skip


def _green_control() -> RunRecord:
    why = "upstream is green by itself: the patch that made the difference may go"
    green = smoke(pristine=True, green=True, right=False, why=why, output="127.0.0.1:80")
    return _red(
        "tokio", builds=(build("mio"), build("tokio"), build("hyper-util")), smokes=(RAN, green)
    )


def _unused() -> RunRecord:
    problem = "patch mio 1.55.0 was not used in the crate graph: nobody asks for that version"
    return _red(
        "mio", builds=(build("mio"), build("tokio"), build("hyper-util")), problems=(problem,)
    )


def _person() -> RunRecord:
    why = f"wasip2-release has commits that are not forkbot's: {oid(8)[:12]} by A Person <p@example.invalid>"
    return record(
        MIO_STAYS,
        stack("tokio", rebase("tokio", SHIFTED), publication("tokio", Move.REFUSED, why=why)),
        stack("reqwest", rebase("reqwest", SHIFTED), publication("reqwest", Move.HELD, why="waits: tokio is refused")),
        verdict=verdict((build("mio"), build("tokio"), build("reqwest")), (RAN, CONTROL)),
        code=6,
    )  # fmt: skip


def _unreachable() -> RunRecord:
    trouble = Trouble(
        what="git could not reach it: unable to access 'https://example.invalid/mio/': Could not resolve host: example.invalid",
        where="https://example.invalid/mio", hint="git ls-remote https://example.invalid/mio", exit_code=5,
    )  # fmt: skip
    return record(
        stack("mio", None, trouble=trouble),
        stack(
            "tokio", rebase("tokio", SHIFTED),
            publication("tokio", Move.HELD, why="waits: mio: git could not reach it"),
        ),
        verdict=verdict((
            build("mio", Colour.HELD, why="mio: git could not reach it"),
            build("tokio", Colour.HELD, why="waits: mio: git could not reach it"),
        )),
        code=5,
    )  # fmt: skip


RECORDS: Mapping[str, RunRecord] = {
    "published": _published(),
    "nothing-new": _nothing_new(),
    "dry-run": _dry_run(),
    "conflict": _conflict(),
    "red-build": _red_build(),
    "red-smoke": _red_smoke(),
    "green-control": _green_control(),
    "many-reds": _many_reds(),
    "news": _news(),
    "unused-patch": _unused(),
    "a-persons-commits": _person(),
    "unreachable": _unreachable(),
}
