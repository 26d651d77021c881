"""Draws of cells on this process's GPU: base and head in turn over the same memory, with controls beside them."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from ci.latency.samples import Cell, CellSamples, Draw
from tests.cases.latency_workloads import GATED
from tests.instruments.device_clock import (
    GraphClock,
    Placement,
    Side,
    copy_side,
    empty_side,
    gather_side,
    host_seconds,
    twin,
)
from tests.instruments.device_clock.cupti import agree, cross_checked

BLOCKS = 3
"""Blocks of A B B A in a draw of a cell; of a control, one."""
HOST_BATCHES = 4
"""Batches of each side in a draw of a host cell; even, as blocks are."""
CASES = {case.name: case for case in GATED}

Functions = Mapping[str, Callable[..., Any]]


class Measurer:
    """Measures cells, one draw at a time.

    Args:
        base: the base's functions by name.
        head: the head's.
        seed: of this process; no two processes of a run have the same.
    """

    def __init__(self, base: Functions, head: Functions, seed: int) -> None:
        self._base = base
        self._head = head
        self._seed = seed
        self._device = torch.device("cuda", torch.cuda.current_device())

    def empty(self, cell: Cell) -> CellSamples:
        """Return the samples of a cell before its first draw."""
        return CellSamples(cell, (), {})

    def drawn(self, samples: CellSamples) -> CellSamples:
        """Return samples with one more draw."""
        cell, number = samples.cell, len(samples.draws)
        seed = hash_of(self._seed, cell.id, number)
        rng = random.Random(seed)
        placement = Placement(CASES[cell.workload], self._device, seed)
        pairs = {"": self._sides(cell), **self._controls(cell)}
        sides = [side for pair in pairs.values() for side in pair]
        rng.shuffle(sides)
        if cell.metric == "host":
            # The sides take turns batch by batch, each second time in reverse: neighbours in time, as in A B B A.
            seconds = host_seconds(placement, sides, HOST_BATCHES)
        else:
            seconds = _replayed(GraphClock(placement, sides), pairs, rng)
        draws = {key: Draw(tuple(seconds[a.name]), tuple(seconds[b.name])) for key, (a, b) in pairs.items()}
        controls = {key: (*samples.controls.get(key, ()), draw) for key, draw in draws.items() if key}
        return replace(samples, draws=(*samples.draws, draws[""]), controls=controls)

    def untrusted(self, cells: Sequence[Cell]) -> dict[Cell, str]:
        """Return the cells whose time by events and by CUPTI's records of the same replay differ, and by how much."""
        device = [cell for cell in cells if cell.metric == "device"]
        clocks: dict[str, tuple[GraphClock, str]] = {}
        for cell in device:
            placement = Placement(CASES[cell.workload], self._device, hash_of(self._seed, cell.id, -1))
            side = gather_side("head", self._head[cell.function])
            clocks[cell.id] = (GraphClock(placement, [side]), side.name)
        told = cross_checked(clocks)
        return {
            cell: "the clocks disagree: {:.2f} us by events, {:.2f} by CUPTI".format(*(1e6 * t for t in told[cell.id]))
            for cell in device
            if not agree(*told[cell.id])
        }

    def arguments(self, cell: Cell) -> tuple[Any, ...]:
        """Return the arguments of one call of a cell."""
        return Placement(CASES[cell.workload], self._device, hash_of(self._seed, cell.id, -2)).arguments[0]

    def _sides(self, cell: Cell) -> tuple[Side, Side]:
        return (
            gather_side("base", self._base[cell.function]),
            gather_side("head", self._head[cell.function]),
        )

    def _controls(self, cell: Cell) -> dict[str, tuple[Side, Side]]:
        if cell.metric == "host":
            return {"empty": (empty_side("empty"), empty_side("empty again"))}
        return {
            "twin": (gather_side("twin", twin.get_k_and_s), gather_side("twin again", twin.get_k_and_s)),
            "copy": (copy_side("copy"), copy_side("copy again")),
            "empty": (empty_side("empty"), empty_side("empty again")),
        }


def _replayed(clock: GraphClock, pairs: Mapping[str, tuple[Side, Side]], rng: random.Random) -> dict[str, list[float]]:
    """Replay each pair in blocks of A B B A or B A A B, and return the seconds a call of each side."""
    seconds: dict[str, list[float]] = {side.name: [] for pair in pairs.values() for side in pair}
    order: list[str] = []
    for key, pair in pairs.items():
        for _ in range(1 if key else BLOCKS):
            first, second = rng.sample([side.name for side in pair], 2)
            order += [first, second, second, first]
    for name, measured in zip(order, clock.round(order), strict=True):
        seconds[name].append(measured)
    return seconds


def hash_of(seed: int, cell: str, number: int) -> int:
    """Return a seed of its own for each draw of each cell, the same in every process."""
    return random.Random(f"{seed} {cell} {number}").getrandbits(31)
