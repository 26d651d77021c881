"""How often the latency gate is wrong: thousands of simulated runs of 30 cells, and rules that are broken on purpose.

`python -m tests.self.latency.simulated_clock --runs 20000` is the same at length.
"""

import numpy as np
import pytest

from tests.latency import criteria, log_ratios
from tests.latency import statistics as st
from tests.latency import thresholds as limits
from tests.latency.criteria import Said
from tests.self.latency.simulated_clock import (
    CELLS,
    MODELS,
    REALISTIC,
    Noise,
    SimulatedGate,
    lower_bound_of_rate,
    upper_bound_of_rate,
)

RUNS = 2000
BY_NAME = {noise.name: noise for noise in MODELS}
COIN = BY_NAME["placement by a coin"]
IDS = [noise.name for noise in MODELS]
SOUND = [noise for noise in MODELS if not noise.stuck and not noise.not_a_number]
LEAST = 0.01
"""The minimum effect: the largest change that must not be called one, and so the hardest."""


def _at_most(events: int, runs: int, rate: float) -> bool:
    return upper_bound_of_rate(events, runs) <= rate


class TestUnchangedCode:
    """False alarms of a whole run, over all cells and looks."""

    @pytest.mark.parametrize("noise", MODELS, ids=IDS)
    def test_false_alarms(self, noise):
        tally = SimulatedGate(noise).run(RUNS, seed=1)
        told = f"{tally.false_alarms} of {RUNS} runs, at most {upper_bound_of_rate(tally.false_alarms, RUNS):.3%}"
        assert _at_most(tally.false_alarms, RUNS, limits.FALSE_ALARM), told

    @pytest.mark.parametrize("noise", SOUND, ids=[noise.name for noise in SOUND])
    def test_unchanged_cells_end_as_same(self, noise):
        tally = SimulatedGate(noise).run(200, seed=2)
        assert tally.share(Said.SAME) > (0.9 if noise.name.startswith("coarse") else 0.995)
        assert tally.draws.mean() < 10, "most should end at the first look"

    def test_a_stuck_clock_says_nothing(self):
        tally = SimulatedGate(BY_NAME["stuck clock"]).run(50, seed=3, effect=0.2)
        assert tally.share(Said.INVALID) == 1.0

    def test_a_cell_with_a_nan_says_nothing(self):
        tally = SimulatedGate(Noise("NaN", not_a_number=1.0)).run(50, seed=4)
        assert tally.share(Said.INVALID, Said.MOVED) == 1.0

    def test_a_machine_that_slows_down_grossly_has_moved(self):
        tally = SimulatedGate(Noise("throttled", drift=0.04)).run(50, seed=5, effect=0.05)
        assert tally.share(Said.MOVED) > 0.999


class TestLeastFavourable:
    """Every cell slower by exactly the minimum effect: where false alarms are likeliest."""

    @pytest.mark.parametrize("noise", [*SOUND[:5], COIN], ids=lambda noise: noise.name)
    def test_whole_runs(self, noise):
        tally = SimulatedGate(noise).run(800, seed=6, effect=LEAST)
        assert _at_most(tally.false_alarms, 800, limits.FALSE_ALARM)

    @pytest.mark.parametrize("noise", [REALISTIC, BY_NAME["heavy tails"], COIN], ids=lambda noise: noise.name)
    def test_the_confirmation_alone_keeps_the_error(self, noise):
        """Whatever the first process flagged; here, everything."""
        tally = SimulatedGate(noise).confirm_all(2000, seed=7, effect=LEAST)
        alarms = tally.runs_with(Said.SLOWER)
        assert _at_most(alarms, 2000, limits.FALSE_ALARM), f"{alarms} of 2000"

    def test_same_is_seldom_said_of_what_it_rules_out(self):
        """Each class of cells, as slow as its bound: SAME at most in one of 200 and process."""
        for start, slowdown in limits.SAME_BELOW["device"]:
            cells = np.full(30, {11.5: 14.0, 4.7: 6.0, 0.0: 2.0}[start])
            for noise in (REALISTIC, COIN):
                tally = SimulatedGate(noise, cells).run(300, seed=8, effect=slowdown)
                events = int((tally.findings == Said.SAME).sum())
                assert _at_most(events, tally.findings.size, 2 * limits.MISSED), f"from {start} us under {noise.name}"


class TestPower:
    """Slowdowns that must be found. Bounds are the exact 95 % ones of what was simulated."""

    @staticmethod
    def _power(effect: float, which: np.ndarray, noise: Noise = REALISTIC, runs: int = 600) -> float:
        """Return the lower bound of the power on the cell that shows it worst; one of its class at a time is slow."""
        found = SimulatedGate(noise).run(runs, seed=9, effect=np.where(which, effect, 0.0)).findings
        hits = (found[:, which] == Said.SLOWER).sum(axis=0)
        return lower_bound_of_rate(int(hits.min()), runs)

    @pytest.mark.parametrize("noise", [REALISTIC, BY_NAME["gaussian"], BY_NAME["drift"], BY_NAME["ticks of 1 us"]])
    def test_as_promised(self, noise):
        for promise in limits.PROMISES:
            assert self._power(promise.slowdown, promise.from_microseconds <= CELLS, noise) >= promise.power, promise

    def test_one_slow_cell_among_thirty(self):
        which = np.arange(len(CELLS)) == 6
        assert self._power(0.03, which) >= 0.99

    def test_faster_cells_are_found_as_surely(self):
        found = SimulatedGate(REALISTIC).run(300, seed=10, effect=1 / 1.05 - 1).findings
        assert (found == Said.FASTER).mean(axis=0).min() > 0.98

    def test_twice_the_noise_costs_draws_and_some_power(self):
        noise = Noise("twice", replay_times=2, placement_times=2)
        tally = SimulatedGate(noise).run(200, seed=11, effect=0.05)
        large = CELLS >= 5
        assert (tally.findings[:, large] == Said.SLOWER).mean() > 0.99
        assert (tally.findings == Said.SAME).mean() < 0.01


class TestBrokenRules:
    """The same simulator on rules with a planted fault: it must show them to be wrong."""

    def _alarms(self, gate: SimulatedGate, runs: int = 300, effect: float = 0.0) -> float:
        return gate.run(runs, seed=12, effect=effect).false_alarms / runs

    def test_no_correction_no_confirmation_no_minimum_effect(self, monkeypatch):
        """What a plain t test at 5 % does to 30 cells."""
        monkeypatch.setattr(limits, "SCREENING_ERROR", 0.05 * len(CELLS))
        monkeypatch.setattr(limits, "FLAG_SPENDING", (1.0, 1.0, 1.0, 1.0))
        monkeypatch.setattr(limits, "MINIMUM_EFFECT", {"device": 0.0})
        monkeypatch.setattr(limits, "CONTROL_ERROR", 1e-9)
        assert self._alarms(SimulatedGate(REALISTIC, confirms=False)) > 0.7

    def test_no_correction_and_no_confirmation(self, monkeypatch):
        """The same with the minimum effect, at which every cell lies."""
        monkeypatch.setattr(limits, "SCREENING_ERROR", 0.05 * len(CELLS))
        monkeypatch.setattr(limits, "FLAG_SPENDING", (1.0, 1.0, 1.0, 1.0))
        assert self._alarms(SimulatedGate(REALISTIC, confirms=False), effect=LEAST) > 0.5

    def test_no_correction_over_the_flagged_cells(self, monkeypatch):
        monkeypatch.setattr(st, "holm", lambda p_values, error: [p_value <= error for p_value in p_values])
        tally = SimulatedGate(REALISTIC).confirm_all(1000, seed=13, effect=LEAST)
        assert lower_bound_of_rate(tally.runs_with(Said.SLOWER), 1000) > 2 * limits.FALSE_ALARM

    def test_without_signed_ranks_a_coin_fools_t(self, monkeypatch):
        """Unchanged code in small cells: more flags than the screening may cost, at looks that would be fair to t."""
        monkeypatch.setattr(limits, "FLAG_SPENDING", (0.25, 0.25, 0.25, 0.25))
        gate = SimulatedGate(COIN, np.full(30, 1.6))
        budget = 2 * limits.SCREENING_ERROR
        assert gate.run(200, seed=14).flagged.any(axis=1).mean() < budget
        monkeypatch.setattr(st, "signed_rank_tail", lambda values, at: np.zeros(values.shape[:-1]))
        assert gate.run(200, seed=14).flagged.any(axis=1).mean() > 3 * budget

    def test_same_for_lack_of_a_difference(self, monkeypatch):
        """No bound to rule out: slow cells pass because eight draws show too little."""
        monkeypatch.setattr(limits, "SAME_BELOW", {"device": ((0.0, 1.0),)})
        tally = SimulatedGate(REALISTIC).run(100, seed=15, effect=0.05)
        assert tally.share(Said.SAME) > 0.9

    def test_a_stuck_clock_would_pass(self, monkeypatch):
        monkeypatch.setattr(log_ratios, "_is_still", lambda seconds, axes: np.zeros(seconds.min(axis=axes).shape, bool))
        tally = SimulatedGate(BY_NAME["stuck clock"]).run(20, seed=16, effect=0.2)
        assert tally.share(Said.SAME) == 1.0

    def test_without_controls_a_moved_machine_is_blamed_on_the_code(self, monkeypatch):
        """A bias of the second side by 3 %, in the code and in its control alike."""
        biased = Noise("biased", placement=lambda rng, shape: np.ones(shape), placement_times=15)
        cells = np.full(30, 14.0)
        assert SimulatedGate(biased, cells).run(20, seed=17).share(Said.MOVED) > 0.99
        monkeypatch.setattr(
            criteria, "machine_state", lambda control, metric: np.zeros(control.microseconds.shape, int)
        )
        assert self._alarms(SimulatedGate(biased, cells), runs=20) == 1.0


class TestStoredFiguresAndReruns:
    """SGLang's pull requests 28012 and 28138: raw figures against stored ones at 5 %, and re-runs until green.

    Two deviations fix what that rule does: 1.6 % between runs and 0.75 % in what was stored, which every re-run shares.
    """

    CELLS, RUNS = 50, 20_000

    @classmethod
    def _fails(cls, effect: float, reruns: int, cells: int) -> float:
        rng = np.random.default_rng(18)
        stored = rng.normal(0, 0.0075, (cls.RUNS, cells))
        attempts = [effect + rng.normal(0, 0.016, stored.shape) - stored for _ in range(1 + reruns)]
        return float(np.all([(np.expm1(attempt) > 0.05).any(axis=1) for attempt in attempts], axis=0).mean())

    def test_it_fails_unchanged_code_and_passes_slow_code(self):
        assert self._fails(0.0, reruns=0, cells=self.CELLS) == pytest.approx(0.116, abs=0.03)
        assert self._fails(np.log(1.05), reruns=1, cells=1) == pytest.approx(0.28, abs=0.02)

    def test_where_pairs_in_one_process_do_not(self):
        """The same 5 % and the same 1.6 % between runs, which pairs do not see: it is on both sides of each."""
        cells = np.full(self.CELLS, 14.0)
        assert SimulatedGate(REALISTIC, cells).run(200, seed=19).false_alarms == 0
        slow = np.where(np.arange(self.CELLS) == 0, 0.05, 0.0)
        assert (SimulatedGate(REALISTIC, cells).run(400, seed=20, effect=slow).findings[:, 0] == Said.SLOWER).all()
