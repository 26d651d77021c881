"""What differs between two groups of stored runs, cell by cell. Pure.

Both are ratios to a frozen twin that was measured in the same draws. Another run has other memory, clocks and
temperature, so a run is one piece of evidence, and the spread of runs on unchanged code says how far a cell strays. It
is taken from neighbouring runs of all that is stored; below `LEAST_SPREAD` it is not believed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from tests.latency import statistics as st
from tests.latency.samples import Cell
from tests.latency.stored_run import Run
from tests.latency.thresholds import FALSE_ALARM, INTERVAL_CONFIDENCE

LEAST_SPREAD = 0.01
"""Standard deviation of runs of unchanged code, as a logarithm. Smaller ones are measured on quiet days."""
FEWEST_NEIGHBOURS = 5
"""Pairs of neighbouring runs that tell a spread; with fewer, the least one is taken."""
PREDICTED = 30
"""Degrees of freedom where the spread is not measured but assumed."""


@dataclass(frozen=True)
class Difference:
    """How a cell of one group of runs relates to that of another."""

    cell: Cell
    ratio: float
    """Of B's time to A's, both over the twin's."""
    interval: tuple[float, float]
    """99 %."""
    is_significant: bool
    """Whether it would be this large by chance in any cell of one comparison in 200."""


def center(run: Run, cell: Cell) -> float:
    """Return the trimmed mean of a run's log-ratios to the twin, or of its log-seconds where it has no twin."""
    stored = run.cells[cell]
    ratios = sorted(stored.log_to_twin or map(math.log, stored.head))
    cut = int(st.TRIMMED_SHARE * len(ratios))
    return fmean(ratios[cut : len(ratios) - cut])


def differences(a: Sequence[Run], b: Sequence[Run], everything: Sequence[Run]) -> list[Difference]:
    """Return the difference of each cell that both have, significant ones first, the largest of them first.

    Args:
        a: runs of one commit, of one twin.
        b: runs of another.
        everything: all runs of the machine, oldest first, which tell the spread.
    """
    of_all = {cell for run in (*a, *b) for cell in run.cells if run.cells[cell].twin}
    cells = [cell for cell in of_all if any(cell in run.cells for run in a) and any(cell in run.cells for run in b)]
    found = [_difference(cell, a, b, everything, len(cells)) for cell in cells]
    return sorted(found, key=lambda each: (not each.is_significant, -abs(math.log(each.ratio)), each.cell.id))


def _difference(cell: Cell, a: Sequence[Run], b: Sequence[Run], everything: Sequence[Run], family: int) -> Difference:
    ours, theirs = ([center(run, cell) for run in runs if cell in run.cells] for runs in (a, b))
    spread, freedom = spread_of([center(run, cell) for run in everything if cell in run.cells])
    change = float(np.mean(theirs) - np.mean(ours))
    error = spread * math.sqrt(1 / len(ours) + 1 / len(theirs))
    reach = st.student_t_quantile(FALSE_ALARM / (2 * family), freedom) * error
    margin = st.student_t_quantile((1 - INTERVAL_CONFIDENCE) / 2, freedom) * error
    return Difference(
        cell, math.exp(change), (math.exp(change - margin), math.exp(change + margin)), abs(change) > reach
    )


def spread_of(centers: Sequence[float]) -> tuple[float, int]:
    """Return the standard deviation of runs of unchanged code and its degrees of freedom, from neighbours in time.

    Neighbours, since code changes between some runs; robustly, since a change is no scatter.
    """
    steps = np.abs(np.diff(np.array(centers)))
    if len(steps) < FEWEST_NEIGHBOURS:
        return LEAST_SPREAD, PREDICTED
    spread = 1.4826 * float(np.median(steps)) / math.sqrt(2)
    return max(spread, LEAST_SPREAD), len(steps)
