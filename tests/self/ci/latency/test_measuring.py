"""What the latency gate does around its decision: draws of cells, processes, planted slowdowns."""

from dataclasses import asdict
from typing import ClassVar

import pytest
import torch

import kernels
from ci.latency import certify, child, stage
from ci.latency.base import load_folder
from ci.latency.child import CROSS_CHECKING
from ci.latency.stage import Measured, judge, listen
from ci.processes import CannotRun
from tests.calls.inputs import Inputs
from tests.cases.case import Case
from tests.cases.latency_workloads import GATED, MAIN
from tests.instruments.device_clock import Placement
from tests.instruments.red_zones import RedZonedMemory
from tests.latency import measure
from tests.latency.cell_verdict import Kind, Stage
from tests.latency.measure import BLOCKS, Measurer
from tests.latency.samples import Cell, CellSamples, Draw, cells_of
from tests.planted.slowdowns import IN_PLACE_SLOWDOWNS, SLOWDOWNS


class PlayedClock:
    """Stands for a clock of graphs: what it tells grows with each replay, and tells the side."""

    TIMES: ClassVar = {"base": 1.0, "head": 2.0, "twin": 3.0, "twin again": 4.0, "copy": 5.0, "empty": 6.0}

    def __init__(self, placement, sides, **more):
        self.captured = [side.name for side in sides]
        self.replayed: list[str] = []

    def round(self, order):
        self.replayed += order
        return [self.TIMES[name] + 0.001 * number for number, name in enumerate(order)]


def test_a_draw_replays_pairs_in_blocks_and_captures_controls_once(monkeypatch):
    monkeypatch.setattr(measure, "Placement", lambda case, device, seed: Placement(case, device, seed, 1 << 20))
    clocks: list[PlayedClock] = []

    def clock(placement, sides):
        clocks.append(PlayedClock(placement, sides))
        return clocks[-1]

    functions = {"get_k_and_s": kernels.get_k_and_s}
    monkeypatch.setattr(measure, "GraphClock", clock)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    measurer = Measurer(functions, functions, 3)
    measurer._device = torch.device("cpu")
    cell = Cell("1x128", "get_k_and_s")
    samples = measurer.drawn(measurer.drawn(CellSamples(cell)))
    for made in clocks:
        assert sorted(made.captured) == sorted(PlayedClock.TIMES)
    assert clocks[0].captured != clocks[1].captured
    names = clocks[0].replayed
    blocks = [names[start : start + 4] for start in range(0, len(names), 4)]
    assert len(blocks) == BLOCKS + 3
    assert all(block[0] == block[3] and block[1] == block[2] for block in blocks)
    assert all(set(block) == {"base", "head"} for block in blocks[:BLOCKS])
    (draw, other), controls = samples.draws, samples.controls
    assert draw != other
    assert {int(seconds) for seconds in draw.base} == {1}
    assert {int(seconds) for seconds in draw.head} == {2}
    assert len(draw.base) == len(draw.head) == 2 * BLOCKS
    assert {key: [len(each.base) for each in draws] for key, draws in controls.items()} == {
        "twin": [2, 2],
        "copy": [2, 2],
        "empty": [2, 2],
    }
    assert {int(seconds) for seconds in controls["copy"][0].head} == {5}
    assert not set(controls["copy"][0].head) & set(controls["copy"][0].base)


def test_in_place_a_layer_is_timed_less_its_flood(monkeypatch):
    class Layers(PlayedClock):
        TIMES: ClassVar = {**PlayedClock.TIMES, measure.FLOOD: 0.5}

    made: list[Layers] = []
    monkeypatch.setattr(measure, "Placement", lambda case, device, seed: Placement(case, device, seed, 1 << 20))

    def clock_of(*given, **more):
        made.append(Layers(*given))
        return made[-1]

    monkeypatch.setattr(measure, "GraphClock", clock_of)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    functions = {"get_k_and_s": kernels.get_k_and_s}
    measurer = Measurer(functions, functions, 3)
    measurer._device = torch.device("cpu")
    samples = measurer.drawn(CellSamples(Cell("1x4k", "get_k_and_s", "in place")))
    (draw,) = samples.draws
    assert draw.base == pytest.approx((0.5,) * len(draw.base), abs=0.05)
    assert draw.head == pytest.approx((1.5,) * len(draw.head), abs=0.05)
    assert sorted(samples.controls) == ["copy", "twin"], "an empty kernel has no results to be read"
    (clock,) = made
    assert sorted(clock.captured) == ["base", "copy", "flood", "head", "twin", "twin again"]
    ends = clock.replayed[: measure.FLOODS] + clock.replayed[-measure.FLOODS :]
    assert set(ends) == {measure.FLOOD}, "before and behind the sides, so that drift cancels"


def test_each_function_is_measured_on_main_workloads_only():
    cells = cells_of(["a", "b"], ("b",), {"get_s", "get_k_and_s"})
    assert [cell.id for cell in cells] == [
        "a/get_k_and_s",
        "b/get_k_and_s",
        "b/get_s",
        "1x128/get_k_and_s (host)",
        "1x128/get_s (host)",
    ]
    assert len({case.name for case in GATED}) >= 16
    assert set(MAIN) <= {case.name for case in GATED}


def samples_of(cell, ratio, draws=24):
    def side(times, number):
        # A little scatter, so that the clock is not taken for a stuck one.
        return tuple(times * (1 + 1e-4 * ((number * 7 + i * 3) % 5)) for i in range(6))

    rows = tuple(Draw(side(1e-5, n), side(1e-5 * ratio, n + 1)) for n in range(draws))
    same = tuple(Draw(side(9e-6, n + 2)[:2], side(9e-6, n + 3)[:2]) for n in range(draws))
    return CellSamples(cell, rows, {"copy": same})


def measured(*samples, **more):
    return Measured(samples={s.cell: s for s in samples}, **more)


SLOW, EVEN, LIKE, ODD = (Cell(name, "get_k_and_s") for name in ("slow", "even", "like", "odd"))


def test_a_flagged_cell_is_measured_again_and_told_with_its_cause():
    asked = []

    def again(cells, draws):
        asked.append((list(cells), draws))
        return measured(*(samples_of(cell, 1.0502, draws) for cell in cells))

    first = measured(
        samples_of(SLOW, 1.05),
        samples_of(EVEN, 1.0, 8),
        identical=[LIKE],
        untrusted={ODD: "the clocks disagree"},
        differs={SLOW: "machine code: 3 of 90 instructions changed"},
    )
    verdicts = {verdict.cell: verdict for verdict in judge(first, again)[0]}
    assert asked == [([SLOW], 24)]
    assert verdicts[SLOW].kind is Kind.SLOWER
    assert verdicts[SLOW].reason.endswith("Look at machine code: 3 of 90 instructions changed")
    assert verdicts[EVEN].kind is Kind.SAME
    assert verdicts[LIKE].stage is Stage.IDENTITY
    assert verdicts[ODD].kind is Kind.INCONCLUSIVE


def test_a_flag_that_fresh_draws_do_not_confirm_is_not_slower():
    verdicts, _ = judge(measured(samples_of(SLOW, 1.05)), lambda cells, draws: measured(samples_of(SLOW, 1.0, draws)))
    assert [verdict.kind for verdict in verdicts] == [Kind.SAME]


def test_a_second_process_that_tells_nothing_leaves_the_cell_undecided():
    verdicts, _ = judge(measured(samples_of(SLOW, 1.05)), lambda cells, draws: Measured())
    assert [verdict.kind for verdict in verdicts] == [Kind.INCONCLUSIVE]


def told_of(*messages):
    return listen(messages, lambda step, done, of: None)


def phase(name):
    return {"phase": name, "step": name, "done": 0, "of": 0}


def test_a_process_is_understood():
    told = samples_of(EVEN, 1.0, 8)
    steps: list[tuple[str, int, int]] = []
    found = listen(
        [
            {"machine": {"gpu": "G"}, "unchecked": ["clocks"], "twin": "twin-1", "condition": {"sm_mhz": 1980}},
            {"phase": "measuring", "step": "measuring even", "done": 0, "of": 1},
            {"identical": {"workload": "like", "function": "get_k_and_s", "metric": "device"}},
            {"samples": asdict(told)},
        ],
        lambda *step: steps.append(step),
    )
    assert found.samples == {EVEN: told}
    assert (found.identical, found.unchecked, found.twin) == ([LIKE], ["clocks"], "twin-1")
    assert steps == [("measuring even", 0, 1)]


@pytest.mark.parametrize("same_code", [True, False])
def test_the_host_is_not_timed_where_python_runs_the_same(same_code, monkeypatch):
    told: list[dict] = []
    monkeypatch.setattr(child, "tell", lambda **message: told.append(message))
    cell = Cell("1x128", "get_k", "host")
    assert child._not_identical(None, {}, {}, [cell], same_code) == ([] if same_code else [cell])
    assert told_of(*told).identical == ([cell] if same_code else [])


def test_each_phase_is_timed(monkeypatch):
    moments = iter([0.0, 5.0, 7.0, 8.0, 20.0])
    messages = map(phase, ("comparing", "measuring", "measuring"))
    monkeypatch.setattr(stage.time, "monotonic", lambda: next(moments))
    found = listen(messages, lambda step, done, of: None)
    assert found.seconds == {"starting": 5.0, "comparing": 2.0, "measuring": 13.0}


def test_a_cell_whose_clock_is_not_trusted_has_no_samples():
    told = [samples_of(cell, 1.0, 8) for cell in (EVEN, LIKE)]
    untrusted = {"workload": "like", "function": "get_k_and_s", "metric": "device"}
    messages = [{"samples": asdict(samples)} for samples in told]
    found = told_of(*messages, {"untrusted": untrusted, "why": "the clocks disagree"})
    assert found.samples == {EVEN: told[0]}
    assert found.untrusted == {LIKE: "the clocks disagree"}


def test_what_was_measured_is_told_before_the_clock_is_checked():
    told = samples_of(EVEN, 1.0, 8)
    seen: list[dict[Cell, CellSamples]] = []
    messages = [phase("measuring"), {"samples": asdict(told)}, phase(CROSS_CHECKING)]
    listen(messages, lambda step, done, of: None, lambda measured: seen.append(dict(measured.samples)))
    assert seen == [{EVEN: told}]


def test_without_a_gpu_the_process_says_so_in_one_sentence(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    order = certify.Order("own", seed=0, draws=1)
    with pytest.raises(CannotRun, match=r"^no NVIDIA GPU is visible to this process: latency is measured on one$"):
        stage.run(order, lambda step, done, of: None)


@pytest.mark.parametrize("slowdown", [*SLOWDOWNS, *IN_PLACE_SLOWDOWNS], ids=lambda slowdown: slowdown.name)
def test_planted_slowdowns_still_gather_right(slowdown, tmp_path, device):
    certify.write_slower(slowdown, tmp_path)
    slower = load_folder(tmp_path, slowdown.name)
    case = Case(name="planted", family="planted", rules=(1,), seq_lens=(70, 0, 130))
    arguments = Inputs(case, torch.device(device), RedZonedMemory()).arguments
    k, s = slower.functions["get_k_and_s"](*arguments)
    right_k, right_s = kernels.get_k_and_s(*arguments)
    assert torch.equal(k, right_k)
    assert torch.equal(s, right_s)
