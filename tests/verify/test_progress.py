"""What is said while cargo builds: how much of how much, what now, and what the last time took."""

from pathlib import Path

import msgspec

from forkbot.verify.progress import Progress, Times, Whole, without_bars

BAR = b"    Building [===>        ] 1/3: %s   "


def follow(keep: Path, *, fresh: bool = False) -> list[str]:
    """Follow a build of three units, and return what is said."""
    said: list[str] = []
    progress = Progress("forkbot-build-demo-0", keep=keep, say=said.append)
    progress.bar(b"   Compiling one v1.0.0")
    progress.bar(BAR.replace(b"1/3", b"0/3") % b"one")
    progress.unit("one", fresh=fresh)
    progress.bar(BAR % b"two, three(build.rs)")
    progress.bar(BAR % b"two, three(build)")
    progress.unit("two", fresh=fresh)
    progress.unit("three", fresh=fresh)
    assert progress.at == "two, three(build)"
    progress.ended(whole=True)
    return said


def test_units_and_what_is_compiled_are_told_and_nothing_is_guessed(tmp_path: Path) -> None:
    assert follow(tmp_path / "times.json") == [
        "building demo-0: 0 of 3 units, compiling one",
        "building demo-0: 1 of 3 units, compiling two, three(build.rs)",
    ]


def test_the_rest_is_told_by_what_it_took_the_last_time(tmp_path: Path) -> None:
    keep = tmp_path / "times.json"
    follow(keep)
    times = msgspec.json.decode(keep.read_bytes(), type=Times)
    assert set(times.units) == {"one", "two", "three"}
    assert times.packages == {"forkbot-build-demo-0": ["one", "three", "two"]}
    times.units.update(one=100.0, two=30.0, three=12.0)
    keep.write_bytes(msgspec.json.encode(times))
    assert follow(keep, fresh=True) == [
        "building demo-0: 0 of 3 units, compiling one; the rest took 2 min before",
        "building demo-0: 1 of 3 units, compiling two, three(build.rs); the rest took 42 s before",
    ]
    assert msgspec.json.decode(keep.read_bytes(), type=Times).units["one"] == 100.0, "it was fresh"


def test_times_that_nobody_can_read_are_none(tmp_path: Path) -> None:
    keep = tmp_path / "times.json"
    keep.write_bytes(b"{")
    assert len(follow(keep)) == 2
    assert set(msgspec.json.decode(keep.read_bytes(), type=Times).units) == {"one", "two", "three"}


def test_a_whole_verification_is_told_by_the_last_one_like_it(tmp_path: Path) -> None:
    keep = tmp_path / "times.json"

    def foretold(*, cold: bool, stacks: tuple[str, ...] = ("mio", "tokio")) -> str:
        return Whole(stacks, cold=cold, keep=keep).foretold()

    nothing = "no estimate, for nothing like it was verified here yet"
    assert (foretold(cold=True), foretold(cold=False)) == (nothing, nothing)
    Whole(("tokio", "mio"), cold=True, keep=keep).ended()
    follow(keep)
    times = msgspec.json.decode(keep.read_bytes(), type=Times)
    assert list(times.cold) == ["mio tokio"]
    times.cold["mio tokio"] = 301.0
    keep.write_bytes(msgspec.json.encode(times))
    assert foretold(cold=True) == "about 5 min, as last time from nothing"
    assert foretold(cold=False) == "no estimate but that it took 5 min from nothing"
    assert foretold(cold=True, stacks=("mio",)) == nothing
    times.warm["mio tokio"] = 48.2
    keep.write_bytes(msgspec.json.encode(times))
    assert foretold(cold=False) == "about 48 s, as last time"


def test_the_bar_is_taken_out_of_what_cargo_said() -> None:
    said = b"   Compiling one\n" + BAR % b"one" + b"\r" + b"error: no\n" + BAR % b"" + b"\r"
    assert without_bars(said) == b"   Compiling one\nerror: no\n"
