"""What the latency gate says, in which order, and what it refuses to say."""

import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from tests.latency import criteria
from tests.latency import thresholds as limits
from tests.latency.cell_verdict import CellVerdict, Kind, MoreDraws, NeedsConfirmation, Stage, Step, overall
from tests.latency.criteria import Said
from tests.latency.decision import confirm, next_step, same_by_identity, unmeasured
from tests.latency.log_ratios import weigh
from tests.latency.samples import Cell, CellSamples, Draw
from tests.self.latency.simulated_clock import MODELS, REALISTIC, Noise, samples_of

CELL = Cell("32x4k", "get_k_and_s")
HOST = Cell("32x4k", "get_k_and_s", "host")
FAMILY = 30
QUIET = Noise("quiet", replay_times=0.5, placement_times=0.5)
_SIDES = ("base", "head")
_seeds = itertools.count(100)


@pytest.fixture(autouse=True)
def _same_seeds_in_any_order():
    global _seeds
    _seeds = itertools.count(100)


def _samples(
    effect: float = 0.0, draws: int = 24, us: float = 14.0, cell: Cell = CELL, noise: Noise = QUIET
) -> CellSamples:
    return samples_of(cell, noise, np.random.default_rng(next(_seeds)), us, effect, draws)


def _with_replay(samples: CellSamples, value: float, control: str | None = None) -> CellSamples:
    """Return the samples with one replay of the fourth draw replaced."""
    draws = list(samples.controls[control] if control else samples.draws)
    draws[3] = Draw(draws[3].base, (value, *draws[3].head[1:]))
    if control:
        return replace(samples, controls={**samples.controls, control: tuple(draws)})
    return replace(samples, draws=tuple(draws))


def _flag(effect: float, cell: Cell = CELL, us: float = 14.0) -> NeedsConfirmation:
    step = next_step(_samples(effect, cell=cell, us=us), FAMILY)
    assert isinstance(step, NeedsConfirmation)
    return step


def _undecided(step: object) -> CellVerdict:
    assert isinstance(step, CellVerdict)
    assert step.kind is Kind.INCONCLUSIVE
    return step


class TestInvalidFigures:
    """They are never SAME, and the reason names them."""

    @pytest.mark.parametrize(
        ("value", "told"),
        [(math.nan, "not finite"), (math.inf, "not finite"), (0.0, "zero or less"), (-1e-6, "zero or less")],
    )
    @pytest.mark.parametrize("control", [None, "twin"])
    def test_one_bad_replay(self, value, told, control):
        verdict = _undecided(next_step(_with_replay(_samples(draws=8), value, control), FAMILY))
        assert told in verdict.reason
        assert ("control twin" in verdict.reason) == (control is not None)
        assert verdict.ratio is None

    def test_a_stuck_clock(self):
        draw = Draw((1e-5,) * 8, (1e-5,) * 8)
        verdict = _undecided(next_step(CellSamples(CELL, (draw,) * 8, {"twin": (draw,) * 8}), FAMILY))
        assert "stuck" in verdict.reason

    def test_a_clock_that_is_stuck_for_one_side(self):
        samples = _samples(draws=8)
        draws = tuple(replace(draw, head=(1.4e-5,) * 8) for draw in samples.draws)
        assert "stuck" in _undecided(next_step(replace(samples, draws=draws), FAMILY)).reason

    @pytest.mark.parametrize("stuck_draws", [1, 2, 3, 4, 5, 6, 7, 8])
    def test_a_clock_that_gets_stuck_hides_no_slowdown(self, stuck_draws):
        samples = _samples(0.05, draws=8)
        still = Draw((1.4e-5,) * 8, (1.4e-5,) * 8)
        step = next_step(replace(samples, draws=(*samples.draws[stuck_draws:], *(still,) * stuck_draws)), FAMILY)
        assert not (isinstance(step, CellVerdict) and step.kind is Kind.SAME)

    def test_replays_that_are_no_blocks(self):
        samples = _samples(draws=8)
        odd = tuple(Draw(draw.base[:7], draw.head[:7]) for draw in samples.draws)
        assert "got 7 replays" in _undecided(next_step(replace(samples, draws=odd), FAMILY)).reason
        ragged = (*samples.draws[:7], Draw(samples.draws[7].base, samples.draws[7].head[:6]))
        assert "got [6, 8]" in _undecided(next_step(replace(samples, draws=ragged), FAMILY)).reason

    def test_no_controls_or_too_few_of_their_draws(self):
        samples = _samples(draws=8)
        assert "no controls" in _undecided(next_step(replace(samples, controls={}), FAMILY)).reason
        few = replace(samples, controls={"copy": samples.controls["twin"][:5]})
        assert "8 draws of the control copy, got 5" in _undecided(next_step(few, FAMILY)).reason

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="family: expected the number of cells, at least 1, got 0"):
            next_step(_samples(draws=8), 0)
        with pytest.raises(ValueError, match="at most 24 draws, got 25"):
            next_step(_samples(draws=25), FAMILY)


class TestControls:
    """What they show is the machine's doing."""

    @pytest.mark.parametrize("effect", [0.0, 0.05])
    @pytest.mark.parametrize("bias", [0.03, -0.03])
    def test_sides_that_differ_in_the_same_code(self, effect, bias):
        samples = replace(_samples(effect), controls={"copy": _samples().draws, "empty": _samples(bias).draws})
        verdict = _undecided(next_step(samples, FAMILY))
        assert verdict.reason.startswith("the machine moved: the control empty, which is the same code on both sides")
        assert verdict.ratio is not None

    def test_a_bias_within_the_minimum_effect_is_borne(self):
        samples = replace(_samples(), controls={"twin": _samples(0.005).draws})
        step = next_step(samples, FAMILY)
        assert isinstance(step, CellVerdict)
        assert step.kind is Kind.SAME

    def test_gross_drift(self):
        verdict = _undecided(next_step(_samples(0.05, noise=Noise("throttled", drift=0.05)), FAMILY))
        assert "the control twin took +" in verdict.reason
        assert "second half of the run" in verdict.reason

    def test_in_the_second_process(self):
        flag = _flag(0.05)
        fresh = replace(_samples(0.05), controls={"twin": _samples(0.05).draws})
        assert "the machine moved" in _undecided(confirm([flag], {CELL: fresh})[CELL]).reason


class TestScreening:
    """The first process."""

    def test_unchanged_is_same_with_a_bound(self):
        verdict = next_step(_samples(draws=8), FAMILY)
        assert isinstance(verdict, CellVerdict)
        assert (verdict.kind, verdict.stage, verdict.draws) == (Kind.SAME, Stage.SCREENING, 8)
        assert "not slower by 1.75 % or more" in verdict.reason
        assert verdict.base_microseconds == pytest.approx(14.0, rel=0.02)
        assert verdict.interval is not None
        assert verdict.ratio is not None
        assert verdict.interval[0] < verdict.ratio < verdict.interval[1]

    @pytest.mark.parametrize(("us", "bound"), [(2.0, "4 %"), (5.0, "2.5 %"), (12.0, "1.75 %"), (90.0, "1.75 %")])
    def test_the_bound_is_that_of_the_duration(self, us, bound):
        verdict = next_step(_samples(us=us), FAMILY)
        assert isinstance(verdict, CellVerdict)
        assert f"not slower by {bound} or more" in verdict.reason

    def test_slower_is_never_said(self):
        flag = _flag(0.05)
        assert flag.kind is Kind.SLOWER
        assert flag.suspicion.kind is Kind.INCONCLUSIVE
        assert "flagged as SLOWER by +" in flag.suspicion.reason
        assert "not confirmed" in flag.suspicion.reason

    def test_faster_is_flagged_too(self):
        assert _flag(-0.05).kind is Kind.FASTER

    def test_a_flag_must_stand_out_of_its_family(self):
        """Draws that flag a lone cell do not flag one of a million."""
        samples = _samples(0.03, us=2.0, noise=Noise("", replay_times=10))
        assert isinstance(next_step(samples, 1), NeedsConfirmation)
        assert not isinstance(next_step(samples, 1_000_000), NeedsConfirmation)

    def test_more_draws_at_the_looks_only(self):
        samples = _samples(0.05)
        for count in range(1, 12):
            step = next_step(replace(samples, draws=samples.draws[:count]), FAMILY)
            assert step == MoreDraws(CELL, 8 if count < 8 else 12)

    def test_the_answer_does_not_depend_on_how_often_it_was_asked_for(self):
        for noise in MODELS:
            for effect in (0.0, 0.012, 0.03):
                samples = samples_of(CELL, noise, np.random.default_rng(next(_seeds)), 3.0, effect, 24)
                whole = next_step(samples, FAMILY)
                step: Step = MoreDraws(CELL, 8)
                while isinstance(step, MoreDraws):
                    part = samples.draws[: step.draws]
                    controls = {"twin": samples.controls["twin"][: step.draws]}
                    step = next_step(replace(samples, draws=part, controls=controls), FAMILY)
                if isinstance(step, NeedsConfirmation):
                    assert isinstance(whole, NeedsConfirmation)
                    assert step.suspicion == whole.suspicion
                else:
                    assert getattr(whole, "kind", None) is step.kind

    def test_what_stays_open_says_what_would_be_visible(self):
        verdict = _undecided(next_step(_samples(us=2.0, noise=Noise("wild", replay_times=40)), FAMILY))
        assert verdict.draws == 24
        visible = re.search(r"the smallest slowdown visible here is \+([\d.]+) %", verdict.reason)
        assert visible is not None
        assert float(visible[1]) > 4

    def test_a_budget_that_is_too_small(self):
        assert "7 draws are too few" in _undecided(next_step(_samples(draws=7), FAMILY, most_draws=7)).reason
        wild = _samples(draws=12, noise=Noise("wild", replay_times=40))
        assert next_step(wild, FAMILY) == MoreDraws(CELL, 16)
        assert _undecided(next_step(wild, FAMILY, most_draws=15)).draws == 12

    def test_host_time_has_a_larger_minimum_effect(self):
        verdict = next_step(_samples(0.015, cell=HOST), FAMILY)
        assert isinstance(verdict, CellVerdict)
        assert (verdict.kind, "5 %" in verdict.reason) == (Kind.SAME, True)
        assert _flag(0.05, cell=HOST).kind is Kind.SLOWER


class TestConfirmation:
    """The second process decides, from its own draws."""

    def test_confirmed(self):
        verdict = confirm([_flag(0.05)], {CELL: _samples(0.05, draws=16)})[CELL]
        assert isinstance(verdict, CellVerdict)
        assert (verdict.kind, verdict.stage, verdict.draws) == (Kind.SLOWER, Stage.CONFIRMATION, 16)
        assert verdict.ratio == pytest.approx(1.05, abs=0.005)
        assert verdict.reason.startswith("+")
        assert "confirmed on 16 fresh draws" in verdict.reason

    def test_faster(self):
        verdict = confirm([_flag(-0.05)], {CELL: _samples(-0.05, draws=16)})[CELL]
        assert isinstance(verdict, CellVerdict)
        assert verdict.kind is Kind.FASTER

    def test_refuted(self):
        verdict = confirm([_flag(0.05)], {CELL: _samples(0.0, draws=16)})[CELL]
        assert isinstance(verdict, CellVerdict)
        assert verdict.kind is Kind.SAME
        assert "a first process had flagged it as SLOWER" in verdict.reason

    def test_faster_does_not_confirm_slower(self):
        verdict = confirm([_flag(0.05)], {CELL: _samples(-0.05)})[CELL]
        assert isinstance(verdict, CellVerdict)
        assert verdict.kind is Kind.SAME

    def test_neither(self):
        flag = _flag(0.05, us=2.0)
        wild = _samples(0.03, us=2.0, noise=Noise("wild", replay_times=40))
        assert "neither confirm nor refute" in _undecided(confirm([flag], {CELL: wild})[CELL]).reason

    def test_a_look_takes_draws_of_all_cells(self):
        other = Cell("1x1m", "get_k")
        flags = [_flag(0.05), _flag(0.05, cell=other)]
        suspicions = {flag.cell: flag.suspicion for flag in flags}
        assert confirm(flags, {CELL: _samples(0.05, draws=16)}) == suspicions
        assert confirm(flags, {}) == suspicions
        said = confirm(flags, {CELL: _samples(0.05, draws=16), other: _samples(0.05, draws=16, cell=other)})
        assert [verdict.kind for verdict in said.values()] == [Kind.SLOWER, Kind.SLOWER]

    def test_only_open_cells_are_looked_at_again(self):
        other = Cell("1x128", "get_k")
        flags = [_flag(0.05), _flag(0.05, cell=other, us=2.0)]
        wild = Noise("wild", replay_times=40)
        said = confirm(flags, {CELL: _samples(0.05), other: _samples(0.03, us=2.0, cell=other, noise=wild)})
        assert [said[cell].draws for cell in (CELL, other)] == [16, 24]
        assert "neither confirm nor refute" in _undecided(said[other]).reason

    def test_a_cell_that_says_nothing_leaves_the_others_theirs(self):
        other = Cell("1x1m", "get_k")
        broken = replace(_samples(0.05, draws=16, cell=other), controls={})
        said = confirm([_flag(0.05), _flag(0.05, cell=other)], {CELL: _samples(0.05, draws=16), other: broken})
        assert "no controls" in _undecided(said[other]).reason
        assert getattr(said[CELL], "kind", None) is Kind.SLOWER

    def test_a_budget_too_small_leaves_the_suspicion(self):
        flag = _flag(0.05)
        assert confirm([flag], {CELL: _samples(0.05, draws=8)}) == {CELL: flag.suspicion}

    def test_refuses_the_draws_that_flagged(self):
        flag = _flag(0.05)
        with pytest.raises(ValueError, match=r"expected new draws of 32x4k/get_k_and_s, got 24 that flagged it"):
            confirm([flag], {CELL: flag.screened})
        with pytest.raises(ValueError, match="expected each cell once"):
            confirm([flag, flag], {})

    def test_nothing_flagged(self):
        assert confirm([], {}) == {}


class TestRun:
    """The exit code."""

    SLOWER = CellVerdict(CELL, Kind.SLOWER, Stage.CONFIRMATION, "", ratio=1.05)
    WORSE = CellVerdict(HOST, Kind.SLOWER, Stage.CONFIRMATION, "", ratio=1.3)
    FASTER = CellVerdict(CELL, Kind.FASTER, Stage.CONFIRMATION, "", ratio=0.9)

    def test_slower_decides(self):
        outcome = overall([self.FASTER, unmeasured(CELL, "no time left"), self.SLOWER, self.WORSE])
        assert (outcome.exit_code, outcome.worst) == (1, self.WORSE)
        assert outcome.counts[Kind.SLOWER] == 2

    def test_then_what_is_undecided(self):
        undecided = unmeasured(CELL, "no time left")
        assert (overall([self.FASTER, undecided]).exit_code, overall([undecided]).worst) == (2, undecided)

    def test_else_clean(self):
        outcome = overall([same_by_identity(CELL), self.FASTER])
        assert (outcome.exit_code, outcome.worst) == (0, None)
        assert outcome.counts == {Kind.SAME: 1, Kind.FASTER: 1, Kind.SLOWER: 0, Kind.INCONCLUSIVE: 0}

    def test_nothing_is_no_evidence(self):
        assert overall([]).exit_code == 2

    def test_identity(self):
        verdict = same_by_identity(CELL)
        assert (verdict.kind, verdict.stage, verdict.draws) == (Kind.SAME, Stage.IDENTITY, 0)


@pytest.mark.parametrize("noise", MODELS, ids=[noise.name for noise in MODELS])
def test_the_simulation_runs_the_rules_of_the_gate(noise):
    """One cell at a time as the gate asks, against all cells at once as the simulation does."""
    rng = np.random.default_rng(next(_seeds))
    cells = [
        samples_of(CELL, noise, rng, us, effect, 24) for us in (1.6, 5.5, 14.0) for effect in (-0.04, 0.0, 0.015, 0.03)
    ]
    expected = {Said.SAME: Kind.SAME, Said.SLOWER: Kind.SLOWER, Said.FASTER: Kind.FASTER}
    for samples in cells:
        step = next_step(samples, FAMILY)
        for place, look in enumerate(limits.LOOKS):
            base, head = (np.array([getattr(draw, side) for draw in samples.draws[:look]])[None] for side in _SIDES)
            control = [
                np.array([getattr(draw, side) for draw in samples.controls["twin"][:look]])[None] for side in _SIDES
            ]
            twin = weigh(*control)
            moved = (twin.trouble != 0) | (criteria.machine_state(twin, "device") != 0)
            found = criteria.screening(weigh(base, head), moved, "device", FAMILY, place, look == limits.LOOKS[-1])
            if found[0] != Said.OPEN:
                break
        assert not isinstance(step, MoreDraws)
        assert step.kind is expected.get(Said(int(found[0])), Kind.INCONCLUSIVE)


def test_what_a_clock_rounds_away_is_doubted():
    """Replays of 0.5 ms, read to 1 us: half a thousandth of doubt a draw, however alike the readings are."""
    rng = np.random.default_rng(1)
    ticking = weigh(*Noise("", tick=1e-6).replays(rng, np.full(50, 14.0), np.zeros(50), 8)).rounding
    assert ticking == pytest.approx(0.002 / math.sqrt(12), rel=0.05)
    smooth = weigh(*QUIET.replays(rng, np.full(50, 14.0), np.zeros(50), 8)).rounding
    assert smooth.max() < 2e-5


def test_the_spending_adds_up():
    for shares in (limits.FLAG_SPENDING, limits.SAME_SPENDING, limits.CONFIRMATION_SPENDING):
        assert sum(shares) == pytest.approx(1.0)
    assert len(limits.FLAG_SPENDING) == len(limits.SAME_SPENDING) == len(limits.LOOKS)
    assert len(limits.CONFIRMATION_SPENDING) == len(limits.CONFIRMATION_LOOKS)
    assert limits.FALSE_ALARM <= 0.005
    assert limits.MISSED * limits.SAME_SPENDING[0] >= 2.0**-8, "else no cell could be SAME after eight draws"


def test_realistic_noise_is_the_measured_one():
    """Within a draw 0.2 to 0.8 %, between draws up to 1.8 % at 1.6 us."""
    base, head = REALISTIC.replays(np.random.default_rng(1), np.full(4000, 1.6), np.zeros(4000), 1)
    blocks = np.log(head.reshape(-1, 2).sum(axis=1) / base.reshape(-1, 2).sum(axis=1)).reshape(4000, 4)
    assert 0.002 < blocks.std(axis=1, ddof=1).mean() < 0.008
    draws = weigh(base, head).log_ratios
    assert 0.015 < np.quantile(np.abs(draws), 0.99) < 0.022
