"""The clocks of one workload after the other on this process's GPU, for all sides that are shown side by side."""

from collections.abc import Sequence
from typing import Any

import torch

from ci.speed.figures import ALLOCATION, COPY, EMPTY
from tests.calls.errors import Foreseen
from tests.cases.case import Case
from tests.instruments.device_clock import (
    REPLAYS,
    GraphClock,
    Placement,
    Side,
    copy_side,
    empty_side,
    gather_side,
    host_seconds,
    replayed,
    there_and_back,
    waiting_seconds,
)
from tests.instruments.device_clock.cupti import kernel_seconds
from tests.instruments.poison import counted_launches, poisoned_allocations
from tests.instruments.red_zones import RedZonedMemory
from tests.latency.measure import Functions


class GpuClocks:
    """Times the sides on one placement at a time.

    Args:
        functions: `get_k_and_s` of each implementation, by its name.
    """

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._device = torch.device("cuda", torch.cuda.current_device())
        self._sides = {
            COPY: copy_side(COPY),
            EMPTY: empty_side(EMPTY),
            ALLOCATION: Side(ALLOCATION, _allocate),
            **{name: gather_side(name, function) for name, function in functions.items()},
        }
        self._placement: Placement | None = None

    @property
    def needed_bytes(self) -> int:
        """Bytes that a call must read and write on this placement."""
        return 2 * self._here.needed_bytes

    def place(self, case: Case, seed: int) -> None:
        """Draw where a workload lies."""
        self._placement = None
        torch.cuda.empty_cache()
        self._placement = Placement(case, self._device, seed)

    def require_same_rows(self, workload: str) -> None:
        """See that all implementations gather the same.

        Raises:
            Foreseen: one gathers other rows than the first.
        """
        arguments = self._here.arguments[0]
        first, *others = self._functions
        expected = self._functions[first](*arguments)
        for name in others:
            if not same_rows(expected, self._functions[name](*arguments)):
                raise Foreseen(f"{name} and {first} gather different rows on {workload}: examine them first")

    def launches(self, name: str) -> tuple[int, bool]:
        """Return the kernels that a call launches, and whether it waits for the device, so that no graph holds it."""
        return launches_of(self._sides[name], self._here)

    def replays(self, names: Sequence[str], *, is_warm: bool) -> dict[str, list[float]]:
        """Replay sides in turn, and return the device seconds a call of each replay.

        Args:
            names: the sides, in the order of their capture.
            is_warm: whether the L2 is left as the call before left it.
        """
        clock = GraphClock(self._here, self._named(names), is_warm=is_warm)
        return replayed(clock, [(name, name) for name in there_and_back(names, REPLAYS)])

    def kernel_seconds(self, name: str, *, is_warm: bool) -> float:
        """Return the device seconds of one call of a side that no graph holds, as CUPTI records them.

        Raises:
            NotTimed: nothing was recorded.
        """
        return kernel_seconds(self._here, self._sides[name], is_warm=is_warm)

    def host_seconds(self, names: Sequence[str], batches: int) -> dict[str, list[float]]:
        """Return the host seconds a call of each batch, of sides that do not wait for the device."""
        return host_seconds(self._here, self._named(names), batches)

    def waiting_seconds(self, name: str, calls: int) -> list[float]:
        """Return the seconds that each call of a side keeps the host, which waits for the device within."""
        return waiting_seconds(self._here, self._sides[name], calls)

    def _named(self, names: Sequence[str]) -> list[Side]:
        return [self._sides[name] for name in names]

    @property
    def _here(self) -> Placement:
        assert self._placement is not None, "place() comes first"
        return self._placement


def _allocate(placement: Placement, number: int) -> torch.Tensor:
    return torch.empty(placement.needed_bytes, dtype=torch.uint8, device=placement.device)


def same_rows(one: tuple[torch.Tensor, ...], other: tuple[torch.Tensor, ...]) -> bool:
    """Whether two results of `get_k_and_s` hold the same bytes, whatever dtype they are seen through."""
    return all(
        a.shape[0] == b.shape[0] and torch.equal(_as_bytes(a), _as_bytes(b)) for a, b in zip(one, other, strict=True)
    )


def _as_bytes(rows: torch.Tensor) -> torch.Tensor:
    return rows.contiguous().view(torch.uint8).reshape(rows.shape[0], -1)


def launches_of(side: Side, placement: Any) -> tuple[int, bool]:
    """Return the kernels that a call launches, a torch operation that writes being one, and whether it waits.

    It is looked at rather than captured: a capture that fails leaves torch's allocator unusable.
    """
    launches: list[str] = []
    memory = RedZonedMemory()
    try:
        with counted_launches(launches), poisoned_allocations(0, memory) as watched:
            side.call(placement, 0)
        return len(launches) + len(watched.operations), bool(watched.waits)
    finally:
        memory.close()
