"""Draws of cells on this process's GPU: base and head in turn over the same memory, with controls beside them."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import torch

from tests.cases.latency_workloads import GATED
from tests.instruments.device_clock import (
    LAYERS,
    REPLAYS,
    GraphClock,
    Neighbours,
    Placement,
    Side,
    blocks,
    copy_side,
    empty_side,
    gather_side,
    host_seconds,
    replayed,
    twin,
)
from tests.instruments.device_clock.cupti import agree, cross_checked
from tests.latency.samples import Cell, CellSamples, Draw

BLOCKS = REPLAYS // 2
"""Blocks of A B B A in a draw of a cell; of a control, one."""
HOST_BATCHES = 4
"""Batches of each side at one place in memory, in a draw of a host cell; even, as blocks are."""
HOST_PLACEMENTS = 4
"""Places in memory, each new, in a draw of a host cell: where tensors and objects lie biases all batches alike."""
FLOOD, FLOODS = "flood", 3
"""Replays of the flood alone, before and behind those of the sides of a draw in place."""
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

    def drawn(self, samples: CellSamples) -> CellSamples:
        """Return samples with one more draw."""
        cell, number = samples.cell, len(samples.draws)
        seed = hash_of(self._seed, cell.id, number)
        rng = random.Random(seed)
        pairs = {"": self._sides(cell), **self._controls(cell)}
        sides = list({side.name: side for pair in pairs.values() for side in pair}.values())
        rng.shuffle(sides)
        if cell.metric == "host":
            seconds: dict[str, list[float]] = {side.name: [] for side in sides}
            for place in range(HOST_PLACEMENTS):
                # The sides take turns batch by batch, each second time in reverse: neighbours in time, as in A B B A.
                placement = Placement(CASES[cell.workload], self._device, hash_of(seed, cell.id, place))
                for name, batches in host_seconds(placement, sides, HOST_BATCHES).items():
                    seconds[name] += batches
            draws = {key: Draw(tuple(seconds[a.name]), tuple(seconds[b.name])) for key, (a, b) in pairs.items()}
        else:
            turns = [
                ((key, place), pair[place].name)
                for key, pair in pairs.items()
                for place in blocks(1 if key else BLOCKS, rng)
            ]
            placement = Placement(CASES[cell.workload], self._device, seed)
            told = (
                _in_place(placement, sides, turns)
                if cell.metric == "in place"
                else replayed(GraphClock(placement, sides), turns)
            )
            draws = {key: Draw(tuple(told[key, 0]), tuple(told[key, 1])) for key in pairs}
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
        return (gather_side("base", self._base[cell.function]), gather_side("head", self._head[cell.function]))

    def _controls(self, cell: Cell) -> dict[str, tuple[Side, Side]]:
        if cell.metric == "host":
            return {"empty": (empty_side("empty"), empty_side("empty again"))}
        # Captured twice, as base and head are.
        twins = (gather_side("twin", twin.get_k_and_s), gather_side("twin again", twin.get_k_and_s))
        copy, empty = copy_side(), empty_side()
        controls = {"twin": twins, "copy": (copy, copy), "empty": (empty, empty)}
        if cell.metric == "in place":
            del controls["empty"]  # which has no results to be read
        return controls


Turn = tuple[tuple[str, int], str]


def _in_place(placement: Placement, sides: Sequence[Side], turns: Sequence[Turn]) -> dict[tuple[str, int], list[float]]:
    """Return what `replayed` would of layers in place, less what their flood takes alone."""
    neighbours = Neighbours(placement)
    layers = [*(neighbours.around(side) for side in sides), neighbours.alone(FLOOD)]
    floods: list[Turn] = [((FLOOD, 0), FLOOD)] * FLOODS
    told = replayed(GraphClock(placement, layers, calls=LAYERS), [*floods, *turns, *floods])
    of_flood = median(told.pop((FLOOD, 0)))
    return {label: [layer - of_flood for layer in of_side] for label, of_side in told.items()}


def hash_of(seed: int, cell: str, number: int) -> int:
    """Return a seed of its own for each draw of each cell, the same in every process."""
    return random.Random(f"{seed} {cell} {number}").getrandbits(31)
