"""The tests that the latency gate decides by, on arrays of cells. `decision.py` has their order, and says why.

The gate runs them on one cell at a time and the simulation on a hundred thousand, so that what is proved is what runs.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tests.latency import statistics as st
from tests.latency import thresholds as limits
from tests.latency.log_ratios import Evidence
from tests.latency.samples import Metric
from tests.latency.statistics import Bools, Floats


class Said(IntEnum):
    """What one look says of a cell."""

    OPEN = 0
    INVALID = 1
    MOVED = 2
    SLOWER = 3
    FASTER = 4
    SAME = 5


class MachineState(IntEnum):
    """What a control says of the machine."""

    STEADY = 0
    BIASED = 1
    """The two sides of identical code differ."""
    DRIFTED = 2
    """Identical code takes another time in the second half of the run."""


def machine_state(control: Evidence, metric: Metric) -> NDArray[np.int64]:
    """Return what controls say, of shape (...): see `MachineState`. Their figures must be sound."""
    least = np.log1p(limits.MINIMUM_EFFECT[metric])
    slower = exceeds(control, least, limits.CONTROL_ERROR)
    faster = exceeds(mirrored(control), least, limits.CONTROL_ERROR)
    drifted = np.abs(drift(control)) > np.log1p(limits.DRIFT[metric])
    return np.select([slower | faster, drifted], [MachineState.BIASED, MachineState.DRIFTED], MachineState.STEADY)


def drift(control: Evidence) -> Floats:
    """Return the log-ratio of a control's own time, second half of the draws over first half; shape (...)."""
    half = control.log_times.shape[-1] // 2
    first, second = control.log_times[..., :half], control.log_times[..., half:]
    return np.median(second, axis=-1) - np.median(first, axis=-1)


def screening(
    sides: Evidence, moved: Bools, metric: Metric, family: int, look: int, is_last: bool
) -> NDArray[np.int64]:
    """Return the `Said` of each cell at a look of the first process, of shape (...).

    Args:
        sides: draws of base and head up to this look.
        moved: shape (...), whether a control says that the machine moved.
        metric: what was measured.
        family: number of cells and metrics that are decided in this run.
        look: index into `thresholds.LOOKS`.
        is_last: whether no look follows.
    """
    least = np.log1p(limits.MINIMUM_EFFECT[metric])
    error = limits.SCREENING_ERROR * limits.FLAG_SPENDING[look] / family
    slower = exceeds(sides, least, error)
    faster = exceeds(mirrored(sides), least, error)
    same = is_same(sides, metric, limits.MISSED * limits.SAME_SPENDING[look], is_last)
    return _in_order(sides, moved, slower, faster, same)


def confirmation(
    sides: Evidence, moved: Bools, confirmed: Bools, is_slower: Bools, metric: Metric, look: int, is_last: bool
) -> NDArray[np.int64]:
    """Return the `Said` of each flagged cell at a look of the second process, of shape (...).

    Args:
        sides: fresh draws up to this look.
        moved: shape (...), whether a control says that the machine moved.
        confirmed: shape (...), whether Holm's procedure over all flagged cells confirmed the flag.
        is_slower: shape (...), whether the flag said slower.
        metric: what was measured.
        look: index into `thresholds.CONFIRMATION_LOOKS`.
        is_last: whether no look follows.
    """
    same = is_same(sides, metric, limits.MISSED * limits.CONFIRMATION_SPENDING[look], is_last)
    return _in_order(sides, moved, confirmed & is_slower, confirmed & ~is_slower, same)


def _in_order(sides: Evidence, moved: Bools, slower: Bools, faster: Bools, same: Bools) -> NDArray[np.int64]:
    return np.select(
        [sides.trouble != 0, moved, slower, faster, same],
        [Said.INVALID, Said.MOVED, Said.SLOWER, Said.FASTER, Said.SAME],
        Said.OPEN,
    )


def is_same(sides: Evidence, metric: Metric, error: float, is_last: bool) -> Bools:
    """Return whether a slowdown of the cell's `same_below` is ruled out at an error; shape (...).

    Before the last look, a speed-up of that size must be ruled out too: a cell that may be faster gets the draws to
    show it.
    """
    bound = np.log1p(limits.same_below(metric, sides.microseconds))
    not_slower = exceeds(mirrored(sides), -bound, error)
    return not_slower if is_last else not_slower & exceeds(sides, -bound, error)


def exceeds(sides: Evidence, at: Floats | float, error: float) -> Bools:
    """Return whether the log-ratio lies above `at` with certainty, of shape (...).

    Two tests must agree. Student's t on the trimmed mean sees how far above; it trusts that what is left after
    trimming is roughly normal. The exact signed-rank test trusts symmetry alone.
    """
    at = np.broadcast_to(np.asarray(at, float), sides.microseconds.shape)
    if error <= 0:
        return np.zeros(at.shape, bool)
    found = sides.estimate
    above = np.asarray(found.center - found.margin(error) > at)
    if above.any():
        above[above] = st.signed_rank_tail(sides.log_ratios[above], at[above]) <= error
    return above


def p_values(sides: Evidence, at: float) -> Floats:
    """Return the error at which `exceeds` begins to say yes, of shape (...): the larger of the two tests' own.

    Past `thresholds.FALSE_ALARM`, where no procedure rejects, it may be less than that.
    """
    found = sides.estimate
    p_values = np.asarray(st.signed_rank_tail(sides.log_ratios, np.full(sides.microseconds.shape, at)))
    distances = (found.center - at) / np.where(found.standard_error > 0, found.standard_error, np.inf)
    for index in zip(*np.nonzero(p_values <= limits.FALSE_ALARM), strict=True):
        by_t = st.student_t_tail(float(distances[index]), found.degrees_of_freedom)
        p_values[index] = max(by_t, p_values[index])
    return p_values


def mirrored(sides: Evidence) -> Evidence:
    """Return the evidence with its sides exchanged, as far as its log-ratios go."""
    return Evidence(-sides.log_ratios, sides.log_times, sides.microseconds, sides.rounding, sides.trouble)


def smallest_visible(sides: Evidence, metric: Metric, family: int) -> Floats:
    """Return the relative slowdown that draws like these flag in nine of ten runs, of shape (...).

    At least what SAME rules out: a smaller one may end as SAME at an early look, although more draws would show it.
    """
    found = sides.estimate
    error = limits.SCREENING_ERROR * limits.FLAG_SPENDING[-1] / family
    reach = found.margin(error) + found.margin(1 - limits.VISIBLE_POWER)
    by_scatter = np.expm1(np.log1p(limits.MINIMUM_EFFECT[metric]) + reach)
    return np.maximum(by_scatter, limits.same_below(metric, sides.microseconds))
