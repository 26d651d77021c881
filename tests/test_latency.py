"""How long a call takes on the GPU, a workload a test, in pytest-benchmark's table, JSON and comparisons.

`pytest tests/test_latency.py -n 0 --benchmark-enable` measures, and keeps the run beside those of `./ci/gate latency`;
add `--benchmark-compare` or `--benchmark-json FILE` as with any benchmark. Seconds are the GPU's, from CUDA graphs on a
cold L2. Whether something got slower is not decided here but by `./ci/gate latency`, whose errors are known.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.calls.implementations import FUNCTIONS
from tests.cases.latency_workloads import GATED, MAIN
from tests.instruments.device_clock.virtual import VirtualClock
from tests.latency.samples import Cell, cells_of
from tests.latency.stored_run import StoredCell, extra_info, moved_bytes
from tests.plugin import benchmarks

CLOCK = VirtualClock()
WORKLOADS = {case.name: case for case in GATED}
CELLS = [
    (cell.workload, cell.function) for cell in cells_of(list(WORKLOADS), MAIN, FUNCTIONS) if cell.metric == "device"
]


@pytest.mark.parametrize(("workload", "function"), CELLS)
@pytest.mark.benchmark(timer=CLOCK)
def test_latency(request: pytest.FixtureRequest, benchmark: BenchmarkFixture, workload: str, function: str) -> None:
    reason = benchmarks.why_not_measured(request.config, is_disabled=benchmark.disabled)
    if reason is not None:
        pytest.skip(reason)
    case = WORKLOADS[workload]
    benchmark.extra_info |= {"tokens": case.seq_len_sum, "page_size": case.page_size}
    samples = benchmarks.source_of_samples(request.config)(Cell(workload, function))
    benchmark.extra_info |= extra_info(samples.cell, StoredCell.of(samples, moved_bytes(case, function)))
    seconds = [seconds for draw in samples.draws for seconds in draw.head]
    CLOCK.run(benchmark, iter(seconds), len(seconds))
