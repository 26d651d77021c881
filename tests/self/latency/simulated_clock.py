"""A clock that is wrong in known ways, and runs of the latency gate on it: thousands in seconds, without a GPU.

`python -m tests.self.latency.simulated_clock --runs 20000` prints the error rates of the gate under every noise model.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.latency import criteria
from tests.latency import statistics as st
from tests.latency import thresholds as limits
from tests.latency.criteria import Said
from tests.latency.log_ratios import Evidence, weigh
from tests.latency.samples import Cell, CellSamples, Draw
from tests.latency.statistics import Bools, Floats

REPLAY_SECONDS = 0.5e-3
BLOCKS = 4
"""A B B A blocks a draw: the fewest that the clock replays."""
CELLS = np.array([1.6, 1.9, 2.7, 3.2, 3.3, 3.3, 5.0, 5.5, 8.3, 10.3, 12.0, 14.6, 15.6, 17.2, 27.6, 27.6, 27.6, 94.8])
CELLS = np.concatenate([CELLS, CELLS[[1, 2, 3, 7, 8, 9, 10, 11, 12, 14, 16, 17]]])
"""Microseconds of 30 cells: the workloads' durations, those of the three functions on some."""


def upper_bound_of_rate(events: int, trials: int, confidence: float = 0.95) -> float:
    """Return the exact upper confidence bound (Clopper and Pearson) of a rate of which `events` in `trials` were seen.

    Raises:
        ValueError: `events` is not within 0 to `trials`, or there were no trials.
    """
    if not 0 <= events <= trials or trials == 0:
        raise ValueError(f"expected 0 <= events <= trials and trials > 0, got {events} of {trials}")
    if events == trials:
        return 1.0
    seen = np.arange(events + 1)
    log_ways = np.cumsum(np.log(np.append(1.0, (trials - seen[1:] + 1) / seen[1:])))
    low, high = 0.0, 1.0
    for _ in range(60):
        rate = 0.5 * (low + high)
        as_few = np.exp(log_ways + seen * math.log(rate) + (trials - seen) * math.log1p(-rate)).sum()
        low, high = (rate, high) if as_few > 1.0 - confidence else (low, rate)
    return high


def lower_bound_of_rate(events: int, trials: int) -> float:
    """Return the exact lower 95 % bound of a rate of which `events` in `trials` were seen."""
    return 1.0 - upper_bound_of_rate(trials - events, trials)


def measured_replay_deviation(microseconds: Floats) -> Floats:
    """Return the standard deviation of a block's log-ratio within a draw, as measured on an H100."""
    return np.select([microseconds < 4, microseconds < 10], [0.004, 0.008], 0.0025)


def measured_placement(microseconds: Floats) -> Floats:
    """Return how far placement moves a draw's log-ratio: 1.8 % at 1.6 us, less for longer calls."""
    return 0.018 * np.minimum(1.0, 1.6 / microseconds)


Draws = Callable[[np.random.Generator, tuple[int, ...]], Floats]
"""Draws numbers of mean 0 and size about 1."""


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Normal, standard deviation 1."""
    return rng.standard_normal(shape)


def heavy(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Student's t with 2 degrees of freedom: no variance at all."""
    return rng.standard_t(2, shape)


def even(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Evenly from -1 to 1."""
    return rng.uniform(-1, 1, shape)


def coin(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """-1 or 1."""
    return rng.choice([-1.0, 1.0], shape)


@dataclass(frozen=True)
class Noise:
    """In which ways the clock and the machine are wrong."""

    name: str
    replay: Draws = normal
    """How a replay's time scatters."""
    replay_times: float = 1.0
    """Multiple of the measured scatter of replays."""
    placement: Draws = even
    """How the log-ratio of a draw scatters; size as measured."""
    placement_times: float = 1.0
    drift: float = 0.0
    """Relative change of all times over a draw, steady, and as much in one step somewhere in every third draw."""
    bursts: float = 0.0
    """Share of replays that take up to half as long again, and of draws in which one side takes 3 % more."""
    tick: float = 0.0
    """Seconds between two readings that the clock can return."""
    stuck: bool = False
    """The clock returns the same time for every replay, whatever the code."""
    not_a_number: float = 0.0
    """Share of cells with one NaN."""

    def replays(
        self, rng: np.random.Generator, microseconds: Floats, log_ratio: Floats, draws: int, first: int = 0
    ) -> tuple[Floats, Floats]:
        """Return seconds a call of base and head, of shape (cells, draws, replays).

        Args:
            rng: where the noise comes from.
            microseconds: shape (cells,), of a call of the base.
            log_ratio: shape (cells,), what head truly takes, as the logarithm of its ratio to base.
            draws: how many.
            first: number of draws that came before, for what drifts.
        """
        cells = len(microseconds)
        shape = (cells, draws, 4 * BLOCKS)
        calls = np.ceil(REPLAY_SECONDS * 1e6 / microseconds)[:, None, None]
        log_times = self.replay(rng, shape)
        log_times *= (self.replay_times * measured_replay_deviation(microseconds))[:, None, None]
        is_head = np.tile([False, True, True, False], BLOCKS)
        placement = self.placement_times * measured_placement(microseconds)[:, None] * self.placement(rng, shape[:2])
        log_times[..., is_head] += (log_ratio[:, None] + placement)[..., None]
        if self.drift:
            log_times += self.drift * (first + np.arange(draws)[:, None] + np.arange(4 * BLOCKS) / (4 * BLOCKS))
            steps = rng.integers(0, 3 * 4 * BLOCKS, shape[:2])[..., None]
            log_times += self.drift * (np.arange(4 * BLOCKS) > steps)
        if self.bursts:
            hit = rng.uniform(size=shape) < self.bursts
            log_times += np.where(hit, rng.uniform(0, 0.4, shape), 0.0)
            side = rng.choice([-0.03, 0.03], shape[:2]) * (rng.uniform(size=shape[:2]) < self.bursts)
            log_times[..., is_head] += side[..., None]
        seconds = np.exp(log_times) * (calls * microseconds[:, None, None] * 1e-6)
        if self.tick:
            seconds = np.round(seconds / self.tick) * self.tick
        if self.stuck:
            seconds[:] = REPLAY_SECONDS
        if self.not_a_number:
            lost = np.flatnonzero(rng.uniform(size=cells) < self.not_a_number)
            seconds[lost, rng.integers(0, draws, len(lost)), rng.integers(0, shape[2], len(lost))] = np.nan
        seconds /= calls
        return seconds[..., ~is_head], seconds[..., is_head]


REALISTIC = Noise("realistic")
MODELS = (
    REALISTIC,
    Noise("gaussian", placement=normal, placement_times=0.6),
    Noise("heavy tails", replay=heavy, placement=heavy, placement_times=0.4),
    Noise("drift", drift=0.003),
    Noise("bursts", bursts=0.05),
    Noise("placement by a coin", placement=coin),
    Noise("ticks of 1 us", tick=1e-6),
    Noise("coarse ticks, quiet replays", tick=1e-6, replay_times=0.2, placement_times=0.2),
    Noise("stuck clock", stuck=True),
    Noise("NaN", not_a_number=0.1),
)


def samples_of(
    cell: Cell, noise: Noise, rng: np.random.Generator, microseconds: float, effect: float, draws: int
) -> CellSamples:
    """Return the samples of one cell and its control `twin`, as the clock hands them over."""

    def measure(log_ratio: float) -> tuple[Draw, ...]:
        base, head = noise.replays(rng, np.array([microseconds]), np.array([log_ratio]), draws)
        return tuple(
            Draw(tuple(one), tuple(other)) for one, other in zip(base[0].tolist(), head[0].tolist(), strict=True)
        )

    return CellSamples(cell, measure(float(np.log1p(effect))), {"twin": measure(0.0)})


@dataclass
class Tally:
    """What simulated runs came to."""

    findings: NDArray[np.int64]
    """Shape (runs, cells): a `Said` each; OPEN stands for INCONCLUSIVE for lack of evidence."""
    draws: NDArray[np.int64]
    """Shape (runs, cells): draws of the first process."""
    flagged: Bools
    """Shape (runs, cells): whether the first process flagged it."""

    def share(self, *findings: Said) -> float:
        """Return the share of cells, over all runs, with one of these findings."""
        return float(np.isin(self.findings, findings).mean())

    def runs_with(self, *findings: Said) -> int:
        """Return the number of runs in which any cell has one of these findings."""
        return int(np.isin(self.findings, findings).any(axis=1).sum())

    @property
    def false_alarms(self) -> int:
        """Runs with a cell that is said to be slower or faster, on unchanged code."""
        return self.runs_with(Said.SLOWER, Said.FASTER)


@dataclass
class SimulatedGate:
    """The gate's rules, on cells that a noise model makes up."""

    noise: Noise
    microseconds: Floats = field(default_factory=lambda: CELLS)
    confirms: bool = True
    """Whether flags are confirmed; without, a flag is taken for a verdict."""

    def run(self, runs: int, seed: int, effect: float | Floats = 0.0) -> Tally:
        """Return what runs come to in which head truly takes 1 + `effect` times as long, of all cells or of each."""
        rng = np.random.default_rng(seed)
        cells = len(self.microseconds)
        log_ratio = np.tile(np.broadcast_to(np.log1p(effect), (cells,)), runs)
        microseconds = np.tile(self.microseconds, runs)
        findings, draws = self._screen(rng, microseconds, log_ratio)
        flagged = np.isin(findings, (Said.SLOWER, Said.FASTER))
        if self.confirms:
            where = np.flatnonzero(flagged)
            is_slower = findings[where] == Said.SLOWER
            findings[where] = self._confirm(rng, microseconds[where], log_ratio[where], where // cells, is_slower)
        shape = (runs, cells)
        return Tally(findings.reshape(shape), draws.reshape(shape), flagged.reshape(shape))

    def confirm_all(self, runs: int, seed: int, effect: float) -> Tally:
        """Return what confirmations alone come to, if every cell had been flagged as slower."""
        rng = np.random.default_rng(seed)
        cells = len(self.microseconds)
        microseconds = np.tile(self.microseconds, runs)
        log_ratio = np.full(runs * cells, np.log1p(effect))
        which_run, is_slower = np.arange(runs * cells) // cells, np.ones(runs * cells, bool)
        findings = self._confirm(rng, microseconds, log_ratio, which_run, is_slower).reshape(runs, cells)
        return Tally(findings, np.zeros(findings.shape, int), np.ones(findings.shape, bool))

    def _screen(
        self, rng: np.random.Generator, microseconds: Floats, log_ratio: Floats
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        findings = np.zeros(len(microseconds), np.int64)
        draws = np.zeros(len(microseconds), np.int64)
        process = _Process(self.noise, rng, microseconds, log_ratio)
        open_cells = np.arange(len(microseconds))
        for place, look in enumerate(limits.LOOKS):
            process.measure_up_to(look)
            sides, moved = process.evidence()
            found = criteria.screening(sides, moved, "device", len(self.microseconds), place, look == limits.LOOKS[-1])
            findings[open_cells], draws[open_cells] = found, look
            process.keep(found == Said.OPEN)
            open_cells = open_cells[found == Said.OPEN]
            if not len(open_cells):
                break
        return findings, draws

    def _confirm(
        self,
        rng: np.random.Generator,
        microseconds: Floats,
        log_ratio: Floats,
        which_run: NDArray[np.int64],
        is_slower: Bools,
    ) -> NDArray[np.int64]:
        findings = np.zeros(len(microseconds), np.int64)
        process = _Process(self.noise, rng, microseconds, log_ratio)
        open_cells = np.arange(len(microseconds))
        for place, look in enumerate(limits.CONFIRMATION_LOOKS):
            if not len(open_cells):
                break
            process.measure_up_to(look)
            sides, moved = process.evidence()
            least = float(np.log1p(limits.MINIMUM_EFFECT["device"]))
            p_values = np.where(
                is_slower[open_cells],
                criteria.p_values(sides, least),
                criteria.p_values(criteria.mirrored(sides), least),
            )
            p_values[moved | (sides.trouble != 0)] = 1.0
            confirmed = np.zeros(len(open_cells), bool)
            is_last = look == limits.CONFIRMATION_LOOKS[-1]
            starts = np.flatnonzero(np.diff(which_run[open_cells], prepend=-1))
            for start, end in zip(starts, [*starts[1:], len(open_cells)], strict=True):
                error = limits.FALSE_ALARM * limits.CONFIRMATION_SPENDING[place]
                confirmed[start:end] = st.holm(p_values[start:end].tolist(), error)
            found = criteria.confirmation(sides, moved, confirmed, is_slower[open_cells], "device", place, is_last)
            findings[open_cells] = found
            process.keep(found == Said.OPEN)
            open_cells = open_cells[found == Said.OPEN]
        return findings


_Pair = tuple[Floats, Floats]
"""Replays of base and of head."""


class _Process:
    """Draws of the sides and of one control, of the cells that are still open."""

    def __init__(self, noise: Noise, rng: np.random.Generator, microseconds: Floats, log_ratio: Floats) -> None:
        self._noise, self._rng, self._microseconds, self._log_ratio = noise, rng, microseconds, log_ratio
        nothing = np.zeros((len(microseconds), 0, 2 * BLOCKS))
        self._sides: _Pair = (nothing, nothing)
        self._control: _Pair = (nothing, nothing)

    def measure_up_to(self, look: int) -> None:
        self._sides = self._longer(self._sides, self._log_ratio, look)
        self._control = self._longer(self._control, np.zeros_like(self._log_ratio), look)

    def _longer(self, so_far: _Pair, log_ratio: Floats, look: int) -> _Pair:
        first = so_far[0].shape[1]
        base, head = self._noise.replays(self._rng, self._microseconds, log_ratio, look - first, first)
        return np.concatenate([so_far[0], base], axis=1), np.concatenate([so_far[1], head], axis=1)

    def evidence(self) -> tuple[Evidence, Bools]:
        sides, control = weigh(*self._sides), weigh(*self._control)
        moved = (control.trouble != 0) | (criteria.machine_state(control, "device") != criteria.MachineState.STEADY)
        return sides, moved

    def keep(self, chosen: Bools) -> None:
        self._microseconds, self._log_ratio = self._microseconds[chosen], self._log_ratio[chosen]
        self._sides = (self._sides[0][chosen], self._sides[1][chosen])
        self._control = (self._control[0][chosen], self._control[1][chosen])


def main() -> None:
    """Print the error rates under every noise model."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--runs", type=int, default=4000, help="runs of 30 cells a noise model")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chunk = 1000
    headings = ("runs", "alarms", "at most", "flagged", "SAME", "open", "moved", "draws")
    print(f"{'noise':28}" + "".join(f"{heading:>9}" for heading in headings))
    for noise in MODELS:
        tallies = [SimulatedGate(noise).run(chunk, options.seed + part) for part in range(-(-options.runs // chunk))]
        runs, alarms = chunk * len(tallies), sum(tally.false_alarms for tally in tallies)
        row = [f"{runs}", f"{alarms}", f"{upper_bound_of_rate(alarms, runs):.3%}"]
        row.append(f"{np.mean([tally.flagged.any(axis=1).mean() for tally in tallies]):.2%}")
        for finding in (Said.SAME, Said.OPEN, Said.MOVED):
            row.append(f"{np.mean([tally.share(finding) for tally in tallies]):.2%}")
        row.append(f"{np.mean([tally.draws.mean() for tally in tallies]):.2f}")
        print(f"{noise.name:28}" + "".join(f"{value:>9}" for value in row), flush=True)


if __name__ == "__main__":
    main()
