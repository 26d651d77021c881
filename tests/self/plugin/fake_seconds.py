"""A pytest plugin that has benchmarks "measured" without a GPU: known seconds, on a machine that is made up.

The environment says which: `FAKE_GPU` names it, `FAKE_FACTOR` slows it down.
"""

import os

import pytest

from tests.latency.machine import Machine
from tests.latency.samples import Cell, CellSamples, Draw
from tests.plugin import benchmarks


def samples(cell: Cell) -> CellSamples:
    """Return 2, 3, 4, 2, 3, 4, ... microseconds, times the factor, and a twin that takes 3."""
    factor = float(os.environ.get("FAKE_FACTOR", "1"))
    own = tuple(factor * microseconds * 1e-6 for microseconds in (2, 3, 4, 2, 3, 4))
    twin = Draw((3e-6,), (3e-6,))
    return CellSamples(cell, (Draw(own, own),) * 8, {"twin": (twin,) * 8})


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.stash[benchmarks.SOURCE] = samples
    config.stash[benchmarks.MACHINE] = Machine(
        os.environ.get("FAKE_GPU", "NVIDIA H100"), "570.1", "2.11", "3.6", "12.9", "3.12"
    )
