"""Host time: what the caller's thread spends on a call, while the GPU does what it was given before."""

import time
from collections.abc import Sequence

import torch

from tests.instruments.collection import no_collection
from tests.instruments.device_clock.placement import Placement
from tests.instruments.device_clock.side import Side
from tests.instruments.device_clock.turns import there_and_back

CALLS_A_BATCH = 64
"""Calls between two looks at the clock: far fewer than the GPU queues before the host has to wait."""


def host_seconds(placement: Placement, sides: Sequence[Side], batches: int) -> dict[str, list[float]]:
    """Return the host seconds a call of each batch, of each side. Sides take turns, there and back.

    Args:
        placement: of a workload so small that the GPU is never what is waited for.
        sides: what is compared.
        batches: of each side.
    """
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    with no_collection():
        for side in sides:
            side.call(placement, 0)
        for side in there_and_back(sides, batches):
            torch.cuda.synchronize(placement.device)
            start = time.perf_counter()
            for number in range(CALLS_A_BATCH):
                side.call(placement, number)
            seconds[side.name].append((time.perf_counter() - start) / CALLS_A_BATCH)
        torch.cuda.synchronize(placement.device)
    return seconds


def waiting_seconds(placement: Placement, side: Side, calls: int) -> list[float]:
    """Return the seconds that each call of a side keeps the host, which waits for the device within it."""
    torch.cuda.synchronize(placement.device)
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        side.call(placement, 0)
        seconds.append(time.perf_counter() - start)
    return seconds
