"""Runs that were red, and what was found of since when: each way in which a search can end."""

from collections.abc import Mapping

from msgspec.structs import replace

from forkbot.model.buildbreaker import BuildBreaker, Ended, Spot, Turn
from forkbot.model.probe import Red, RedKind
from forkbot.model.record import RunRecord
from forkbot.model.upstream import UpstreamCommit
from forkbot.words import Channel, PatchName, StackName
from tests.report.judged import DIRECT, GATES, NAMED, SOCKETS, URL
from tests.report.records import ERROR, RECORDS, oid

RED = Red(
    kind=RedKind.BUILD, stack="hyper-util", name="hyper-util", errors=(ERROR,),
    why=f"hyper-util does not build: {ERROR.file}:{ERROR.line}: {ERROR.message}",
)  # fmt: skip
EARLIER = Red(
    kind=RedKind.BUILD, stack="hyper-util", name="hyper-util",
    why="hyper-util does not build: src/rt.rs:7: mismatched types",
    errors=(replace(ERROR, code="E0308", message="mismatched types", rendered="error[E0308]\n"),),
)  # fmt: skip
NOTHING = Turn(ended=Ended.NOTHING, why="upstream did not move")
EVERYWHERE = Turn(ended=Ended.EVERYWHERE, bad=Spot(label="1.55.0 without a patch", red=RED))


def spot(commit: UpstreamCommit, red: Red | None = None) -> Spot:
    """Return a commit that was built."""
    return Spot(label=f"v0.1.20-{commit.pull_request or 0}-g1234567", commit=commit, red=red)


def breaker(
    upstream: Turn, *, patches: Turn = EVERYWHERE, now: Turn | None = None, unsteady: str = "",
    stack: str = "hyper-util", red: Red = RED,
) -> BuildBreaker:  # fmt: skip
    """Return what was found along a stack."""
    return BuildBreaker(
        stack=StackName(stack), tip=oid(5), red=red, base="1.54.1", onto="1.55.0",
        upstream=upstream, now=now, patches=patches, probes=9, remembered=2, seconds=61.5,
        unsteady=unsteady,
    )  # fmt: skip


FOUND = Turn(
    ended=Ended.FOUND, good=spot(NAMED), bad=spot(SOCKETS, RED), asked=9, places=200
)  # fmt: skip
OTHERWISE = Turn(
    ended=Ended.FOUND, good=Spot(label="v0.1.19"), bad=spot(GATES, EARLIER), asked=9, places=200,
    came_and_went=(spot(DIRECT, EARLIER), spot(NAMED)),
)  # fmt: skip
NOW = Turn(ended=Ended.FOUND, good=spot(GATES, EARLIER), bad=spot(SOCKETS, RED))
BOUNDED = Turn(
    ended=Ended.BOUNDED, good=spot(NAMED), bad=spot(SOCKETS, RED), asked=4, places=200, between=98
)  # fmt: skip
UNTRIED = Turn(
    ended=Ended.UNTRIED, good=spot(NAMED), bad=spot(SOCKETS, RED), asked=4, places=200, untried=3
)  # fmt: skip
PATCH = PatchName("wasi-inline-lookup")
TAKES = Turn(
    ended=Ended.FOUND,
    good=Spot(label="1.55.0 without a patch"),
    bad=Spot(label=f"1.55.0 with the patches up to {PATCH}", patch=PATCH, red=RED),
)
UNCOVERS = replace(TAKES, good=Spot(label="1.55.0 without a patch", red=EARLIER))
FLAKY = "v0.1.20 was red (exit code 134), and run again it is green"
UNREACHED = Turn(ended=Ended.STOPPED, why="cargo cannot reach its registry: could not connect")


def _broken(*breakers: BuildBreaker, channel: Channel = Channel.MAIN) -> RunRecord:
    whole = RECORDS["red-build"]
    stacks = tuple(replace(s, upstream_url=URL) for s in whole.stacks)
    return replace(
        whole, channel=channel, stacks=stacks, breakers=breakers, command="forkbot run --all"
    )


BROKEN: Mapping[str, RunRecord] = {
    "broken-since": _broken(breaker(FOUND, patches=TAKES)),
    "broken-twice": _broken(
        breaker(NOTHING, stack="tokio"),
        breaker(OTHERWISE, now=NOW, patches=UNCOVERS),
    ),
    "broken-by-chance": _broken(breaker(FOUND, unsteady=FLAKY)),
    "broken-range": _broken(
        breaker(BOUNDED, patches=Turn(ended=Ended.BOUNDED)), channel=Channel.RELEASE
    ),
}
