"""What is measured of one workload after the other on this process's GPU, in which order, and with which clocks.

A run draws the memory of a workload anew, and the order of the sides; within it they are replayed in turn, there and
back. All sides of a run share one placement.
"""

import random
from collections.abc import Sequence
from statistics import median
from typing import Any

import torch

from ci.speed.figures import ALLOCATION, COPY, EMPTY
from tests.calls.errors import Foreseen
from tests.cases.case import Case
from tests.instruments.device_clock import (
    LAYERS,
    REPLAYS,
    GraphClock,
    Neighbours,
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

HOST_BATCHES = 12
"""Of each side in a run."""
IN_PLACE_REPLAYS = 24
"""Of each side in a run; even, so that sides take turns there and back."""
HOST_CALLS = 3
"""Calls of a side that waits for the device, in a run: it may launch thousands of kernels."""


class GpuClocks:
    """Times the sides, on one placement at a time.

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

    def on_host(self, case: Case, runs: int) -> dict[str, dict[str, Any]]:
        """Return what is known of all sides on a workload before the GPU is timed: `figures.Timed` as JSON objects.

        Args:
            case: the workload.
            runs: how many.
        """
        sides: dict[str, dict[str, Any]] = {
            name: {"host": [], "cold": [], "warm": [], "in_place": [], "launches": None, "is_eager": False}
            for name in (COPY, EMPTY, ALLOCATION, *self._functions)
        }
        for run in range(runs):
            rng = random.Random(f"{case.name} {run} host")
            self.place(case, run)
            if run == 0:
                self.require_same_rows(case.name)
                for name in (COPY, *self._functions):
                    sides[name]["launches"], sides[name]["is_eager"] = self.launches(name)
            going_on = [name for name in sides if not sides[name]["is_eager"]]
            for name, each in self.host_seconds(rng.sample(going_on, len(going_on)), HOST_BATCHES).items():
                sides[name]["host"].append(median(each))
            for name in sides:
                if sides[name]["is_eager"]:
                    sides[name]["host"].append(median(self.waiting_seconds(name, HOST_CALLS)))
        return sides

    def on_device(self, case: Case, sides: dict[str, dict[str, Any]], runs: int, *, is_stated: bool) -> dict[str, Any]:
        """Return what all sides took on a workload, as the JSON object of a `figures.Workload`.

        Args:
            case: the workload.
            sides: what `on_host` returned; gets the seconds of the GPU.
            runs: how many.
            is_stated: whether the workload is one that geometric means are over.
        """
        timed = [name for name, side in sides.items() if side["launches"] is not None]
        needed_bytes = 0
        for run in range(runs):
            rng = random.Random(f"{case.name} {run}")
            self.place(case, run)
            needed_bytes = self.needed_bytes
            captured = [name for name in timed if not sides[name]["is_eager"]]
            for kind in ("cold", "warm"):
                order = rng.sample(captured, len(captured))
                for name, seconds in self.replays(order, is_warm=kind == "warm").items():
                    sides[name][kind].append(median(seconds))
                for name in timed:
                    if sides[name]["is_eager"]:
                        sides[name][kind].append(self.kernel_seconds(name, is_warm=kind == "warm"))
            layers = self.layers(rng.sample(captured, len(captured)))
            for name in captured:
                if name != COPY:
                    more = [layer - of_copy for layer, of_copy in zip(layers[name], layers[COPY], strict=True)]
                    sides[name]["in_place"].append(median(more))
        return {"name": case.name, "needed_bytes": needed_bytes, "is_stated": is_stated, "sides": sides}

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

    def layers(self, names: Sequence[str]) -> dict[str, list[float]]:
        """Replay layers in place with each side in turn, and return the device seconds a layer of each replay."""
        neighbours = Neighbours(self._here)
        clock = GraphClock(self._here, [neighbours.around(side) for side in self._named(names)], calls=LAYERS)
        return replayed(clock, [(name, name) for name in there_and_back(names, IN_PLACE_REPLAYS)])

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
