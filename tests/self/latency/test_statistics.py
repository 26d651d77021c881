"""The statistics of the latency gate against published tables, counting by hand, and brute force."""

import itertools
import math

import numpy as np
import pytest

from tests.latency import statistics as st
from tests.self.latency.simulated_clock import upper_bound_of_rate

T_TABLE = [
    # one-sided tail, degrees of freedom, t: tables of Student's t, as in the NIST/SEMATECH e-Handbook 1.3.6.7.2
    (0.05, 1, 6.314),
    (0.05, 5, 2.015),
    (0.025, 10, 2.228),
    (0.01, 7, 2.998),
    (0.005, 9, 3.250),
    (0.001, 5, 5.893),
    (0.001, 15, 3.733),
    (0.001, 100, 3.174),
]


@pytest.mark.parametrize(("tail", "degrees", "t"), T_TABLE)
def test_student_t_as_in_the_tables(tail, degrees, t):
    assert st.student_t_quantile(tail, degrees) == pytest.approx(t, abs=6e-4)
    assert st.student_t_quantile(1 - tail, degrees) == pytest.approx(-t, abs=6e-4)


@pytest.mark.parametrize("t", [-3.0, -0.1, 0.0, 0.4, 1.0, 7.0, 60.0, 1e4])
def test_student_t_tails_in_closed_form(t):
    """One, two and four degrees of freedom have elementary distributions, which reach far into the tail."""
    assert st.student_t_tail(t, 1) == pytest.approx(math.atan2(1, t) / math.pi, rel=1e-10)
    two = 1 / (math.sqrt(2 + t * t) * (math.sqrt(2 + t * t) + t))
    assert st.student_t_tail(t, 2) == pytest.approx(two, rel=1e-9)
    angle = math.atan2(2, t)
    four = 0.5 - math.cos(angle) * (0.75 - math.cos(angle) ** 2 / 4)
    assert st.student_t_tail(t, 4) == pytest.approx(four, rel=1e-9, abs=1e-15)
    assert st.student_t_tail(math.inf, 4) == 0.0
    assert st.student_t_tail(-math.inf, 4) == 1.0


@pytest.mark.parametrize("tail", [0.4, 1e-2, 1e-4, 1e-8])
@pytest.mark.parametrize("degrees", [3, 5, 7, 9, 15, 200])
def test_quantiles_undo_tails(tail, degrees):
    assert st.student_t_tail(st.student_t_quantile(tail, degrees), degrees) == pytest.approx(tail, rel=1e-9)


def test_many_degrees_of_freedom_are_normal():
    assert st.student_t_quantile(0.025, 1e7) == pytest.approx(1.959964, abs=1e-5)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: st.student_t_quantile(0.0, 5), "expected a tail between 0 and 1, got 0.0"),
        (lambda: st.student_t_tail(math.nan, 5), "got NaN"),
        (lambda: st.estimate(np.zeros(3)), "at least 4 values, got 3"),
        (lambda: upper_bound_of_rate(3, 2), "got 3 of 2"),
        (lambda: upper_bound_of_rate(0, 0), "got 0 of 0"),
    ],
)
def test_bad_arguments_are_named(call, told):
    with pytest.raises(ValueError, match=told):
        call()


class TestEstimate:
    """The trimmed mean and its standard error."""

    def test_by_hand(self):
        """Ten values, two cut on either side: Yuen's standard error written out."""
        values = np.array([90.0, 1, 2, 3, 4, 5, 6, 7, 8, -50])
        winsorised = [2, 2, 2, 3, 4, 5, 6, 7, 7, 7]
        mean = sum(winsorised) / 10
        squares = sum((value - mean) ** 2 for value in winsorised)
        found = st.estimate(values)
        assert found.center == pytest.approx((2 + 3 + 4 + 5 + 6 + 7) / 6)
        assert found.standard_error == pytest.approx(math.sqrt(squares / (6 * 5)))
        assert (found.degrees_of_freedom, found.count) == (5, 10)

    def test_keeps_the_axes_before(self):
        values = np.random.default_rng(1).normal(size=(3, 5, 12))
        found = st.estimate(values)
        assert found.center.shape == (3, 5)
        assert found.center[2, 4] == pytest.approx(float(st.estimate(values[2, 4]).center))

    def test_rounding_is_the_least_that_is_doubted(self):
        assert float(st.estimate(np.ones(16), least_deviation=0.4).standard_error) == pytest.approx(0.1)

    @pytest.mark.parametrize("count", [8, 12, 16, 24])
    def test_covers_as_often_as_it_says(self, count):
        values = np.random.default_rng(count).normal(size=(40_000, count))
        found = st.estimate(values)
        missed = (np.abs(found.center) > found.margin(0.005)).mean()
        assert 0.006 < missed < 0.013, "99 % intervals of a normal distribution"


class TestSignedRanks:
    """Wilcoxon's exact test."""

    def test_counts_all_signs(self):
        values = np.array([0.3, -0.1, 0.7, 0.2, -0.5, 1.1])
        order = np.abs(values).argsort().argsort() + 1
        seen = order[values > 0].sum()
        sums = [
            sum(rank for rank, up in zip(order, ups, strict=True) if up) for ups in itertools.product((0, 1), repeat=6)
        ]
        expected = sum(total >= seen for total in sums) / len(sums)
        assert st.signed_rank_tail(values, 0.0) == pytest.approx(expected)

    def test_extremes(self):
        assert st.signed_rank_tail(np.arange(1.0, 9.0), 0.0) == pytest.approx(2.0**-8)
        assert st.signed_rank_tail(np.arange(1.0, 9.0), 10.0) == pytest.approx(1.0)

    def test_ties_are_no_evidence(self):
        assert st.signed_rank_tail(np.zeros(12), 0.0) == 1.0
        half_and_half = np.array([1.0, -1.0] * 6)
        assert st.signed_rank_tail(half_and_half, 0.0) >= 0.5

    def test_a_coin_does_not_fool_it_where_it_fools_t(self):
        """Draws of +1.8 or -1.8 %: a trimmed mean of eight is sure of itself far too often, signed ranks are not."""
        coins = np.random.default_rng(3).choice([-0.018, 0.018], size=(50_000, 8))
        coins = coins + np.random.default_rng(4).normal(0, 1e-4, coins.shape)
        found = st.estimate(coins)
        by_t = (found.center - found.margin(0.001) > 0).mean()
        by_ranks = (st.signed_rank_tail(coins, 0.0) <= 0.005).mean()
        assert by_t > 0.02
        assert by_ranks < 0.005


class TestFamily:
    """Errors over many hypotheses, and bounds of rates."""

    def test_holm_by_hand(self):
        assert st.holm([0.010, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
        assert st.holm([0.01, 0.04, 0.02], 0.06) == [True, True, True]
        assert st.holm([], 0.05) == []
        assert st.holm([math.nan], 0.05) == [False]

    def test_holm_keeps_the_family_error(self):
        p_values = np.random.default_rng(5).uniform(size=(20_000, 8))
        wrong = sum(any(st.holm(list(row), 0.05)) for row in p_values)
        assert 0.04 < wrong / len(p_values) < 0.055

    def test_bounds_of_rates(self):
        assert upper_bound_of_rate(0, 300) == pytest.approx(1 - 0.05 ** (1 / 300))
        assert upper_bound_of_rate(10, 10) == 1.0
        # NIST/SEMATECH e-Handbook 7.2.4.1: 4 of 20, two-sided 90 %
        assert 1 - upper_bound_of_rate(16, 20) == pytest.approx(0.0713, abs=2e-4)
        assert upper_bound_of_rate(4, 20) == pytest.approx(0.4010, abs=2e-4)

    @pytest.mark.parametrize(("events", "trials"), [(3, 10), (49, 50), (7, 1000)])
    def test_at_the_bound_so_few_are_as_rare_as_is_said(self, events, trials):
        rate = upper_bound_of_rate(events, trials, 0.99)
        few = sum(math.comb(trials, i) * rate**i * (1 - rate) ** (trials - i) for i in range(events + 1))
        assert few == pytest.approx(0.01, rel=1e-9)


def test_trimmed_mean_cuts_both_ends():
    assert st.trimmed_mean(np.array([[1.0, 2.0, 3.0, 100.0]]), 0.25) == pytest.approx(np.array([2.5]))
