"""The file ``acknowledged``: read by people and by forkbot, every odd line told with its number."""

from pathlib import Path

import pytest

from forkbot.errors import UsageError
from forkbot.model.judgement import Suspicion, SuspicionKind
from forkbot.stackdir.acknowledged import (
    parse_acknowledged,
    read_acknowledged,
    with_acknowledged,
    without_acknowledged,
)
from forkbot.words import PatchName

TEXT = """\
# looked at in November
0123456789ab no-wasi src/a b.rs: WASI has no: such thing

abcdef012345 other src/b.rs:  two blanks
"""


def test_each_line_acknowledges_one_suspicion(tmp_path: Path) -> None:
    path = tmp_path / "acknowledged"
    assert read_acknowledged(path) == {}
    path.write_text(TEXT)
    assert read_acknowledged(path) == {
        "0123456789ab": "WASI has no: such thing", "abcdef012345": "two blanks"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("0123456789ab p a.rs:", "the line acknowledges nothing"),
        ("0123456789AB p a.rs: why", "the line acknowledges nothing"),
        ("0123456789ab a.rs why", "the line acknowledges nothing"),
        (" 0123456789ab p a.rs: why", "the line acknowledges nothing"),
        ("0123456789ab p a.rs: why\r", "the line ends as on Windows (CRLF)"),
        ("abcdef012345 p a.rs: why", "abcdef012345 stands here a second time"),
    ],
)
def test_an_odd_line_is_told(line: str, what: str) -> None:
    with pytest.raises(UsageError) as told:
        parse_acknowledged(f"{TEXT}{line}\n", where="stacks/x/acknowledged")
    assert (told.value.what, told.value.where) == (what, "stacks/x/acknowledged:5")
    assert told.value.hint


def test_lines_come_and_go_and_the_rest_stays() -> None:
    suspicion = Suspicion(
        key="cccccccccccc", patch=PatchName("p"), path="src/c.rs", line=3,
        kind=SuspicionKind.GATES, lines="fn c() {}",
    )  # fmt: skip
    more = with_acknowledged(TEXT.rstrip("\n"), [suspicion], why="as agreed")
    assert more == f"{TEXT}cccccccccccc p src/c.rs: as agreed\n"
    assert parse_acknowledged(more, where="x")["cccccccccccc"] == "as agreed"
    assert without_acknowledged(more, {"cccccccccccc"}) == TEXT
    assert without_acknowledged(TEXT, {"0123456789ab", "abcdef012345"}) == (
        "# looked at in November\n\n"
    )
