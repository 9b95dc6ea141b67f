"""What holds a publication, decided on a real rebase and a planned push."""

from pathlib import Path

from forkbot.attempt import Attempt
from forkbot.hold import hold_back
from forkbot.model.publication import Move, Publication
from forkbot.words import BranchName, Channel
from tests.scenario import Content, Upstream, carried, make_stack

GATE = '#[cfg(not(target_os = "wasi"))]\n'
ITEMS = [f"impl A{n} {{\n    fn a(&self) {{}}\n\n    fn z(&self) {{}}\n}}\n" for n in range(5)]


def test_suspicions_hold_a_publication_and_say_what_to_type(
    upstream: Upstream, tmp_path: Path
) -> None:
    old: dict[str | bytes, Content] = {f"src/{n}.rs": text for n, text in enumerate(ITEMS)}
    base = upstream.commit("base", old)
    for n, text in enumerate(ITEMS):
        upstream.commit("more", {f"src/{n}.rs": text.replace("\n\n", "\n\n    fn m() {}\n\n")})
    ours: dict[str | bytes, Content] = {f"src/{n}.rs": GATE + i for n, i in enumerate(ITEMS)}
    stack, _ = make_stack(upstream, base, {"fix": ours})
    rebased = carried(stack, upstream, base, tmp_path)
    keys = [s.key for s in rebased.facts.unacknowledged]
    assert len({*keys}) == 5
    plan = Publication(
        repo="demo", branch=BranchName("wasip2"), move=Move.UPDATE, new=upstream.tip, old=base,
        recovery="refs/tags/x",
    )  # fmt: skip
    attempt = Attempt(stack=stack, chosen=True, upstream="x.git", rebased=rebased, publication=plan)
    hold_back([attempt], None, channel=Channel.MAIN)
    assert attempt.publication is not None
    assert (attempt.publication.move, attempt.publication.why, attempt.publication.recovery) == (
        Move.HELD,
        f'5 suspicions to look at: forkbot acknowledge demo {" ".join(keys[:3])} … --why "…"',
        "",
    )
