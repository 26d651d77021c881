"""What the clock of the GPU promises: cold replays, long enough, apart from each other, told twice alike."""

import ctypes
import math
from contextlib import nullcontext
from statistics import median
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import triton

import kernels
from tests.calls.inputs import Inputs
from tests.cases.case import Case
from tests.cases.latency_workloads import GATED
from tests.instruments.device_clock import GraphClock, HostTooSlow, Placement, copy_side, gather_side, graphs, twin
from tests.instruments.device_clock.cupti import Recorded, agree, cross_checked, spans_of
from tests.instruments.device_clock.kept_lines import NOT_SUPPORTED, release_kept_lines, unreleased
from tests.instruments.device_clock.placement import COLD_L2_TIMES, REPLAY_SECONDS, budget_of
from tests.instruments.red_zones import RedZonedMemory

L2 = 50 << 20


@pytest.mark.parametrize("case", GATED, ids=lambda case: case.name)
def test_calls_of_a_graph_stay_cold(case):
    needed = case.seq_len_sum * 132
    budget = budget_of(needed, L2)
    # Either no page is used twice between two flushes, or enough others lie between.
    assert budget.tables == budget.calls or (budget.tables - 1) * needed >= COLD_L2_TIMES * L2
    assert 2 <= budget.calls <= 400
    assert budget.calls * (1.3e-6 + 2 * needed / 2.6e12) >= REPLAY_SECONDS * 0.99


def test_the_span_of_a_replay_begins_behind_the_flush():
    records = [
        Recorded("spin_kernel(long)", 0.0, 2.0),
        Recorded("Memset (Device)", 2.0, 2.1),
        Recorded("void at::native::reduce_kernel<512>", 2.1, 3.0),
        Recorded("gather_kernel", 3.5, 4.0),
        Recorded("gather_kernel", 3.9, 4.5),
        Recorded("spin_kernel(long)", 5.0, 6.0),
    ]
    spans = spans_of(reversed(records))
    assert spans[0] == pytest.approx(1.0)
    assert math.isnan(spans[1])


def test_clocks_agree_within_five_percent():
    assert agree(1.0, 0.96)
    assert not agree(1.0, 0.94)
    assert not agree(1.0, float("nan"))


def test_the_twin_gathers_right_also_once_it_is_compiled(device):
    if device == "cpu" and triton.__version__.startswith("3.6."):
        pytest.skip("Triton 3.6's interpreter takes no tensor as a range's end")
    case = Case(name="twin", family="twin", rules=(1,), seq_lens=(70, 0, 130))
    arguments = Inputs(case, torch.device(device), RedZonedMemory()).arguments
    expected = kernels.get_k_and_s(*arguments)
    for _ in range(2):
        assert all(map(torch.equal, twin.get_k_and_s(*arguments), expected))


class Driver:
    """Stands for the driver's library."""

    def __init__(self, status, seen):
        self.status = status
        self.seen = seen

    def cuCtxResetPersistingL2Cache(self):  # noqa: N802 the driver's name
        self.seen.append("released")
        return self.status


@pytest.fixture
def driver(monkeypatch):
    """Make the driver answer with a status, and return what was done on the GPU, in its order."""

    def answer(status):
        seen: list[str] = []
        monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver(status, seen))
        monkeypatch.setattr(torch.cuda, "device", nullcontext)
        monkeypatch.setattr(torch.cuda, "synchronize", lambda: seen.append("waited"))
        return seen

    return answer


def test_kept_lines_are_released_once_nothing_runs(driver):
    seen = driver(0)
    assert release_kept_lines(torch.device("cuda", 0))
    assert seen == ["waited", "released"]
    assert unreleased() == []


def test_a_gpu_that_cannot_release_is_told_of(driver):
    driver(NOT_SUPPORTED)
    assert not release_kept_lines(torch.device("cuda", 0))
    (told,) = unreleased()
    assert "cannot be released" in told


def test_a_driver_that_fails_to_release_is_no_silence(driver):
    driver(700)
    with pytest.raises(RuntimeError, match="error 700"):
        release_kept_lines(torch.device("cuda", 0))


class Gpu:
    """Stands for a GPU that runs into replays whose submission takes too many of its cycles."""

    def __init__(self, cycles_needed):
        self.cycles_needed = cycles_needed
        self.busy: list[int] = []
        """Cycles for which the stream was kept busy, replay by replay."""

    def event(self, enable_timing):
        assert enable_timing
        return SimpleNamespace(
            record=lambda: None,
            query=lambda: self.busy[-1] < self.cycles_needed,
            synchronize=lambda: None,
            elapsed_time=lambda after: float(len(self.busy)),
        )


@pytest.fixture
def played_clock(monkeypatch):
    """Return a clock of one call a replay, on a GPU that needs so many cycles to be kept busy."""

    def clock_on(gpu):
        monkeypatch.setattr(torch.cuda, "Event", gpu.event)
        monkeypatch.setattr(torch.cuda, "_sleep", gpu.busy.append)
        monkeypatch.setattr(torch.cuda, "graph_pool_handle", tuple)
        monkeypatch.setattr(graphs, "release_kept_lines", lambda device: True)
        monkeypatch.setattr(
            GraphClock, "_capture", lambda self, side: SimpleNamespace(replay=lambda: None), raising=True
        )
        placement: Any = SimpleNamespace(l2_bytes=1024, device=torch.device("cpu"), budget=SimpleNamespace(calls=10))
        return GraphClock(placement, [copy_side("copy")])

    return clock_on


def test_a_replay_that_the_gpu_had_to_wait_for_is_made_again(played_clock):
    gpu = Gpu(3 * graphs.SUBMIT_CYCLES)
    clock = played_clock(gpu)
    assert clock.round(["copy", "copy"]) == pytest.approx([3e-4, 4e-4])
    assert gpu.busy == [factor * graphs.SUBMIT_CYCLES for factor in (1, 2, 4, 4)]
    assert clock.replays == 4


def test_a_host_that_never_catches_up_is_told(played_clock):
    gpu = Gpu(10**12)
    with pytest.raises(HostTooSlow, match="copy: a replay was not submitted within"):
        played_clock(gpu).round(["copy"])
    assert len(gpu.busy) < 15


@pytest.fixture
def placed(device):
    """Draw the memory of a workload on the GPU."""
    if device != "cuda":
        pytest.skip("needs a GPU: its clock and its L2 are tried")
    yield lambda workload: Placement(next(case for case in GATED if case.name == workload), torch.device("cuda", 0), 1)
    torch.cuda.empty_cache()


def microseconds(clock, order):
    """Return each side's median over rounds of one replay each, by name."""
    rounds = [clock.round(order) for _ in range(6)]
    return {name: 1e6 * median(seconds) for name, seconds in zip(order, zip(*rounds, strict=True), strict=True)}


def test_what_a_side_keeps_in_the_l2_does_not_serve_the_next(placed):
    # Unreleased, the copy behind the gather takes 0.91 times as long.
    clock = GraphClock(placed("1x160k"), [copy_side("copy"), gather_side("own", kernels.get_k_and_s)])
    alone = microseconds(clock, ["copy"])["copy"]
    behind = microseconds(clock, ["own", "copy"])["copy"]
    assert behind == pytest.approx(alone, rel=0.03)


def test_cold_is_colder_than_warm(placed):
    placement = placed("1x32k")
    cold, warm = (
        microseconds(GraphClock(placement, [copy_side("copy")], is_warm=is_warm), ["copy"])["copy"]
        for is_warm in (False, True)
    )
    assert cold > 1.2 * warm


def test_both_clocks_tell_the_same(placed):
    clock = GraphClock(placed("1x4k"), [gather_side("own", kernels.get_k_and_s)])
    ((by_events, by_cupti),) = cross_checked({"own": (clock, "own")}).values()
    assert agree(by_events, by_cupti)
