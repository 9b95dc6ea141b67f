"""What to show where room is scarce: whole sections or their shorter forms, never a part of one."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A section as a face would write it, from its full form to its shortest.

    One that must be there is never left out while its shortest form finds room.
    """

    forms: tuple[str, ...]
    weight: int  # the smaller, the more it matters; 0 must be there


def size(text: str) -> int:
    """Return how much room a text takes: in bytes, which no way to count characters exceeds."""
    return len(text.encode())


def fit(pieces: Sequence[Piece], room: int) -> tuple[int | None, ...]:
    """Return for each piece which of its forms to show; None leaves it out.

    What matters most is given its fullest form first, as far as the room goes; one too big for
    what is left leaves its place to the ones after it.
    """
    sizes = [[size(form) for form in piece.forms] for piece in pieces]
    chosen: list[int | None] = [None] * len(pieces)
    order = sorted(range(len(pieces)), key=lambda n: pieces[n].weight)
    for n in order:  # a place for all that must be there, before anything has more than its place
        if pieces[n].weight == 0 and sizes[n][-1] <= room:
            chosen[n] = len(sizes[n]) - 1
            room -= sizes[n][-1]
    for n in order:
        taken = chosen[n]
        free = room + (0 if taken is None else sizes[n][taken])
        found = next((form for form, needs in enumerate(sizes[n]) if needs <= free), None)
        if found is not None:
            chosen[n] = found
            room = free - sizes[n][found]
    return tuple(chosen)
