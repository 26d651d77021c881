"""Runs that were never measured, for tests of what is stored and what is made of it."""

import math
from collections.abc import Mapping

import numpy as np

from tests.latency.machine import Machine
from tests.latency.samples import Cell
from tests.latency.stored_run import About, Run, StoredCell

H100 = Machine("NVIDIA H100 80GB HBM3", "570.86.15", "2.11.0+cu129", "3.6.0", "12.9", "3.12")
LONG, SHORT, HOST = Cell("1x1m", "get_k_and_s"), Cell("1x8k", "get_k"), Cell("1x128", "get_k", "host")
DRAWS = 8


def stored(*log_to_twin: float, seconds: float = 2e-5) -> StoredCell:
    """Return a cell with these ratios to its twin, a draw each."""
    twin = (seconds,) * len(log_to_twin)
    return StoredCell(tuple(float(f"{seconds * math.exp(ratio):.6g}") for ratio in log_to_twin), twin, twin, 10_000_000)


def run(cells: Mapping[Cell, StoredCell] | None = None, when: float = 1.0, **about: object) -> Run:
    """Return a run of the project's kernels."""
    given = {"implementation": "own", "twin": "t1", "commit": "c" * 40, "seconds_since_epoch": when, **about}
    return Run(About(**given), {LONG: stored(0.01, -0.02)} if cells is None else cells)  # type: ignore[arg-type]


def series(
    count: int,
    cells: tuple[Cell, ...] = (LONG, SHORT),
    step_at: int | None = None,
    step: float = 0.04,
    seed: int = 0,
    first: int = 0,
    scatter: float = 0.01,
) -> list[Run]:
    """Return runs of one machine, a commit and a minute each; those from `step_at` on are slower in the first cell."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(first, first + count):
        kept = {}
        for cell in cells:
            level = math.log1p(step) if cell == cells[0] and step_at is not None and number >= step_at else 0.0
            drawn = level + rng.normal(0, scatter) + rng.normal(0, 0.005, DRAWS)
            kept[cell] = stored(*map(float, drawn))
        made.append(run(kept, 1.7e9 + 60 * number, commit=f"{number:040x}"))
    return made
