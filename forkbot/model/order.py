"""What people tell the bot to do, by a label or a checkbox on one of its artefacts."""

import enum
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from forkbot.model.artefact import Label
from forkbot.model.base import Fact


class Order(enum.Enum):
    """What can be asked for."""

    RETRY = "retry"  # verify again, even what was found green
    PAUSE = "pause"  # leave the stack alone for as long as it says so
    SKIP_PATCH = "skip patch"  # take the patch that is in conflict out of the series


class Given(Fact, frozen=True, kw_only=True):
    """An order as it was found, and whether it is followed."""

    order: Order
    url: str  # of the artefact that has the label, or the box
    by: str = ""  # who set the label; '' for a box, which only those may tick who may write here
    obeyed: bool = True
    why: str = ""  # why it is not


ORDER_LABELS: Mapping[Order, Label] = MappingProxyType({
    Order.RETRY: Label(name="forkbot: retry", colour="5319e7", about="verify again"),
    Order.PAUSE: Label(name="forkbot: pause", colour="5319e7", about="leave this stack alone"),
    Order.SKIP_PATCH: Label(
        name="forkbot: skip patch", colour="5319e7", about="park the patch that is in conflict"
    ),
})  # fmt: skip
_WORDS = {
    Order.RETRY: "**Retry**: verify again in the next run",
    Order.PAUSE: "**Pause**: leave this stack alone as long as this is ticked",
    Order.SKIP_PATCH: "**Skip patch**: the patch in conflict leaves the series, and its file stays",
}


def checkboxes(orders: Iterable[Order], *, ticked: Collection[Order] = ()) -> str:
    """Return the boxes for people to tick: they have to be the last lines of a body.

    What comes before them quotes upstream, and so may hold lines that look like these.
    """
    return "\n".join(_line(o, ticked=o in ticked) for o in orders)


def ticked(body: str) -> tuple[Order, ...]:
    """Return the orders whose boxes are ticked at the end of a body of ours."""
    known = {_line(o, ticked=t): (o, t) for o in Order for t in (False, True)}
    found = []
    for line in reversed(body.rstrip().splitlines()):
        box = known.get(line.strip().replace("- [X]", "- [x]", 1))
        if box is None:
            break
        found += [box[0]] if box[1] else []
    return tuple(reversed(found))


def _line(order: Order, *, ticked: bool) -> str:
    return f"- [{'x' if ticked else ' '}] {_WORDS[order]}"
