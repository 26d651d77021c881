"""From replays to one log-ratio a draw, or what is wrong with the figures. Arrays of any number of cells.

A draw is the unit of evidence, because the replays within it share their memory and so their bias. It is measured in
blocks of A B B A. A replay is set against its neighbour of the other side, so a step of the clock spoils one pair; in a
block, one pair has base first and one has it last, so a steady drift cancels; a quarter of the pairs is cut on either
side, so bursts that hit single replays do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tests.latency import statistics as st
from tests.latency.samples import Draw
from tests.latency.statistics import Bools, Floats
from tests.latency.thresholds import REPLAY_TRIM, STUCK_SHARE

_SAME_READING = 1e-9
"""Relative difference below which two readings are one, divided by the number of calls."""


class Trouble(IntEnum):
    """What makes figures unfit for any decision."""

    NONE = 0
    NOT_FINITE = 1
    NOT_POSITIVE = 2
    STUCK = 3

    @property
    def told(self) -> str:
        """The trouble in words, to follow "the clock returned"."""
        return {
            Trouble.NONE: "sound figures",
            Trouble.NOT_FINITE: "times that are not finite numbers",
            Trouble.NOT_POSITIVE: "times of zero or less",
            Trouble.STUCK: "the same time again and again; it is stuck, or too coarse for these replays",
        }[self]


class Malformed(Exception):
    """Samples are not in the shape of A B B A blocks; the text says what was expected and found."""


@dataclass(frozen=True)
class Evidence:
    """What the draws of cells say. Leading axes are cells."""

    log_ratios: Floats
    """Shape (..., draws): natural logarithm of head's time over base's."""
    log_times: Floats
    """Shape (..., draws): natural logarithm of the seconds of both sides, to see the machine move."""
    microseconds: Floats
    """Shape (...): of a call of the base, the median over draws."""
    rounding: Floats
    """Shape (...): the standard deviation that the clock's resolution alone gives a draw."""
    trouble: NDArray[np.int64]
    """Shape (...): a `Trouble`. Where there is one, the rest means nothing."""

    @property
    def estimate(self) -> st.Estimate:
        """The log-ratio over all draws."""
        return st.estimate(self.log_ratios, self.rounding)


def arrays_of(draws: Sequence[Draw]) -> tuple[Floats, Floats]:
    """Return the seconds of base and of head, each of shape (draws, replays).

    Raises:
        Malformed: sides or draws differ in their number of replays, or it is odd or zero.
    """
    counts = {len(side) for draw in draws for side in (draw.base, draw.head)}
    if len(counts) != 1:
        raise Malformed(f"expected as many replays of either side in every draw, got {sorted(counts)}")
    count = counts.pop()
    if count == 0 or count % 2:
        raise Malformed(f"expected blocks of two replays of each side, got {count} replays")
    return np.array([draw.base for draw in draws], float), np.array([draw.head for draw in draws], float)


def weigh(base: Floats, head: Floats) -> Evidence:
    """Return what replays say.

    Args:
        base: seconds a call, shape (..., draws, replays), in the order of measurement; replays is even.
        head: the same of the other side.
    """
    trouble = _trouble(base, head)
    is_sound = trouble == Trouble.NONE
    if not is_sound.all():  # keep unfit figures out of the arithmetic; `trouble` keeps them out of decisions
        unfit = ~is_sound[..., None, None]
        base, head = np.where(unfit, 1.0, base), np.where(unfit, 1.0, head)
    base_times = base.mean(axis=-1)
    return Evidence(
        log_ratios=st.trimmed_mean(np.log(head / base), REPLAY_TRIM),
        log_times=np.log(base_times + head.mean(axis=-1)),
        microseconds=np.median(base_times, axis=-1) * 1e6,
        rounding=_rounding(base, head),
        trouble=trouble,
    )


def weigh_draws(draws: Sequence[Draw]) -> Evidence:
    """Return what draws of one cell say, as arrays of one cell.

    Raises:
        Malformed: see `arrays_of`.
    """
    base, head = arrays_of(draws)
    return weigh(base[None], head[None])


def _trouble(base: Floats, head: Floats) -> NDArray[np.int64]:
    replays = (-2, -1)
    finite = np.isfinite(base).all(axis=replays) & np.isfinite(head).all(axis=replays)
    positive = (base > 0).all(axis=replays) & (head > 0).all(axis=replays)
    still = _is_still(base, (-1,)) & _is_still(head, (-1,))
    stuck = _is_still(base, replays) | _is_still(head, replays) | (still.mean(axis=-1) > STUCK_SHARE)
    conditions = [~finite, ~positive, stuck]
    return np.select(conditions, [Trouble.NOT_FINITE, Trouble.NOT_POSITIVE, Trouble.STUCK], Trouble.NONE)


def _is_still(seconds: Floats, axes: tuple[int, ...]) -> Bools:
    with np.errstate(invalid="ignore"):
        lowest, highest = seconds.min(axis=axes), seconds.max(axis=axes)
        return highest - lowest <= _SAME_READING * np.abs(highest)


def _rounding(base: Floats, head: Floats) -> Floats:
    """Return the standard deviation of a draw's log-ratio that comes from reading a clock in steps.

    The step is the least difference between two readings. On a clock without visible steps it is next to nothing.
    """
    readings = np.concatenate([base, head], axis=-1)
    *cells, draws, replays = readings.shape
    readings = np.sort(readings.reshape(*cells, draws * replays), axis=-1)
    middle = readings[..., readings.shape[-1] // 2]
    steps = np.diff(readings, axis=-1)
    steps = np.where(steps > _SAME_READING * middle[..., None], steps, np.inf).min(axis=-1)
    step = np.where(np.isfinite(steps), steps / middle, 0.0)
    return step / np.sqrt(12.0)
