"""What a cell can see, from its measured draws; and verdicts against stored runs."""

import math
import re

import numpy as np
import pytest

from tests.latency import criteria
from tests.latency import thresholds as limits
from tests.latency.cell_verdict import Kind, Stage
from tests.latency.criteria import Said
from tests.latency.history_decision import against_history
from tests.latency.log_ratios import arrays_of, weigh
from tests.latency.power import GRID, measured_power
from tests.latency.samples import Cell, CellSamples
from tests.self.latency.simulated_clock import BLOCKS, REALISTIC, Noise, SimulatedGate, lower_bound_of_rate, samples_of

CELL = Cell("1x32k", "get_k")
FAMILY = 30
WILD = Noise("wild", replay_times=60)


def _draws(us: float, effect: float = 0.0, noise: Noise = REALISTIC, draws: int = 96) -> CellSamples:
    return samples_of(CELL, noise, np.random.default_rng(5), us, effect, draws)


class TestPower:
    """From draws to the certificate."""

    @pytest.mark.parametrize(("us", "effect"), [(1.6, 0.05), (5.5, 0.03), (14.6, 0.02)])
    def test_as_the_simulation_of_whole_runs(self, us, effect):
        which = np.arange(FAMILY) == 0
        cells = np.full(FAMILY, us)
        found = SimulatedGate(REALISTIC, cells).run(600, seed=1, effect=np.where(which, effect, 0.0)).findings[:, 0]
        power = measured_power([_draws(us)], FAMILY, is_same_code=True).power[effect]
        assert power == pytest.approx((found == Said.SLOWER).mean(), abs=0.03)

    def test_a_planted_slowdown_is_taken_out(self):
        same = measured_power([_draws(5.5)], FAMILY, is_same_code=True)
        planted = measured_power([_draws(5.5, 0.07)], FAMILY, is_same_code=False)
        assert planted.center == pytest.approx(0.07, abs=0.003)
        assert planted.smallest == pytest.approx(same.smallest, abs=0.005)
        assert planted.smallest is not None
        assert planted.smallest > GRID[0]

    def test_a_bias_of_the_same_code_stays_in(self):
        power = measured_power([_draws(14.6, 0.03)], FAMILY, is_same_code=True)
        assert power.smallest == GRID[0]

    def test_a_blind_cell_says_so(self):
        power = measured_power([_draws(2.0, noise=WILD)], FAMILY, is_same_code=True, runs=500)
        assert power.is_blind
        assert "1x32k/get_k cannot see a slowdown of 10 %" in power.told
        assert power.as_json()["is_blind"] is True

    def test_more_noise_sees_less(self):
        seen = [
            measured_power([_draws(5.5, noise=Noise("", replay_times=times))], FAMILY, True, runs=500).smallest
            for times in (1, 6, 12)
        ]
        assert all(effect is not None for effect in seen)
        assert seen == sorted(seen, key=lambda effect: effect or 0)
        assert seen[0] != seen[-1]

    def test_bad_draws(self):
        with pytest.raises(ValueError, match="at least 24 draws of 1x32k/get_k, got 23"):
            measured_power([_draws(5.5, draws=23)], FAMILY, True)
        with pytest.raises(ValueError, match="it is stuck"):
            measured_power([_draws(5.5, noise=Noise("", stuck=True))], FAMILY, True)


@pytest.mark.parametrize(("us", "times"), [(14.6, 1), (2.0, 10), (5.5, 8), (5.5, 20)])
def test_what_a_verdict_calls_visible_is_found_in_nine_of_ten_runs(us, times):
    noise = Noise("", replay_times=times)
    base, head = arrays_of(_draws(us, noise=noise, draws=24).draws)
    visible = float(criteria.smallest_visible(weigh(base[None], head[None]), "device", FAMILY)[0])
    assert base.shape == (24, 2 * BLOCKS)
    flagged = SimulatedGate(noise, np.full(FAMILY, us), confirms=False).run(40, seed=2, effect=visible)
    assert flagged.share(Said.SLOWER) > 0.75, "of cells, at an effect that is itself an estimate"


class TestHistory:
    """Without a base."""

    @staticmethod
    def _run(center: float, seed: int = 0) -> list[float]:
        return list(center + np.random.default_rng(seed).normal(0, 0.003, 12))

    def _earlier(self, spread: float = 0.004, runs: int = 8) -> list[list[float]]:
        rng = np.random.default_rng(9)
        return [self._run(0.1 + spread * float(rng.standard_normal()), seed) for seed in range(runs)]

    @pytest.mark.parametrize(("runs", "missing"), [(0, 5), (4, 1)])
    def test_too_few_runs(self, runs, missing):
        verdict = against_history(CELL, self._run(0.1), self._earlier(runs=runs), FAMILY)
        assert (verdict.kind, verdict.stage) == (Kind.INCONCLUSIVE, Stage.HISTORY)
        assert f"a spread takes 5: {missing} more" in verdict.reason

    def test_runs_that_cannot_be_used_do_not_count(self):
        earlier = [*self._earlier(runs=4), [], [math.nan] * 12]
        assert "4 runs" in against_history(CELL, self._run(0.1), earlier, FAMILY).reason

    @pytest.mark.parametrize(
        ("change", "kind"), [(0.0, Kind.SAME), (0.03, Kind.SAME), (0.12, Kind.SLOWER), (-0.12, Kind.FASTER)]
    )
    def test_changes(self, change, kind):
        verdict = against_history(CELL, self._run(0.1 + change, 50), self._earlier(), FAMILY)
        assert verdict.kind is kind
        assert "without a base, only changes past +5.0 % count" in verdict.reason
        assert verdict.ratio == pytest.approx(math.exp(change), abs=0.006)

    def test_the_threshold_is_as_wide_as_history_and_said_aloud(self):
        verdict = against_history(CELL, self._run(0.22), self._earlier(spread=0.03), FAMILY)
        assert verdict.kind is Kind.INCONCLUSIVE
        threshold = re.search(r"only changes past \+([\d.]+) % count", verdict.reason)
        assert threshold is not None
        assert float(threshold[1]) > 10
        assert "stored runs differ too much to rule out +10.0 %" in verdict.reason

    def test_invalid_figures(self):
        assert "not finite" in against_history(CELL, [math.nan] * 12, self._earlier(), FAMILY).reason
        assert "at least 8 draws" in against_history(CELL, [0.1] * 3, self._earlier(), FAMILY).reason
        with pytest.raises(ValueError, match="got 0"):
            against_history(CELL, [0.1] * 12, self._earlier(), 0)

    @pytest.mark.parametrize(("count", "spread"), [(5, 0.01), (12, 0.04)])
    def test_the_threshold_keeps_the_error_of_the_family(self, count, spread):
        """Stored runs and this one from one distribution: any of 10 cells past its threshold."""
        rng = np.random.default_rng(11)
        runs, family, alarms = 1000, 10, 0
        for _ in range(runs):
            centers = rng.normal(0, spread, (family, count + 1))
            kinds = [
                against_history(CELL, [row[0]] * 8, [[value] * 4 for value in row[1:]], family).kind for row in centers
            ]
            alarms += any(kind in (Kind.SLOWER, Kind.FASTER) for kind in kinds)
        assert lower_bound_of_rate(alarms, runs) <= limits.FALSE_ALARM
