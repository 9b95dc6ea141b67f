"""Runs on the main channel whose verdicts say all that a verdict can say."""

# ruff: noqa: E501 - sentences of reports

from collections.abc import Mapping

from msgspec.structs import replace

from forkbot.model.conflict import (
    Breaker,
    Conflict,
    ConflictClass,
    ConflictedPath,
    Effort,
    Hunk,
    Owner,
    Stage,
)
from forkbot.model.fate import Fate, PatchOutcome, Rebase
from forkbot.model.judgement import (
    Checked,
    Drift,
    DriftKind,
    DropCheck,
    Floor,
    Later,
    LaterState,
    Proposal,
    ProposalKind,
    Replay,
    Suspicion,
    SuspicionKind,
    Without,
)
from forkbot.model.place import Place
from forkbot.model.probe import ProbeAnswer, Red, RedKind
from forkbot.model.publication import Move, Publication
from forkbot.model.record import RunRecord, StackRecord
from forkbot.model.upstream import UpstreamCommit
from forkbot.words import Channel, Oid, PatchName, StackName
from tests.report import records
from tests.report.records import ERROR, oid, outcome

URL = "https://github.com/tokio-rs/tokio.git"


def commit(number: int, subject: str, *, pull: int | None = None) -> UpstreamCommit:
    """Return an upstream commit."""
    return UpstreamCommit(
        commit=Oid(f"{number:04x}" * 10), author="Alice Rhodes", date=f"2026-04-{number % 28 + 1:02}",
        subject=subject + (f" (#{pull})" if pull else ""), pull_request=pull,
    )  # fmt: skip


NAMED = commit(0x7933, "rt: name the blocking threads", pull=7933)
SOCKETS = commit(0x7055, "net: sockets for wasm32-wasip2", pull=7055)
GATES = commit(0x6945, "chore: sort the cfg attributes", pull=6945)
DIRECT = commit(0x1234, "Revert a formatting change")


def broke(
    by: UpstreamCommit, path: str, *, names: tuple[str, ...] = (), turns: tuple[Oid, ...] = ()
) -> Breaker:
    """Return a commit as the breaker of a path."""
    return Breaker(
        commit=by.commit, author=by.author, date=by.date, subject=by.subject,
        pull_request=by.pull_request, path=path, parent=oid(1), earlier_names=names,
        came_and_went=turns,
    )  # fmt: skip


def side(path: str) -> Stage:
    """Return one side of a path."""
    return Stage(mode="100644", oid=oid(9), path=path)


def rebase(*outcomes: PatchOutcome, stack: str = "tokio") -> Rebase:
    """Return a stack's way over 637 commits of upstream's branch."""
    tip = None if any(o.conflict for o in outcomes) else oid(5)
    return Rebase(
        stack=StackName(stack), channel=Channel.MAIN, outcomes=outcomes, tip=tip, tree=tip,
        base=Place(commit=oid(1), tree=oid(2), label="master 2024-10-02"),
        onto=Place(commit=oid(3), tree=oid(4), label="master 2026-11-20"),
        moved=True, upstream_commits=637,
    )  # fmt: skip


def record(rebased: Rebase, *, code: int, plan: Publication | None = None) -> RunRecord:
    """Return a run of one stack on its main channel."""
    stack = StackRecord(
        name=rebased.stack, crate=rebased.stack, about="", upstream_url=URL, rebase=rebased,
        publication=plan,
    )  # fmt: skip
    whole = records.record(stack, code=code)
    command = f"forkbot {'run' if plan else 'rebase'} {rebased.stack}"
    return replace(whole, command=command, channel=Channel.MAIN, seconds=2.1)


def stopped(name: str, conflict: Conflict, fate: Fate = Fate.CONFLICT) -> PatchOutcome:
    """Return a patch in conflict, with what it is for."""
    return replace(
        outcome(name, fate, conflict=conflict),
        purpose="On wasm32-wasip2 there are no threads, so a lookup that is handed to the blocking "
        "pool never returns. This calls the resolver in place, as the standard library does.",
    )


ADDR = ConflictedPath(
    path="tokio/src/net/addr.rs", kinds=("contents",), base=side("a"), upstream=side("a"),
    ours=side("a"), kind=ConflictClass.BOTH_EDITED, effort=Effort.THOUGHT,
    hunks=(
        Hunk(
            line=207, kind=ConflictClass.BOTH_EDITED, effort=Effort.THOUGHT,
            above="        let host = self.to_owned();\n        let port = self.port();\n",
            base="        MaybeReady(State::Blocking(spawn_blocking(move || {\n            std::net::ToSocketAddrs::to_socket_addrs(&host)\n        })))\n",
            upstream="        MaybeReady(State::Blocking(spawn_named_blocking(\"dns\", move || {\n            let _span = trace_lookup(&host);\n            std::net::ToSocketAddrs::to_socket_addrs(&host)\n        })))\n",
            ours="        MaybeReady(State::Ready(\n            std::net::ToSocketAddrs::to_socket_addrs(&host)?.next()\n        ))\n",
            below="    }\n}\n",
            owners=(Owner(by=NAMED, lines=3), Owner(by=DIRECT, lines=1), Owner(by=GATES, lines=1, removed=True)),
        ),
        Hunk(
            line=31, kind=ConflictClass.CONTEXT, effort=Effort.LOOK, base="use std::io;\n",
            upstream="use std::io;\nuse tracing::span;\n", ours="use std::io;\nuse std::vec;\n",
            above="use crate::future;\n", below="use std::mem;\n", owners=(Owner(by=NAMED, lines=1),),
        ),
    ),
)  # fmt: skip
MOVED = ConflictedPath(
    path="tokio/src/net/lookup.rs", kinds=("contents",), base=side("b"), upstream=side("b"),
    ours=side("b"), kind=ConflictClass.MOVED, effort=Effort.EDIT, moved_to="tokio/src/net/lookup/mod.rs",
    owners=(Owner(by=SOCKETS, lines=0, removed=True),),
    hunks=(
        Hunk(
            line=1, kind=ConflictClass.MOVED, effort=Effort.EDIT, base="fn lookup() {}\n", upstream="",
            ours="#[cfg(not(target_os = \"wasi\"))]\nfn lookup() {}\n",
        ),
    ),
)  # fmt: skip
GONE = ConflictedPath(
    path="tokio/src/net/gone.rs", kinds=("modify/delete",), base=side("c"), ours=side("c"),
    kind=ConflictClass.DELETED, effort=Effort.THOUGHT, owners=(Owner(by=SOCKETS, lines=0, removed=True),),
)  # fmt: skip
CARGO = ConflictedPath(
    path="tokio/Cargo.toml", kinds=("contents",), base=side("d"), upstream=side("d"), ours=side("d"),
    kind=ConflictClass.BOTH_ADDED, effort=Effort.EDIT,
    hunks=(
        Hunk(
            line=110, kind=ConflictClass.BOTH_ADDED, effort=Effort.EDIT, base="",
            upstream="[target.'cfg(tokio_uring)'.dependencies]\nio-uring = \"0.7\"\n",
            ours="[target.'cfg(target_os = \"wasi\")'.dependencies]\nlibc = \"0.2\"\n",
            above="[dependencies]\nmio = \"1\"\n\n", below="\n[dev-dependencies]\n",
        ),
    ),
)  # fmt: skip
LOGO = ConflictedPath(
    path="tokio/logo.png", kinds=("binary",), base=side("e"), upstream=side("e"), ours=side("e"),
    kind=ConflictClass.SHAPE, effort=Effort.THOUGHT,
)  # fmt: skip
BLANKS = ConflictedPath(
    path="tokio/src/lib.rs", kinds=("contents",), base=side("f"), upstream=side("f"), ours=side("f"),
    kind=ConflictClass.ALREADY_THERE, effort=Effort.LOOK,
    hunks=(
        Hunk(
            line=12, kind=ConflictClass.ALREADY_THERE, effort=Effort.LOOK, base="mod net;\n",
            upstream="pub mod net;\n", ours="pub  mod net;\n",
        ),
    ),
)  # fmt: skip
CONFLICT = Conflict(
    patch=PatchName("wasi-inline-lookup"),
    paths=(ADDR, MOVED, GONE, CARGO, LOGO, BLANKS),
    breakers=(
        broke(NAMED, ADDR.path, turns=(oid(10), oid(11))),
        broke(SOCKETS, MOVED.path, names=("tokio/src/dns.rs",)),
        broke(SOCKETS, GONE.path),
        broke(GATES, CARGO.path),
        broke(DIRECT, BLANKS.path),
    ),
)


def _conflict() -> RunRecord:
    adapted = replace(
        outcome("wasi-net-without-unstable", Fate.ADAPTED),
        range_diff="1:  1111111 ! 1:  2222222 net: without unstable\n    @@ src/net/mod.rs\n    - cfg_old!\n    + cfg_new!",
    )
    replayed = replace(
        outcome("wasi-threads", Fate.SHIFTED),
        replays=(
            Replay(
                key="0123456789ab",
                path="tokio/src/rt.rs",
                author="A Person",
                date="2026-10-01",
            ),
            Replay(
                key="ba9876543210",
                path="tokio/src/net.rs",
                author="mergiraf",
                date="2026-10-02",
                tool="mergiraf 0.14",
            ),
        ),
    )
    merged = outcome(
        "wasi-tests", Fate.MERGED,
        evidence=f"upstream took it in {DIRECT.commit[:12]} ({DIRECT.subject}), squashed from 2 patches",
    )  # fmt: skip
    behind = ("wasi-udp", "wasi-tcp", "wasi-io")
    taken = replace(
        outcome("wasi-io", Fate.BLOCKED),
        proposals=(
            Proposal(
                kind=ProposalKind.PARTLY,
                evidence="2 hunks have the patch-id of hunks of that commit",
                commits=(SOCKETS,),
                hunks=3,
                taken=2,
            ),
        ),
    )
    rebased = rebase(
        replace(outcome("first", Fate.UNCHANGED), fate=Fate.SHIFTED), merged, adapted, replayed,
        stopped("wasi-inline-lookup", CONFLICT),
        *(outcome(name, Fate.BLOCKED) for name in behind[:2]), taken,
    )  # fmt: skip
    without = Without(
        patch=CONFLICT.patch,
        later=(
            Later(patch=PatchName("wasi-udp"), state=LaterState.INDEPENDENT, needs=(PatchName("first"),)),
            Later(patch=PatchName("wasi-tcp"), state=LaterState.NEEDS, needs=(CONFLICT.patch,)),
            Later(patch=PatchName("wasi-io"), state=LaterState.CONFLICT, breakers=(broke(SOCKETS, "tokio/src/io.rs"),)),
        ),
        series=tuple(map(PatchName, ("first", "wasi-net-without-unstable", "wasi-threads", "wasi-udp"))),
        tree=oid(12),
    )  # fmt: skip
    floor = Floor(
        place=Place(commit=oid(13), tree=oid(14), label="master 2024-11-13"), behind=412, blocked_by=GATES,
        verified=Checked.GREEN,
    )  # fmt: skip
    return record(replace(rebased, without=without, floor=floor), code=3)


def _superseded() -> RunRecord:
    paths = (CARGO,)
    conflict = Conflict(
        patch=PatchName("wasi-sockets"), paths=paths, breakers=(broke(SOCKETS, CARGO.path),)
    )
    proposal = Proposal(
        kind=ProposalKind.SUPERSEDED, commits=(SOCKETS,), likeness=0.94, hunks=3, taken=2,
        evidence="94% of the lines that this patch adds are added by that commit, the next best has 2%",
    )  # fmt: skip
    rebased = rebase(
        replace(outcome("first", Fate.SHIFTED), proposals=(
            Proposal(kind=ProposalKind.CONDITION, evidence="rustc >=1.99: this toolchain is 1.99.1"),
            Proposal(kind=ProposalKind.STATUS, evidence="Submitted https://github.com/tokio-rs/tokio/pull/7055", commits=(SOCKETS,)),
        ), drop_check=DropCheck(condition="rustc >=1.99", met=True, evidence="this toolchain is 1.99.1")),
        replace(stopped("wasi-sockets", conflict, Fate.SUPERSEDED), proposals=(proposal,)),
        outcome("wasi-io", Fate.BLOCKED),
    )  # fmt: skip
    without = Without(
        patch=conflict.patch, later=(Later(patch=PatchName("wasi-io"), state=LaterState.INDEPENDENT),),
        series=(PatchName("first"), PatchName("wasi-io")),
    )  # fmt: skip
    floor = Floor(place=rebased.base, behind=637, blocked_by=SOCKETS)
    return record(replace(rebased, without=without, floor=floor), code=3)


def _suspicious() -> RunRecord:
    lost = Suspicion(
        key="0a1b2c3d4e5f", patch=PatchName("wasi-net-without-unstable"), path="tokio/src/net/mod.rs",
        line=61, kind=SuspicionKind.REMOVES, by=(SOCKETS,),
        lines="        pub mod vsock;\n        pub use vsock::{VsockListener, VsockStream};\n",
    )  # fmt: skip
    gated = Suspicion(
        key="1a1b2c3d4e5f", patch=PatchName("wasi-net-without-unstable"), path="tokio/src/net/udp.rs",
        line=1204, kind=SuspicionKind.GATES, gate='not(target_os = "wasi")', by=(SOCKETS, DIRECT), lines="    pub fn set_tos_v6(&self, tos: u32) -> io::Result<()> {\n",
    )  # fmt: skip
    known = replace(lost, key="2a1b2c3d4e5f", line=80, acknowledged="Unix sockets are not for wasi")
    drift = Drift(
        path="tokio/src/net/udp.rs", line=12, kind=DriftKind.CFG, text="#[cfg(any(unix, windows))]",
        by=NAMED, patch=PatchName("wasi-inline-lookup"),
    )  # fmt: skip
    adapted = replace(
        outcome("wasi-net-without-unstable", Fate.ADAPTED), drop_when="green-without",
        drop_check=DropCheck(condition="green-without", met=None, evidence="no probe has asked"),
        range_diff="1:  1111111 ! 1:  2222222 net: without unstable\n    @@ src/net/mod.rs\n    - cfg_old!\n    + cfg_new!",
    )  # fmt: skip
    rebased = rebase(outcome("wasi-inline-lookup", Fate.SHIFTED), adapted)
    plan = records.publication("tokio", Move.HELD, why="2 suspicious places wait for a person")
    return record(
        replace(rebased, suspicions=(lost, gated, known), drifts=(drift, replace(drift, kind=DriftKind.THREAD, line=40, text="std::thread::spawn(f)"))),
        code=6, plan=plan,
    )  # fmt: skip


def _probe() -> RunRecord:
    rebased = replace(
        rebase(
            outcome("first", Fate.UNCHANGED),
            outcome("second", Fate.UNCHANGED),
            outcome("third", Fate.UNCHANGED),
        ),
        moved=False,
    )
    red = Red(
        kind=RedKind.BUILD,
        stack="hyper-util",
        name="hyper-util",
        why=ERROR.message,
        errors=(ERROR,),
        more_errors=2,
    )
    answers = (
        ProbeAnswer(patch=PatchName("first"), needed=True, why="hyper-util does not build: " + ERROR.message, red=red),
        ProbeAnswer(patch=PatchName("second"), needed=True, why="a needed patch edits its lines", needed_by=(PatchName("first"),)),
        ProbeAnswer(patch=PatchName("third"), needed=False, why=""),
    )  # fmt: skip
    whole = record(rebased, code=0)
    return replace(
        whole, command="forkbot probe tokio", stacks=(replace(whole.stacks[0], probes=answers),)
    )


JUDGED: Mapping[str, RunRecord] = {
    "judged-conflict": _conflict(),
    "judged-superseded": _superseded(),
    "judged-suspicious": _suspicious(),
    "judged-probe": _probe(),
}
