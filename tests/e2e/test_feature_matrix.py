"""Each feature set of stack.yaml is a build of its own: what one of them breaks, only it shows."""

import msgspec
import pytest

from forkbot.model.record import RunRecord
from forkbot.verify.toolchain import Toolchain
from forkbot.verify.wasmtime import Wasmtime
from tests.e2e.crates import LOWER, OURS, UPPER, Crates, manifest
from tests.e2e.world import Changes, World
from tests.upstream.registry import serve

pytestmark = pytest.mark.wasm
FEATURES = '\n[features]\ndefault = ["calm"]\ncalm = []\nloud = []\n'
# rustc reads the first line only with loud, the second only without calm
OURS_UPPER = (
    '#[cfg(feature = "loud")]\npub use lower::shout;\n'
    '#[cfg(not(feature = "calm"))]\npub use lower::word;\n'
)
MATRIX = """\
release: {since: 1.0.0}
depends: [lower]
build:
  - {package: upper}
  - {package: upper, features: [loud]}
  - {package: upper, default-features: false}
  - {package: upper, default-features: false, features: [calm, loud]}
"""


def test_every_combination_is_built_alone_and_told(
    world: World, tools: tuple[Toolchain, Wasmtime]
) -> None:
    with serve(world.place / "registry") as registry:
        crates = Crates(world, registry, tools)
        crates.release("lower", "1.0.0", LOWER)
        text = manifest("upper", "1.0.0", (("lower", "1"),)) + FEATURES
        crates.release("upper", "1.0.0", UPPER, more={"Cargo.toml": text})
        more = "release: {since: 1.0.0}\nbuild:\n  - {package: lower}\n"
        world.stack(crates.upstreams["lower"], {"our-word": OURS}, name="lower", more=more)
        ours: Changes = {"src/lib.rs": UPPER + OURS_UPPER}
        world.stack(crates.upstreams["upper"], {"louder": ours}, name="upper", more=MATRIX)
        said = world.forkbot(
            "run", "--all", "--channel", "release", "--probes", "0", "--json", code=4
        )
    verdict = msgspec.json.decode(said.out, type=RunRecord).verdict
    assert verdict is not None
    assert [
        (b.default_features, b.features, b.colour.value)
        for b in verdict.builds
        if b.stack == "upper"
    ] == [
        (True, (), "green"),
        (True, ("loud",), "red"),
        (False, (), "green"),
        (False, ("calm", "loud"), "red"),
    ]
    (report,) = world.reports()
    rows = [li for li in report.splitlines() if li.startswith("| upper | upper")]
    assert [row.split(" | ")[1:3] for row in rows] == [
        ["upper", "green"],
        ["upper (loud)", "red"],
        ["upper (no default features)", "green"],
        ["upper (no default features; calm, loud)", "red"],
    ]
