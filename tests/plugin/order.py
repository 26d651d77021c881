"""In which order tests run, so that no worker is left alone with long ones at the end."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

Item = TypeVar("Item")


def as_named(items: Sequence[Item], name: Callable[[Item], str], patterns: Sequence[str]) -> list[Item]:
    """Return items in the order of the first patterns that their names match; those that match none come last."""

    def place(item: Item) -> int:
        matching = (at for at, pattern in enumerate(patterns) if fnmatchcase(name(item), pattern))
        return next(matching, len(patterns))

    return sorted(items, key=place)


def dealt(items: Sequence[Item], weight: Callable[[Item], int], workers: int, light_first: bool = False) -> list[Item]:
    """Return items in an order of which each worker gets its fair share of the heavy ones, and begins with them.

    Or with the light ones, where the first that fails ends the run: what shows on a small case shows soonest there.

    pytest-xdist's `worksteal` cuts the order into a stretch for each worker, and moves only the ends of stretches
    between them. Items sorted by weight would all be long in the first one's.

    Args:
        items: what to order; those of equal weight keep theirs.
        weight: about how long an item takes.
        workers: among which they are split, 1 at least.
    """
    stretches: list[list[Item]] = [[] for _ in range(workers)]
    # As the scheduler counts: what does not divide evenly goes to the last ones.
    room = [(len(items) + index) // workers for index in range(workers)]
    for place, item in enumerate(sorted(items, key=weight, reverse=not light_first)):
        hand = place % workers
        while len(stretches[hand]) >= room[hand]:
            hand = (hand + 1) % workers
        stretches[hand].append(item)
    return [item for stretch in stretches for item in stretch]
