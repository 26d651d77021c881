"""Which side is timed when. Sides take turns on one placement, so that what drifts hits all of them alike."""

import random
from collections.abc import Hashable, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Label = TypeVar("Label", bound=Hashable)

REPLAYS = 6
"""Of each side in one draw of memory, whoever asks; even, so that they can be blocks of A B B A."""


class Clock(Protocol):
    """What replays sides and times them, such as `GraphClock`."""

    def round(self, order: Sequence[str]) -> list[float]:
        """Replay sides by name, in this order, and return the seconds a call of each replay."""


def there_and_back(items: Sequence[Item], rounds: int) -> list[Item]:
    """Return all items so many times, every second time in reverse."""
    return [item for number in range(rounds) for item in (items if number % 2 == 0 else reversed(items))]


def blocks(count: int, rng: random.Random) -> list[int]:
    """Return so many blocks of A B B A or B A A B, where A is 0 and B is 1."""
    return [place for _ in range(count) for place in there_and_back(rng.sample((0, 1), 2), 2)]


def replayed(clock: Clock, turns: Sequence[tuple[Label, str]]) -> dict[Label, list[float]]:
    """Replay sides in turn, and return the seconds a call of each replay, in the order of measurement.

    Args:
        clock: of the placement, which holds the sides.
        turns: under which label each replay's seconds are kept, and the name of the side.
    """
    seconds: dict[Label, list[float]] = {label: [] for label, _ in turns}
    replays = clock.round([side for _, side in turns])
    for (label, _), measured in zip(turns, replays, strict=True):
        seconds[label].append(measured)
    return seconds
