"""A build that went through and built nothing of ours is no proof: law 4."""

from pathlib import Path

from forkbot.cargo import Cargo
from forkbot.model.stack import BuildPolicy
from forkbot.model.verdict import Colour
from forkbot.stackdir.load import load_family
from forkbot.verify.build import build
from forkbot.verify.family import BuildUnit, Family
from forkbot.verify.workshop import Workshop
from tests.e2e.world import World
from tests.verify.machine import program, quiet


def test_a_build_without_a_unit_of_the_family_is_red(world: World) -> None:
    """Cargo's own words, of a build in which every crate came from the registry."""
    upstream = world.upstream()
    upstream.commit("begin", {"src/lib.rs": ""})
    world.stack(upstream, {})
    (stack,) = load_family(world.root)
    artifact = (
        '{"reason":"compiler-artifact","manifest_path":"/elsewhere/Cargo.toml","fresh":true,'
        '"target":{"name":"demo"}}'
    )
    cargo = program(world.place / "bin" / "cargo", f"echo '{artifact}'")
    workshop = Workshop(
        cargo=Cargo(program=cargo, env={"PATH": world.env["PATH"]}),
        target="wasm32-wasip2",
        target_dir=world.place / "target",
        host="x86_64-unknown-linux-gnu",
        secluded=False,
    )
    unit = BuildUnit(stack=stack, policy=BuildPolicy(package="demo"), package="forkbot-build-demo")
    family = Family(
        workspace=world.place, sources=Path("/sources"), crates=("demo",), builds=(unit,), smokes=()
    )
    built = build(unit, family=family, workshop=workshop, say=quiet)
    assert (built.colour, built.units) == (Colour.RED, 0)
    assert built.why == "cargo built no unit of the family: the patched crate is not in this build"
