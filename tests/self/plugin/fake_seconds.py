"""A pytest plugin that has benchmarks "measured" without a GPU: known seconds, on a machine that is made up.

The environment says which: `FAKE_GPU` names it, `FAKE_FACTOR` slows it down.
"""

import itertools
import os
from collections.abc import Iterator

import pytest

from tests.cases.case import Case
from tests.latency.machine import Machine
from tests.plugin import benchmarks


def seconds(case: Case, function: str) -> Iterator[float]:
    """Return 2, 3, 4, 2, 3, 4, ... microseconds, times the factor."""
    factor = float(os.environ.get("FAKE_FACTOR", "1"))
    return (factor * microseconds * 1e-6 for microseconds in itertools.cycle((2, 3, 4)))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.stash[benchmarks.SOURCE] = seconds
    config.stash[benchmarks.MACHINE] = Machine(
        os.environ.get("FAKE_GPU", "NVIDIA H100"), "570.1", "2.11", "3.6", "12.9", "3.12"
    )
