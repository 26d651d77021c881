"""How many calls a graph holds, and how many page tables they go through. Pure."""

from dataclasses import dataclass

REPLAY_SECONDS = 0.5e-3
"""A replay's least length: events tick every 0.5 us, and what surrounds the calls costs a few."""
MOST_CALLS = 400
"""Calls of one graph at the most: with more, its capture takes longer than what it measures is worth."""
LAUNCH_SECONDS = 1.3e-6
"""What the shortest kernel of a graph takes, its place in the queue included."""
BYTES_A_SECOND = 2.6e12
"""What a copy of some megabytes reads and writes on an H100. On a slower card a replay is longer than it must be."""
COLD_L2_TIMES = 4
"""Bytes touched between two uses of a page, in sizes of the L2: a use after fewer may be a hit."""


@dataclass(frozen=True)
class Budget:
    """What one graph holds."""

    calls: int
    """Unrolled calls of a graph."""
    tables: int
    """Page tables that they go through in turn; no two name the same page."""


def budget_of(needed_bytes: int, l2_bytes: int) -> Budget:
    """Return how many calls make a replay long enough, and how many tables keep them cold.

    Args:
        needed_bytes: what one call reads of the pool, and as many that it writes.
        l2_bytes: the GPU's L2.
    """
    seconds = LAUNCH_SECONDS + 2 * needed_bytes / BYTES_A_SECOND
    calls = min(MOST_CALLS, max(2, -(-int(REPLAY_SECONDS * 1e9) // max(1, int(seconds * 1e9)))))
    between = -(-COLD_L2_TIMES * l2_bytes // max(needed_bytes, 1))
    return Budget(calls, min(calls, between + 1))
