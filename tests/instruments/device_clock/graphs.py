"""Device time: CUDA graphs of unrolled calls, replayed in turn, each replay on a cold L2."""

from collections.abc import Sequence

import torch

from tests.calls.errors import Foreseen
from tests.instruments.collection import no_collection
from tests.instruments.device_clock.kept_lines import release_kept_lines
from tests.instruments.device_clock.placement import Placement
from tests.instruments.device_clock.side import Side

SUBMIT_CYCLES = 400_000
"""GPU cycles, about 0.2 ms, that the stream is kept busy while a replay is submitted behind it. If it was not long
enough, the next are twice as long: on an H100, submitting took 0.06 to 0.27 ms."""
MOST_SUBMIT_CYCLES = 1_600_000_000
"""Cycles, about a second, after which a host is too slow to be waited for."""
FLUSH_TIMES = 2
"""Bytes read to clear the L2 before a replay, in sizes of the L2."""


class NotCapturable(Foreseen):
    """A side cannot be captured in a CUDA graph."""


class HostTooSlow(Foreseen):
    """The GPU was ready for a replay before the host had submitted it, however long it was kept busy."""


class GraphClock:
    """Times sides on one placement. All write their results to the same memory.

    With memory of its own each, where it lies moved the ratio of two captures of one kernel by up to 2 % (64-mixed on
    an H100), against 0.15 %. What one side keeps in the L2 is released before the next is replayed.

    Args:
        placement: the memory of this draw.
        sides: what is compared, in the order of their capture.
        is_warm: whether all calls use the first page table, and the L2 is left as the call before left it.
        calls: that a replay makes; as many as the placement needs, unless given.
    """

    def __init__(
        self, placement: Placement, sides: Sequence[Side], *, is_warm: bool = False, calls: int | None = None
    ) -> None:
        self._placement = placement
        self.calls = calls or placement.budget.calls
        """Calls that a replay makes."""
        self._is_warm = is_warm
        self._flush = torch.zeros(FLUSH_TIMES * placement.l2_bytes // 4, dtype=torch.int32, device=placement.device)
        self._submit_cycles = SUBMIT_CYCLES
        self.replays = 0
        """Replays so far, with those that were made again."""
        self._pool = torch.cuda.graph_pool_handle()
        self._graphs = {side.name: self._capture(side) for side in sides}

    def round(self, order: Sequence[str], submit_cycles: int = SUBMIT_CYCLES) -> list[float]:
        """Replay the sides in an order, and return the device seconds a call of each replay.

        Args:
            order: names of sides, repeated as needed, such as A B B A.
            submit_cycles: GPU cycles to keep the stream busy while a replay is submitted, at least.

        Raises:
            HostTooSlow: see there.
        """
        self._submit_cycles = max(self._submit_cycles, submit_cycles)
        return [self._seconds_a_call(name) for name in order]

    def _seconds_a_call(self, name: str) -> float:
        while True:
            before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            release_kept_lines(self._placement.device)
            torch.cuda._sleep(self._submit_cycles)
            if not self._is_warm:
                self._flush.sum()
            before.record()
            self._graphs[name].replay()
            after.record()
            was_waited_for = before.query()
            after.synchronize()
            self.replays += 1
            if not was_waited_for:
                return float(before.elapsed_time(after)) / 1e3 / self.calls
            # What was measured is the host as well.
            self._submit_cycles *= 2
            if self._submit_cycles > MOST_SUBMIT_CYCLES:
                raise HostTooSlow(f"{name}: a replay was not submitted within {MOST_SUBMIT_CYCLES} cycles of the GPU")

    def _capture(self, side: Side) -> torch.cuda.CUDAGraph:
        """Capture all calls of a side.

        Raises:
            NotCapturable: with what the capture failed of.
        """
        placement = self._placement
        numbers = [0 if self._is_warm else number for number in range(self.calls)]
        side.call(placement, 0)  # what is compiled and allocated once is not a call's
        torch.cuda.synchronize(placement.device)
        graph = torch.cuda.CUDAGraph()
        try:
            with no_collection(), torch.cuda.graph(graph, pool=self._pool):
                for number in numbers:
                    side.call(placement, number)
        except RuntimeError as error:
            torch.cuda.synchronize(placement.device)
            raise NotCapturable(f"{side.name}: {str(error).splitlines()[0]}") from error
        graph.replay()
        torch.cuda.synchronize(placement.device)
        return graph
