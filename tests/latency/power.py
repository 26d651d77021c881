"""What the gate can see on this machine, from draws that were measured on it. Pure: no clocks or files.

The scatter of a cell is taken from its own draws: those of the same code on both sides, or of a planted slowdown. They
are drawn again, with replacement, thousands of times, shifted by an effect, and given to the very rules of the gate,
both processes of them. What share ends as SLOWER is the power. It holds for scatter like the one that was measured,
and needs enough draws to have met it: 24 or more.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from tests.latency import criteria
from tests.latency import thresholds as limits
from tests.latency.cell_verdict import percent
from tests.latency.criteria import Said
from tests.latency.log_ratios import Evidence, Trouble, weigh_draws
from tests.latency.samples import CellSamples, Draw, Metric
from tests.latency.statistics import Floats
from tests.latency.thresholds import Promise

EFFECTS = (0.02, 0.03, 0.05, 0.10)
"""Relative slowdowns for which the certificate states the power."""
GRID = (0.01, 0.0125, 0.015, 0.0175, 0.02, 0.0225, 0.025, 0.03, 0.035, 0.04, 0.05, 0.06, 0.08, 0.10, 0.15, 0.20, 0.30)
"""Relative slowdowns among which the smallest visible one is looked for; it lies between the row and the one before."""
FEWEST_DRAWS = 24
BLIND_FROM = 0.10
"""A cell that cannot see this slowdown says so in every report."""


@dataclass(frozen=True)
class CellPower:
    """What the gate sees in one cell."""

    cell: str
    """Its id."""
    microseconds: float
    draws: int
    scatter: float
    """Standard deviation of a draw's log-ratio, from the winsorised draws."""
    center: float
    """Relative change that the draws themselves show: that of the planted slowdown; of the same code, a bias."""
    power: dict[float, float]
    """Share of simulated runs that end as SLOWER, by relative slowdown."""
    smallest: float | None
    """The smallest slowdown of the grid that is found in nine of ten runs; None if none is."""

    @property
    def is_blind(self) -> bool:
        """Whether a slowdown of 10 % goes unseen."""
        return self.smallest is None or self.smallest > BLIND_FROM

    @property
    def told(self) -> str:
        """One line for reports."""
        if self.smallest is None:
            return f"{self.cell} cannot see a slowdown of {100 * GRID[-1]:g} % or less"
        if self.is_blind:
            seen = percent(self.smallest)
            return f"{self.cell} cannot see a slowdown of {100 * BLIND_FROM:g} %: it sees them from {seen}"
        return f"{self.cell} sees slowdowns from {percent(self.smallest)}"

    def as_json(self) -> dict[str, Any]:
        """Return the figures and the line as a JSON object; slowdowns are keys, as text."""
        power = {f"{effect:g}": share for effect, share in self.power.items()}
        return {**asdict(self), "power": power, "is_blind": self.is_blind, "told": self.told}


def measured_power(
    groups: Sequence[CellSamples], family: int, is_same_code: bool, runs: int = 1000, seed: int = 0
) -> CellPower:
    """Return what the gate would see in a cell whose draws scatter as these do.

    Args:
        groups: the draws of one cell, 24 or more together: a group a process, or a planted slowdown.
        family: number of cells and metrics that a run of the gate decides on.
        is_same_code: whether both sides were the same code. Then a bias of the draws is the gate's, and stays in;
            the effect of a planted slowdown is taken out of its group, so that any other can be put in its place.
        runs: how many are simulated for each slowdown.
        seed: of the drawing.

    Raises:
        ValueError: there are too few draws, or their figures are invalid.
    """
    cell = groups[0].cell
    draws = [draw for group in groups for draw in group.draws]
    if len(draws) < FEWEST_DRAWS:
        raise ValueError(f"groups: expected at least {FEWEST_DRAWS} draws of {cell.id}, got {len(draws)}")
    all_draws = _sound(cell.id, draws)
    found = all_draws.estimate
    center = float(found.center[0])
    log_ratios = all_draws.log_ratios[0]
    if not is_same_code:
        each = [_sound(cell.id, group.draws) for group in groups]
        log_ratios = np.concatenate([of.log_ratios[0] - of.estimate.center[0] for of in each])
    centered = replace(all_draws, log_ratios=log_ratios[None]).estimate
    scatter = float(centered.standard_error[0]) * math.sqrt(centered.count)
    resampled = _Resampled(log_ratios, all_draws, cell.metric, family, runs)

    @cache
    def power(effect: float) -> float:
        findings = resampled.run(effect, np.random.default_rng(seed))
        return float((findings == Said.SLOWER).mean())

    smallest = next((effect for effect in GRID if power(effect) >= limits.VISIBLE_POWER), None)
    return CellPower(
        cell.id,
        float(all_draws.microseconds[0]),
        len(draws),
        scatter,
        math.expm1(center),
        {effect: power(effect) for effect in EFFECTS},
        smallest,
    )


def _sound(cell: str, draws: Sequence[Draw]) -> Evidence:
    evidence = weigh_draws(draws)
    trouble = Trouble(int(evidence.trouble[0]))
    if trouble is not Trouble.NONE:
        raise ValueError(f"groups: the clock of {cell} returned {trouble.told}")
    return evidence


def lower(one: CellPower, other: CellPower) -> CellPower:
    """Return the less that either says of one cell."""
    seen = [power.smallest for power in (one, other)]
    known = [smallest for smallest in seen if smallest is not None]
    return replace(
        one,
        draws=one.draws + other.draws,
        scatter=max(one.scatter, other.scatter),
        power={effect: min(share, other.power[effect]) for effect, share in one.power.items()},
        smallest=max(known) if len(known) == len(seen) else None,
    )


def promised(powers: Sequence[CellPower]) -> list[tuple[Promise, CellPower | None]]:
    """Return, of each promise, the cell that keeps it worst; None if no cell is as long."""
    worst: list[tuple[Promise, CellPower | None]] = []
    for promise in limits.PROMISES:
        held = [power for power in powers if power.microseconds >= promise.from_microseconds]
        worst.append((promise, min(held, key=lambda power: power.power[promise.slowdown], default=None)))
    return worst


@dataclass(frozen=True)
class _Resampled:
    """Runs of the gate on one cell, whose draws are drawn from measured ones."""

    log_ratios: Floats
    measured: Evidence
    metric: Metric
    family: int
    runs: int

    def run(self, effect: float, rng: np.random.Generator) -> Floats:
        """Return the `Said` of each run, of shape (runs,)."""
        steady = np.zeros(self.runs, bool)
        draws = self._draws(rng, limits.LOOKS, effect)
        found = np.full(self.runs, Said.OPEN, np.int64)
        for place, look in enumerate(limits.LOOKS):
            is_last = look == limits.LOOKS[-1]
            said = criteria.screening(self._evidence(draws[:, :look]), steady, self.metric, self.family, place, is_last)
            found = np.where(found == Said.OPEN, said, found)
        flags = np.isin(found, (Said.SLOWER, Said.FASTER))
        is_slower = found == Said.SLOWER
        draws = self._draws(rng, limits.CONFIRMATION_LOOKS, effect)
        least = math.log1p(limits.MINIMUM_EFFECT[self.metric])
        confirmed = np.full(self.runs, Said.OPEN, np.int64)
        for place, look in enumerate(limits.CONFIRMATION_LOOKS):
            sides = self._evidence(draws[:, :look])
            p_values = np.where(
                is_slower, criteria.p_values(sides, least), criteria.p_values(criteria.mirrored(sides), least)
            )
            # The only flagged cell of its run, so Holm's procedure is a comparison.
            passes = p_values <= limits.FALSE_ALARM * limits.CONFIRMATION_SPENDING[place]
            is_last = look == limits.CONFIRMATION_LOOKS[-1]
            said = criteria.confirmation(sides, steady, passes, is_slower, self.metric, place, is_last)
            confirmed = np.where(confirmed == Said.OPEN, said, confirmed)
        return np.where(flags, confirmed, found)

    def _draws(self, rng: np.random.Generator, looks: Sequence[int], effect: float) -> Floats:
        return rng.choice(self.log_ratios, (self.runs, looks[-1])) + math.log1p(effect)

    def _evidence(self, log_ratios: Floats) -> Evidence:
        whole = (self.runs,)
        return Evidence(
            log_ratios,
            np.zeros_like(log_ratios),
            np.broadcast_to(self.measured.microseconds, whole),
            np.broadcast_to(self.measured.rounding, whole),
            np.zeros(whole, np.int64),
        )
