"""What a certificate counts: decisions on the same code, planted slowdowns that were found, promises that are kept."""

from dataclasses import replace

import numpy as np
import pytest

from ci.latency import certify
from ci.latency.certify import promise_told
from tests.latency.power import EFFECTS, lower, measured_power, promised
from tests.latency.samples import Cell, CellSamples
from tests.self.latency.simulated_clock import REALISTIC, Noise, samples_of

CELL = Cell("1x32k", "get_k")
FAMILY = 30


def draws_of(effect: float, us: float = 5.5, draws: int = 24, seed: int = 5, noise: Noise = REALISTIC) -> CellSamples:
    return samples_of(CELL, noise, np.random.default_rng(seed), us, effect, draws)


def slower_base(effect: float, us: float = 5.5) -> CellSamples:
    return certify.turned(draws_of(effect, us))


class TestSameCode:
    """Decisions on draws that no other decision has seen."""

    def test_draws_are_not_shared(self):
        assert certify.decided(draws_of(0.0), FAMILY, draws_of(0.0, seed=6)) == ["SAME", "SAME", "SAME"]

    @pytest.mark.parametrize(("fresh", "said"), [(0.06, "SLOWER after a flag"), (0.0, "SAME after a flag")])
    def test_a_flag_is_held_against_another_process(self, fresh, said):
        assert certify.decided(draws_of(0.06), FAMILY, draws_of(fresh, seed=6)) == [said]


class TestPlanted:
    """Slowdowns are measured with the slower side as the base."""

    def test_a_slower_base_is_found(self):
        found = certify.found(certify.turned(slower_base(0.06)), FAMILY)
        assert found.said == "flagged SLOWER"
        assert found.ratio == pytest.approx(1.06, abs=0.004)
        assert found.microseconds == pytest.approx(5.5, rel=0.05)

    @pytest.mark.parametrize(
        ("us", "ratio", "is_promised"),
        [(13.0, 1.021, True), (13.0, 1.019, False), (6.0, 1.031, True), (6.0, 1.021, False), (2.0, 1.051, True)],
    )
    def test_what_is_promised_depends_on_the_duration(self, us, ratio, is_promised):
        assert certify.Found("cell", us, ratio, "SAME").is_promised is is_promised

    def test_what_was_not_measured_is_not_promised(self):
        assert not certify.Found("cell", 5.0, None, "INCONCLUSIVE").is_promised

    def test_a_tally_names_what_was_missed(self):
        findings = [
            certify.Found("seen", 13.0, 1.04, "flagged SLOWER"),
            certify.Found("small", 13.0, 1.01, "SAME"),
            certify.Found("missed", 6.0, 1.035, "SAME"),
        ]
        told = certify.tally(findings)
        assert told.startswith("of 2 planted slowdowns as large as promised, 1 were flagged")
        assert told.endswith("not: missed (+3.5 %, SAME)")
        assert "not:" not in certify.tally(findings[:2])

    def test_the_range_is_told(self):
        findings = [certify.Found(name, 5.0, ratio, "") for name, ratio in (("a", 1.1), ("b", 1.02), ("c", None))]
        assert certify.range_told(findings) == "from +2.0 % (b) to +10.0 % (a)"
        assert certify.range_told(findings[2:]) == "nothing measured"


class TestPower:
    """From several groups of draws to one figure, and to promises."""

    def test_each_planted_slowdown_is_taken_out_of_its_own_draws(self):
        apart = [draws_of(0.02, draws=12), draws_of(0.30, draws=12, seed=6)]
        power = measured_power(apart, FAMILY, is_same_code=False)
        alone = measured_power([draws_of(0.0)], FAMILY, is_same_code=True)
        assert power.draws == 24
        assert power.scatter == pytest.approx(alone.scatter, rel=0.5)
        assert measured_power(apart, FAMILY, is_same_code=True).scatter > 10 * power.scatter

    def test_the_lower_counts(self):
        quiet = measured_power([draws_of(0.0)], FAMILY, is_same_code=True)
        noisy = replace(quiet, power=dict.fromkeys(EFFECTS, 0.5), smallest=None, scatter=1.0)
        for one, other in ((quiet, noisy), (noisy, quiet)):
            least = lower(one, other)
            assert (least.power, least.smallest, least.scatter) == (noisy.power, None, 1.0)
            assert least.draws == 48
        assert lower(quiet, replace(quiet, smallest=0.2)).smallest == 0.2

    def test_promises_are_held_against_the_worst_cell_of_their_length(self):
        quiet = measured_power([draws_of(0.0)], FAMILY, is_same_code=True)
        short = replace(quiet, cell="short", microseconds=2.0, power=dict.fromkeys(EFFECTS, 0.97))
        middle = replace(quiet, cell="middle", microseconds=6.0, power=dict.fromkeys(EFFECTS, 0.995))
        told = [promise_told(held) for held in promised([short, middle])]
        assert told[0].endswith("+2 % from 12 us on is found in 90 % of runs; no cell takes as long")
        assert told[1].endswith("kept: 99.5 % (middle)")
        assert told[2].endswith("NOT KEPT: 97.0 % (short)")
