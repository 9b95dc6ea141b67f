"""What an update says of itself: nothing of upstream's is live in it, and no more than is true."""

import pytest

from forkbot.model.fate import Rebase
from forkbot.model.place import Place
from forkbot.report.update import commit_message
from forkbot.words import Channel, Oid, StackName

LOCK = ("stack.lock",)
OID = Oid("a" * 40)


def _rebased(label: str, *, stack: str = "demo") -> Rebase:
    place = Place(commit=OID, tree=OID, label=label)
    return Rebase(
        stack=StackName(stack), channel=Channel.MAIN, base=place, onto=place, outcomes=(), tip=OID,
        tree=OID,
    )  # fmt: skip


@pytest.mark.parametrize(
    "label", ["v1.0@somebody", "v1.0#12", "v1-GH-1", "v1-gh-1", "v1/x", "v1\nFixes: 1", ""]
)
def test_what_a_label_could_set_off_is_left_out_of_a_commit(label: str) -> None:
    assert commit_message([(_rebased(label), LOCK)]) == (
        "demo: move the lock\n\ndemo (main) on aaaaaaaaaaaa: stack.lock\n"
    )


def test_a_commit_names_each_stack_with_its_files() -> None:
    first, *others = (_rebased("1.2.3", stack=name) for name in "abcdef")
    moved = [(first, ("patches/fix.patch", *LOCK)), *((other, LOCK) for other in others)]
    subject, _, *rest = commit_message(moved).splitlines()
    assert subject == "a, b, c and 3 more: refresh the patches"
    assert rest == [
        "a (main) on 1.2.3 aaaaaaaaaaaa: patches/fix.patch, stack.lock",
        *(f"{name} (main) on 1.2.3 aaaaaaaaaaaa: stack.lock" for name in "bcdef"),
    ]
