"""The page that components fetch: served for the length of a block, and for no longer."""

import threading

import pytest

from forkbot.verify.services import serve


def test_an_interrupt_at_the_worst_moment_leaves_nothing_that_keeps_forkbot_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen once in many runs: a run that was interrupted, and a server that went on for ever."""
    start, began = threading.Thread.start, list[threading.Thread]()

    def start_and_be_interrupted(thread: threading.Thread) -> None:
        start(thread)
        began.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt), serve(["http"]):
        pytest.fail("it began to serve")
    assert [thread.daemon for thread in began] == [True]


def test_no_thread_is_left_of_a_block_that_ends() -> None:
    before = threading.active_count()
    with serve(["http"]) as served:
        assert served.word
        assert threading.active_count() == before + 2
    assert threading.active_count() == before
