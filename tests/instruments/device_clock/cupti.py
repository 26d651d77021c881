"""A second clock: CUPTI's records of each kernel, to be set against what events say of the same replay.

Recording slows a replay, so neither figure is a result: what is checked is that both clocks tell the same of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from tests.calls.errors import Foreseen
from tests.instruments.device_clock.graphs import FLUSH_TIMES, GraphClock
from tests.instruments.device_clock.placement import Placement
from tests.instruments.device_clock.side import Side

MOST_DIFFERENCE = 0.05
"""Relative difference of the two clocks from which on neither is trusted. CUPTI leaves out what lies before the first
kernel and behind the last, which is under 2 % of a replay."""
RECORDED_SUBMIT_CYCLES = 40_000_000
"""GPU cycles, about 20 ms, that the stream is busy ahead of a replay: to submit one that is recorded takes long."""
FIRST_OF_A_REPLAY = "spin_kernel"
"""Part of the name of the kernel that keeps the stream busy ahead of each replay."""
CLEARS_THE_L2 = "reduce_kernel"
"""Part of the name of the kernels that read the L2 full, which stand between that one and the calls."""


class NotTimed(Foreseen):
    """A side's time cannot be told."""


@dataclass(frozen=True)
class Recorded:
    """One kernel, as CUPTI recorded it."""

    name: str
    start: float
    """Seconds from some moment on."""
    end: float


def cross_checked(clocks: Mapping[str, tuple[GraphClock, str]]) -> dict[str, tuple[float, float]]:
    """Return the seconds a call by events and by CUPTI, of one replay each, by key; NaN where records are missing.

    Args:
        clocks: by key, a clock with cold L2 and the name of the side to replay.
    """
    by_events: list[float] = []
    made: list[int] = []  # replays until the one whose time was told
    # The first replay that is recorded waits for CUPTI itself to be ready: it is made twice, and counted once.
    replays = [*list(clocks.values())[:1], *clocks.values()]
    with profile(activities=[ProfilerActivity.CUDA], acc_events=True) as profiler:
        for clock, side in replays:
            earlier = clock.replays
            by_events += clock.round([side], RECORDED_SUBMIT_CYCLES)
            made.append(clock.replays - earlier)
        torch.cuda.synchronize()
    spans = spans_of(
        Recorded(event.name(), event.start_ns() * 1e-9, (event.start_ns() + event.duration_ns()) * 1e-9)
        for event in _events(profiler)
    )
    is_whole = len(spans) == sum(made)
    spans = [spans[end - 1] if is_whole else float("nan") for end in accumulate(made)]
    figures = zip(by_events[1:], spans[1:], strict=True)
    return {
        key: (told, span / clock.calls) for (key, (clock, _)), (told, span) in zip(clocks.items(), figures, strict=True)
    }


def kernel_seconds(placement: Placement, side: Side, *, is_warm: bool) -> float:
    """Return the sum of the durations of what one eager call of a side runs on the GPU.

    Args:
        placement: where it is called.
        side: one that waits for the device, so that no graph holds it.
        is_warm: whether the L2 is left as the call before left it.

    Raises:
        NotTimed: nothing was recorded.
    """
    side.call(placement, 0)
    if not is_warm:
        torch.zeros(FLUSH_TIMES * placement.l2_bytes // 4, dtype=torch.int32, device=placement.device).sum()
    torch.cuda.synchronize(placement.device)
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        side.call(placement, 0)
        torch.cuda.synchronize(placement.device)
    # In whole nanoseconds: seconds since an epoch, as a float, are coarser than a kernel is long.
    nanoseconds = [event.duration_ns() for event in _events(profiler)]
    if not nanoseconds:
        raise NotTimed(f"{side.name} waits for the device, and CUPTI recorded none of its kernels")
    return 1e-9 * sum(nanoseconds)


def _events(profiler: Any) -> list[Any]:
    """Return what CUPTI recorded of the GPU."""
    events = profiler.profiler.kineto_results.events()
    return [event for event in events if "CUDA" in str(event.device_type()) and event.duration_ns() > 0]


def spans_of(records: Iterable[Recorded]) -> list[float]:
    """Return the seconds from the first call's start to the last one's end of each replay; NaN where there is none."""
    replays: list[list[Recorded]] = []
    for record in sorted(records, key=lambda record: record.start):
        if FIRST_OF_A_REPLAY in record.name:
            replays.append([])
        elif replays and CLEARS_THE_L2 in record.name:
            replays[-1].clear()  # whatever came between was on its behalf
        elif replays:
            replays[-1].append(record)
    return [max(r.end for r in calls) - calls[0].start if calls else float("nan") for calls in replays]


def agree(by_events: float, by_cupti: float) -> bool:
    """Whether two clocks tell the same; not, if one of them is NaN."""
    return abs(by_cupti / by_events - 1) <= MOST_DIFFERENCE
