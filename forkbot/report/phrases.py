"""How things are put into words: numbers, lists, long texts in a line."""

from collections.abc import Iterable, Sequence


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: Sequence[str], *, most: int = 12) -> str:
    """Return names as a sentence lists them; beyond ``most`` they are only counted."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1:,} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def clip(text: str, limit: int = 160) -> str:
    """Return text on one line, its end left out where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 2]} …"


def tally(words: Iterable[str]) -> str:
    """Return how often each word comes, in the order of their first coming."""
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{n} {word}" for word, n in counts.items())
