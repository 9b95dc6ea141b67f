"""What goes on, told to a log: nothing is lost but steps that are counted, and come fast."""

import time

import pytest

from forkbot.cli.surroundings import progress

NIGHT = [  # seconds since it began, and what is said
    (0.0, "building net: 0 of 80 units, compiling libc"),
    (0.1, "building net: 1 of 80 units, compiling mio"),
    (9.9, "building net: 40 of 80 units, compiling mio and tokio"),
    (10.0, "building net: 41 of 80 units, compiling tokio"),
    (10.1, "net: locating upstream"),
    (10.1, "net: rebasing onto 3 of May"),
    (10.2, "running word with the stacks: said (1 of 2)"),
    (10.3, "running word with the stacks: denied (2 of 2)"),
    (10.4, "running word on pristine upstream: said (1 of 2)"),
    (10.5, "running word with the stacks: said (1 of 2)"),
    (10.6, "once more, for no compiler says why: cargo was ended by signal 9"),
    (10.6, "once more, for no compiler says why: cargo was ended by signal 9"),
]
LEFT_OUT = [1, 2, 7]


def test_a_log_has_a_step_every_ten_seconds_and_each_first_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress() as say:
        for at, text in NIGHT:
            monkeypatch.setattr(time, "monotonic", lambda at=at: at)
            say(text)
    told = [text for number, (_, text) in enumerate(NIGHT) if number not in LEFT_OUT]
    assert capsys.readouterr().err.splitlines() == [f"forkbot: {text}" for text in told]
