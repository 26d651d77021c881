"""A second clock: CUPTI's records of each kernel, to be set against what events say of the same replay."""

from collections.abc import Mapping

import torch
from torch.profiler import ProfilerActivity, profile

from tests.instruments.device_clock.graphs import GraphClock

MOST_DIFFERENCE = 0.05
"""Relative difference of the two clocks from which on neither is trusted. CUPTI leaves out what lies before the first
kernel and behind the last, which is under 2 % of a replay."""
_NOT_OF_THE_CALLS = ("spin_kernel", "reduce_kernel")
"""Parts of the names of the kernels that keep the stream busy and clear the L2."""


def cross_checked(clocks: Mapping[str, tuple[GraphClock, str]]) -> dict[str, tuple[float, float]]:
    """Return the seconds a call by events and by CUPTI, of one replay each, by key.

    Args:
        clocks: by key, a clock and the name of the side to replay. Its calls must launch no reduction of torch's.
    """
    by_events: dict[str, float] = {}
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        for key, (clock, side) in clocks.items():
            by_events[key] = clock.round([side])[0]
            torch.cuda.synchronize()
    kernels = sorted(
        (event.start_ns(), event.start_ns() + event.duration_ns())
        for event in profiler.profiler.kineto_results.events()
        if "CUDA" in str(event.device_type()) and not any(part in event.name() for part in _NOT_OF_THE_CALLS)
    )
    found: dict[str, tuple[float, float]] = {}
    first = 0
    for key, (clock, _) in clocks.items():
        calls = clock.calls
        own = kernels[first : first + calls]
        first += calls
        spent = (max(end for _, end in own) - own[0][0]) * 1e-9 / calls if len(own) == calls else float("nan")
        found[key] = (by_events[key], spent)
    if first != len(kernels):
        # One kernel a call was expected. With others between, no span can be told from its neighbour's.
        return {key: (seconds, float("nan")) for key, (seconds, _) in found.items()}
    return found


def agree(by_events: float, by_cupti: float) -> bool:
    """Whether two clocks tell the same, of which neither may be a NaN."""
    return abs(by_cupti / by_events - 1) <= MOST_DIFFERENCE
