"""When cells became slower or faster: steps in the series of stored runs. Pure; needs `ruptures`.

A series is one cell, implementation and twin on one machine. Another GPU, driver or toolchain begins a new one, so
that a change of toolchain is never taken for a change of code.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import ruptures

from ci.history.choice import Kept
from ci.history.comparison import center
from tests.latency.machine import Machine
from tests.latency.samples import Cell

FEWEST_RUNS = 3
"""On either side of a step."""
LEAST_STEP = 0.02
"""Relative change below which a step is not told: clocks and placement reach that far."""
LEAST_SPREAD = 0.002
PENALTY = 4.0
"""Of a step, in units of the variance times the logarithm of the number of runs: twice what BIC asks."""


@dataclass(frozen=True)
class Step:
    """A change that stayed."""

    at: Kept
    """The first run after it."""
    before: Kept
    """The last run before it."""
    ratio: float
    """Of the level after to the level before."""
    interval: tuple[float, float]
    """99 %, by the scatter of neighbouring runs."""


@dataclass(frozen=True)
class Series:
    """The runs of one cell that may be compared with each other, oldest first."""

    cell: Cell
    machine: Machine
    twin: str
    runs: tuple[Kept, ...]
    centers: tuple[float, ...]
    """Natural logarithms of the time over the twin's."""
    steps: tuple[Step, ...]


def trends(kept: Iterable[Kept], cell: str | None = None) -> list[Series]:
    """Return all series, of each cell the oldest first.

    Args:
        kept: runs of one implementation, oldest first. Those beside a base measured a change that may never have been
            taken in, and are left out.
        cell: id of the only cell that is asked for.
    """
    groups: dict[tuple[Cell, Machine, str], list[Kept]] = {}
    for each in kept:
        if each.run.about.base is not None:
            continue
        for of, stored in each.run.cells.items():
            if stored.twin and cell in (None, of.id):
                groups.setdefault((of, each.machine, each.run.about.twin), []).append(each)
    cells = list(dict.fromkeys(of for of, _, _ in groups))
    return [_series(key, runs) for key, runs in sorted(groups.items(), key=lambda item: cells.index(item[0][0]))]


def _series(key: tuple[Cell, Machine, str], runs: Sequence[Kept]) -> Series:
    cell, machine, twin = key
    centers = np.array([center(each.run, cell) for each in runs])
    return Series(cell, machine, twin, tuple(runs), tuple(centers.tolist()), tuple(_steps(runs, centers)))


def _steps(runs: Sequence[Kept], centers: np.ndarray) -> list[Step]:
    count = len(centers)
    if count < 2 * FEWEST_RUNS:
        return []
    spread = max(1.4826 * float(np.median(np.abs(np.diff(centers)))) / math.sqrt(2), LEAST_SPREAD)
    search = ruptures.KernelCPD(kernel="linear", min_size=FEWEST_RUNS).fit(centers[:, None])
    ends = [0, *map(int, search.predict(pen=PENALTY * math.log(count) * spread**2))]
    found = []
    for start, at, end in zip(ends, ends[1:], ends[2:], strict=False):
        change = float(np.mean(centers[at:end]) - np.mean(centers[start:at]))
        if abs(change) < math.log1p(LEAST_STEP):
            continue
        margin = 2.576 * spread * math.sqrt(1 / (at - start) + 1 / (end - at))
        interval = math.exp(change - margin), math.exp(change + margin)
        found.append(Step(runs[at], runs[at - 1], math.exp(change), interval))
    return found
